#include "query/time_label.h"

#include <gtest/gtest.h>

namespace athena::query {
namespace {

using Granularity = Grouping::Granularity;

std::string label(std::string_view text, Granularity granularity) {
  const auto time = read_time(text);
  if (!time) return "no time";
  std::string out;
  append_time_label(out, truncate_time(*time, granularity), granularity);
  return out;
}

TEST(TimeLabel, GranularitiesInUtc) {
  struct Case {
    std::string_view text, day, minute;
  };
  const Case cases[] = {
      {"2026-03-01", "2026-03-01", "2026-03-01 00:00"},
      {"2026-03-01T08:15:59.999999+00:00", "2026-03-01", "2026-03-01 08:15"},
      {"2026-03-01 08:15:00", "2026-03-01", "2026-03-01 08:15"},
      {"2026-03-01T08:15", "2026-03-01", "2026-03-01 08:15"},
      {"2026-03-01T08:15Z", "2026-03-01", "2026-03-01 08:15"},
      {"2026-03-01t08:15:30z", "2026-03-01", "2026-03-01 08:15"},
      {"2026-03-01T23:30:00-01:00", "2026-03-02", "2026-03-02 00:30"},
      {"2026-03-01T00:30:00+01", "2026-02-28", "2026-02-28 23:30"},
      {"2026-03-01T00:15:00+0530", "2026-02-28", "2026-02-28 18:45"},
      {"2026-03-01T00:15:00+05:30:30", "2026-02-28", "2026-02-28 18:44"},
      {"2024-02-29T23:59:60Z", "2024-02-29", "2024-02-29 23:59"},
      {"2024-02-28T24:00:00Z", "2024-02-29", "2024-02-29 00:00"},
      {"2026-03-01T08:15:30,5Z", "2026-03-01", "2026-03-01 08:15"},
      {"1969-12-31T23:59:59Z", "1969-12-31", "1969-12-31 23:59"},
      {"1900-03-01", "1900-03-01", "1900-03-01 00:00"},
      {"0001-01-01", "0001-01-01", "0001-01-01 00:00"},
      {"0000-12-31", "0001-12-31 BC", "0001-12-31 00:00 BC"},
      {"0044-03-15T12:30:00+00:00 BC", "0044-03-15 BC", "0044-03-15 12:30 BC"},
      {"0001-12-31T23:30:00-01:00 BC", "0001-01-01", "0001-01-01 00:30"},
      {"294276-12-31T23:59:59.999999", "294276-12-31", "294276-12-31 23:59"},
      {"4713-01-01 BC", "4713-01-01 BC", "4713-01-01 00:00 BC"},
  };
  for (const auto& each : cases) {
    EXPECT_EQ(label(each.text, Granularity::day), each.day) << each.text;
    EXPECT_EQ(label(each.text, Granularity::minute), each.minute) << each.text;
  }
  EXPECT_EQ(label("2026-03-01T08:59:59", Granularity::hour), "2026-03-01 08:00");
  EXPECT_EQ(label("1969-12-31T00:59:59", Granularity::hour), "1969-12-31 00:00");
}

TEST(TimeLabel, WhatIsNoTime) {
  for (const std::string_view text : {"",
                                      "2026",
                                      "2026-03",
                                      "26-03-01",
                                      "2026-3-1",
                                      "2026-13-01",
                                      "2026-00-10",
                                      "2026-02-29",
                                      "2026-02-30",
                                      "2026-04-31",
                                      "2026-03-00",
                                      "1900-02-29",
                                      "2026-03-01T",
                                      "2026-03-01 ",
                                      "2026-03-01x",
                                      "2026-03-01T8:00",
                                      "2026-03-01T08",
                                      "2026-03-01T25:00",
                                      "2026-03-01T24:01",
                                      "2026-03-01T08:60",
                                      "2026-03-01T08:00:61",
                                      "2026-03-01T08:00:00.",
                                      "2026-03-01T08:00:00+",
                                      "2026-03-01T08:00:00+1",
                                      "2026-03-01T08:00:00+24",
                                      "2026-03-01T08:00:00+01:60",
                                      "2026-03-01T08:00:00+01:00x",
                                      "2026-03-01T08:00:00ZZ",
                                      "2026-03-01T08:00:00 AD",
                                      "1234567-01-01",
                                      "-2026-01-01",
                                      "0000-01-01 BC",
                                      " BC",
                                      "BC",
                                      "infinity",
                                      "08:00:00",
                                      "10",
                                      "2026-03-01  08:00",
                                      "20260301",
                                      "2026-03-01\n"}) {
    EXPECT_FALSE(read_time(text)) << text;
  }
}

TEST(TimeLabel, EveryDayOfManyYearsComesBack) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  std::optional<std::int64_t> before;
  for (int year = 1580; year <= 2110; ++year) {
    const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    for (int month = 1; month <= 12; ++month) {
      for (int day = 1; day <= kDays[month - 1] + (month == 2 && leap ? 1 : 0); ++day) {
        char text[16];
        std::snprintf(text, sizeof text, "%04d-%02d-%02d", year, month, day);
        ASSERT_EQ(label(text, Granularity::day), text);
        const auto time = read_time(text);
        if (before) {
          ASSERT_EQ(*time, *before + 86400) << text;
        }
        before = time;
      }
    }
  }
  EXPECT_EQ(read_time("1970-01-01T00:00:01"), 1);
  EXPECT_EQ(read_time("2026-03-01T08:00:00Z"), 1772352000);
}

TEST(TimeLabel, Infinities) {
  for (const auto granularity : {Granularity::day, Granularity::hour, Granularity::minute}) {
    std::string out;
    append_time_label(out, truncate_time(kBeforeAllTime, granularity), granularity);
    append_time_label(out, truncate_time(kBehindAllTime, granularity), granularity);
    EXPECT_EQ(out, "-infinityinfinity");
  }
}

}  // namespace
}  // namespace athena::query

#include "base/iso_time.h"

#include <gtest/gtest.h>

namespace athena::base {
namespace {

TEST(IsoTime, WritesUtcWithThreeFractionDigits) {
  EXPECT_EQ(iso_time(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(iso_time(1772352000123), "2026-03-01T08:00:00.123Z");
  EXPECT_EQ(iso_time(-1), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(iso_time(951782400000), "2000-02-29T00:00:00.000Z");
}

TEST(IsoTime, ReadsWhatItWrites) {
  for (const std::int64_t time : {0L, 1772352000123L, -1L, 951782400000L, 253402300799999L})
    EXPECT_EQ(parse_iso_time(iso_time(time)), time);
}

TEST(IsoTime, TakesOffsetsAndFractions) {
  EXPECT_EQ(parse_iso_time("2026-03-01T10:00:00+02:00"), 1772352000000);
  EXPECT_EQ(parse_iso_time("2026-03-01T02:30:00.5-05:30"), 1772352000500);
  EXPECT_EQ(parse_iso_time("2026-03-01T08:00:00.1239999z"), 1772352000123);
  EXPECT_EQ(parse_iso_time("2026-03-01 08:00:00Z"), 1772352000000);
}

TEST(IsoTime, RefusesEverythingElse) {
  for (const auto* text :
       {"", "2026-03-01", "2026-03-01T08:00:00", "2026-02-30T00:00:00Z", "2026-13-01T00:00:00Z",
        "2026-03-01T24:00:00Z", "2026-03-01T08:60:00Z", "2026-03-01T08:00:60Z", "2026-03-01T08:00:00.Z",
        "2026-03-01T08:00:00+24:00", "2026-03-01T08:00:00+0200", "2026-03-01T08:00:00Z ",
        "x026-03-01T08:00:00Z", "2026-03-01T08:00Z", "26-03-01T08:00:00Z", "2026-00-10T00:00:00Z"}) {
    EXPECT_FALSE(parse_iso_time(text)) << text;
  }
}

}  // namespace
}  // namespace athena::base

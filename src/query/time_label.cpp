#include "query/time_label.h"

#include <algorithm>
#include <array>

namespace athena::query {
namespace {

constexpr std::int64_t kSecondsOfDay = 86'400;

/// Days since 1970-01-01 of a date of the proleptic Gregorian calendar; year 0 is 1 BC.
std::int64_t days_from_date(std::int64_t year, int month, int day) {
  // Years that begin in March have their leap day at the end.
  year -= month <= 2 ? 1 : 0;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const std::int64_t year_of_era = year - era * 400;
  const std::int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const std::int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + day_of_era - 719'468;
}

struct Date {
  std::int64_t year;
  int month;
  int day;
};

Date date_from_days(std::int64_t days) {
  days += 719'468;
  const std::int64_t era = (days >= 0 ? days : days - 146'096) / 146'097;
  const std::int64_t day_of_era = days - era * 146'097;
  const std::int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const std::int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t shifted = (5 * day_of_year + 2) / 153;
  const int month = static_cast<int>(shifted < 10 ? shifted + 3 : shifted - 9);
  return {.year = year_of_era + era * 400 + (month <= 2 ? 1 : 0),
          .month = month,
          .day = static_cast<int>(day_of_year - (153 * shifted + 2) / 5 + 1)};
}

bool is_leap(std::int64_t year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int days_of_month(std::int64_t year, int month) {
  constexpr std::array<int, 12> kDays{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap(year) ? 29 : kDays[static_cast<std::size_t>(month - 1)];
}

/// Takes a text apart from its front.
class Reader {
 public:
  explicit Reader(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  [[nodiscard]] bool done() const { return at_ == end_; }
  [[nodiscard]] bool next_is_digit() const { return at_ != end_ && is_digit(*at_); }
  bool take(char c) {
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }
  /// Two digits of at most `max`.
  bool two(int& value, int max) {
    if (end_ - at_ < 2 || !is_digit(at_[0]) || !is_digit(at_[1])) return false;
    value = (at_[0] - '0') * 10 + (at_[1] - '0');
    at_ += 2;
    return value <= max;
  }
  /// Between `least` and `most` digits.
  bool digits(std::int64_t& value, int least, int most) {
    int count = 0;
    value = 0;
    for (; next_is_digit() && count < most; ++count) value = value * 10 + (*at_++ - '0');
    return count >= least && !next_is_digit();
  }
  bool skip_digits() {
    if (!next_is_digit()) return false;
    while (next_is_digit()) ++at_;
    return true;
  }

 private:
  static bool is_digit(char c) { return static_cast<unsigned char>(c - '0') < 10; }

  const char* at_;
  const char* end_;
};

bool read_date(Reader& in, Date& date) {
  return in.digits(date.year, 4, 6) && in.take('-') && in.two(date.month, 12) && date.month != 0 &&
         in.take('-') && in.two(date.day, 31) && date.day != 0;
}

bool read_clock(Reader& in, std::int64_t& seconds) {
  int hour = 0;
  int minute = 0;
  int second = 0;
  if (!in.two(hour, 24) || !in.take(':') || !in.two(minute, 59)) return false;
  if (in.take(':')) {
    if (!in.two(second, 60)) return false;
    if ((in.take('.') || in.take(',')) && !in.skip_digits()) return false;
  }
  if (hour == 24 && (minute != 0 || second != 0)) return false;
  // A leap second belongs to the minute that it ends.
  seconds = hour * 3600 + minute * 60 + std::min(second, 59);
  return true;
}

/// The offset in seconds, 0 when there is none.
bool read_zone(Reader& in, std::int64_t& offset) {
  if (in.take('Z') || in.take('z')) return true;
  const bool negative = in.take('-');
  if (!negative && !in.take('+')) return true;
  int hour = 0;
  int minute = 0;
  int second = 0;
  if (!in.two(hour, 23)) return false;
  if (in.take(':')) {
    if (!in.two(minute, 59) || (in.take(':') && !in.two(second, 59))) return false;
  } else if (in.next_is_digit() && !in.two(minute, 59)) {
    return false;
  }
  offset = hour * 3600 + minute * 60 + second;
  if (negative) offset = -offset;
  return true;
}

std::int64_t floor_divide(std::int64_t value, std::int64_t divisor) {
  return value >= 0 ? value / divisor : -((divisor - 1 - value) / divisor);
}

std::int64_t seconds_of(Grouping::Granularity granularity) {
  switch (granularity) {
    case Grouping::Granularity::hour:
      return 3600;
    case Grouping::Granularity::minute:
      return 60;
    case Grouping::Granularity::none:
    case Grouping::Granularity::day:
      break;
  }
  return kSecondsOfDay;
}

void append_two(std::string& out, std::int64_t value) {
  const char digits[2] = {static_cast<char>('0' + value / 10), static_cast<char>('0' + value % 10)};
  out.append(digits, 2);
}

void append_year(std::string& out, std::int64_t year) {
  if (year > 9999) {
    out.append(std::to_string(year));
    return;
  }
  append_two(out, year / 100);
  append_two(out, year % 100);
}

}  // namespace

std::optional<std::int64_t> read_time(std::string_view text) {
  constexpr std::string_view kBeforeChrist = " BC";
  const bool before_christ = text.ends_with(kBeforeChrist);
  if (before_christ) text.remove_suffix(kBeforeChrist.size());
  Reader in(text);
  Date date{};
  std::int64_t clock = 0;
  std::int64_t offset = 0;
  if (!read_date(in, date)) return std::nullopt;
  if (before_christ) {
    if (date.year == 0) return std::nullopt;
    date.year = 1 - date.year;
  }
  if (date.day > days_of_month(date.year, date.month)) return std::nullopt;
  if (!in.done()) {
    if (!in.take('T') && !in.take(' ') && !in.take('t')) return std::nullopt;
    if (!read_clock(in, clock) || !read_zone(in, offset) || !in.done()) return std::nullopt;
  }
  return days_from_date(date.year, date.month, date.day) * kSecondsOfDay + clock - offset;
}

std::int64_t truncate_time(std::int64_t seconds, Grouping::Granularity granularity) {
  if (seconds == kBeforeAllTime || seconds == kBehindAllTime) return seconds;
  return floor_divide(seconds, seconds_of(granularity));
}

void append_time_label(std::string& out, std::int64_t units, Grouping::Granularity granularity) {
  if (units == kBeforeAllTime || units == kBehindAllTime) {
    out.append(units == kBeforeAllTime ? "-infinity" : "infinity");
    return;
  }
  const std::int64_t seconds = units * seconds_of(granularity);
  const std::int64_t days = floor_divide(seconds, kSecondsOfDay);
  const std::int64_t minutes = (seconds - days * kSecondsOfDay) / 60;
  const Date date = date_from_days(days);
  append_year(out, date.year > 0 ? date.year : 1 - date.year);
  out.push_back('-');
  append_two(out, date.month);
  out.push_back('-');
  append_two(out, date.day);
  if (granularity == Grouping::Granularity::hour || granularity == Grouping::Granularity::minute) {
    out.push_back(' ');
    append_two(out, minutes / 60);
    out.push_back(':');
    append_two(out, minutes % 60);
  }
  if (date.year <= 0) out.append(" BC");
}

}  // namespace athena::query

#include "base/iso_time.h"

#include <chrono>
#include <cstdio>

namespace athena::base {
namespace {

using std::chrono::day;
using std::chrono::days;
using std::chrono::floor;
using std::chrono::hh_mm_ss;
using std::chrono::milliseconds;
using std::chrono::month;
using std::chrono::sys_days;
using std::chrono::sys_time;
using std::chrono::year;
using std::chrono::year_month_day;

/// Cuts `digits` digits off the front.
bool take_number(std::string_view& text, std::size_t digits, int& number) {
  if (text.size() < digits) return false;
  number = 0;
  for (const char c : text.substr(0, digits)) {
    if (c < '0' || c > '9') return false;
    number = number * 10 + (c - '0');
  }
  text.remove_prefix(digits);
  return true;
}

bool take(std::string_view& text, std::string_view choices) {
  if (text.empty() || choices.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

/// `.123456` → 123; true when there is none.
bool take_fraction(std::string_view& text, int& thousandths) {
  thousandths = 0;
  if (!take(text, ".")) return true;
  int weight = 100;
  std::size_t digits = 0;
  for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9'; ++digits) {
    thousandths += weight * (text[digits] - '0');
    weight /= 10;
  }
  text.remove_prefix(digits);
  return digits > 0;
}

bool take_offset(std::string_view& text, int& minutes) {
  minutes = 0;
  if (take(text, "Zz")) return true;
  if (text.empty()) return false;
  const int sign = text.front() == '-' ? -1 : 1;
  int hours = 0;
  int rest = 0;
  if (!take(text, "+-") || !take_number(text, 2, hours) || !take(text, ":") || !take_number(text, 2, rest))
    return false;
  minutes = sign * (hours * 60 + rest);
  return hours <= 23 && rest <= 59;
}

}  // namespace

std::string iso_time(std::int64_t unix_ms) {
  const sys_time<milliseconds> time{milliseconds(unix_ms)};
  const auto midnight = floor<days>(time);
  const year_month_day date{midnight};
  const hh_mm_ss clock{time - midnight};
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
  return text;
}

std::optional<std::int64_t> parse_iso_time(std::string_view text) {
  int y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0, fraction = 0, offset = 0;
  const bool read = take_number(text, 4, y) && take(text, "-") && take_number(text, 2, mo) &&
                    take(text, "-") && take_number(text, 2, d) && take(text, "Tt ") &&
                    take_number(text, 2, h) && take(text, ":") && take_number(text, 2, mi) &&
                    take(text, ":") && take_number(text, 2, s) && take_fraction(text, fraction) &&
                    take_offset(text, offset) && text.empty();
  const year_month_day date{year(y), month(static_cast<unsigned>(mo)), day(static_cast<unsigned>(d))};
  if (!read || !date.ok() || h > 23 || mi > 59 || s > 59) return std::nullopt;
  const std::int64_t minutes =
      (std::int64_t{sys_days(date).time_since_epoch().count()} * 24 + h) * 60 + mi - offset;
  return (minutes * 60 + s) * 1000 + fraction;
}

}  // namespace athena::base

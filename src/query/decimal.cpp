#include "query/decimal.h"

#include <algorithm>
#include <array>
#include <boost/multiprecision/cpp_int.hpp>
#include <string>

namespace athena::query {

using boost::multiprecision::cpp_int;

struct Decimal::Big {
  cpp_int value;
};

void Decimal::Free::operator()(Big* big) const {
  delete big;
}

namespace {

using Int128 = __int128;
using Unsigned128 = unsigned __int128;

constexpr std::uint64_t kChunk = 1'000'000'000'000'000'000;
constexpr int kChunkDigits = 18;
/// Powers of ten that 128 bits hold.
constexpr int kSmallPowers = 39;
/// Digits that stay clear of the limit of 128 bits, so that sums have room too.
constexpr std::int64_t kSmallDigits = 36;
constexpr int kAverageScale = 16;

constexpr auto kPowers = [] {
  std::array<Int128, kSmallPowers> powers{};
  Int128 power = 1;
  for (int i = 0; i < kSmallPowers; ++i) {
    powers[static_cast<std::size_t>(i)] = power;
    if (i + 1 < kSmallPowers) power *= 10;
  }
  return powers;
}();

cpp_int power_of_ten(std::uint32_t exponent) {
  if (exponent < kSmallPowers) return cpp_int(kPowers[exponent]);
  return boost::multiprecision::pow(cpp_int(10), exponent);
}

bool is_digit(char c) {
  return static_cast<unsigned char>(c - '0') < 10;
}

std::size_t count_digits(std::string_view text) {
  std::size_t count = 0;
  while (count < text.size() && is_digit(text[count])) ++count;
  return count;
}

std::string_view without_spaces(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

/// The parts of a number's text.
struct Parts {
  bool negative = false;
  std::string_view whole;
  std::string_view fraction;
  std::int64_t exponent = 0;
};

/// Exponents beyond this are all the same: the number is too long, or zero.
constexpr std::int64_t kHugeExponent = 1'000'000'000'000;

bool read_exponent(std::string_view text, std::int64_t& exponent) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text.empty() || count_digits(text) != text.size()) return false;
  for (const char c : text) exponent = std::min(exponent * 10 + (c - '0'), kHugeExponent);
  if (negative) exponent = -exponent;
  return true;
}

bool split(std::string_view text, Parts& parts) {
  text = without_spaces(text);
  parts.negative = text.starts_with('-');
  if (parts.negative || text.starts_with('+')) text.remove_prefix(1);
  parts.whole = text.substr(0, count_digits(text));
  text.remove_prefix(parts.whole.size());
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    parts.fraction = text.substr(0, count_digits(text));
    text.remove_prefix(parts.fraction.size());
  }
  if (parts.whole.empty() && parts.fraction.empty()) return false;
  if (text.empty()) return true;
  if (text.front() != 'e' && text.front() != 'E') return false;
  return read_exponent(text.substr(1), parts.exponent);
}

void append_small(char*& to, Unsigned128 value) {
  std::array<char, 40> digits{};
  char* const end = digits.data() + digits.size();
  char* at = end;
  // 128-bit divisions are calls, so there are as few as possible.
  while (value >= kChunk) {
    auto low = static_cast<std::uint64_t>(value % kChunk);
    value /= kChunk;
    for (int i = 0; i < kChunkDigits; ++i, low /= 10) *--at = static_cast<char>('0' + low % 10);
  }
  auto high = static_cast<std::uint64_t>(value);
  do {
    *--at = static_cast<char>('0' + high % 10);
    high /= 10;
  } while (high != 0);
  to = std::copy(at, end, to);
}

/// `digits` with a point before the last `scale` of them.
void append_with_point(base::Buffer& out, bool negative, std::string_view digits, std::uint32_t scale) {
  if (negative) out.push_back('-');
  if (scale == 0) return out.append(digits);
  if (digits.size() > scale) {
    out.append(digits.substr(0, digits.size() - scale));
    digits.remove_prefix(digits.size() - scale);
    out.push_back('.');
  } else {
    out.append("0.");
    for (std::size_t i = digits.size(); i < scale; ++i) out.push_back('0');
  }
  out.append(digits);
}

/// Quotient rounded half to even; `divisor` is positive.
template <class Integer>
Integer divide_half_even(const Integer& value, const Integer& divisor) {
  Integer quotient = value / divisor;
  Integer rest = value % divisor;
  const bool negative = value < 0;
  if (negative) rest = -rest;
  const Integer other_half = divisor - rest;
  const bool odd = quotient % 2 != 0;
  if (rest > other_half || (rest == other_half && odd)) quotient += negative ? -1 : 1;
  return quotient;
}

}  // namespace

Decimal::Reading Decimal::read(std::string_view text, Decimal& out) {
  Parts parts;
  if (!split(text, parts)) return Reading::no_number;
  const auto fraction_size = static_cast<std::int64_t>(parts.fraction.size());
  std::int64_t scale = fraction_size - parts.exponent;
  parts.whole.remove_prefix(std::min(parts.whole.find_first_not_of('0'), parts.whole.size()));
  if (parts.whole.empty()) {
    parts.fraction.remove_prefix(std::min(parts.fraction.find_first_not_of('0'), parts.fraction.size()));
  }
  const auto size = static_cast<std::int64_t>(parts.whole.size() + parts.fraction.size());
  std::int64_t zeros = 0;  // to be added behind the digits
  if (scale < 0) {
    if (size != 0) zeros = -scale;
    scale = 0;
  }
  // Written without an exponent there are at least the digits of the scale, and all that precede them.
  const std::int64_t digits = std::max(size + zeros, scale);
  if (digits > kMaxDigits) return Reading::too_long;

  out.scale_ = static_cast<std::uint32_t>(scale);
  out.big_.reset();
  out.small_ = 0;
  if (size + zeros <= kChunkDigits) {
    std::uint64_t value = 0;
    for (const char c : parts.whole) value = value * 10 + static_cast<unsigned>(c - '0');
    for (const char c : parts.fraction) value = value * 10 + static_cast<unsigned>(c - '0');
    for (std::int64_t i = 0; i < zeros; ++i) value *= 10;
    out.small_ = parts.negative ? -static_cast<Int128>(value) : static_cast<Int128>(value);
    return Reading::number;
  }
  std::string all;
  all.reserve(static_cast<std::size_t>(size + zeros));
  all.append(parts.whole).append(parts.fraction).append(static_cast<std::size_t>(zeros), '0');
  if (size + zeros <= kSmallDigits) {
    Int128 value = 0;
    for (const char c : all) value = value * 10 + (c - '0');
    out.small_ = parts.negative ? -value : value;
    return Reading::number;
  }
  cpp_int value = 0;
  for (std::size_t at = 0; at < all.size(); at += kChunkDigits) {
    const std::string_view chunk = std::string_view(all).substr(at, kChunkDigits);
    std::uint64_t part = 0;
    for (const char c : chunk) part = part * 10 + static_cast<unsigned>(c - '0');
    value *= static_cast<std::uint64_t>(kPowers[chunk.size()]);
    value += part;
  }
  if (parts.negative) value = -value;
  out.become({std::move(value)});
  return Reading::number;
}

Decimal::Big Decimal::big() const {
  return big_ ? *big_ : Big{cpp_int(small_)};
}

void Decimal::become(Big value) {
  big_.reset(new Big(std::move(value)));
}

bool Decimal::add_small(const Decimal& other) {
  if (big_ || other.big_) return false;
  Int128 mine = small_;
  Int128 theirs = other.small_;
  if (scale_ != other.scale_) {
    const bool raise_mine = scale_ < other.scale_;
    const std::uint32_t steps = raise_mine ? other.scale_ - scale_ : scale_ - other.scale_;
    Int128& lower = raise_mine ? mine : theirs;
    if (steps >= kSmallPowers || __builtin_mul_overflow(lower, kPowers[steps], &lower)) return false;
  }
  if (__builtin_add_overflow(mine, theirs, &mine)) return false;
  small_ = mine;
  scale_ = std::max(scale_, other.scale_);
  return true;
}

void Decimal::add_big(const Decimal& other) {
  Big mine = big();
  Big theirs = other.big();
  if (scale_ < other.scale_) {
    mine.value *= power_of_ten(other.scale_ - scale_);
    scale_ = other.scale_;
  } else if (other.scale_ < scale_) {
    theirs.value *= power_of_ten(scale_ - other.scale_);
  }
  mine.value += theirs.value;
  become(std::move(mine));
}

void Decimal::add(const Decimal& other) {
  if (!add_small(other)) add_big(other);
}

int Decimal::compare(const Decimal& other) const {
  if (!big_ && !other.big_) {
    Int128 mine = small_;
    Int128 theirs = other.small_;
    const bool raise_mine = scale_ < other.scale_;
    const std::uint32_t steps = raise_mine ? other.scale_ - scale_ : scale_ - other.scale_;
    Int128& lower = raise_mine ? mine : theirs;
    if (steps < kSmallPowers && !__builtin_mul_overflow(lower, kPowers[steps], &lower))
      return mine < theirs ? -1 : mine > theirs ? 1 : 0;
  }
  cpp_int mine = big().value;
  cpp_int theirs = other.big().value;
  if (scale_ < other.scale_) mine *= power_of_ten(other.scale_ - scale_);
  if (other.scale_ < scale_) theirs *= power_of_ten(scale_ - other.scale_);
  return mine.compare(theirs);
}

bool Decimal::is_short_integer(std::int64_t& value) const {
  constexpr auto kLimit = static_cast<Int128>(kChunk);
  if (big_ || scale_ != 0 || small_ >= kLimit || small_ <= -kLimit) return false;
  value = static_cast<std::int64_t>(small_);
  return true;
}

void Decimal::append_to(base::Buffer& out) const {
  if (big_) {
    const bool negative = big_->value < 0;
    return append_with_point(out, negative, cpp_int(abs(big_->value)).str(), scale_);
  }
  std::array<char, 40> digits{};
  char* end = digits.data();
  append_small(end, small_ < 0 ? -static_cast<Unsigned128>(small_) : static_cast<Unsigned128>(small_));
  append_with_point(out, small_ < 0, {digits.data(), static_cast<std::size_t>(end - digits.data())}, scale_);
}

void Decimal::append_average(base::Buffer& out, std::int64_t count) const {
  Decimal average;
  average.scale_ = kAverageScale;
  Int128 scaled = small_;
  if (!big_ && scale_ <= kAverageScale &&
      !__builtin_mul_overflow(scaled, kPowers[kAverageScale - scale_], &scaled)) {
    average.small_ = divide_half_even<Int128>(scaled, count);
  } else {
    cpp_int value = big().value;
    cpp_int divisor = count;
    if (scale_ <= kAverageScale) {
      value *= power_of_ten(kAverageScale - scale_);
    } else {
      divisor *= power_of_ten(scale_ - kAverageScale);
    }
    average.become({divide_half_even<cpp_int>(value, divisor)});
  }
  average.append_key(out);
}

void Decimal::append_key(base::Buffer& out) const {
  append_to(out);
  if (scale_ == 0) return;
  std::size_t size = out.size();
  while (out.data()[size - 1] == '0') --size;
  if (out.data()[size - 1] == '.') --size;
  out.truncate(size);
}

}  // namespace athena::query

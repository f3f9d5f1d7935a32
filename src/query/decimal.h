#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/buffer.h"

namespace athena::query {

/// An exact decimal number: an integer of any size × 10^-scale. What fits into 128 bits takes no memory
/// beside it.
class Decimal {
 public:
  /// Digits that a number read from text may have when written without an exponent.
  static constexpr std::int64_t kMaxDigits = 1000;
  enum class Reading : std::uint8_t { number, no_number, too_long };

  Decimal() = default;

  /// Reads `[+-]digits[.digits][e[+-]digits]`, spaces around it allowed, one side of the point may be empty.
  /// `1e3` has the scale 0, `1e-7` the scale 7. NaN and infinities are no numbers. Linear in the text, and
  /// bounded in memory whatever the exponent says. `out` changes only when it is a number.
  static Reading read(std::string_view text, Decimal& out);

  /// The sum has the larger of the two scales.
  void add(const Decimal& other);
  /// Below, at or above zero as this is less than, equal to or greater than `other`; scales do not matter.
  [[nodiscard]] int compare(const Decimal& other) const;
  /// Whether it is an integer without fraction digits of at most 18 digits, which `value` then holds.
  [[nodiscard]] bool is_short_integer(std::int64_t& value) const;

  /// Plain notation with as many fraction digits as the scale says: `12.10`, `-0.05`.
  void append_to(base::Buffer& out) const;
  /// This ÷ `count` (> 0), rounded half to even at 16 fraction digits, without trailing zeros.
  void append_average(base::Buffer& out, std::int64_t count) const;
  /// Text that is the same for numerically equal values, and for no others. Not meant for people.
  void append_key(base::Buffer& out) const;

 private:
  struct Big;
  struct Free {
    void operator()(Big* big) const;
  };

  [[nodiscard]] Big big() const;
  void become(Big value);
  bool add_small(const Decimal& other);
  void add_big(const Decimal& other);

  __int128 small_ = 0;  // the integer while big_ is null
  std::unique_ptr<Big, Free> big_;
  std::uint32_t scale_ = 0;
};

}  // namespace athena::query

#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace athena::base {

using Clock = std::chrono::steady_clock;

/// The point in time by which a wait must have ended. Passed by value, last, to everything that can wait.
class Deadline {
 public:
  /// A deadline `duration` from now.
  static Deadline in(std::chrono::milliseconds duration) { return Deadline(Clock::now() + duration); }
  explicit constexpr Deadline(Clock::time_point at) : at_(at) {}

  [[nodiscard]] constexpr Clock::time_point at() const { return at_; }
  [[nodiscard]] bool expired() const { return Clock::now() >= at_; }
  /// What is left, never negative, rounded up so that a timer of this length is not early.
  [[nodiscard]] std::chrono::milliseconds remaining() const {
    return std::max(std::chrono::ceil<std::chrono::milliseconds>(at_ - Clock::now()),
                    std::chrono::milliseconds(0));
  }
  /// The earlier of this deadline and `duration` from now.
  [[nodiscard]] Deadline capped(std::chrono::milliseconds duration) const {
    return Deadline(std::min(at_, Clock::now() + duration));
  }

 private:
  Clock::time_point at_;
};

}  // namespace athena::base

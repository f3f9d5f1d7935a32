#pragma once

#include <boost/unordered/unordered_flat_map.hpp>

#include <chrono>
#include <cstdint>
#include <string_view>

#include "base/deadline.h"

namespace athena::postgres {

/// How long statements took lately, by shape (their text). Decides which are too slow to stand in a queue
/// with others. Shard-local; bounded, forgets everything when it is full.
class Shapes {
 public:
  explicit Shapes(std::chrono::milliseconds slow) : slow_us_(static_cast<float>(slow.count()) * 1000.0F) {}

  enum class Pace : std::uint8_t { unknown, quick, slow };
  [[nodiscard]] Pace pace(std::string_view sql) const {
    const auto found = shapes_.find(key(sql));
    if (found == shapes_.end()) return Pace::unknown;
    return found->second.slow ? Pace::slow : Pace::quick;
  }
  /// Slow from an average above the limit until it is below half of it.
  void note(std::string_view sql, std::chrono::microseconds took) {
    const auto us = static_cast<float>(took.count());
    if (shapes_.size() >= kMost) shapes_.clear();
    const auto [entry, fresh] = shapes_.try_emplace(key(sql), Shape{us, false});
    Shape& shape = entry->second;
    if (!fresh) shape.average_us += (us - shape.average_us) * kWeight;
    shape.slow = shape.slow ? shape.average_us >= slow_us_ / 2 : shape.average_us > slow_us_;
  }
  [[nodiscard]] std::size_t slow_count() const {
    std::size_t count = 0;
    for (const auto& [hash, shape] : shapes_) count += shape.slow ? 1 : 0;
    return count;
  }

 private:
  struct Shape {
    float average_us;
    bool slow;
  };
  static constexpr std::size_t kMost = 4096;
  static constexpr float kWeight = 0.2F;
  static std::uint64_t key(std::string_view sql) { return std::hash<std::string_view>{}(sql); }

  float slow_us_;
  boost::unordered_flat_map<std::uint64_t, Shape> shapes_;
};

/// Repeats are limited to a tenth of the requests of the last 10 s, at least 3. Shard-local.
class RetryBudget {
 public:
  void request() { slot(this_second()).requests++; }
  /// Takes one repeat, if there is any left.
  bool take() {
    const auto second = this_second();
    slot(second);
    std::uint64_t requests = 0, repeats = 0;
    for (const auto& entry : slots_) {
      if (second - entry.second >= kSeconds) continue;
      requests += entry.requests;
      repeats += entry.repeats;
    }
    if (repeats >= std::max<std::uint64_t>(requests / 10, 3)) return false;
    slot(second).repeats++;
    return true;
  }

 private:
  static constexpr std::int64_t kSeconds = 10;
  struct Slot {
    std::int64_t second = -kSeconds;
    std::uint64_t requests = 0, repeats = 0;
  };
  static std::int64_t this_second() {
    return std::chrono::duration_cast<std::chrono::seconds>(base::Clock::now().time_since_epoch()).count();
  }
  Slot& slot(std::int64_t second) {
    Slot& entry = slots_[static_cast<std::size_t>(second % kSeconds)];
    if (entry.second != second) entry = Slot{second, 0, 0};
    return entry;
  }
  Slot slots_[kSeconds];
};

}  // namespace athena::postgres

#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace athena::base {

/// Upper bounds of what is measured in seconds, and of what is counted.
inline constexpr std::array<double, 15> kSecondsBounds{.001, .0025, .005, .01, .025, .05, .1, .25,
                                                       .5,   1,     2.5,  5,   10,   20,  30};
inline constexpr std::array<double, 9> kCountBounds{1, 2, 4, 8, 16, 32, 64, 128, 256};

/// How often values fell between the bounds; the last bucket takes what is above all of them. Of one thread.
template <const auto& kBounds>
struct Histogram {
  std::array<std::uint64_t, kBounds.size() + 1> counts{};
  double sum = 0;

  static std::size_t bucket_of(double value) {
    return static_cast<std::size_t>(std::lower_bound(kBounds.begin(), kBounds.end(), value) -
                                    kBounds.begin());
  }
  void observe(double value) {
    ++counts[bucket_of(value)];
    sum += value;
  }
  void add(const Histogram& other) {
    for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += other.counts[i];
    sum += other.sum;
  }
};
using SecondsHistogram = Histogram<kSecondsBounds>;
using CountHistogram = Histogram<kCountBounds>;

/// The same for all threads.
template <const auto& kBounds>
class SharedHistogram {
 public:
  void observe(double value) {
    counts_[Histogram<kBounds>::bucket_of(value)].fetch_add(1, std::memory_order_relaxed);
    sum_.fetch_add(value, std::memory_order_relaxed);
  }
  void add(const Histogram<kBounds>& part) {
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      if (part.counts[i] != 0) counts_[i].fetch_add(part.counts[i], std::memory_order_relaxed);
    }
    sum_.fetch_add(part.sum, std::memory_order_relaxed);
  }
  [[nodiscard]] Histogram<kBounds> copy() const {
    Histogram<kBounds> result;
    for (std::size_t i = 0; i < counts_.size(); ++i)
      result.counts[i] = counts_[i].load(std::memory_order_relaxed);
    result.sum = sum_.load(std::memory_order_relaxed);
    return result;
  }

 private:
  std::array<std::atomic<std::uint64_t>, kBounds.size() + 1> counts_{};
  std::atomic<double> sum_{0};
};

}  // namespace athena::base

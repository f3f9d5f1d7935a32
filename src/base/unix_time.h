#pragma once

#include <chrono>
#include <cstdint>

namespace athena::base {

/// The wall clock in milliseconds since 1970, for what others are shown. Any thread.
inline std::int64_t unix_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace athena::base

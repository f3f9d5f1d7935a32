#pragma once

#include <algorithm>
#include <chrono>

#include "base/deadline.h"
#include "engines/backend.h"

namespace athena::postgres {

inline void trace_path(engines::Trace* trace, bool exclusive) {
  if (trace != nullptr)
    trace->path = exclusive ? engines::Trace::Path::exclusive : engines::Trace::Path::pipelined;
}

/// Measures waiting for those who ask; else it looks at no clock.
class WaitClock {
 public:
  explicit WaitClock(engines::Trace* trace)
      : trace_(trace != nullptr && trace->timed ? trace : nullptr),
        began_(trace_ != nullptr ? base::Clock::now() : base::Clock::time_point{}) {}

  /// All since the beginning was waiting.
  void waited() const {
    if (trace_ != nullptr) trace_->wait += since_beginning();
  }
  /// All but the server's work was.
  void waited_but_for(std::chrono::microseconds service_time) const {
    if (trace_ == nullptr) return;
    trace_->wait += std::max(since_beginning() - service_time, std::chrono::microseconds(0));
  }

 private:
  [[nodiscard]] std::chrono::microseconds since_beginning() const {
    return std::chrono::duration_cast<std::chrono::microseconds>(base::Clock::now() - began_);
  }
  engines::Trace* trace_;
  base::Clock::time_point began_;
};

}  // namespace athena::postgres

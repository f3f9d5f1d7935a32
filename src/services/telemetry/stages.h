#pragma once

#include "base/deadline.h"
#include "engines/backend.h"
#include "services/telemetry/metrics.h"

namespace athena::telemetry {

/// When a request passed from one stage to the next. Measured for some requests only.
struct StageTimes {
  bool wanted = false;
  bool sent = false;  ///< Server-Timing stands in the reply's head
  base::Clock::time_point begun{};
  base::Clock::time_point authenticated{};
  base::Clock::duration body_wait{};      ///< from there until the body was complete
  base::Clock::time_point handed_over{};  ///< to the engine
  base::Clock::time_point answered{};     ///< the engine has ended
  std::size_t engine = ShardNumbers::kEngines - 1;
  engines::Trace trace;
};

}  // namespace athena::telemetry

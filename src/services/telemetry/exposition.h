#pragma once

#include <span>
#include <string>

#include "engines/backend.h"
#include "services/telemetry/metrics.h"

namespace athena::telemetry {

/// One client's state at the time of a scrape.
struct ClientSample {
  const contract::ClientDefinition* definition;
  engines::BackendStatus status;
  bool has_engine;
};

/// Turns one scrape into the text format of Prometheus (0.0.4). Every family of what is built is listed, also
/// while it is empty. Runs on any thread; touches nothing shared.
class Exposition {
 public:
  /// `routes[i]` labels route index i; index −1 is `unmatched`.
  static std::string render(const ShardMetrics& total, const ProcessSample& process,
                            std::span<const RouteLabel> routes, std::span<const ClientSample> clients);
};

}  // namespace athena::telemetry

#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/running.h"
#include "api/snapshot.h"
#include "base/shard.h"
#include "http/exchange.h"
#include "http/router.h"
#include "http/server.h"
#include "services/auth/throttle.h"
#include "services/catalog/direct_side.h"
#include "services/records/shard_recorder.h"
#include "services/telemetry/access_record.h"
#include "services/telemetry/metrics.h"
#include "services/telemetry/scraper.h"

namespace athena::control {
class ControlPlane;
}
namespace athena::records {
class Records;
}

namespace athena::api {

class ClientSupport;
class Gateway;

/// Programs that were found at the start: their versions; empty = not there.
struct Tools {
  std::string pg_dump, pg_restore;
};

/// What all shards share and no reload changes. Immutable once the shards run, but for what is atomic inside.
struct ProcessContext {
  base::ShardGroup& shards;
  const http::Server* server = nullptr;      ///< set before the first request
  std::vector<Gateway*> gateways = {};       ///< one per shard, in shard order
  catalog::DirectPools* direct = nullptr;    ///< set before the first gateway
  control::ControlPlane* control = nullptr;  ///< null: no store; set before the first request
  const ClientSupport* clients = nullptr;    ///< set before the first request
  records::Records* records = nullptr;       ///< null: nothing is recorded; set before the first gateway
  std::string instance_id = {};              ///< set before the first request
  /// Whether the keys in force are what the store says; fed by who reads the store.
  std::shared_ptr<auth::StoreHealth> store_health = std::make_shared<auth::StoreHealth>();
  /// Wrong credentials by address; its take_ended() is for who writes the auth log.
  std::shared_ptr<auth::Throttle> throttle = std::make_shared<auth::Throttle>();
  std::string version = {};
  std::string revision = {};
  base::Clock::time_point started = {};
  double start_time_seconds = 0;
  /// Which clients have metrics of their own; one for all shards.
  std::shared_ptr<telemetry::ClientLabels> client_labels = std::make_shared<telemetry::ClientLabels>();
  /// Takes a record for the access log; any thread, never waits.
  std::function<void(telemetry::AccessRecord&&)> access = {};
  /// One line to the log at level warn; any thread.
  std::function<void(std::string_view)> warn = {};
  /// What it points to is null until the tools are known.
  const std::atomic<const Tools*>* tools = nullptr;
};

/// What one shard's handlers work with.
struct ShardContext {
  const ProcessContext& process;
  base::Shard& shard;
  catalog::RetiredBackends retired;  ///< outlives the views
  ViewPointer view;                  ///< what new requests begin with
  KeyViewPointer keys;               ///< the same
  telemetry::ShardMetrics metrics;
  catalog::DirectSide direct;
  telemetry::Scraper scraper = {};
  std::unique_ptr<records::ShardRecorder> recorder = {};  ///< null: nothing is recorded
  RunningRequests running = {};
};

}  // namespace athena::api

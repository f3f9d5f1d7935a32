#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/shard.h"
#include "contract/settings.h"
#include "http/exchange.h"
#include "http/router.h"
#include "http/server.h"
#include "services/auth/gatekeeper.h"
#include "services/catalog/registry.h"
#include "services/telemetry/metrics.h"

namespace athena::api {

/// Keys of the section `api` that routes read.
struct ApiSettings {
  bool cors_allow_any_origin = false;
  std::vector<std::string> cors_allowed_origins;
  bool cors_admin = false;
  bool cors_loopback = false;  ///< `athena dev`: every loopback origin
  std::vector<std::string> allowed_hosts;
  enum class MetricsAccess : std::uint8_t { open, loopback, admin } metrics_access = MetricsAccess::loopback;
  bool metrics_enabled = true;
  std::vector<std::string> ready_clients;
  std::vector<std::string> trusted_proxies;  ///< CIDR: who may send X-Forwarded-*
  bool trust_every_proxy = false;            ///< ATHENA_RATE_LIMIT_TRUST_X_FORWARDED_FOR
  std::string docs_url = "/docs/";
  bool server_timing = false;
  bool access_log = false;
  std::size_t metrics_max_clients = 1000;
};

class Gateway;

/// What all shards share. Immutable once the shards run, but for what is atomic inside.
struct ProcessContext {
  const contract::GatewaySettings& settings;
  const ApiSettings& api;
  const auth::Gatekeeper& gatekeeper;
  const catalog::Registry& registry;
  base::ShardGroup& shards;
  const http::Server* server = nullptr;  ///< set before the first request
  std::vector<Gateway*> gateways = {};   ///< one per shard, in shard order
  std::string version = {};
  std::string revision = {};
  base::Clock::time_point started = {};
  double start_time_seconds = 0;
  /// One line to the log at level warn; any thread.
  std::function<void(std::string_view)> warn = {};
};

/// What one shard's handlers work with.
struct ShardContext {
  const ProcessContext& process;
  base::Shard& shard;
  catalog::ShardBackends backends;
  telemetry::ShardMetrics metrics;
};

}  // namespace athena::api

#include "engines/postgres/client.h"

#include <algorithm>

#include "engines/postgres/backend.h"
#include "engines/postgres/ceiling.h"
#include "engines/postgres/control_database.h"

namespace athena::postgres {
namespace {

StartupOptions startup_options(const contract::PostgresConnection& connection) {
  StartupOptions options;
  options.set("DateStyle", "ISO")
      .set("IntervalStyle", "postgres")
      .set("TimeZone", "UTC")
      .set("extra_float_digits", "1")
      .set("bytea_output", "hex")
      // Off, a backslash would end a string elsewhere than where the caller's SQL was read to end.
      .set("standard_conforming_strings", "on")
      .set("statement_timeout", std::to_string(connection.pool.statement_timeout_ms))
      .set("idle_in_transaction_session_timeout", "60s");
  if (!connection.search_path.empty()) options.set("search_path", connection.search_path);
  if (connection.read_only) options.set("default_transaction_read_only", "on");
  return options;
}

}  // namespace

Client::Client(contract::ClientDefinition definition, engines::EngineEnvironment environment, Origin origin)
    : breaker(environment.settings),
      definition_(std::move(definition)),
      connection_(std::get<contract::PostgresConnection>(definition_.connection)),
      environment_(environment),
      origin_(origin) {
  // Whoever asked for a caller's client connects at once, with the connection he needs.
  started = has_callers_login();
  const int ceiling = std::max(connection_.pool.max_connections, 1);
  const unsigned shards = std::max(environment.shard_count, 1U);
  home_shards_ = std::clamp(static_cast<unsigned>(ceiling) / 2, 1U, shards);
  const int share = ceiling / (2 * static_cast<int>(home_shards_));
  pipelined_per_shard_ =
      ceiling == 1 ? 0 : std::clamp(share, 1, std::clamp(connection_.pool.pipelined_per_shard, 1, 4));
  transaction_pooler = connection_.transaction_pooler;
  const auto target = parse_target(connection_);
  if (!target) {
    broken_ = contract::Error(contract::ErrorCode::backend_unreachable, target.error().text());
    broken_->with("reason", std::string_view("protocol"));
    return;
  }
  names_control_database_ = names_control_database(*target);
  connector_ = std::make_shared<Connector>(Connector::Parameters{
      *target, definition_.client_name,
      connection_.transaction_pooler ? std::string() : startup_options(connection_).text(),
      connection_.transaction_pooler
          ? std::string()
          : StartupOptions()
                .set("lock_timeout", std::to_string(connection_.pool.pipelined_lock_wait_ms))
                .text(),
      std::chrono::seconds(std::max(connection_.pool.connection_timeout_seconds, 1)),
      has_callers_login() ? BlockingWork::callers_connect : BlockingWork::connect});
}

Client::~Client() {
  if (connector_ != nullptr) connector_->abandon();
}

engines::BackendStatus Client::status() const {
  engines::BackendStatus status;
  breaker.describe(status);
  const auto get = [](const auto& counter) { return counter.load(std::memory_order_relaxed); };
  status.pool.max = limits().max_connections;
  status.pool.connecting = get(connecting);
  status.pool.size = get(open) - status.pool.connecting;
  status.pool.pipelined = get(pipelined);
  status.pool.pipelined_active = get(pipelined_active);
  status.pool.idle = get(idle);
  status.pool.active = get(leased);
  status.pool.waiting = get(waiting);
  status.connected = status.pool.size > 0;
  status.counters.pipelined_requests = get(pipelined_requests);
  status.counters.exclusive_requests = get(exclusive_requests);
  status.counters.retries = get(retries);
  status.counters.reconnects = get(reconnects);
  status.counters.pool_timeouts = get(pool_timeouts);
  status.counters.prepared_statements = get(prepared.prepared);
  status.counters.prepared_evictions = get(prepared.evicted);
  status.counters.schema_cache_entries =
      static_cast<std::uint64_t>(std::max<std::int64_t>(get(schema_entries), 0));
  status.counters.schema_cache_reloads = get(schema_reloads);
  status.counters.schema_cache_hits = get(schema_hits);
  status.counters.schema_cache_misses = get(schema_misses);
  status.counters.shapes_exclusive = get(shapes_exclusive);
  status.repeats = {get(repeats[stale_statement]), get(repeats[connection_lost]), get(repeats[not_run])};
  status.pool_wait = pool_wait.copy();
  status.pipeline_depth = pipeline_depth.copy();
  if (const auto check = get(last_check_ms); check != 0) status.last_check_at_ms = check;
  if (const auto latency = get(latency_us); latency >= 0)
    status.latency_ms = static_cast<double>(latency) / 1000.0;
  if (broken_) {
    status.state = engines::HealthState::unreachable;
    status.last_error_code = contract::info(broken_->code()).name;
    status.last_error_reason = "protocol";
  }
  return status;
}

void Client::count_repeat(contract::ErrorCode why) {
  using enum contract::ErrorCode;
  Repeat reason = stale_statement;
  if (why == serialization_failure || why == deadlock_detected || why == lock_not_available ||
      why == contract::ErrorCode::statement_timeout) {
    reason = not_run;
  } else if (why == backend_unreachable || why == outcome_unknown) {
    reason = connection_lost;
  }
  repeats[reason].fetch_add(1, std::memory_order_relaxed);
}

void Client::settle(unsigned index, std::optional<Home> home) {
  const std::lock_guard lock(homes_mutex_);
  if (homes_.size() <= index) homes_.resize(index + 1);
  homes_[index] = std::move(home);
}

std::optional<Client::Home> Client::home(unsigned index) const {
  const std::lock_guard lock(homes_mutex_);
  return index < homes_.size() ? homes_[index] : std::nullopt;
}

void Client::force_offline(std::chrono::seconds duration, std::string reason) {
  breaker.force_offline(duration, std::move(reason));
}

engines::HoldsControlTables Client::holds_control_tables() const {
  using enum engines::HoldsControlTables;
  const auto& databases = engines::ControlDatabases::process();
  if (!databases.asks_servers() || connector_ == nullptr) return no;
  if (names_control_database_) return yes;
  const auto identity = connector_->identity();
  if (!identity) return unknown;
  return databases.is_identity(*identity) ? yes : no;
}

void Client::reset_health() {
  breaker.reset();
  ConnectionCeiling::process().wake(*this);
}

std::shared_ptr<engines::EngineClient> make_client(contract::ClientDefinition definition,
                                                   engines::EngineEnvironment environment, Origin origin) {
  return std::make_shared<Client>(std::move(definition), environment, origin);
}

}  // namespace athena::postgres

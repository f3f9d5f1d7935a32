#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "contract/capability.h"
#include "contract/error.h"

namespace athena::contract {

enum class Lifecycle : std::uint8_t { active, frozen, inactive };
std::string_view name(Lifecycle lifecycle);

/// Limits of one client's PostgreSQL pool; section `pool` of the configuration, overridable per client.
struct PoolLimits {
  int max_connections = 50;
  int min_connections = 5;
  int connection_timeout_seconds = 5;
  int acquire_timeout_seconds = 5;
  int idle_timeout_seconds = 300;
  int max_lifetime_seconds = 1800;
  bool test_before_acquire = true;
  int pipelined_per_shard = 2;
  int pipeline_depth = 16;
  int pipelined_lock_wait_ms = 100;
  int max_waiting = 1024;
  int statement_timeout_ms = 30000;
  int slow_shape_ms = 50;
  int prepared_statements = 256;
  std::int64_t result_window_bytes = 1048576;
  bool trust_functions = false;  ///< those that are not volatile leave sessions as they were

  bool operator==(const PoolLimits&) const = default;
};

struct PostgresConnection {
  std::string uri;  ///< postgres://, postgresql://, jdbc:postgresql:// or key=value; holds a secret
  std::string sslmode = "prefer";  ///< unless the URI names one
  std::string sslrootcert, sslcert, sslkey;
  std::string search_path;
  bool transaction_pooler = false;  ///< `pooler: transaction`
  bool read_only = false;
  PoolLimits pool;

  bool operator==(const PostgresConnection&) const = default;
};

struct SqliteConnection {
  std::string path;  ///< absolute, or `:memory:`; resolved by the configuration
  bool create = true;
  bool read_only = false;
  int busy_timeout_ms = 5000;
  bool synchronous_full = true;
  int readers = 4;

  bool operator==(const SqliteConnection&) const = default;
};

using Connection = std::variant<PostgresConnection, SqliteConnection>;

struct ClientLimits {
  std::optional<std::int64_t> max_rows;
  std::optional<std::int64_t> timeout_ms;
};

/// All that a route knows about a backend.
struct ClientDefinition {
  std::string client_name;  ///< as first written
  Engine engine = Engine::sqlite;
  Lifecycle lifecycle = Lifecycle::active;
  Capabilities capabilities;
  Connection connection;
  ClientLimits limits;
  std::string description;
  std::vector<std::string> host_labels;  ///< lower case; the label of a wildcard host that leads here
};

/// Names are compared trimmed and without case; this is the form they are compared in.
std::string client_key(std::string_view name);
/// Checks the form `[A-Za-z0-9][A-Za-z0-9_.-]*`, 1–64 characters, not reserved; the error text says what is
/// wrong.
Result<void> check_client_name(std::string_view name);

}  // namespace athena::contract

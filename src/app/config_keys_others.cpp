#include "app/config_checks.h"
#include "app/config_keys_table.h"

namespace athena::app::table {

void add_others(std::vector<KeyInfo>& keys) {
  Section pool(keys, "pool");
  pool.integer("max_connections", "50", 1, 10000,
               "Most connections of one PostgreSQL client in this process.",
               ATHENA_INT(pool.max_connections));
  pool.integer("min_connections", "5", 0, 10000, "Connections kept while the client is in use.",
               ATHENA_INT(pool.min_connections));
  pool.integer("connection_timeout_seconds", "5", 1, 300, "One connect with TLS and authentication.",
               ATHENA_INT(pool.connection_timeout_seconds));
  pool.integer("acquire_timeout_seconds", "5", 1, 300, "Wait for a connection, then 503 pool_timeout.",
               ATHENA_INT(pool.acquire_timeout_seconds));
  pool.integer("idle_timeout_seconds", "300", 1, 86400, "An unused connection above the minimum is closed.",
               ATHENA_INT(pool.idle_timeout_seconds));
  pool.integer("max_lifetime_seconds", "1800", 10, 86400, "A connection is replaced after this, ± 10 %.",
               ATHENA_INT(pool.max_lifetime_seconds));
  pool.boolean("test_before_acquire", "true", "An exclusive connection idle for 30 s is proved before use.",
               ATHENA_BOOL(pool.test_before_acquire));
  pool.integer("pipelined_per_shard", "2", 1, 4, "Pipelined connections per shard and client.",
               ATHENA_INT(pool.pipelined_per_shard));
  pool.integer("pipeline_depth", "16", 1, 64, "Requests outstanding on one of them.",
               ATHENA_INT(pool.pipeline_depth));
  pool.integer("pipelined_lock_wait_ms", "100", 1, 1000, "lock_timeout of pipelined connections.",
               ATHENA_INT(pool.pipelined_lock_wait_ms));
  pool.integer("max_waiting", "1024", 1, 1000000, "Waiters per client; beyond: 503 overloaded.",
               ATHENA_INT(pool.max_waiting));
  pool.integer("statement_timeout_ms", "30000", 1, 86400000, "statement_timeout of every connection.",
               ATHENA_INT(pool.statement_timeout_ms));
  pool.integer("slow_shape_ms", "50", 1, 60000,
               "Query shapes slower than this on average run on exclusive connections.",
               ATHENA_INT(pool.slow_shape_ms));
  pool.integer("prepared_statements", "256", 0, 100000,
               "Prepared statements per connection; 0 = unnamed ones.", ATHENA_INT(pool.prepared_statements));
  pool.boolean("trust_functions", "false",
               "Functions that are not volatile run on shared connections, without a reset after them.",
               ATHENA_BOOL(pool.trust_functions));
  pool.integer("process_max_connections", "400", 1, 100000, "Connections of all clients together.",
               ATHENA_INT(gateway.process_max_connections));
  pool.integer("result_window_bytes", "1048576", 65536, kGiB,
               "Bytes of one reply held between a connection and its caller.",
               ATHENA_INT(pool.result_window_bytes));

  Section engines(keys, "engines");
  engines.integer("retry_attempts", "3", 1, 10, "Attempts in all where repeating is safe; 1 = none.",
                  ATHENA_INT(gateway.retry_attempts));
  engines.integer("schema_cache_ttl_seconds", "300", 1, 86400, "How long a table's description is kept.",
                  ATHENA_INT(gateway.schema_cache_ttl_seconds));
  engines
      .list("sqlite_allowed_dirs", "", "Folders in which absolute SQLite paths may lie.",
            ATHENA_LIST(sqlite_allowed_dirs))
      .check = absolute_path_problem;

  Section log(keys, "log");
  log.choice("level", {"info", "trace", "debug", "warn", "error", "off"}, "Least level that is logged.",
             ATHENA_TEXT(log.level));
  log.choice("format", {"text", "json"}, "Form of a log line.", ATHENA_TEXT(log.format));
  log.text("file", "", "Path; empty = stderr.", ATHENA_TEXT(log.file));
  log.text("dir", "", "Folder for success.log and error.log; empty = none.", ATHENA_TEXT(log.dir));
  log.boolean("access_log", "false", "One line for each request.", ATHENA_BOOL(api.access_log));
  log.choice("ansi", {"auto", "true", "false"}, "Colour in text lines.", ATHENA_TEXT(log.ansi));

  Section control(keys, "control");
  control
      .integer("pool_max_connections", "4", 1, 1000, "Connections to the store for the work of operators.",
               ATHENA_INT(control.pool_max_connections))
      .reloadable = false;
  control
      .boolean("auto_migrate", "true",
               "The start brings the store's tables up to date; false = it refuses to.",
               ATHENA_BOOL(control.auto_migrate))
      .reloadable = false;
  control
      .integer("max_api_keys", "100000", 1, 1000000000, "Most API keys that are not archived.",
               ATHENA_INT(control.max_api_keys))
      .reloadable = false;

  Section telemetry(keys, "telemetry");
  telemetry.integer("metrics_max_clients", "1000", 1, 100000,
                    "Clients with metrics of their own; further ones count as other.",
                    ATHENA_INT(api.metrics_max_clients));
  telemetry.boolean("enabled", "true", "Requests and operations are logged and counted in the store.",
                    ATHENA_BOOL(api.records.enabled));
  telemetry
      .integer("queue_capacity", "50000", 1, 10000000,
               "Records that wait for the store; what is more is dropped and counted.",
               ATHENA_INT(api.records.queue_capacity))
      .reloadable = false;
  telemetry.integer(
      "flush_interval_ms", "250", 1, 60000, "Records are in the store after this time.",
      [](Config& c, std::int64_t v) { c.api.records.flush_interval = std::chrono::milliseconds(v); });
  telemetry.integer("flush_max_records", "2000", 1, 1000000, "Records of one transaction.",
                    ATHENA_INT(api.records.flush_max_records));
  telemetry.integer("max_rows_per_second", "10000", 0, 1000000000,
                    "Log rows written; what is more is counted in the statistics only. 0 = no limit.",
                    ATHENA_INT(api.records.max_rows_per_second));
  telemetry.boolean("log_bodies", "false", "Bodies of requests are logged, without their secrets.",
                    ATHENA_BOOL(api.records.log_bodies));
  telemetry.boolean("log_sql", "false", "SQL of callers is logged, with ? for its values.",
                    ATHENA_BOOL(api.records.log_sql));
  telemetry.integer(
      "slow_query_ms", "1000", 0, 86400000, "Operations that take this long are logged as slow; 0 = none is.",
      [](Config& c, std::int64_t v) { c.api.records.slow_query = std::chrono::milliseconds(v); });
  telemetry.integer("retention_request_days", "30", 0, 36500, "Days that logged requests stay; 0 = for ever.",
                    ATHENA_INT(api.records.retention_request_days));
  telemetry.integer("retention_operation_days", "30", 0, 36500,
                    "Days that logged operations stay; 0 = for ever.",
                    ATHENA_INT(api.records.retention_operation_days));
  telemetry.integer("retention_auth_days", "90", 0, 36500, "Days that the auth log stays; 0 = for ever.",
                    ATHENA_INT(api.records.retention_auth_days));
  telemetry.integer("retention_event_days", "30", 0, 36500,
                    "Days that slow queries and other events stay; 0 = for ever.",
                    ATHENA_INT(api.records.retention_event_days));
  telemetry.integer("max_rows_per_log", "2000000", 0, 1000000000,
                    "Rows that a log keeps in a SQLite store; 0 = no cap.",
                    ATHENA_INT(api.records.max_rows_per_log));

  Section realtime(keys, "realtime");
  realtime.integer("registry_purge_interval_secs", "30", 1, kDay,
                   "How often idle connections leave /admin/connections.",
                   ATHENA_SECS(api.records.registry_purge_interval));
  realtime.integer("registry_inactive_after_secs", "300", 1, kDay,
                   "Connections without a request for this long are idle.",
                   ATHENA_SECS(api.records.registry_inactive_after));

  Section config(keys, "config");
  config.boolean("auto_reload", "false", "The file is watched; a change of it is taken as SIGHUP.",
                 ATHENA_BOOL(auto_reload));
  config.boolean("strict", "false", "Unknown keys of the file are errors.", ATHENA_BOOL(strict)).reloadable =
      false;
}

}  // namespace athena::app::table

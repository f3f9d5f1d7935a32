#include "app/config_checks.h"
#include "app/config_keys_table.h"
#include "base/ascii.h"

namespace athena::app::table {

using contract::GatewaySettings;

void add_gateway(std::vector<KeyInfo>& keys) {
  Section gateway(keys, "gateway");
  gateway.choice(
      "response_shape", {"auto", "rows", "array"}, "Shape of row replies without X-Athena-Shape.",
      [](Config& c, const std::string& v) {
        using Shape = GatewaySettings::Shape;
        c.gateway.response_shape = v == "rows" ? Shape::rows : v == "array" ? Shape::array : Shape::automatic;
      });
  gateway.choice("error_verbosity", {"full", "terse"},
                 "terse leaves the database's own members out of failures.",
                 [](Config& c, const std::string& v) { c.gateway.terse_errors = v == "terse"; });
  gateway.choice("error_message", {"auto", "short", "sentence"},
                 "sentence repeats `error` in `message`; auto does so for SDK requests.",
                 [](Config& c, const std::string& v) {
                   using Message = GatewaySettings::ErrorMessage;
                   c.gateway.error_message = v == "short"      ? Message::short_text
                                             : v == "sentence" ? Message::sentence
                                                               : Message::automatic;
                 });
  gateway.choice("audit_headers", {"sdk_exempt", "required", "optional"},
                 "Whether insert and delete demand X-Company-Id and X-Organization-Id.",
                 [](Config& c, const std::string& v) {
                   using Audit = GatewaySettings::AuditHeaders;
                   c.gateway.audit_headers = v == "required"   ? Audit::required
                                             : v == "optional" ? Audit::optional
                                                               : Audit::sdk_exempt;
                 });
  gateway.choice("auth_log", {"failures", "all"},
                 "Credentials that are logged: refused ones and the first use of a key in an hour, or all.",
                 [](Config& c, const std::string& v) { c.api.records.auth_log_all = v == "all"; });
  gateway.integer("request_timeout_ms", "30000", 1, 86400000, "Deadline of a request that names none.",
                  ATHENA_INT(gateway.request_timeout_ms));
  gateway.integer("max_timeout_ms", "300000", 1, 86400000, "Largest X-Athena-Timeout-Ms.",
                  ATHENA_INT(gateway.max_timeout_ms));
  gateway.integer("default_limit", "100", 1, 1000000, "Rows of a fetch without limit.",
                  ATHENA_INT(gateway.default_limit));
  gateway.integer("max_rows", "10000", 1, 10000000, "Most rows in one JSON reply.",
                  ATHENA_INT(gateway.max_rows));
  gateway.integer("max_stream_rows", "1000000", 1, 1000000000, "Most rows in one CSV or NDJSON reply.",
                  ATHENA_INT(gateway.max_stream_rows));
  gateway.integer("max_buffered_bytes", "67108864", 1024, 64 * kGiB,
                  "Largest reply that is held in memory as a whole.", ATHENA_INT(gateway.max_buffered_bytes));
  gateway.integer("max_insert_rows", "10000", 1, 1000000, "Most rows in one insert.",
                  ATHENA_INT(gateway.max_insert_rows));
  gateway.integer("max_in_values", "10000", 1, 1000000, "Most values of an `in` list.",
                  ATHENA_INT(gateway.max_in_values));
  gateway.integer("max_conditions", "256", 1, 10000, "Most condition terms in one request.",
                  ATHENA_INT(gateway.max_conditions));
  gateway.integer("max_expression_depth", "16", 1, 64, "Deepest nesting of conditions.",
                  ATHENA_INT(gateway.max_expression_depth));
  gateway.boolean("stable_paging", "true", "Paged requests get the primary key as tie-breaker.",
                  ATHENA_BOOL(gateway.stable_paging));
  gateway.boolean("force_camel_case_to_snake_case", "false", "Column names userId → user_id, both ways.",
                  ATHENA_BOOL(gateway.force_camel_case_to_snake_case));
  gateway.boolean("allow_schema_names_prefixed_as_table_name", "true", "table_name may be schema.table.",
                  ATHENA_BOOL(gateway.allow_schema_names_prefixed_as_table_name));
  gateway.boolean("health_tracking", "true", "false: circuit breakers open only by force.",
                  ATHENA_BOOL(gateway.health_tracking));
  gateway.integer("breaker_failure_threshold", "5", 1, 1000, "Failures in a row that open a breaker.",
                  ATHENA_INT(gateway.breaker_failure_threshold));
  gateway.integer("breaker_window_seconds", "60", 1, kHour, "Time within which they count.",
                  ATHENA_INT(gateway.breaker_window_seconds));
  gateway.integer("breaker_open_seconds", "60", 1, kHour,
                  "How long an open breaker refuses before it lets a probe through.",
                  ATHENA_INT(gateway.breaker_open_seconds));
  gateway.integer("health_check_interval_seconds", "30", 1, kHour,
                  "An idle client with open connections is checked this often.",
                  ATHENA_INT(gateway.health_check_interval_seconds));
  gateway.choice(
      "api_key_fail_mode", {"fail_closed", "fail_open"},
      "What holds when the store of the keys was away too long: 503, or requests pass without a key.",
      [](Config& c, const std::string& v) { c.gatekeeper.fail_open = v == "fail_open"; });
  gateway.integer("api_key_max_staleness_secs", "300", 1, 86400,
                  "How long keys are checked against what was read last while their store is away.",
                  ATHENA_SECS(gatekeeper.max_staleness));
  gateway.integer("auth_failures_per_minute", "60", 0, 1000000,
                  "Wrong credentials of one address in a minute before 429 is sent; 0 = no limit.",
                  ATHENA_INT(gatekeeper.failures_per_minute));
  gateway.boolean("protect_control_tables", "true",
                  "The gateway's own tables answer the admin key only, on every client that reaches them.",
                  ATHENA_BOOL(gatekeeper.protect_control_tables));
  gateway.boolean("direct_uri", "true", "Callers may name a PostgreSQL database by its URI.",
                  ATHENA_BOOL(gateway.direct_uri));
  gateway
      .list(
          "jdbc_allowed_hosts", "",
          "Hosts, and by their ends domains, that a direct URI may name; without an enforced key only these.",
          ATHENA_LIST(gateway.jdbc_allowed_hosts))
      .check = domain_problem;
  gateway.boolean("jdbc_allow_private_hosts", "false",
                  "Direct URIs may lead to loopback and private addresses.",
                  ATHENA_BOOL(gateway.jdbc_allow_private_hosts));
  gateway
      .integer("direct_pool_capacity", "64", 1, 4096, "Most pools of direct URIs.",
               ATHENA_INT(gateway.direct_pool_capacity))
      .reloadable = false;
  gateway
      .integer("direct_pool_max_connections", "4", 1, 100, "Most connections of one of them.",
               ATHENA_INT(gateway.direct_pool_max_connections))
      .reloadable = false;
  gateway
      .integer("direct_pool_ttl_secs", "1800", 1, 86400, "An unused one is closed after this.",
               ATHENA_INT(gateway.direct_pool_ttl_secs))
      .reloadable = false;
  {
    auto& key = gateway.list("wildcard_hosts", "", "Patterns of host names whose first label is a client.",
                             [](Config& c, const Strings& v) {
                               c.gateway.wildcard_hosts.clear();
                               for (const auto& pattern : v)
                                 c.gateway.wildcard_hosts.push_back(base::lower_case(pattern));
                             });
    key.item_member = "pattern";
    key.check = pattern_problem;
  }
  {
    auto& key = gateway.text("logging_pg_uri", "",
                             "URI of a PostgreSQL client athena_logging, unless the file has one.",
                             ATHENA_TEXT(logging_pg_uri));
    key.reloadable = false;
    key.secret = true;
  }
  gateway
      .text("logging_client", "",
            "PostgreSQL client whose database is the store; without it <data_dir>/control.db.",
            ATHENA_TEXT(control.logging_client))
      .reloadable = false;
  gateway
      .text("auth_client", "", "PostgreSQL client whose database holds the API keys; without it the store.",
            ATHENA_TEXT(control.auth_client))
      .reloadable = false;
  gateway.integer("registry_poll_ms", "500", 50, 60000,
                  "How often the store is asked whether another instance changed something.",
                  ATHENA_INT(control.registry_poll_ms));
  gateway.boolean("database_backed_client_loading", "true",
                  "Clients of the catalogue are served too, not only those the configuration names.",
                  ATHENA_BOOL(control.database_backed_client_loading));
}

}  // namespace athena::app::table

#include "app/config_keys.h"

#include <algorithm>
#include <charconv>

namespace athena::app {
namespace {

using contract::GatewaySettings;
using Strings = std::vector<std::string>;

constexpr std::int64_t kHour = 3600;
constexpr std::int64_t kGiB = 1LL << 30;

template <class Set>
KeyInfo boolean_key(std::string_view section, std::string_view name, std::string_view fallback,
                    std::string_view meaning, Set set) {
  KeyInfo key{section, name, KeyType::boolean, fallback, 0, 1, meaning};
  key.set_boolean = set;
  return key;
}

template <class Set>
KeyInfo integer_key(std::string_view section, std::string_view name, std::string_view fallback,
                    std::int64_t minimum, std::int64_t maximum, std::string_view meaning, Set set) {
  KeyInfo key{section, name, KeyType::integer, fallback, minimum, maximum, meaning};
  key.set_integer = set;
  return key;
}

template <class Set>
KeyInfo text_key(std::string_view section, std::string_view name, std::string_view fallback,
                 std::string_view meaning, Set set) {
  KeyInfo key{section, name, KeyType::text, fallback, 0, 0, meaning};
  key.set_text = set;
  return key;
}

template <class Set>
KeyInfo choice_key(std::string_view section, std::string_view name, std::vector<std::string_view> choices,
                   std::string_view meaning, Set set) {
  KeyInfo key{section, name, KeyType::choice, choices.front(), 0, 0, meaning};
  key.set_text = set;
  key.choices = std::move(choices);
  return key;
}

template <class Set>
KeyInfo list_key(std::string_view section, std::string_view name, std::string_view fallback,
                 std::string_view meaning, Set set) {
  KeyInfo key{section, name, KeyType::list, fallback, 0, 0, meaning};
  key.set_list = set;
  return key;
}

// A setter for a member of any integer or duration type.
#define ATHENA_INT(member) [](Config& c, std::int64_t v) { c.member = static_cast<decltype(c.member)>(v); }
#define ATHENA_MS(member) [](Config& c, std::int64_t v) { c.member = std::chrono::milliseconds(v); }
#define ATHENA_SECS(member) [](Config& c, std::int64_t v) { c.member = std::chrono::seconds(v); }
#define ATHENA_BOOL(member) [](Config& c, bool v) { c.member = v; }
#define ATHENA_TEXT(member) [](Config& c, std::string v) { c.member = std::move(v); }
#define ATHENA_LIST(member) [](Config& c, Strings v) { c.member = std::move(v); }

std::vector<KeyInfo> make_keys() {
  std::vector<KeyInfo> keys;
  const auto add = [&keys](KeyInfo key) { keys.push_back(std::move(key)); };

  add(integer_key("api", "port", "4052", 0, 65535, "Port to listen on; 0 = any free one.",
                  ATHENA_INT(http.port)));
  add(list_key("api", "bind", "127.0.0.1", "Addresses to listen on. Beyond loopback a key is asked for.",
               ATHENA_LIST(http.bind)));
  add(text_key("api", "unix_socket", "", "Path of a socket file to listen on besides.",
               ATHENA_TEXT(http.unix_socket)));
  add(list_key("api", "allowed_hosts", "",
               "Host names answered while keys are not enforced, besides localhost and IP addresses.",
               ATHENA_LIST(api.allowed_hosts)));
  add(text_key("api", "data_dir", "", "Folder for what the gateway keeps.", ATHENA_TEXT(data_dir)));
  add(integer_key("api", "http_workers", "0", 0, 256,
                  "Event loop threads; 0 = cores, half of them when a client's database is on this host.",
                  ATHENA_INT(http_workers)));
  add(integer_key("api", "http_max_connections", "10000", 1, 1000000,
                  "Open connections of the process; accepting pauses at it.",
                  ATHENA_INT(http.max_connections)));
  add(integer_key("api", "http_backlog", "2048", 1, 65535, "Connections the kernel queues per listener.",
                  ATHENA_INT(http.backlog)));
  add(integer_key("api", "max_in_flight", "20000", 1, 10000000,
                  "Running requests of the process; beyond: 503 overloaded.",
                  ATHENA_INT(http.max_in_flight)));
  add(integer_key("api", "keep_alive_secs", "15", 1, kHour, "An idle connection is closed after this.",
                  ATHENA_SECS(http.keep_alive)));
  add(integer_key("api", "client_request_timeout_secs", "60", 1, kHour,
                  "Time for a request head, and for each read of a body.",
                  ATHENA_SECS(http.request_timeout)));
  add(integer_key("api", "client_disconnect_timeout_secs", "60", 1, kHour,
                  "A reader that takes nothing for this long is cut.", ATHENA_SECS(http.disconnect_timeout)));
  add(integer_key("api", "tcp_keepalive_secs", "75", 1, 7200, "TCP keep-alive of accepted connections.",
                  ATHENA_SECS(http.tcp_keepalive)));
  add(integer_key("api", "max_body_bytes", "10485760", 1, kGiB, "Largest request body.",
                  ATHENA_INT(http.max_body_bytes)));
  add(integer_key("api", "max_header_bytes", "32768", 256, 1048576, "Largest request head.",
                  ATHENA_INT(http.max_header_bytes)));
  add(integer_key("api", "max_url_bytes", "8192", 16, 1048576, "Longest request target.",
                  ATHENA_INT(http.max_url_bytes)));
  add(integer_key("api", "write_window_bytes", "1048576", 4096, kGiB,
                  "Unsent bytes per connection before reading from the backend pauses.",
                  ATHENA_INT(http.write_window_bytes)));
  add(boolean_key("api", "cors_allow_any_origin", "false", "Any origin may read replies.",
                  ATHENA_BOOL(api.cors_allow_any_origin)));
  add(list_key("api", "cors_allowed_origins", "", "Origins that may read replies.",
               ATHENA_LIST(api.cors_allowed_origins)));
  add(boolean_key("api", "cors_admin", "false", "The allowed origins may use /admin/* and /metrics too.",
                  ATHENA_BOOL(api.cors_admin)));
  add(integer_key("api", "drain_delay_secs", "0", 0, kHour,
                  "Between /ready turning 503 and the listeners closing.", ATHENA_SECS(http.drain_delay)));
  add(integer_key("api", "drain_timeout_secs", "30", 0, kHour, "After this a drain cuts what still runs.",
                  ATHENA_SECS(http.drain_timeout)));
  add(boolean_key("api", "admin_key_in_query", "true", "?api_key= is read for admin keys.",
                  ATHENA_BOOL(admin_key_in_query)));
  add(choice_key("api", "metrics_access", {"loopback", "open", "admin"}, "Who may read /metrics.",
                 [](Config& c, const std::string& v) {
                   using Access = api::ApiSettings::MetricsAccess;
                   c.api.metrics_access = v == "open"    ? Access::open
                                          : v == "admin" ? Access::admin
                                                         : Access::loopback;
                 }));
  add(boolean_key("api", "prometheus_metrics_enabled", "true", "/metrics is there.",
                  ATHENA_BOOL(api.metrics_enabled)));
  add(list_key("api", "ready_clients", "", "Clients that must be connected for /ready.",
               ATHENA_LIST(api.ready_clients)));

  add(integer_key("api", "compression_min_bytes", "4096", 0, kGiB,
                  "Bodies of at least this size are compressed when the caller takes gzip; 0 = never.",
                  ATHENA_INT(http.compression_min_bytes)));
  add(list_key("api", "trusted_proxies", "", "CIDR blocks of proxies whose X-Forwarded-* headers count.",
               [](Config& c, Strings v) {
                 if (auto ranges = http::AddressRanges::parse(v)) c.api.trusted_ranges = std::move(*ranges);
                 c.api.trusted_proxies = std::move(v);
               }));
  add(text_key("api", "docs_url", "/docs/", "Where GET /docs sends to.", ATHENA_TEXT(api.docs_url)));
  add(boolean_key("api", "server_timing", "false", "Replies say in Server-Timing where their time went.",
                  ATHENA_BOOL(api.server_timing)));
  add(text_key("api", "tls_cert_file", "", "PEM file with the certificate and its chain; empty = plain HTTP.",
               ATHENA_TEXT(http.tls_cert_file)));
  add(text_key("api", "tls_key_file", "", "PEM file with the certificate's private key.",
               ATHENA_TEXT(http.tls_key_file)));

  add(choice_key("gateway", "response_shape", {"auto", "rows", "array"},
                 "Shape of row replies without X-Athena-Shape.", [](Config& c, const std::string& v) {
                   using Shape = GatewaySettings::Shape;
                   c.gateway.response_shape = v == "rows"    ? Shape::rows
                                              : v == "array" ? Shape::array
                                                             : Shape::automatic;
                 }));
  add(choice_key("gateway", "error_verbosity", {"full", "terse"},
                 "terse leaves the database's own members out of failures.",
                 [](Config& c, const std::string& v) { c.gateway.terse_errors = v == "terse"; }));
  add(choice_key("gateway", "error_message", {"auto", "short", "sentence"},
                 "sentence repeats `error` in `message`; auto does so for SDK requests.",
                 [](Config& c, const std::string& v) {
                   using Message = GatewaySettings::ErrorMessage;
                   c.gateway.error_message = v == "short"      ? Message::short_text
                                             : v == "sentence" ? Message::sentence
                                                               : Message::automatic;
                 }));
  add(choice_key("gateway", "audit_headers", {"sdk_exempt", "required", "optional"},
                 "Whether insert and delete demand X-Company-Id and X-Organization-Id.",
                 [](Config& c, const std::string& v) {
                   using Audit = GatewaySettings::AuditHeaders;
                   c.gateway.audit_headers = v == "required"   ? Audit::required
                                             : v == "optional" ? Audit::optional
                                                               : Audit::sdk_exempt;
                 }));
  add(integer_key("gateway", "request_timeout_ms", "30000", 1, 86400000,
                  "Deadline of a request that names none.", ATHENA_INT(gateway.request_timeout_ms)));
  add(integer_key("gateway", "max_timeout_ms", "300000", 1, 86400000, "Largest X-Athena-Timeout-Ms.",
                  ATHENA_INT(gateway.max_timeout_ms)));
  add(integer_key("gateway", "default_limit", "100", 1, 1000000, "Rows of a fetch without limit.",
                  ATHENA_INT(gateway.default_limit)));
  add(integer_key("gateway", "max_rows", "10000", 1, 10000000, "Most rows in one JSON reply.",
                  ATHENA_INT(gateway.max_rows)));
  add(integer_key("gateway", "max_stream_rows", "1000000", 1, 1000000000,
                  "Most rows in one CSV or NDJSON reply.", ATHENA_INT(gateway.max_stream_rows)));
  add(integer_key("gateway", "max_buffered_bytes", "67108864", 1024, 64 * kGiB,
                  "Largest reply that is held in memory as a whole.",
                  ATHENA_INT(gateway.max_buffered_bytes)));
  add(integer_key("gateway", "max_insert_rows", "10000", 1, 1000000, "Most rows in one insert.",
                  ATHENA_INT(gateway.max_insert_rows)));
  add(integer_key("gateway", "max_in_values", "10000", 1, 1000000, "Most values of an `in` list.",
                  ATHENA_INT(gateway.max_in_values)));
  add(integer_key("gateway", "max_conditions", "256", 1, 10000, "Most condition terms in one request.",
                  ATHENA_INT(gateway.max_conditions)));
  add(integer_key("gateway", "max_expression_depth", "16", 1, 64, "Deepest nesting of conditions.",
                  ATHENA_INT(gateway.max_expression_depth)));
  add(boolean_key("gateway", "stable_paging", "true", "Paged requests get the primary key as tie-breaker.",
                  ATHENA_BOOL(gateway.stable_paging)));
  add(boolean_key("gateway", "force_camel_case_to_snake_case", "false",
                  "Column names userId → user_id, both ways.",
                  ATHENA_BOOL(gateway.force_camel_case_to_snake_case)));
  add(boolean_key("gateway", "allow_schema_names_prefixed_as_table_name", "true",
                  "table_name may be schema.table.",
                  ATHENA_BOOL(gateway.allow_schema_names_prefixed_as_table_name)));
  add(boolean_key("gateway", "health_tracking", "true", "false: circuit breakers open only by force.",
                  ATHENA_BOOL(gateway.health_tracking)));
  add(integer_key("gateway", "breaker_failure_threshold", "5", 1, 1000,
                  "Failures in a row that open a breaker.", ATHENA_INT(gateway.breaker_failure_threshold)));
  add(integer_key("gateway", "breaker_window_seconds", "60", 1, kHour, "Time within which they count.",
                  ATHENA_INT(gateway.breaker_window_seconds)));
  add(integer_key("gateway", "breaker_open_seconds", "60", 1, kHour,
                  "How long an open breaker refuses before it lets a probe through.",
                  ATHENA_INT(gateway.breaker_open_seconds)));
  add(integer_key("gateway", "health_check_interval_seconds", "30", 1, kHour,
                  "An idle client with open connections is checked this often.",
                  ATHENA_INT(gateway.health_check_interval_seconds)));

  add(boolean_key("gateway", "direct_uri", "true", "Callers may name a PostgreSQL database by its URI.",
                  ATHENA_BOOL(gateway.direct_uri)));
  add(list_key(
      "gateway", "jdbc_allowed_hosts", "",
      "Hosts, and by their ends domains, that a direct URI may name; without an enforced key only these.",
      ATHENA_LIST(gateway.jdbc_allowed_hosts)));
  add(boolean_key("gateway", "jdbc_allow_private_hosts", "false",
                  "Direct URIs may lead to loopback and private addresses.",
                  ATHENA_BOOL(gateway.jdbc_allow_private_hosts)));
  add(integer_key("gateway", "direct_pool_capacity", "64", 1, 4096, "Most pools of direct URIs.",
                  ATHENA_INT(gateway.direct_pool_capacity)));
  add(integer_key("gateway", "direct_pool_max_connections", "4", 1, 100, "Most connections of one of them.",
                  ATHENA_INT(gateway.direct_pool_max_connections)));
  add(integer_key("gateway", "direct_pool_ttl_secs", "1800", 1, 86400, "An unused one is closed after this.",
                  ATHENA_INT(gateway.direct_pool_ttl_secs)));

  add(integer_key("pool", "max_connections", "50", 1, 10000,
                  "Most connections of one PostgreSQL client in this process.",
                  ATHENA_INT(pool.max_connections)));
  add(integer_key("pool", "min_connections", "5", 0, 10000, "Connections kept while the client is in use.",
                  ATHENA_INT(pool.min_connections)));
  add(integer_key("pool", "connection_timeout_seconds", "5", 1, 300,
                  "One connect with TLS and authentication.", ATHENA_INT(pool.connection_timeout_seconds)));
  add(integer_key("pool", "acquire_timeout_seconds", "5", 1, 300,
                  "Wait for a connection, then 503 pool_timeout.", ATHENA_INT(pool.acquire_timeout_seconds)));
  add(integer_key("pool", "idle_timeout_seconds", "300", 1, 86400,
                  "An unused connection above the minimum is closed.",
                  ATHENA_INT(pool.idle_timeout_seconds)));
  add(integer_key("pool", "max_lifetime_seconds", "1800", 10, 86400,
                  "A connection is replaced after this, ± 10 %.", ATHENA_INT(pool.max_lifetime_seconds)));
  add(boolean_key("pool", "test_before_acquire", "true",
                  "An exclusive connection idle for 30 s is proved before use.",
                  ATHENA_BOOL(pool.test_before_acquire)));
  add(integer_key("pool", "pipelined_per_shard", "2", 1, 4, "Pipelined connections per shard and client.",
                  ATHENA_INT(pool.pipelined_per_shard)));
  add(integer_key("pool", "pipeline_depth", "16", 1, 64, "Requests outstanding on one of them.",
                  ATHENA_INT(pool.pipeline_depth)));
  add(integer_key("pool", "pipelined_lock_wait_ms", "100", 1, 1000, "lock_timeout of pipelined connections.",
                  ATHENA_INT(pool.pipelined_lock_wait_ms)));
  add(integer_key("pool", "max_waiting", "1024", 1, 1000000, "Waiters per client; beyond: 503 overloaded.",
                  ATHENA_INT(pool.max_waiting)));
  add(integer_key("pool", "statement_timeout_ms", "30000", 1, 86400000,
                  "statement_timeout of every connection.", ATHENA_INT(pool.statement_timeout_ms)));
  add(integer_key("pool", "slow_shape_ms", "50", 1, 60000,
                  "Query shapes slower than this on average run on exclusive connections.",
                  ATHENA_INT(pool.slow_shape_ms)));
  add(integer_key("pool", "prepared_statements", "256", 0, 100000,
                  "Prepared statements per connection; 0 = unnamed ones.",
                  ATHENA_INT(pool.prepared_statements)));
  add(boolean_key("pool", "trust_functions", "false",
                  "Functions that are not volatile run on shared connections, without a reset after them.",
                  ATHENA_BOOL(pool.trust_functions)));
  add(integer_key("pool", "process_max_connections", "400", 1, 100000, "Connections of all clients together.",
                  ATHENA_INT(gateway.process_max_connections)));
  add(integer_key("pool", "result_window_bytes", "1048576", 65536, kGiB,
                  "Bytes of one reply held between a connection and its caller.",
                  ATHENA_INT(pool.result_window_bytes)));

  add(integer_key("engines", "retry_attempts", "3", 1, 10,
                  "Attempts in all where repeating is safe; 1 = none.", ATHENA_INT(gateway.retry_attempts)));
  add(integer_key("engines", "schema_cache_ttl_seconds", "300", 1, 86400,
                  "How long a table's description is kept.", ATHENA_INT(gateway.schema_cache_ttl_seconds)));
  add(list_key("engines", "sqlite_allowed_dirs", "", "Folders in which absolute SQLite paths may lie.",
               ATHENA_LIST(sqlite_allowed_dirs)));

  add(choice_key("log", "level", {"info", "trace", "debug", "warn", "error", "off"},
                 "Least level that is logged.", ATHENA_TEXT(log.level)));
  add(choice_key("log", "format", {"text", "json"}, "Form of a log line.", ATHENA_TEXT(log.format)));
  add(text_key("log", "file", "", "Path; empty = stderr.", ATHENA_TEXT(log.file)));
  add(text_key("log", "dir", "", "Folder for success.log and error.log; empty = none.",
               ATHENA_TEXT(log.dir)));
  add(boolean_key("log", "access_log", "false", "One line for each request.", ATHENA_BOOL(api.access_log)));
  add(choice_key("log", "ansi", {"auto", "true", "false"}, "Colour in text lines.", ATHENA_TEXT(log.ansi)));

  add(integer_key("telemetry", "metrics_max_clients", "1000", 1, 100000,
                  "Clients with metrics of their own; further ones count as other.",
                  ATHENA_INT(api.metrics_max_clients)));
  return keys;
}

const std::vector<KeyInfo>& keys() {
  static const std::vector<KeyInfo> table = make_keys();
  return table;
}

base::Result<void, std::string> wrong(const KeyInfo& key, std::string_view text) {
  return "must be " + accepted(key) + ", not " + std::string(text.substr(0, 64));
}

std::string lowered(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return result;
}

}  // namespace

std::span<const KeyInfo> config_keys() {
  return keys();
}

const KeyInfo* find_key(std::string_view section, std::string_view name) {
  const auto found = std::find_if(keys().begin(), keys().end(), [&](const KeyInfo& key) {
    return key.section == section && key.name == name;
  });
  return found == keys().end() ? nullptr : &*found;
}

bool is_known_section(std::string_view section) {
  return section == "postgres_clients" || section == "clients" ||
         std::any_of(keys().begin(), keys().end(),
                     [&](const KeyInfo& key) { return key.section == section; });
}

std::string accepted(const KeyInfo& key) {
  switch (key.type) {
    case KeyType::boolean:
      return "true or false";
    case KeyType::integer:
      return "a whole number from " + std::to_string(key.minimum) + " to " + std::to_string(key.maximum);
    case KeyType::choice: {
      std::string text = "one of";
      for (const auto choice : key.choices) text += " " + std::string(choice);
      return text;
    }
    case KeyType::list:
      return "a list or comma separated text";
    case KeyType::map:
      return "a map";
    case KeyType::text:
      return "text";
  }
  return "text";
}

base::Result<void, std::string> apply_key(Config& config, const KeyInfo& key, std::string_view text) {
  switch (key.type) {
    case KeyType::boolean: {
      const auto word = lowered(text);
      if (word == "true" || word == "yes" || word == "on" || word == "1") {
        key.set_boolean(config, true);
      } else if (word == "false" || word == "no" || word == "off" || word == "0") {
        key.set_boolean(config, false);
      } else {
        return wrong(key, text);
      }
      return {};
    }
    case KeyType::integer: {
      std::int64_t value = 0;
      const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
      if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || value < key.minimum ||
          value > key.maximum) {
        return wrong(key, text);
      }
      key.set_integer(config, value);
      return {};
    }
    case KeyType::choice:
      if (std::find(key.choices.begin(), key.choices.end(), text) == key.choices.end())
        return wrong(key, text);
      key.set_text(config, std::string(text));
      return {};
    case KeyType::list: {
      Strings items;
      while (!text.empty()) {
        const auto comma = text.find(',');
        auto item = text.substr(0, comma);
        while (item.starts_with(' ')) item.remove_prefix(1);
        while (item.ends_with(' ')) item.remove_suffix(1);
        if (!item.empty()) items.emplace_back(item);
        if (comma == std::string_view::npos) break;
        text.remove_prefix(comma + 1);
      }
      key.set_list(config, std::move(items));
      return {};
    }
    case KeyType::text:
    case KeyType::map:
      key.set_text(config, std::string(text));
      return {};
  }
  return {};
}

}  // namespace athena::app

#include "app/config_keys_table.h"

namespace athena::app::table {
namespace {

enum class Kind : std::uint8_t { integer, boolean, text, secret, list };

struct Row {
  std::string_view name;
  Kind kind;
  std::string_view fallback;
  std::int64_t minimum = 0;
  std::int64_t maximum = 0;
};

constexpr auto kInt = Kind::integer;
constexpr auto kBool = Kind::boolean;
constexpr auto kText = Kind::text;
constexpr auto kSecret = Kind::secret;
constexpr auto kList = Kind::list;

/// Adds the rows of a section whose feature is not in this version.
class Unbuilt {
 public:
  Unbuilt(std::vector<KeyInfo>& keys, std::string_view section, bool reloadable)
      : keys_(keys), section_(section), reloadable_(reloadable) {}

  Unbuilt& rows(std::initializer_list<Row> rows) {
    for (const auto& row : rows) add(row);
    return *this;
  }
  KeyInfo& choice(std::string_view name, Choices choices) {
    auto& key = add({name, Kind::text, choices.front()});
    key.type = KeyType::choice;
    key.choices = std::move(choices);
    return key;
  }

 private:
  KeyInfo& add(const Row& row) {
    KeyInfo key;
    key.section = section_;
    key.name = row.name;
    key.type = row.kind == kInt    ? KeyType::integer
               : row.kind == kBool ? KeyType::boolean
               : row.kind == kList ? KeyType::list
                                   : KeyType::text;
    key.default_text = row.fallback;
    key.minimum = row.minimum;
    key.maximum = row.maximum;
    key.secret = row.kind == kSecret;
    key.state = KeyState::not_built;
    key.reloadable = reloadable_;
    return keys_.emplace_back(std::move(key));
  }

  std::vector<KeyInfo>& keys_;
  std::string_view section_;
  bool reloadable_;
};

constexpr std::int64_t kMany = 1000000000;
constexpr std::int64_t kTiB = 1LL << 40;

void add_gateway_rows(std::vector<KeyInfo>& keys) {
  Unbuilt gateway(keys, "gateway", true);
  gateway.rows({{"rest_default_limit", kInt, "1000", 1, 1000000},
                {"max_batch_operations", kInt, "100", 1, 10000},
                {"idempotency_ttl_secs", kInt, "86400", 1, 30 * kDay},
                {"idempotency_max_bytes", kInt, "262144", 0, kGiB},
                {"max_plan_cost", kInt, "0", 0, kMany * kMany},
                {"max_plan_rows", kInt, "0", 0, kMany * kMany}});
  gateway.rows({{"supabase_allowed_hosts", kList, ""},
                {"supabase_allow_private_hosts", kBool, "false"},
                {"admission_window_secs", kInt, "10", 1, kHour},
                {"admission_global_limit", kInt, "0", 0, kMany},
                {"admission_client_limit", kInt, "0", 0, kMany},
                {"admission_key_limit", kInt, "0", 0, kMany},
                {"deferred_enabled", kBool, "true"},
                {"deferred_workers", kInt, "4", 0, 256},
                {"deferred_max_attempts", kInt, "3", 1, 100},
                {"deferred_max_age_secs", kInt, "3600", 1, 30 * kDay},
                {"deferred_retention_secs", kInt, "86400", 0, 365 * kDay},
                {"deferred_max_queued", kInt, "10000", 1, kMany},
                {"deferred_max_queued_per_client", kInt, "1000", 1, kMany},
                {"deferred_max_body_bytes", kInt, "1048576", 1, kGiB},
                {"deferred_max_result_bytes", kInt, "8388608", 1, kGiB},
                {"insert_execution_window_ms", kInt, "0", 0, 60000}});
  gateway.choice("insert_window_mode", {"off", "fixed", "adaptive"});
  gateway.rows({{"insert_window_denied_tables", kList, ""},
                {"insert_window_max_rows", kInt, "1000", 1, 1000000},
                {"insert_window_max_bytes", kInt, "4194304", 1, kGiB},
                {"insert_window_max_lanes", kInt, "1024", 1, 1000000},
                {"insert_window_max_queued_rows", kInt, "50000", 1, kMany}});
  gateway.choice("query_bundler", {"auto", "off"});
  gateway.rows(
      {{"bundler_max_keys", kInt, "256", 1, 10000}, {"client_max_in_flight", kInt, "2000", 1, kMany}});
}

void add_operations(std::vector<KeyInfo>& keys) {
  Unbuilt(keys, "outbound", true)
      .rows({{"connections_per_host", kInt, "32", 1, 10000},
             {"max_waiting", kInt, "256", 0, 1000000},
             {"max_response_bytes", kInt, "67108864", 1, 64 * kGiB},
             {"connect_timeout_seconds", kInt, "5", 1, 300},
             {"proxy", kSecret, ""},
             {"ca_file", kText, ""}});
  Unbuilt(keys, "storage", true)
      .rows({{"allow_http", kBool, "false"},
             {"allowed_hosts", kList, ""},
             {"allow_private_hosts", kBool, "false"},
             {"rate_limit_per_minute", kInt, "600", 0, kMany}});
  Unbuilt(keys, "management", true)
      .rows({{"lock_timeout_ms", kInt, "5000", 1, 86400000}, {"extensions", kList, ""}});
  Unbuilt(keys, "backup", false)
      .rows({{"s3_bucket", kText, ""},
             {"s3_prefix", kText, "backups"},
             {"s3_region", kText, "us-east-1"},
             {"s3_endpoint", kText, ""},
             {"s3_access_key", kSecret, ""},
             {"s3_secret_key", kSecret, ""},
             {"s3_client", kText, ""},
             {"enabled", kBool, "true"},
             {"workers", kInt, "1", 0, 64},
             {"poll_interval_secs", kInt, "5", 1, kHour},
             {"dump_jobs", kInt, "1", 1, 64},
             {"temp_dir", kText, ""},
             {"gzip_level", kInt, "6", 1, 9},
             {"max_unpacked_bytes", kInt, "1099511627776", 1, 1024 * kTiB}});
  Unbuilt(keys, "pg", false)
      .rows({{"dump_path", kText, ""}, {"restore_path", kText, ""}, {"tools_dir", kText, ""}});
  Unbuilt(keys, "cluster", true).rows({{"mirrors", kList, ""}});
  Unbuilt(keys, "supabase", true).rows({{"management_url", kText, ""}});
}

void add_streams(std::vector<KeyInfo>& keys) {
  Unbuilt(keys, "pipelines", true)
      .rows({{"file", kText, "config/pipelines.yaml"},
             {"max_rows", kInt, "1000000", 1, kMany},
             {"max_groups", kInt, "100000", 1, kMany},
             {"max_concurrent", kInt, "4", 1, 1000},
             {"run_seconds", kInt, "300", 1, kDay},
             {"max_run_seconds", kInt, "3600", 1, kDay}});
  Unbuilt ws(keys, "ws", true);
  ws.rows({{"enabled", kBool, "true"}});
  ws.choice("auth", {"upgrade", "message"});
  ws.rows({{"allowed_origins", kList, ""},
           {"ping_seconds", kInt, "30", 1, kHour},
           {"pong_timeout_seconds", kInt, "10", 1, kHour},
           {"max_connections", kInt, "5000", 1, 1000000},
           {"max_connections_per_key", kInt, "100", 1, 1000000},
           {"max_message_bytes", kInt, "1048576", 1, kGiB},
           {"max_reply_bytes", kInt, "16777216", 1, kGiB},
           {"max_in_flight", kInt, "32", 1, 10000},
           {"max_queue_bytes", kInt, "4194304", 1, kGiB},
           {"request_timeout_ms", kInt, "15000", 1, 86400000},
           {"idle_seconds", kInt, "0", 0, kDay}});
  Unbuilt cdc(keys, "cdc", false);
  cdc.rows({{"enabled", kBool, "false"},
            {"port", kInt, "4053", 0, 65535},
            {"event_log_dir", kText, ""},
            {"retention_hours", kInt, "168", 1, 87600},
            {"retention_bytes", kInt, "1073741824", 1, 1024 * kTiB},
            {"flush_ms", kInt, "10", 0, 60000}});
  cdc.choice("fsync", {"interval", "always", "never"});
  cdc.rows({{"spool_max_bytes", kInt, "4294967296", 0, 1024 * kTiB},
            {"publish_url", kSecret, ""},
            {"publish_key", kSecret, ""},
            {"publish_queue", kInt, "10000", 1, kMany},
            {"default_organization", kText, ""},
            {"allow_anonymous", kBool, "false"},
            {"sources", kList, ""}});
  Unbuilt(keys, "redis", true)
      .rows({{"url", kSecret, ""},
             {"ttl_secs", kInt, "0", 0, 365 * kDay},
             {"timeout_ms", kInt, "50", 1, 60000},
             {"cooldown_ms", kInt, "5000", 0, 3600000},
             {"prefix", kText, "athena"}});
}

}  // namespace

void add_unused(std::vector<KeyInfo>& keys) {
  Unbuilt(keys, "api", true)
      .rows({{"cache_ttl", kInt, "0", 0, 365 * kDay},
             {"cache_max_bytes", kInt, "67108864", 0, 1024 * kGiB},
             {"cache_entry_max_bytes", kInt, "1048576", 0, kGiB},
             {"shed_lag_ms", kInt, "250", 0, 60000},
             {"max_buffered_total_bytes", kInt, "268435456", 1048576, 1024 * kGiB},
             {"pool_idle_timeout", kInt, "90", 1, kHour},
             {"explorer_enabled", kBool, "true"}});
  add_gateway_rows(keys);
  add_operations(keys);
  add_streams(keys);

  for (const auto& [section, name] : {std::pair<std::string_view, std::string_view>{"api", "immortal_cache"},
                                      {"gateway", "auto_cast_uuid_filter_values_to_text"}}) {
    KeyInfo key;
    key.section = section;
    key.name = name;
    key.type = KeyType::boolean;
    key.default_text = "false";
    key.state = KeyState::without_effect;
    keys.push_back(std::move(key));
  }
}

}  // namespace athena::app::table

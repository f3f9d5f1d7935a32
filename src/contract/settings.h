#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace athena::contract {

/// Settings of the sections `gateway` and `engines` that request handling reads. Filled by app/ from the
/// configuration and handed to every shard as an immutable object.
struct GatewaySettings {
  enum class Shape : std::uint8_t { automatic, rows, array };
  enum class ErrorMessage : std::uint8_t { automatic, short_text, sentence };
  enum class AuditHeaders : std::uint8_t { sdk_exempt, required, optional };

  Shape response_shape = Shape::automatic;
  ErrorMessage error_message = ErrorMessage::automatic;
  bool terse_errors = false;
  AuditHeaders audit_headers = AuditHeaders::sdk_exempt;

  std::int64_t request_timeout_ms = 30000;
  std::int64_t max_timeout_ms = 300000;
  std::int64_t default_limit = 100;
  std::int64_t max_rows = 10000;
  std::int64_t max_stream_rows = 1000000;
  std::int64_t max_buffered_bytes = 67108864;
  std::int64_t max_insert_rows = 10000;
  std::int64_t max_in_values = 10000;
  std::int64_t max_conditions = 256;
  std::int64_t max_expression_depth = 16;
  bool stable_paging = true;
  bool force_camel_case_to_snake_case = false;
  bool allow_schema_names_prefixed_as_table_name = true;
  std::int64_t schema_cache_ttl_seconds = 300;
  int retry_attempts = 3;

  bool health_tracking = true;
  int breaker_failure_threshold = 5;
  int breaker_window_seconds = 60;
  int breaker_open_seconds = 60;
  int health_check_interval_seconds = 30;
  int process_max_connections = 400;

  bool direct_uri = true;  ///< gateway.direct_uri: callers may name a PostgreSQL database by URI
  std::vector<std::string> jdbc_allowed_hosts;
  bool jdbc_allow_private_hosts = false;
  int direct_pool_capacity = 64;
  int direct_pool_max_connections = 4;
  int direct_pool_ttl_secs = 1800;
  std::vector<std::string> wildcard_hosts;  ///< patterns such as *.db.example.com, lower case
};

/// The settings in force, which a reload replaces. Whoever reads them keeps what was read: earlier ones stay
/// until the end, a few hundred bytes for each reload.
class LiveSettings {
 public:
  explicit LiveSettings(GatewaySettings first) { replace(std::move(first)); }
  LiveSettings(const LiveSettings&) = delete;
  LiveSettings& operator=(const LiveSettings&) = delete;

  /// Any thread.
  [[nodiscard]] const GatewaySettings& current() const { return *current_.load(std::memory_order_acquire); }
  /// One thread at a time.
  void replace(GatewaySettings settings) {
    all_.push_back(std::make_unique<const GatewaySettings>(std::move(settings)));
    current_.store(all_.back().get(), std::memory_order_release);
  }

 private:
  std::atomic<const GatewaySettings*> current_{nullptr};
  std::vector<std::unique_ptr<const GatewaySettings>> all_;
};

/// What engines hold: settings in force, or given ones that never change. Both outlive it.
class SettingsView {
 public:
  SettingsView(const LiveSettings& live) : live_(&live) {}
  SettingsView(const GatewaySettings& fixed) : fixed_(&fixed) {}

  const GatewaySettings& operator*() const { return live_ != nullptr ? live_->current() : *fixed_; }
  const GatewaySettings* operator->() const { return &**this; }

 private:
  const LiveSettings* live_ = nullptr;
  const GatewaySettings* fixed_ = nullptr;
};

}  // namespace athena::contract

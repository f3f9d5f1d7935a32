#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "http/address.h"
#include "services/records/settings.h"

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
  http::AddressRanges trusted_ranges;        ///< the same, parsed
  bool trust_every_proxy = false;            ///< ATHENA_RATE_LIMIT_TRUST_X_FORWARDED_FOR
  /// Whether a host name (without port) fits a pattern of gateway.wildcard_hosts; empty = there is none.
  /// Called on the shards.
  std::function<bool(std::string_view host)> host_pattern_matches;
  std::string docs_url = "/docs/";
  bool server_timing = false;
  bool access_log = false;
  std::size_t metrics_max_clients = 1000;
  records::Settings records;
};

}  // namespace athena::api

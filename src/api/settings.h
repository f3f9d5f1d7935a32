#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

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

}  // namespace athena::api

#include "api/origin.h"

#include <arpa/inet.h>

#include <algorithm>
#include <string>

namespace athena::api {
namespace {

using http::equals_ignoring_case;

/// The name of `host[:port]`: without port, brackets kept off, final dot dropped.
std::string_view host_name(std::string_view host) {
  if (host.starts_with('[')) {
    const auto end = host.find(']');
    return end == std::string_view::npos ? host : host.substr(1, end - 1);
  }
  host = host.substr(0, host.find(':'));
  if (host.ends_with('.')) host.remove_suffix(1);
  return host;
}

bool is_ip_literal(std::string_view host) {
  const std::string text(host);
  in6_addr address{};
  return inet_pton(AF_INET, text.c_str(), &address) == 1 || inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

bool is_loopback_host(std::string_view host) {
  if (equals_ignoring_case(host, "localhost")) return true;
  const std::string text(host);
  in_addr v4{};
  if (inet_pton(AF_INET, text.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  return inet_pton(AF_INET6, text.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

std::string_view without_scheme(std::string_view origin) {
  const auto at = origin.find("://");
  return at == std::string_view::npos ? std::string_view{} : origin.substr(at + 3);
}

/// `host` with the scheme's port made explicit.
bool same_authority(std::string_view a, std::string_view b) {
  constexpr std::string_view kDefault = ":80";
  if (a.ends_with(kDefault)) a.remove_suffix(kDefault.size());
  if (b.ends_with(kDefault)) b.remove_suffix(kDefault.size());
  return equals_ignoring_case(a, b);
}

bool contains(const std::vector<std::string>& list, std::string_view text) {
  return std::any_of(list.begin(), list.end(),
                     [text](const auto& entry) { return equals_ignoring_case(entry, text); });
}

}  // namespace

OriginVerdict check_origin(const http::Request& request, const ApiSettings& settings, bool keys_enforced,
                           bool admin_path) {
  const auto host = request.header("Host");
  if (!keys_enforced && !host.empty()) {
    const auto host_only = host_name(host);
    if (!equals_ignoring_case(host_only, "localhost") && !is_ip_literal(host_only) &&
        !contains(settings.allowed_hosts, host_only)) {
      return {false, false, "Host"};
    }
  }
  const auto origin = request.header("Origin");
  if (origin.empty()) return {};
  const auto authority = without_scheme(origin);
  const bool own = origin.starts_with("http://") && !host.empty() && same_authority(authority, host);
  const bool listed =
      settings.cors_allow_any_origin || contains(settings.cors_allowed_origins, origin) ||
      (settings.cors_loopback && !authority.empty() && is_loopback_host(host_name(authority)));
  if (listed && (!admin_path || settings.cors_admin)) return {true, true, {}};
  if (own) return {};
  return {false, false, "Origin"};
}

void add_cors_headers(const http::Request& request, http::Response& response) {
  response.add_header("Access-Control-Allow-Origin", request.header("Origin"));
  response.add_header("Vary", "Origin");
  if (request.method != http::Method::options) {
    response.add_header("Access-Control-Expose-Headers",
                        "x-request-id, X-Athena-Cached, X-Athena-Cache-Outcome, Retry-After, Allow");
    return;
  }
  response.add_header("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
  if (const auto asked = request.header("Access-Control-Request-Headers"); !asked.empty()) {
    response.add_header("Access-Control-Allow-Headers", asked);
  }
  response.add_header("Access-Control-Max-Age", "600");
}

}  // namespace athena::api

#include "api/origin.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "api/forwarded.h"
#include "http/address.h"

namespace athena::api {
namespace {

using http::equals_ignoring_case;

/// `host[:port]`, as a Host header and an Origin behind its scheme have it.
struct Authority {
  std::string_view name;  ///< without brackets and final dot
  std::string_view port;  ///< empty when there is none
};

/// Bytes that no host name has.
constexpr auto kEndsName = [] {
  std::array<bool, 256> table{};
  for (const char c : {'/', '@', '?', '#', '\\', ',', ' ', '\t'}) table[static_cast<unsigned char>(c)] = true;
  return table;
}();

/// Nothing when the text has another form: what stands behind a name must not make it another one's.
std::optional<Authority> parse_authority(std::string_view text) {
  Authority result;
  std::string_view rest;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    result.name = text.substr(1, end - 1);
    if (!http::parse_address(text.substr(0, end + 1))) return std::nullopt;
    rest = text.substr(end + 1);
  } else {
    const auto colon = text.find(':');
    result.name = text.substr(0, colon);
    rest = colon == std::string_view::npos ? std::string_view{} : text.substr(colon);
    if (result.name.ends_with('.')) result.name.remove_suffix(1);
  }
  if (result.name.empty()) return std::nullopt;
  for (const char c : result.name) {
    if (kEndsName[static_cast<unsigned char>(c)]) return std::nullopt;
  }
  if (rest.empty()) return result;
  result.port = rest.substr(1);
  const bool digits =
      std::all_of(result.port.begin(), result.port.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (rest.front() != ':' || result.port.size() > 5 || !digits) return std::nullopt;
  return result;
}

bool is_loopback(std::string_view name) {
  if (equals_ignoring_case(name, "localhost") || name == "::1") return true;
  const auto address = http::parse_address(name);
  return address && name.find(':') == std::string_view::npos && (*address)[12] == 127;
}

struct Origin {
  bool https = false;
  Authority authority;
};

std::optional<Origin> parse_origin(std::string_view text) {
  Origin result;
  const auto scheme = text.substr(0, text.find("://"));
  if (equals_ignoring_case(scheme, "https")) {
    result.https = true;
  } else if (!equals_ignoring_case(scheme, "http")) {
    return std::nullopt;
  }
  if (scheme.size() == text.size()) return std::nullopt;
  const auto authority = parse_authority(text.substr(scheme.size() + 3));
  if (!authority) return std::nullopt;
  result.authority = *authority;
  return result;
}

/// The origin is that of the request itself: its scheme, host and port.
bool is_own(const Origin& origin, Forwarded& forwarded) {
  const auto host = parse_authority(forwarded.host());
  if (!host || origin.https != forwarded.https()) return false;
  const std::string_view usual = origin.https ? "443" : "80";
  const auto port_of = [usual](const Authority& authority) {
    return authority.port.empty() ? usual : authority.port;
  };
  return equals_ignoring_case(origin.authority.name, host->name) &&
         port_of(origin.authority) == port_of(*host);
}

bool contains(const std::vector<std::string>& list, std::string_view text) {
  return std::any_of(list.begin(), list.end(),
                     [text](const auto& entry) { return equals_ignoring_case(entry, text); });
}

bool is_host_allowed(std::string_view host, const ApiSettings& settings) {
  const auto authority = parse_authority(host);
  if (!authority) return false;
  const auto name = authority->name;
  return equals_ignoring_case(name, "localhost") || http::parse_address(name) ||
         contains(settings.allowed_hosts, name) ||
         (settings.host_pattern_matches && settings.host_pattern_matches(name));
}

}  // namespace

OriginVerdict check_origin(const http::Request& request, const ApiSettings& settings, bool keys_enforced,
                           bool admin_path) {
  Forwarded forwarded(request, settings);
  if (!keys_enforced) {
    const auto host = forwarded.host();
    if (!host.empty() && !is_host_allowed(host, settings)) return {false, false, "Host"};
  }
  const auto text = request.header("Origin");
  if (text.empty()) return {};
  const auto origin = parse_origin(text);
  const bool listed = settings.cors_allow_any_origin || contains(settings.cors_allowed_origins, text) ||
                      (settings.cors_loopback && origin && is_loopback(origin->authority.name));
  if (listed && (!admin_path || settings.cors_admin)) return {true, true, {}};
  if (origin && is_own(*origin, forwarded)) return {};
  return {false, false, "Origin"};
}

void add_cors_headers(const http::Request& request, http::Response& response) {
  response.add_header("Access-Control-Allow-Origin", request.header("Origin"));
  response.add_header("Vary", "Origin");
  if (request.method != http::Method::options) {
    response.add_header(
        "Access-Control-Expose-Headers",
        "x-request-id, Date, Server, X-Athena-Cached, X-Athena-Cache-Outcome, "
        "X-Athena-Cache-Source, Age, Retry-After, Allow, Idempotent-Replayed, X-Athena-Count, "
        "X-Athena-Row-Count, X-Athena-Truncated, Content-Range, Preference-Applied, ETag, "
        "RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, X-Athena-Event, X-D1-Bookmark");
    return;
  }
  response.add_header("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
  if (const auto asked = request.header("Access-Control-Request-Headers"); !asked.empty()) {
    response.add_header("Access-Control-Allow-Headers", asked);
  }
  response.add_header("Access-Control-Max-Age", "600");
}

}  // namespace athena::api

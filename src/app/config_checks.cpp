#include "app/config_checks.h"

#include <arpa/inet.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <string_view>

#include "contract/client_definition.h"

namespace athena::app {
namespace {

bool is_v4(const std::string& text) {
  in_addr address{};
  return inet_pton(AF_INET, text.c_str(), &address) == 1;
}

bool is_v6(const std::string& text) {
  in6_addr address{};
  return inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

std::string without_brackets(const std::string& text) {
  const bool brackets = text.size() > 2 && text.front() == '[' && text.back() == ']';
  return brackets ? text.substr(1, text.size() - 2) : text;
}

bool is_port(std::string_view text) {
  unsigned value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size() && value >= 1 && value <= 65535;
}

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= 63 && std::all_of(label.begin(), label.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

bool is_host_name(std::string_view host) {
  if (host.empty() || host.size() > 253) return false;
  while (true) {
    const auto dot = host.find('.');
    if (!is_label(host.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    host.remove_prefix(dot + 1);
  }
}

bool is_host(const std::string& text) {
  return is_v4(text) || is_v6(without_brackets(text)) || is_host_name(text);
}

/// The authority of an http(s) URL without user information; empty when the text is none. `rest` is what
/// follows it.
std::string authority_of(const std::string& text, std::string& rest) {
  const auto start = text.starts_with("http://") ? 7U : text.starts_with("https://") ? 8U : 0U;
  if (start == 0) return {};
  const auto end = text.find_first_of("/?#", start);
  rest = end == std::string::npos ? std::string() : text.substr(end);
  return text.substr(start, end == std::string::npos ? end : end - start);
}

bool is_authority(const std::string& text) {
  const auto bracket = text.rfind(']');
  const auto colon = text.find(':', bracket == std::string::npos ? 0 : bracket);
  const auto host = text.substr(0, colon);
  if (colon != std::string::npos && !is_port(std::string_view(text).substr(colon + 1))) return false;
  if (host.starts_with('[')) return host.ends_with(']') && is_v6(without_brackets(host));
  return is_v4(host) || is_host_name(host);
}

}  // namespace

std::string cidr_problem(const std::string& text) {
  constexpr const char* kWrong = "must be an address or a block such as 10.0.0.0/8";
  const auto slash = text.find('/');
  const auto address = text.substr(0, slash);
  const bool v4 = is_v4(address);
  if (!v4 && !is_v6(address)) return kWrong;
  if (slash == std::string::npos) return {};
  int bits = -1;
  const auto* begin = text.data() + slash + 1;
  const auto* end = text.data() + text.size();
  const auto parsed = std::from_chars(begin, end, bits);
  if (begin == end || parsed.ec != std::errc() || parsed.ptr != end || bits < 0 || bits > (v4 ? 32 : 128))
    return kWrong;
  return {};
}

std::string bind_problem(const std::string& text) {
  if (text == "localhost" || is_v4(text) || is_v6(without_brackets(text))) return {};
  return "must be an IP address or localhost";
}

std::string pattern_problem(const std::string& text) {
  const bool one_star = text.starts_with("*.") && text.find('*', 1) == std::string::npos;
  if (one_star && is_host_name(std::string_view(text).substr(2))) return {};
  return "must be a pattern such as *.db.example.com, with * as its first label alone";
}

std::string origin_problem(const std::string& text) {
  std::string rest;
  const auto authority = authority_of(text, rest);
  if (!authority.empty() && rest.empty() && is_authority(authority)) return {};
  return "must be an origin such as https://app.example:8443, without a path";
}

std::string host_problem(const std::string& text) {
  return is_host(text) ? std::string() : "must be a host name or an address, without scheme, port or path";
}

std::string domain_problem(const std::string& text) {
  const auto skipped = text.starts_with("*.") ? 2U : text.starts_with('.') ? 1U : 0U;
  return host_problem(text.substr(skipped));
}

std::string digest_problem(const std::string& text) {
  const bool hex = text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
  return hex ? std::string() : "must be the SHA-256 of the key, 64 lower-case hex digits";
}

std::string location_problem(const std::string& text) {
  const bool printable = std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 127; });
  if (printable && text.starts_with('/') && !text.starts_with("//")) return {};
  if (printable && url_problem(text).empty()) return {};
  return "must be a path from the root or an http:// or https:// URL";
}

std::string url_problem(const std::string& text) {
  std::string rest;
  auto authority = authority_of(text, rest);
  if (const auto at = authority.rfind('@'); at != std::string::npos) authority.erase(0, at + 1);
  return is_authority(authority) ? std::string() : "must be an http:// or https:// URL";
}

std::string absolute_path_problem(const std::string& text) {
  return text.starts_with('/') ? std::string() : "must be an absolute path";
}

std::string client_name_problem(const std::string& text) {
  const auto checked = contract::check_client_name(text);
  return checked ? std::string() : "must be the name of a client";
}

std::string socket_path_problem(const std::string& text) {
  if (text.size() < sizeof(sockaddr_un::sun_path)) return {};
  return "must be a path of at most " + std::to_string(sizeof(sockaddr_un::sun_path) - 1) + " bytes";
}

}  // namespace athena::app

#include "api/forwarded.h"

#include <utility>

#include "http/header_list.h"

namespace athena::api {
namespace {

using http::equals_ignoring_case;

/// `visit(entry)` for the entries of a list header, the last one first, until it returns false. A proxy
/// appends to the last line or adds a line behind it.
template <class Visit>
void from_right(const http::Request& request, std::string_view name, Visit visit) {
  for (auto line = request.headers.rbegin(); line != request.headers.rend(); ++line) {
    if (!equals_ignoring_case(line->name, name)) continue;
    auto rest = line->value;
    while (!rest.empty()) {
      const auto comma = rest.rfind(',');
      const auto entry = http::trimmed(comma == std::string_view::npos ? rest : rest.substr(comma + 1));
      rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(0, comma);
      if (!entry.empty() && !visit(entry)) return;
    }
  }
}

/// The address of `1.2.3.4`, `1.2.3.4:80`, `::1`, `[::1]` or `[::1]:80`, without brackets and port.
std::string_view bare_address(std::string_view text) {
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    return end == std::string_view::npos ? text : text.substr(1, end - 1);
  }
  const auto colon = text.find(':');
  return colon != std::string_view::npos && colon == text.rfind(':') ? text.substr(0, colon) : text;
}

}  // namespace

Forwarded::Forwarded(const http::Request& request, const ApiSettings& settings)
    : request_(request), settings_(settings) {
  if (settings.trust_every_proxy) {
    trusted_ = true;
  } else if (!settings.trusted_ranges.empty()) {
    const auto peer = http::parse_address(request.peer);
    trusted_ = peer && settings.trusted_ranges.contains(*peer);
  }
}

void Forwarded::read_chain() {
  if (std::exchange(chain_read_, true) || !trusted_) return;
  from_right(request_, "X-Forwarded-For", [this](std::string_view entry) {
    const auto text = bare_address(entry);
    const auto address = http::parse_address(text);
    if (!address) return false;
    if (settings_.trusted_ranges.contains(*address)) {
      ++proxies_;
      return true;
    }
    caller_ = text;
    return false;
  });
}

std::string_view Forwarded::client_address() {
  read_chain();
  if (!caller_.empty()) return caller_;
  if (trusted_) {
    const auto text = bare_address(request_.header("X-Real-IP"));
    if (http::parse_address(text)) return text;
  }
  return request_.peer;
}

/// What the proxy that the caller spoke to has put into a list header: as far from the right as the caller
/// stands in X-Forwarded-For. A proxy that replaces instead of appending leaves fewer entries.
std::string_view Forwarded::entry(std::string_view header) {
  read_chain();
  std::string_view result;
  std::size_t at = 0;
  from_right(request_, header, [&](std::string_view found) {
    result = found;
    return at++ < proxies_;
  });
  return result;
}

std::string_view Forwarded::host() {
  if (trusted_) {
    if (const auto given = entry("X-Forwarded-Host"); !given.empty()) return given;
  }
  return request_.header("Host");
}

bool Forwarded::https() {
  if (trusted_) {
    const auto given = entry("X-Forwarded-Proto");
    if (equals_ignoring_case(given, "https") || equals_ignoring_case(given, "wss")) return true;
    if (equals_ignoring_case(given, "http") || equals_ignoring_case(given, "ws")) return false;
  }
  return request_.tls;
}

}  // namespace athena::api

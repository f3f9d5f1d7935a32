#include "services/auth/gatekeeper.h"

#include <array>

namespace athena::auth {
namespace {

using contract::Error;
using contract::ErrorCode;

std::string_view bearer_token(const http::Request& request) {
  constexpr std::string_view kScheme = "Bearer ";
  auto value = request.header("Authorization");
  if (value.size() <= kScheme.size() || !http::equals_ignoring_case(value.substr(0, kScheme.size()), kScheme))
    return {};
  value.remove_prefix(kScheme.size());
  while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  return value;
}

/// The first non-empty credential, in the order of the contract.
std::string_view credential(const http::Request& request) {
  for (const std::string_view name : {"X-Athena-Key", "X-Api-Key", "apikey"}) {
    const auto value = request.header(name);
    if (!value.empty()) return value;
  }
  return bearer_token(request);
}

std::string_view query_key(std::string_view query) {
  constexpr std::string_view kName = "api_key=";
  while (!query.empty()) {
    const auto end = query.find('&');
    const auto pair = query.substr(0, end);
    if (pair.starts_with(kName)) return pair.substr(kName.size());
    if (end == std::string_view::npos) break;
    query.remove_prefix(end + 1);
  }
  return {};
}

}  // namespace

const AdminKey* Gatekeeper::find(std::string_view presented) const {
  const auto digest = base::sha256(presented);
  const AdminKey* found = nullptr;
  for (const auto& key : settings_.admin_keys) {
    if (base::constant_time_equal(key.digest, digest)) found = &key;
  }
  return found;
}

contract::Result<Caller> Gatekeeper::authenticate(const http::Request& request, Decision& decision) const {
  auto presented = credential(request);
  if (presented.empty()) presented = request.header("X-Athena-Admin-Key");
  if (presented.empty() && settings_.admin_key_in_query) presented = query_key(request.query);
  if (presented.empty()) {
    decision = {{},
                settings_.enforce_keys ? "denied" : "unenforced",
                settings_.enforce_keys ? "missing_api_key" : "api_key_not_enforced"};
    if (!settings_.enforce_keys) return Caller{};
    return Error(ErrorCode::missing_api_key, "This gateway asks for a key in X-Athena-Key.")
        .hint("Send the admin key: ATHENA_KEY_12, or the text of admin.key in the gateway's data folder.");
  }
  if (const auto* key = find(presented)) {
    decision = {{Caller::Kind::admin, key->name}, "allowed", "admin_key_authenticated"};
    return decision.caller;
  }
  decision = {{},
              settings_.enforce_keys ? "denied" : "unenforced",
              presented.starts_with("ath_") ? "unknown_api_key" : "invalid_api_key_format"};
  if (!settings_.enforce_keys) return Caller{};
  return Error(ErrorCode::invalid_api_key, "The API key is not valid.");
}

contract::Result<Caller> Gatekeeper::require_admin(const http::Request& request, Decision& decision) const {
  std::string_view presented = request.header("X-Athena-Admin-Key");
  if (presented.empty()) presented = credential(request);
  if (presented.empty() && settings_.admin_key_in_query) presented = query_key(request.query);
  const auto* key = presented.empty() ? nullptr : find(presented);
  if (key == nullptr) {
    decision = {{}, "denied", "invalid_admin_key"};
    return Error(ErrorCode::invalid_admin_key, "This route needs the admin key.");
  }
  decision = {{Caller::Kind::admin, key->name}, "allowed", "admin_key_authenticated"};
  return decision.caller;
}

}  // namespace athena::auth

#include "services/auth/gatekeeper.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/ascii.h"

namespace athena::auth {
namespace {

using contract::Error;
using contract::ErrorCode;

constexpr std::string_view kPrefix = "ath_";
constexpr std::size_t kLongestKey = 256;
constexpr std::size_t kLongestSalt = 256;

std::string_view bearer_token(std::string_view value) {
  constexpr std::string_view kScheme = "Bearer ";
  if (value.size() <= kScheme.size() || !http::equals_ignoring_case(value.substr(0, kScheme.size()), kScheme))
    return {};
  value.remove_prefix(kScheme.size());
  while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  return value;
}

/// The headers that may hold a credential, in the order in which they count.
enum class Place : std::uint8_t { athena_key, x_api_key, apikey, bearer, admin_key, none };
constexpr std::array<std::string_view, 5> kPlaces{"X-Athena-Key", "X-Api-Key", "apikey", "Authorization",
                                                  "X-Athena-Admin-Key"};

struct Found {
  std::string_view text;
  Place place = Place::none;
};

/// All places in one walk of the headers. `admin_first`: X-Athena-Admin-Key before the others.
Found credential(const http::Request& request, bool admin_first) {
  Found found;
  const auto rank = [admin_first](std::size_t place) {
    if (!admin_first) return place;
    return place == static_cast<std::size_t>(Place::admin_key) ? 0 : place + 1;
  };
  for (const auto& header : request.headers) {
    if (header.value.empty()) continue;
    for (std::size_t place = 0; place < kPlaces.size(); ++place) {
      if (header.name.size() != kPlaces[place].size()) continue;
      if (found.place != Place::none && rank(static_cast<std::size_t>(found.place)) <= rank(place)) continue;
      if (!http::equals_ignoring_case(header.name, kPlaces[place])) continue;
      const auto text =
          place == static_cast<std::size_t>(Place::bearer) ? bearer_token(header.value) : header.value;
      if (!text.empty()) found = {text, static_cast<Place>(place)};
    }
  }
  return found;
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

/// [0-9A-Za-z_-]
constexpr std::array<bool, 256> kKeyCharacters = [] {
  std::array<bool, 256> table{};
  for (int c = 0; c < 256; ++c) {
    table[static_cast<std::size_t>(c)] =
        (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c == '-';
  }
  return table;
}();

/// Looks at every character, in the same time whatever they are.
bool is_key_part(std::string_view text) {
  unsigned good = text.empty() ? 0 : 1;
  for (const char c : text) good &= static_cast<unsigned>(kKeyCharacters[static_cast<unsigned char>(c)]);
  return good != 0;
}

bool names_client(const ApiKey& key, std::string_view client) {
  while (!client.empty() && (client.front() == ' ' || client.front() == '\t')) client.remove_prefix(1);
  while (!client.empty() && (client.back() == ' ' || client.back() == '\t')) client.remove_suffix(1);
  return base::equals_ignoring_case(key.client_key(), client);
}

struct ReasonName {
  std::string_view plain, unenforced;
};

constexpr std::array<ReasonName, 14> kReasons{{
    {"api_key_authenticated", "api_key_authenticated_unenforced"},
    {"admin_key_authenticated", "admin_key_authenticated_unenforced"},
    {"api_key_not_enforced", "api_key_not_enforced"},
    {"missing_api_key", "missing_api_key_unenforced"},
    {"invalid_api_key_format", "invalid_api_key_format_unenforced"},
    {"unknown_api_key", "unknown_api_key_unenforced"},
    {"invalid_api_key_secret", "invalid_api_key_secret_unenforced"},
    {"inactive_api_key", "inactive_api_key_unenforced"},
    {"expired_api_key", "expired_api_key_unenforced"},
    {"api_key_client_mismatch", "api_key_client_mismatch_unenforced"},
    {"missing_api_key_rights", "missing_api_key_rights_unenforced"},
    {"invalid_admin_key", "invalid_admin_key_unenforced"},
    {"api_key_store_unavailable", "api_key_store_unavailable"},
    {"throttled", "throttled_unenforced"},
}};

}  // namespace

std::string_view name(Reason reason, bool unenforced) {
  const auto& texts = kReasons[static_cast<std::size_t>(reason)];
  return unenforced ? texts.unenforced : texts.plain;
}

Verified verify_key(std::string_view text, const KeyTable& keys, const ApiKey*& key) {
  key = nullptr;
  if (text.size() > kLongestKey || !text.starts_with(kPrefix)) return Verified::bad_format;
  text.remove_prefix(kPrefix.size());
  const auto dot = text.find('.');
  if (dot == std::string_view::npos) return Verified::bad_format;
  const auto public_id = text.substr(0, dot);
  const auto secret = text.substr(dot + 1);
  if (!is_key_part(public_id) || !is_key_part(secret)) return Verified::bad_format;
  bool known = false;
  const auto& candidate = keys.find_or_nobody(public_id, known);
  std::array<char, kLongestSalt + 1 + kLongestKey> salted;
  const auto salt = candidate.salt().substr(0, kLongestSalt);
  std::memcpy(salted.data(), salt.data(), salt.size());
  salted[salt.size()] = ':';
  std::memcpy(salted.data() + salt.size() + 1, secret.data(), secret.size());
  const auto digest = base::sha256({salted.data(), salt.size() + 1 + secret.size()});
  const bool equal = base::constant_time_equal(digest, candidate.hash());
  // Without a branch on what was found.
  const std::array<const ApiKey*, 2> found{nullptr, &candidate};
  key = found[static_cast<std::size_t>(known)];
  static_assert(static_cast<int>(Verified::unknown) + 2 == static_cast<int>(Verified::right));
  return static_cast<Verified>(static_cast<int>(Verified::unknown) + static_cast<int>(known) +
                               static_cast<int>(equal & known));
}

const AdminKey* Gatekeeper::find(std::string_view presented) const {
  const auto digest = base::sha256(presented);
  const AdminKey* found = nullptr;
  for (const auto& key : settings_.admin_keys) {
    if (base::constant_time_equal(key.digest, digest)) found = &key;
  }
  return found;
}

void Gatekeeper::compare_admin(Credential& credential) const {
  if (const auto* key = find(credential.presented)) {
    credential.kind = Credential::Kind::admin;
    credential.reason = Reason::admin_authenticated;
    credential.admin_name = key->name;
  } else {
    credential.kind = Credential::Kind::refused;
    credential.reason = Reason::invalid_admin_key;
  }
}

Credential Gatekeeper::examine(const http::Request& request, const KeyTable& keys) const {
  auto found = credential(request, false);
  if (found.text.empty() && settings_.admin_key_in_query)
    found = {query_key(request.query), Place::admin_key};
  Credential result;
  result.presented = found.text;
  if (found.text.empty()) return result;
  if (found.place == Place::admin_key || !found.text.starts_with(kPrefix)) {
    compare_admin(result);
    return result;
  }
  result.kind = Credential::Kind::refused;
  switch (verify_key(found.text, keys, result.presumed)) {
    case Verified::bad_format:
      result.reason = Reason::bad_format;
      break;
    case Verified::unknown:
      result.reason = Reason::unknown;
      break;
    case Verified::bad_secret:
      result.reason = Reason::bad_secret;
      break;
    case Verified::right:
      result.kind = Credential::Kind::key;
      result.reason = Reason::authenticated;
      result.key = result.presumed;
      break;
  }
  return result;
}

Credential Gatekeeper::examine_admin(const http::Request& request) const {
  auto found = credential(request, true);
  if (found.text.empty() && settings_.admin_key_in_query)
    found = {query_key(request.query), Place::admin_key};
  Credential result;
  result.presented = found.text;
  result.reason = Reason::invalid_admin_key;
  if (!found.text.empty()) compare_admin(result);
  return result;
}

Decision Gatekeeper::decide(const Credential& credential, const KeyState& state, const Purpose& purpose,
                            std::chrono::nanoseconds store_age, std::int64_t now_ms) const {
  using Kind = Credential::Kind;
  Decision decision;
  auto& caller = decision.caller;
  caller.enforced =
      state.enforcement.for_client(purpose.client) || (purpose.direct && state.enforcement.everywhere());
  if (credential.kind == Kind::admin) {
    caller.kind = Caller::Kind::admin;
    caller.admin_name = credential.admin_name;
    decision.reason = Reason::admin_authenticated;
    return decision;
  }
  if (!state.loaded || store_age > settings_.max_staleness) {
    decision.reason = Reason::store_unavailable;
    decision.allowed = settings_.fail_open;
    caller.enforced = false;
    return decision;
  }
  decision.reason = credential.reason;
  if (credential.kind == Kind::key) {
    const auto& key = *credential.key;
    const bool bound = !key.client_key().empty();
    if (!key.is_active()) {
      decision.reason = Reason::inactive;
    } else if (key.expires_at_ms() <= now_ms) {
      decision.reason = Reason::expired;
    } else if (bound && (purpose.direct || (!purpose.client.empty() && !names_client(key, purpose.client)))) {
      decision.reason = Reason::client_mismatch;
    }
  }
  const bool right = decision.reason == Reason::authenticated;
  if (!caller.enforced) {
    if (credential.kind == Kind::none) decision.reason = Reason::not_enforced;
    return decision;
  }
  decision.allowed = right;
  decision.failed_credential =
      !right && credential.kind != Kind::none && decision.reason != Reason::client_mismatch;
  if (right) {
    caller.kind = Caller::Kind::key;
    caller.key = credential.key;
  }
  return decision;
}

contract::Error denial(const Decision& decision, const Credential& credential, const KeyState& state) {
  switch (decision.reason) {
    case Reason::missing: {
      Error error(ErrorCode::missing_api_key, "This gateway asks for a key in X-Athena-Key.");
      if (state.keys.size() == 0) {
        error.hint(
            "Make the first key with `athena keys create --name NAME --right '*'` on the gateway's machine, "
            "or "
            "POST /admin/api-keys with the admin key.");
      }
      return error;
    }
    case Reason::inactive:
      return Error(ErrorCode::inactive_api_key, "The API key is switched off.");
    case Reason::expired:
      return Error(ErrorCode::expired_api_key, "The API key has expired.");
    case Reason::client_mismatch:
      return Error(ErrorCode::api_key_client_mismatch,
                   "The API key is scoped to client \"" + std::string(credential.key->client_name()) + "\".");
    case Reason::store_unavailable:
      return Error(ErrorCode::auth_store_unavailable, "Keys cannot be checked now.");
    case Reason::throttled:
      return Error(ErrorCode::rate_limited, "Too many wrong credentials came from this address.");
    default:
      return Error(ErrorCode::invalid_api_key, "The API key is not valid.");
  }
}

contract::Error lacking(const RequiredRight& required) {
  const std::vector<std::string> rights{required.text()};
  return Error(ErrorCode::missing_api_key_rights, "The API key does not have the right " + rights[0] + ".")
      .with("required_rights", std::span<const std::string>(rights));
}

std::string fingerprint(std::string_view secret, std::string_view presented) {
  std::string text(secret);
  text.append(presented);
  const auto digest = base::sha256(text);
  return base::to_hex(std::span(digest).first(8));
}

}  // namespace athena::auth

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/crypto.h"
#include "contract/error.h"
#include "http/message.h"

namespace athena::auth {

/// One admin key: only its digest is kept.
struct AdminKey {
  std::string name;  ///< actor in audit records; empty for ATHENA_KEY_12 and admin.key
  base::Sha256 digest;
};

struct GatekeeperSettings {
  std::vector<AdminKey> admin_keys;
  bool enforce_keys = false;       ///< a listener is reachable beyond loopback, so callers must show a key
  bool admin_key_in_query = true;  ///< api.admin_key_in_query
};

/// Who sent a request, as far as its credential tells.
struct Caller {
  enum class Kind : std::uint8_t { anonymous, admin } kind = Kind::anonymous;
  std::string_view admin_name;
  [[nodiscard]] bool is_admin() const { return kind == Kind::admin; }
};

/// Outcome labels of auth_attempts_total.
struct Decision {
  Caller caller;
  std::string_view outcome;  ///< allowed, denied, unenforced
  std::string_view reason;   ///< a value of failure_reason
};

/// Checks credentials. Immutable and without waiting, so every shard uses the same object. Digests are
/// compared in constant time, always with every configured one.
class Gatekeeper {
 public:
  explicit Gatekeeper(GatekeeperSettings settings) : settings_(std::move(settings)) {}

  [[nodiscard]] bool enforced() const { return settings_.enforce_keys; }
  /// Gateway and schema routes. Not enforced: always a caller, admin only with a right key. Enforced:
  /// missing_api_key or invalid_api_key without one.
  [[nodiscard]] contract::Result<Caller> authenticate(const http::Request& request, Decision& decision) const;
  /// Routes for admin keys only: invalid_admin_key otherwise, whether keys are enforced or not.
  [[nodiscard]] contract::Result<Caller> require_admin(const http::Request& request,
                                                       Decision& decision) const;

 private:
  [[nodiscard]] const AdminKey* find(std::string_view presented) const;

  GatekeeperSettings settings_;
};

}  // namespace athena::auth

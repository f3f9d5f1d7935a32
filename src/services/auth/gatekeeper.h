#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/crypto.h"
#include "contract/error.h"
#include "http/message.h"
#include "services/auth/key_state.h"

namespace athena::auth {

/// One admin key: only its digest is kept.
struct AdminKey {
  std::string name;  ///< actor in audit records; empty for ATHENA_KEY_12 and admin.key
  base::Sha256 digest;
};

struct GatekeeperSettings {
  std::vector<AdminKey> admin_keys;
  bool admin_key_in_query = true;           ///< api.admin_key_in_query
  bool fail_open = false;                   ///< gateway.api_key_fail_mode
  std::chrono::seconds max_staleness{300};  ///< gateway.api_key_max_staleness_secs
  std::uint32_t failures_per_minute = 60;   ///< gateway.auth_failures_per_minute; 0 = no limit
  bool protect_control_tables = true;       ///< gateway.protect_control_tables
};

/// Why a credential was taken or refused: the values of failure_reason.
enum class Reason : std::uint8_t {
  authenticated,
  admin_authenticated,
  not_enforced,
  missing,
  bad_format,
  unknown,
  bad_secret,
  inactive,
  expired,
  client_mismatch,
  missing_rights,
  invalid_admin_key,
  store_unavailable,
  throttled,
};
/// `unenforced`: the same with `_unenforced`, for a key that was checked where none is asked for. Static
/// text.
std::string_view name(Reason reason, bool unenforced = false);

/// Who sent a request, as far as its credential tells. `key` lives as long as the KeyState.
struct Caller {
  enum class Kind : std::uint8_t { anonymous, key, admin } kind = Kind::anonymous;
  bool enforced = false;  ///< a key is asked for here, so its rights count
  std::string_view admin_name;
  const ApiKey* key = nullptr;  ///< of Kind::key
  [[nodiscard]] bool is_admin() const { return kind == Kind::admin; }
  /// Where no key is asked for everybody may.
  [[nodiscard]] bool may(const RequiredRight& required) const {
    if (is_admin() || !enforced) return true;
    return key != nullptr && key->rights().cover(required);
  }
};

/// What a request shows, before it is known what it is for.
struct Credential {
  enum class Kind : std::uint8_t { none, refused, key, admin } kind = Kind::none;
  Reason reason = Reason::missing;
  std::string_view presented;        ///< the text; empty = none
  std::string_view admin_name;       ///< of Kind::admin
  const ApiKey* key = nullptr;       ///< the key whose secret was shown
  const ApiKey* presumed = nullptr;  ///< the key of that public id, right secret or not; for records only
};

/// What a credential is shown for.
struct Purpose {
  std::string_view client;  ///< as named by the request; empty = none yet
  bool direct = false;      ///< a direct URI: the client's name only labels
};

/// What came of a credential.
struct Decision {
  Caller caller;
  Reason reason = Reason::not_enforced;
  bool allowed = true;
  /// The credential was wrong, rather than missing or not for this.
  bool failed_credential = false;
  /// outcome of athena_auth_attempts_total: allowed, denied, unenforced.
  [[nodiscard]] std::string_view outcome() const {
    if (!allowed) return "denied";
    return caller.is_admin() || caller.enforced ? "allowed" : "unenforced";
  }
};

enum class Verified : std::uint8_t { bad_format, unknown, bad_secret, right };
/// Checks the text of a key. `key` is the one of its public id, null for an unknown one. Unknown ids and
/// wrong secrets take the same time. Allocates nothing.
Verified verify_key(std::string_view text, const KeyTable& keys, const ApiKey*& key);

/// Checks credentials. Immutable and without waiting, so every shard uses the same object. Digests are
/// compared in constant time, those of admin keys always with every configured one.
class Gatekeeper {
 public:
  explicit Gatekeeper(GatekeeperSettings settings) : settings_(std::move(settings)) {}

  [[nodiscard]] const GatekeeperSettings& settings() const { return settings_; }

  /// The credential of a gateway or schema route: a text that begins with `ath_` is a key, any other an admin
  /// key. X-Athena-Admin-Key and `?api_key=` hold admin keys only.
  [[nodiscard]] Credential examine(const http::Request& request, const KeyTable& keys) const;
  /// The credential of a route for admin keys alone: Kind::admin, refused or none.
  [[nodiscard]] Credential examine_admin(const http::Request& request) const;

  /// Stage 2 for one purpose; called again when a body names a client. `store_age`: since the store was last
  /// confirmed. `now_ms`: wall clock.
  [[nodiscard]] Decision decide(const Credential& credential, const KeyState& state, const Purpose& purpose,
                                std::chrono::nanoseconds store_age, std::int64_t now_ms) const;

 private:
  [[nodiscard]] const AdminKey* find(std::string_view presented) const;
  void compare_admin(Credential& credential) const;

  GatekeeperSettings settings_;
};

/// The failure that a denied decision is sent as. Bad formats, unknown ids and wrong secrets are one reply.
contract::Error denial(const Decision& decision, const Credential& credential, const KeyState& state);
/// missing_api_key_rights, with the rights that are needed.
contract::Error lacking(const RequiredRight& required);

}  // namespace athena::auth

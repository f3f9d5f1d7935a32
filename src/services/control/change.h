#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "contract/error.h"
#include "services/control/session.h"

namespace athena::control {

/// Who makes a change, for the audit record.
struct Actor {
  enum class Kind : std::uint8_t { admin_key, cli, bootstrap, scheduler } kind = Kind::admin_key;
  std::string name;        ///< of the admin key, or the system user; empty = null
  std::string request_id;  ///< empty = none: each record gets one of its own
  // empty = null
  std::string remote_addr;
  std::string user_agent;
  std::string instance_id;
};

/// What was done to what; `before` and `after` are JSON without secrets, empty = null.
struct AuditEntry {
  std::string_view action;       ///< `api_key.create`
  std::string_view object_type;  ///< `api_key`
  std::string object_id;         ///< `global` for what there is one of
  std::string before, after;
};

/// What instances watch: one row of athena_control_version each.
enum class Scope : std::uint8_t { keys, clients, registry, schedules, mirrors };
std::string_view name(Scope scope);

/// Store failures, and beside them refusals that the caller is told (not found, exists already, …).
template <class T>
using Outcome = StoreResult<contract::Result<T>>;

/// One change of one scope, in a transaction: it takes the next version of the scope, which keeps changes of
/// other instances waiting, and ends without a trace unless it is committed.
class Change {
 public:
  /// Begins the transaction. `actor` outlives the change.
  static StoreResult<Change> begin(Session& session, Scope scope, const Actor& actor);
  Change(Change&& other) noexcept;
  ~Change();
  Change(const Change&) = delete;
  Change& operator=(const Change&) = delete;
  Change& operator=(Change&&) = delete;

  /// The number to stamp into `change_version` of what is changed.
  [[nodiscard]] std::int64_t version() const { return version_; }
  /// The time of the change, for created_at, updated_at and their kind.
  [[nodiscard]] const std::string& now() const { return now_; }
  StoreResult<void> audit(const AuditEntry& entry);
  /// Tells other instances and commits.
  StoreResult<void> commit();

 private:
  Change(Session& session, Scope scope, const Actor& actor)
      : session_(&session), scope_(scope), actor_(actor) {}

  Session* session_;
  Scope scope_;
  const Actor& actor_;
  std::int64_t version_ = 0;
  std::string now_;
};

/// Writes one row of admin_audit_log; inside the transaction of what it tells of.
StoreResult<void> write_audit(Session& session, const Actor& actor, const AuditEntry& entry,
                              const std::string& now);

/// Text as a value; empty = null.
Value text_or_null(std::string_view text);

}  // namespace athena::control

#include "services/control/change.h"

#include <utility>

#include "base/buffer.h"
#include "base/iso_time.h"
#include "base/json_writer.h"
#include "base/unix_time.h"
#include "base/uuid.h"

namespace athena::control {
namespace {

std::string_view name(Actor::Kind kind) {
  switch (kind) {
    case Actor::Kind::admin_key:
      return "admin_key";
    case Actor::Kind::cli:
      return "cli";
    case Actor::Kind::bootstrap:
      return "bootstrap";
    case Actor::Kind::scheduler:
      break;
  }
  return "scheduler";
}

std::string notification(Scope scope, std::int64_t version, const std::string& instance_id) {
  base::Buffer text;
  text.append(R"({"scope":)");
  base::append_json_string(text, name(scope));
  text.append(R"(,"version":)");
  base::append_integer(text, version);
  text.append(R"(,"instance":)");
  base::append_json_string(text, instance_id);
  text.push_back('}');
  return std::string(text.view());
}

}  // namespace

std::string_view name(Scope scope) {
  switch (scope) {
    case Scope::keys:
      return "keys";
    case Scope::clients:
      return "clients";
    case Scope::registry:
      return "registry";
    case Scope::schedules:
      return "schedules";
    case Scope::mirrors:
      break;
  }
  return "mirrors";
}

Value text_or_null(std::string_view text) {
  return text.empty() ? null() : Value(std::string(text));
}

StoreResult<Change> Change::begin(Session& session, Scope scope, const Actor& actor) {
  if (auto begun = session.begin(); !begun) return begun.error();
  Change change(session, scope, actor);
  change.now_ = base::iso_time(base::unix_ms());
  auto rows = session.execute(
      "UPDATE athena_control_version SET version = version + 1, updated_at = $2 WHERE scope = $1 "
      "RETURNING version",
      {std::string(name(scope)), change.now_});
  if (!rows) return rows.error();
  if (rows->rows.empty())
    return StoreError{StoreError::Kind::failed, "athena_control_version has no row of this scope", {}};
  change.version_ = as_integer(rows->rows[0][0]);
  return change;
}

Change::Change(Change&& other) noexcept
    : session_(std::exchange(other.session_, nullptr)),
      scope_(other.scope_),
      actor_(other.actor_),
      version_(other.version_),
      now_(std::move(other.now_)) {}

Change::~Change() {
  if (session_ != nullptr && session_->in_transaction()) session_->rollback();
}

StoreResult<void> Change::audit(const AuditEntry& entry) {
  return write_audit(*session_, actor_, entry, now_);
}

StoreResult<void> Change::commit() {
  if (session_->home() == Home::postgres) {
    auto told = session_->execute("SELECT pg_notify('athena_control', $1)",
                                  {notification(scope_, version_, actor_.instance_id)});
    if (!told) return told.error();
  }
  return session_->commit();
}

StoreResult<void> write_audit(Session& session, const Actor& actor, const AuditEntry& entry,
                              const std::string& now) {
  const std::string id(base::view(base::uuid_v7()));
  auto written = session.execute(
      "INSERT INTO admin_audit_log (created_at, admin_audit_log_id, request_id, actor_kind, actor, action, "
      "object_type, object_id, before, after, remote_addr, user_agent, instance_id) "
      "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
      {now, id, actor.request_id.empty() ? id : actor.request_id, std::string(name(actor.kind)),
       text_or_null(actor.name), std::string(entry.action), std::string(entry.object_type), entry.object_id,
       text_or_null(entry.before), text_or_null(entry.after), text_or_null(actor.remote_addr),
       text_or_null(actor.user_agent), text_or_null(actor.instance_id)});
  if (!written) return written.error();
  return {};
}

}  // namespace athena::control

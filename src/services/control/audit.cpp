#include "services/control/audit.h"

#include "base/iso_time.h"
#include "contract/client_definition.h"
#include "services/control/texts.h"

namespace athena::control {
namespace {

AuditRecord record_of(const Row& row) {
  AuditRecord record;
  record.row_id = as_integer(row[0]);
  record.id = as_text(row[1]);
  record.created_at = as_text(row[2]);
  record.request_id = optional_text(row[3]);
  record.actor_kind = as_text(row[4]);
  record.actor = optional_text(row[5]);
  record.action = as_text(row[6]);
  record.object_type = as_text(row[7]);
  record.object_id = optional_text(row[8]);
  record.before = optional_text(row[9]);
  record.after = optional_text(row[10]);
  record.remote_addr = optional_text(row[11]);
  record.user_agent = optional_text(row[12]);
  return record;
}

void append_json(base::JsonBuilder& json, std::string_view name, const std::optional<std::string>& value) {
  json.key(name).raw(value ? std::string_view(*value) : "null");
}

/// Clients, and what is set for one, have its name as their id.
bool is_about_client(const AuditRecord& record) {
  return record.object_type == "client" || record.object_type == "backend" ||
         record.action.starts_with("enforcement.client_");
}

}  // namespace

void append(base::JsonBuilder& json, const AuditRecord& record) {
  json.begin_object().member("id", record.id).member("kind", "admin").member("created_at", record.created_at);
  json.member("request_id", record.request_id).member("actor_kind", record.actor_kind);
  json.member("actor", record.actor)
      .member("action", record.action)
      .member("object_type", record.object_type);
  json.member("object_id", record.object_id);
  json.member("client_name", is_about_client(record) ? record.object_id : std::nullopt);
  json.member("status", "success");
  append_json(json, "before", record.before);
  append_json(json, "after", record.after);
  json.member("remote_addr", record.remote_addr).member("user_agent", record.user_agent).end_object();
}

StoreResult<std::vector<AuditRecord>> list_audit(Session& session, const AuditFilter& filter) {
  Conditions where;
  if (!filter.actor.empty()) where.add("actor = ", filter.actor);
  if (!filter.action_prefix.empty()) where.add_prefix("action", filter.action_prefix);
  if (!filter.object_type.empty()) where.add("object_type = ", filter.object_type);
  if (!filter.object_id.empty()) where.add("object_id = ", filter.object_id);
  if (!filter.client_name.empty()) {
    where.add("(object_type IN ('client', 'backend') OR action LIKE 'enforcement.client!_%' ESCAPE '!')");
    where.add("lower(object_id) = ", contract::client_key(filter.client_name));
  }
  if (filter.since_ms) where.add("created_at >= ", base::iso_time(*filter.since_ms));
  if (filter.until_ms) where.add("created_at < ", base::iso_time(*filter.until_ms));
  if (filter.before_row > 0) where.add("id < ", filter.before_row);
  auto rows = session.execute(
      "SELECT id, admin_audit_log_id, created_at, request_id, actor_kind, actor, action, object_type, "
      "object_id, "
      "before, after, remote_addr, user_agent FROM admin_audit_log" +
          where.text() + " ORDER BY id DESC LIMIT " + std::to_string(filter.limit + 1),
      where.values());
  if (!rows) return rows.error();
  std::vector<AuditRecord> records;
  for (const auto& row : rows->rows) records.push_back(record_of(row));
  return records;
}

}  // namespace athena::control

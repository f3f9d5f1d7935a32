#include "services/control/enforcement.h"

#include <algorithm>

#include "contract/client_definition.h"
#include "services/control/texts.h"

namespace athena::control {
namespace {

using contract::Error;
using contract::ErrorCode;
using Result = contract::Result<ClientEnforcement>;

constexpr std::string_view kSelectClients =
    "SELECT client_name, enforce_api_keys, created_at, updated_at FROM api_key_client_config";

ClientEnforcement record_of(const Row& row) {
  return {as_text(row[0]), as_bool(row[1]), as_text(row[2]), as_text(row[3])};
}

std::string json_of(const ClientEnforcement& client) {
  base::Buffer text;
  base::JsonBuilder json(text);
  append(json, client);
  return std::string(text.view());
}

std::string json_of(const GlobalEnforcement& global) {
  base::Buffer text;
  base::JsonBuilder json(text);
  json.begin_object()
      .member("enforce_api_keys", global.enforce)
      .member("decided", global.decided)
      .end_object();
  return std::string(text.view());
}

StoreResult<std::optional<ClientEnforcement>> find(Session& session, const std::string& client_name) {
  auto rows = session.execute(std::string(kSelectClients) + " WHERE lower(client_name) = $1",
                              {contract::client_key(client_name)});
  if (!rows) return rows.error();
  if (rows->rows.empty()) return std::optional<ClientEnforcement>();
  return std::optional<ClientEnforcement>(record_of(rows->rows[0]));
}

}  // namespace

void append(base::JsonBuilder& json, const ClientEnforcement& client) {
  json.begin_object().member("client_name", client.client_name).member("enforce_api_keys", client.enforce);
  json.member("created_at", client.created_at).member("updated_at", client.updated_at).end_object();
}

StoreResult<GlobalEnforcement> load_global_enforcement(Session& session) {
  auto rows = session.execute(
      "SELECT enforce_api_keys, decided_at, updated_at FROM api_key_config ORDER BY id LIMIT 1");
  if (!rows) return rows.error();
  if (rows->rows.empty()) return StoreError{StoreError::Kind::failed, "api_key_config has no row", {}};
  const auto& row = rows->rows[0];
  // A switch that an older store has on stays on.
  return GlobalEnforcement{as_bool(row[0]), !is_null(row[1]) || as_bool(row[0]), as_text(row[2])};
}

StoreResult<std::vector<ClientEnforcement>> list_client_enforcement(Session& session) {
  auto rows = session.execute(kSelectClients);
  if (!rows) return rows.error();
  std::vector<ClientEnforcement> clients;
  for (const auto& row : rows->rows) clients.push_back(record_of(row));
  std::sort(clients.begin(), clients.end(), [](const auto& a, const auto& b) {
    return contract::client_key(a.client_name) < contract::client_key(b.client_name);
  });
  return clients;
}

StoreResult<GlobalEnforcement> set_global_enforcement(Session& session, bool enforce, const Actor& actor) {
  auto change = Change::begin(session, Scope::keys, actor);
  if (!change) return change.error();
  auto before = load_global_enforcement(session);
  if (!before) return before.error();
  const GlobalEnforcement after{enforce, true, change->now()};
  auto updated =
      session.execute("UPDATE api_key_config SET enforce_api_keys = $1, decided_at = $2, updated_at = $2",
                      {enforce, change->now()});
  if (!updated) return updated.error();
  if (auto written =
          change->audit({"enforcement.global", "enforcement", "global", json_of(*before), json_of(after)});
      !written)
    return written.error();
  if (auto committed = change->commit(); !committed) return committed.error();
  return after;
}

StoreResult<ClientEnforcement> set_client_enforcement(Session& session, const std::string& client_name,
                                                      bool enforce, const Actor& actor) {
  auto change = Change::begin(session, Scope::keys, actor);
  if (!change) return change.error();
  auto before = find(session, client_name);
  if (!before) return before.error();
  ClientEnforcement after{client_name, enforce, change->now(), change->now()};
  if (*before) {
    after.client_name = (*before)->client_name;
    after.created_at = (*before)->created_at;
    auto updated = session.execute(
        "UPDATE api_key_client_config SET enforce_api_keys = $2, updated_at = $3 WHERE lower(client_name) = "
        "$1",
        {contract::client_key(client_name), enforce, change->now()});
    if (!updated) return updated.error();
  } else {
    auto inserted = session.execute(
        "INSERT INTO api_key_client_config (api_key_client_config_id, client_name, enforce_api_keys, "
        "created_at, "
        "updated_at) VALUES ($1, $2, $3, $4, $5)",
        {new_uuid(), client_name, enforce, change->now(), change->now()});
    if (!inserted) return inserted.error();
  }
  const auto earlier = *before ? json_of(**before) : std::string();
  if (auto written = change->audit(
          {"enforcement.client_set", "enforcement", after.client_name, earlier, json_of(after)});
      !written)
    return written.error();
  if (auto committed = change->commit(); !committed) return committed.error();
  return after;
}

Outcome<ClientEnforcement> clear_client_enforcement(Session& session, const std::string& client_name,
                                                    const Actor& actor) {
  auto change = Change::begin(session, Scope::keys, actor);
  if (!change) return change.error();
  auto before = find(session, client_name);
  if (!before) return before.error();
  if (!*before) return Result(Error(ErrorCode::not_found, "This client has no override."));
  auto removed = session.execute("DELETE FROM api_key_client_config WHERE lower(client_name) = $1",
                                 {contract::client_key(client_name)});
  if (!removed) return removed.error();
  if (auto written = change->audit(
          {"enforcement.client_clear", "enforcement", (*before)->client_name, json_of(**before), {}});
      !written)
    return written.error();
  if (auto committed = change->commit(); !committed) return committed.error();
  return Result(**before);
}

}  // namespace athena::control

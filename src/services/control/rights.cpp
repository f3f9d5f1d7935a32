#include "services/control/rights.h"

#include <algorithm>

#include "services/auth/rights.h"
#include "services/control/texts.h"

namespace athena::control {
namespace {

using contract::Error;
using contract::ErrorCode;
using Result = contract::Result<RightRecord>;

constexpr std::string_view kSelect =
    "SELECT id, api_key_rights_id, name, description, created_at, updated_at FROM api_key_rights";

RightRecord record_of(const Row& row) {
  return {as_integer(row[0]),    as_text(row[1]), as_text(row[2]),
          optional_text(row[3]), as_text(row[4]), as_text(row[5])};
}

std::string json_of(const RightRecord& right) {
  base::Buffer text;
  base::JsonBuilder json(text);
  append(json, right);
  return std::string(text.view());
}

Outcome<RightRecord> find(Session& session, const std::string& id) {
  auto rows = session.execute(std::string(kSelect) + " WHERE api_key_rights_id = $1", {lower_uuid(id)});
  if (!rows) return rows.error();
  if (rows->rows.empty()) return Result(Error(ErrorCode::not_found, "No right has this id."));
  return Result(record_of(rows->rows[0]));
}

StoreResult<bool> is_taken(Session& session, const std::string& name) {
  auto rows = session.execute("SELECT 1 FROM api_key_rights WHERE name = $1", {name});
  if (!rows) return rows.error();
  return !rows->rows.empty();
}

Error taken(const std::string& name) {
  return Error(ErrorCode::already_exists, "The right " + in_quotes(name) + " is there already.");
}

/// Keys that have the right are read again by every instance.
StoreResult<void> stamp_keys(Session& session, std::int64_t right, std::int64_t version) {
  auto stamped = session.execute(
      "UPDATE api_keys SET change_version = $2 WHERE id IN "
      "(SELECT api_key_id FROM api_key_right_grants WHERE right_id = $1)",
      {right, version});
  if (!stamped) return stamped.error();
  return {};
}

}  // namespace

void append(base::JsonBuilder& json, const RightRecord& right) {
  json.begin_object().member("id", right.id).member("name", right.name);
  json.member("description", right.description).member("created_at", right.created_at);
  json.member("updated_at", right.updated_at).end_object();
}

contract::Result<void> check(const RightFields& fields, bool is_new) {
  if (!fields.name && is_new)
    return Error(ErrorCode::missing_field, "name is needed.").with("member", "name");
  if (fields.name && !auth::is_right_name(*fields.name))
    return Error(ErrorCode::invalid_value,
                 "A right is * or up to 8 parts of letters, digits, _ $ * - joined by dots, at most 200 "
                 "characters.")
        .with("member", "name");
  if (fields.description && *fields.description && characters(**fields.description) > 2000)
    return Error(ErrorCode::invalid_value, "description must have at most 2000 characters.")
        .with("member", "description");
  return {};
}

StoreResult<std::vector<RightRecord>> list_rights(Session& session) {
  auto rows = session.execute(std::string(kSelect) + " ORDER BY name");
  if (!rows) return rows.error();
  std::vector<RightRecord> rights;
  for (const auto& row : rows->rows) rights.push_back(record_of(row));
  // The database's collation may order otherwise.
  std::sort(rights.begin(), rights.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return rights;
}

Outcome<RightRecord> create_right(Session& session, const RightFields& fields, const Actor& actor) {
  auto change = Change::begin(session, Scope::keys, actor);
  if (!change) return change.error();
  auto there = is_taken(session, *fields.name);
  if (!there) return there.error();
  if (*there) return Result(taken(*fields.name));
  RightRecord right{
      0, new_uuid(), *fields.name, fields.description.value_or(std::nullopt), change->now(), change->now()};
  auto inserted = session.execute(
      "INSERT INTO api_key_rights (api_key_rights_id, created_at, name, description, updated_at, "
      "change_version) "
      "VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
      {right.id, right.created_at, right.name, value_of(right.description), right.updated_at,
       change->version()});
  if (!inserted) return inserted.error();
  right.row_id = as_integer(inserted->rows[0][0]);
  if (auto written = change->audit({"right.create", "right", right.id, {}, json_of(right)}); !written)
    return written.error();
  if (auto committed = change->commit(); !committed) return committed.error();
  return Result(std::move(right));
}

Outcome<RightRecord> update_right(Session& session, const std::string& id, const RightFields& fields,
                                  const Actor& actor) {
  auto change = Change::begin(session, Scope::keys, actor);
  if (!change) return change.error();
  auto found = find(session, id);
  if (!found || !*found) return found;
  auto right = **found;
  const auto before = right;
  if (fields.name) right.name = *fields.name;
  if (fields.description) right.description = *fields.description;
  if (right.name == before.name && right.description == before.description) return Result(std::move(right));
  if (right.name != before.name) {
    auto there = is_taken(session, right.name);
    if (!there) return there.error();
    if (*there) return Result(taken(right.name));
    if (auto stamped = stamp_keys(session, right.row_id, change->version()); !stamped) return stamped.error();
  }
  right.updated_at = change->now();
  auto updated = session.execute(
      "UPDATE api_key_rights SET name = $2, description = $3, updated_at = $4, change_version = $5 WHERE id "
      "= $1",
      {right.row_id, right.name, value_of(right.description), right.updated_at, change->version()});
  if (!updated) return updated.error();
  if (auto written = change->audit({"right.update", "right", right.id, json_of(before), json_of(right)});
      !written)
    return written.error();
  if (auto committed = change->commit(); !committed) return committed.error();
  return Result(std::move(right));
}

Outcome<RightRecord> delete_right(Session& session, const std::string& id, const Actor& actor) {
  auto change = Change::begin(session, Scope::keys, actor);
  if (!change) return change.error();
  auto found = find(session, id);
  if (!found || !*found) return found;
  const auto right = **found;
  if (auto stamped = stamp_keys(session, right.row_id, change->version()); !stamped) return stamped.error();
  auto grants = session.execute("DELETE FROM api_key_right_grants WHERE right_id = $1", {right.row_id});
  if (!grants) return grants.error();
  auto removed = session.execute("DELETE FROM api_key_rights WHERE id = $1", {right.row_id});
  if (!removed) return removed.error();
  if (auto written = change->audit({"right.delete", "right", right.id, json_of(right), {}}); !written)
    return written.error();
  if (auto committed = change->commit(); !committed) return committed.error();
  return Result(right);
}

}  // namespace athena::control

#include "services/control/keys.h"

#include <algorithm>
#include <array>
#include <map>

#include "base/crypto.h"
#include "base/iso_time.h"
#include "base/unix_time.h"
#include "base/uuid.h"
#include "contract/client_definition.h"
#include "services/control/texts.h"

namespace athena::control {
namespace {

using contract::Error;
using contract::ErrorCode;

constexpr std::string_view kColumns =
    "id, api_keys_id, public_id, name, description, client_name, expires_at, is_active, last_used_at, "
    "created_at, updated_at, archived_at";

KeyRecord record_of(const Row& row) {
  KeyRecord record;
  record.row_id = as_integer(row[0]);
  record.id = as_text(row[1]);
  record.public_id = as_text(row[2]);
  record.name = as_text(row[3]);
  record.description = optional_text(row[4]);
  record.client_name = optional_text(row[5]);
  record.expires_at = optional_text(row[6]);
  record.is_active = as_bool(row[7]);
  record.last_used_at = optional_text(row[8]);
  record.created_at = as_text(row[9]);
  record.updated_at = as_text(row[10]);
  record.archived_at = optional_text(row[11]);
  return record;
}

/// Fills the rights of every record.
StoreResult<void> load_rights(Session& session, std::vector<KeyRecord>& records) {
  if (records.empty()) return {};
  std::map<std::int64_t, KeyRecord*> by_row;
  Values ids;
  for (auto& record : records) {
    by_row[record.row_id] = &record;
    ids.emplace_back(record.row_id);
  }
  auto rows = session.execute(
      "SELECT g.api_key_id, r.name FROM api_key_right_grants g JOIN api_key_rights r ON r.id = g.right_id "
      "WHERE g.api_key_id IN (" +
          placeholders(1, ids.size()) + ")",
      ids);
  if (!rows) return rows.error();
  for (const auto& row : rows->rows) by_row[as_integer(row[0])]->rights.push_back(as_text(row[1]));
  for (auto& record : records) std::sort(record.rights.begin(), record.rights.end());
  return {};
}

/// The live key of that uuid.
Outcome<KeyRecord> live_key(Session& session, const std::string& id) {
  auto rows = session.execute(
      "SELECT " + std::string(kColumns) + " FROM api_keys WHERE api_keys_id = $1 AND archived_at IS NULL",
      {lower_uuid(id)});
  if (!rows) return rows.error();
  if (rows->rows.empty())
    return contract::Result<KeyRecord>(Error(ErrorCode::not_found, "No API key has this id."));
  std::vector<KeyRecord> records{record_of(rows->rows[0])};
  if (auto loaded = load_rights(session, records); !loaded) return loaded.error();
  return contract::Result<KeyRecord>(std::move(records[0]));
}

/// Row ids of the rights, in the order of the names.
Outcome<std::vector<std::int64_t>> right_ids(Session& session, const std::vector<std::string>& names) {
  using Found = contract::Result<std::vector<std::int64_t>>;
  std::vector<std::int64_t> ids;
  if (names.empty()) return Found(ids);
  Values parameters(names.begin(), names.end());
  auto rows = session.execute(
      "SELECT name, id FROM api_key_rights WHERE name IN (" + placeholders(1, names.size()) + ")",
      parameters);
  if (!rows) return rows.error();
  std::map<std::string, std::int64_t> found;
  for (const auto& row : rows->rows) found[as_text(row[0])] = as_integer(row[1]);
  std::vector<std::string> unknown;
  for (const auto& right : names) {
    if (const auto place = found.find(right); place != found.end()) {
      ids.push_back(place->second);
    } else {
      unknown.push_back(right);
    }
  }
  if (unknown.empty()) return Found(std::move(ids));
  return Found(
      Error(ErrorCode::unknown_right, "There is no right " + in_quotes(unknown[0].substr(0, 200)) + ".")
          .with("unknown_rights", std::span<const std::string>(unknown)));
}

StoreResult<void> grant(Session& session, std::int64_t key, const std::vector<std::int64_t>& rights,
                        const std::string& now) {
  for (const auto right : rights) {
    auto inserted = session.execute(
        "INSERT INTO api_key_right_grants (api_key_right_grants_id, api_key_id, right_id, created_at) "
        "VALUES ($1, $2, $3, $4)",
        {new_uuid(), key, right, now});
    if (!inserted) return inserted.error();
  }
  return {};
}

std::string json_of(const KeyRecord& record) {
  base::Buffer text;
  base::JsonBuilder json(text);
  append(json, record);
  return std::string(text.view());
}

contract::Result<void> check_text(std::optional<std::optional<std::string>>& text, std::size_t most,
                                  const char* member) {
  if (!text || !*text) return {};
  if (characters(**text) > most)
    return Error(ErrorCode::invalid_value,
                 std::string(member) + " must have at most " + std::to_string(most) + " characters.")
        .with("member", member);
  return {};
}

/// Whether `fields` would leave the record as it is; else the record as it becomes.
bool merge(KeyRecord& record, const KeyFields& fields) {
  auto after = record;
  if (fields.name) after.name = *fields.name;
  if (fields.description) after.description = *fields.description;
  if (fields.client_name) after.client_name = *fields.client_name;
  if (fields.expires_at_ms) {
    after.expires_at = std::nullopt;
    if (*fields.expires_at_ms) after.expires_at = base::iso_time(**fields.expires_at_ms);
  }
  if (fields.is_active) after.is_active = *fields.is_active;
  if (fields.rights) after.rights = *fields.rights;
  const bool changed = after.name != record.name || after.description != record.description ||
                       after.client_name != record.client_name || after.expires_at != record.expires_at ||
                       after.is_active != record.is_active || after.rights != record.rights;
  record = std::move(after);
  return changed;
}

}  // namespace

void append(base::JsonBuilder& json, const KeyRecord& record) {
  json.begin_object()
      .member("id", record.id)
      .member("public_id", record.public_id)
      .member("name", record.name);
  json.member("description", record.description).member("client_name", record.client_name);
  json.member("expires_at", record.expires_at).member("is_active", record.is_active);
  json.member("last_used_at", record.last_used_at).member("created_at", record.created_at);
  json.member("updated_at", record.updated_at);
  if (record.archived_at) json.member("archived_at", *record.archived_at);
  json.key("rights").begin_array();
  for (const auto& right : record.rights) json.value(right);
  json.end_array().end_object();
}

contract::Result<void> check(KeyFields& fields, bool is_new) {
  if (fields.name) {
    *fields.name = trimmed_text(*fields.name);
    if (fields.name->empty() || characters(*fields.name) > 200)
      return Error(ErrorCode::invalid_value, "name must have 1 to 200 characters.").with("member", "name");
  } else if (is_new) {
    return Error(ErrorCode::missing_field, "name is needed.").with("member", "name");
  }
  if (auto fits = check_text(fields.description, 2000, "description"); !fits) return fits;
  if (fields.client_name && *fields.client_name) {
    auto& client = *fields.client_name;
    client = trimmed_text(*client);
    if (client->empty()) {
      client.reset();
    } else if (auto good = contract::check_client_name(*client); !good) {
      return Error(ErrorCode::invalid_value, good.error().text()).with("member", "client_name");
    }
  }
  if (is_new && fields.expires_at_ms && *fields.expires_at_ms && **fields.expires_at_ms <= base::unix_ms())
    return Error(ErrorCode::invalid_value, "expires_at must lie in the future.").with("member", "expires_at");
  if (fields.rights) {
    std::sort(fields.rights->begin(), fields.rights->end());
    fields.rights->erase(std::unique(fields.rights->begin(), fields.rights->end()), fields.rights->end());
  }
  return {};
}

std::string key_hash(std::string_view salt, std::string_view secret) {
  std::string text;
  text.append(salt).append(":").append(secret);
  const auto digest = base::sha256(text);
  return base::to_hex(digest);
}

NewKey make_key() {
  NewKey key;
  key.public_id = base::random_hex(8);
  key.salt = base::random_hex(32);
  const auto secret = base::random_hex(32);
  key.hash = key_hash(key.salt, secret);
  key.text = "ath_" + key.public_id + "." + secret;
  return key;
}

StoreResult<contract::Result<CreatedKey>> create_key(Session& session, const KeyFields& fields,
                                                     std::int64_t most, const Actor& actor) {
  using Created = contract::Result<CreatedKey>;
  auto change = Change::begin(session, Scope::keys, actor);
  if (!change) return change.error();
  auto count = session.execute("SELECT count(*) FROM api_keys WHERE archived_at IS NULL");
  if (!count) return count.error();
  if (as_integer(count->rows[0][0]) >= most)
    return Created(Error(ErrorCode::limit_reached,
                         "There are " + std::to_string(most) + " API keys already (control.max_api_keys)."));
  const auto rights = fields.rights.value_or(std::vector<std::string>{});
  auto granted = right_ids(session, rights);
  if (!granted) return granted.error();
  if (!*granted) return Created(granted->error());

  const auto key = make_key();
  CreatedKey created;
  created.text = key.text;
  auto& record = created.record;
  record.id = new_uuid();
  record.public_id = key.public_id;
  merge(record, fields);
  record.created_at = record.updated_at = change->now();
  auto inserted = session.execute(
      "INSERT INTO api_keys (created_at, api_keys_id, public_id, name, description, client_name, key_salt, "
      "key_hash, expires_at, is_active, updated_at, change_version) "
      "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING id",
      {record.created_at, record.id, record.public_id, record.name, value_of(record.description),
       value_of(record.client_name), key.salt, key.hash, value_of(record.expires_at), record.is_active,
       record.updated_at, change->version()});
  if (!inserted) return inserted.error();
  record.row_id = as_integer(inserted->rows[0][0]);
  if (auto done = grant(session, record.row_id, **granted, change->now()); !done) return done.error();
  if (auto written = change->audit({"api_key.create", "api_key", record.id, {}, json_of(record)}); !written)
    return written.error();
  if (auto committed = change->commit(); !committed) return committed.error();
  return Created(std::move(created));
}

Outcome<KeyRecord> update_key(Session& session, const std::string& id, const KeyFields& fields,
                              const Actor& actor) {
  using Updated = contract::Result<KeyRecord>;
  auto change = Change::begin(session, Scope::keys, actor);
  if (!change) return change.error();
  auto found = live_key(session, id);
  if (!found || !*found) return found;
  auto record = std::move(**found);
  const auto before = record;
  if (!merge(record, fields)) return Updated(std::move(record));
  record.updated_at = change->now();
  auto updated = session.execute(
      "UPDATE api_keys SET name = $2, description = $3, client_name = $4, expires_at = $5, is_active = $6, "
      "updated_at = $7, change_version = $8 WHERE id = $1",
      {record.row_id, record.name, value_of(record.description), value_of(record.client_name),
       value_of(record.expires_at), record.is_active, record.updated_at, change->version()});
  if (!updated) return updated.error();
  if (record.rights != before.rights) {
    auto granted = right_ids(session, record.rights);
    if (!granted) return granted.error();
    if (!*granted) return Updated(granted->error());
    auto taken = session.execute("DELETE FROM api_key_right_grants WHERE api_key_id = $1", {record.row_id});
    if (!taken) return taken.error();
    if (auto done = grant(session, record.row_id, **granted, change->now()); !done) return done.error();
  }
  if (auto written =
          change->audit({"api_key.update", "api_key", record.id, json_of(before), json_of(record)});
      !written)
    return written.error();
  if (auto committed = change->commit(); !committed) return committed.error();
  return Updated(std::move(record));
}

Outcome<KeyRecord> archive_key(Session& session, const std::string& id, const Actor& actor) {
  using Archived = contract::Result<KeyRecord>;
  auto change = Change::begin(session, Scope::keys, actor);
  if (!change) return change.error();
  auto uuid = id;
  if (!base::is_uuid(id)) {
    auto rows = session.execute("SELECT api_keys_id FROM api_keys WHERE public_id = $1", {id});
    if (!rows) return rows.error();
    if (rows->rows.empty()) return Archived(Error(ErrorCode::not_found, "No API key has this id."));
    uuid = as_text(rows->rows[0][0]);
  }
  auto found = live_key(session, uuid);
  if (!found || !*found) return found;
  auto record = std::move(**found);
  const auto before = json_of(record);
  record.archived_at = change->now();
  record.is_active = false;
  auto updated = session.execute(
      "UPDATE api_keys SET archived_at = $2, is_active = $3, change_version = $4 WHERE id = $1",
      {record.row_id, change->now(), false, change->version()});
  if (!updated) return updated.error();
  if (auto written = change->audit({"api_key.archive", "api_key", record.id, before, json_of(record)});
      !written)
    return written.error();
  if (auto committed = change->commit(); !committed) return committed.error();
  return Archived(std::move(record));
}

Outcome<KeyRecord> find_key(Session& session, const std::string& id) {
  auto rows = session.execute("SELECT " + std::string(kColumns) + " FROM api_keys WHERE api_keys_id = $1",
                              {lower_uuid(id)});
  if (!rows) return rows.error();
  if (rows->rows.empty())
    return contract::Result<KeyRecord>(Error(ErrorCode::not_found, "No API key has this id."));
  std::vector<KeyRecord> records{record_of(rows->rows[0])};
  if (auto loaded = load_rights(session, records); !loaded) return loaded.error();
  return contract::Result<KeyRecord>(std::move(records[0]));
}

StoreResult<std::vector<KeyRecord>> list_keys(Session& session, const KeyFilter& filter) {
  Conditions where;
  if (!filter.include_archived) where.add("archived_at IS NULL");
  if (!filter.client_name.empty())
    where.add("lower(client_name) = ", contract::client_key(filter.client_name));
  if (filter.is_active) where.add("is_active = ", *filter.is_active);
  if (!filter.name_part.empty()) where.add_contains("name", filter.name_part);
  if (filter.before_row > 0) where.add("id < ", filter.before_row);
  auto rows = session.execute("SELECT " + std::string(kColumns) + " FROM api_keys" + where.text() +
                                  " ORDER BY id DESC LIMIT " + std::to_string(filter.limit + 1),
                              where.values());
  if (!rows) return rows.error();
  std::vector<KeyRecord> records;
  for (const auto& row : rows->rows) records.push_back(record_of(row));
  if (auto loaded = load_rights(session, records); !loaded) return loaded.error();
  return records;
}

}  // namespace athena::control

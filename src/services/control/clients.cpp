#include "services/control/clients.h"

#include <algorithm>
#include <memory_resource>

#include "base/ascii.h"
#include "base/json_reader.h"
#include "services/control/client_secrets.h"
#include "services/control/texts.h"

namespace athena::control {
namespace {

using contract::Error;
using contract::ErrorCode;
using Result = contract::Result<ClientRow>;

constexpr std::string_view kNone = "No client has this name.";

/// The stored metadata: that of the operator, and engine and connection among it.
std::string stored_metadata(const ClientRow& row) {
  base::Buffer out;
  base::JsonBuilder json(out);
  json.begin_object().member("engine", row.engine);
  if (!row.connection.empty()) json.key("connection").raw(row.connection);
  std::pmr::monotonic_buffer_resource memory;
  if (const auto parsed = base::parse_json(row.metadata, memory); parsed && (*parsed)->is_object()) {
    for (const auto& [name, value] : (*parsed)->members) {
      base::Buffer text;
      base::append_json(text, *value);
      json.key(name).raw(text.view());
    }
  }
  json.end_object();
  return std::string(out.view());
}

void take_stored_metadata(std::string_view stored, ClientRow& row) {
  std::pmr::monotonic_buffer_resource memory;
  const auto parsed = base::parse_json(stored, memory);
  if (!parsed || !(*parsed)->is_object()) return;
  base::Buffer out;
  base::JsonBuilder json(out);
  json.begin_object();
  for (const auto& [name, value] : (*parsed)->members) {
    base::Buffer text;
    base::append_json(text, *value);
    if (name == "engine" && value->is_string()) {
      row.engine = value->text;
    } else if (name == "connection" && value->is_object()) {
      row.connection = text.view();
    } else {
      json.key(name).raw(text.view());
    }
  }
  json.end_object();
  row.metadata = out.view();
}

/// Host labels in a metadata document, in lower case.
std::vector<std::string> host_labels(std::string_view metadata) {
  std::vector<std::string> labels;
  std::pmr::monotonic_buffer_resource memory;
  const auto parsed = base::parse_json(metadata, memory);
  if (!parsed || !(*parsed)->is_object()) return labels;
  const auto* list = (*parsed)->find("host_labels");
  if (list == nullptr || !list->is_array()) return labels;
  for (const auto* item : list->items) labels.push_back(base::lower_case(item->text));
  return labels;
}

/// A label leads to one client.
Outcome<void> check_labels(Session& session, const ClientRow& row) {
  const auto labels = host_labels(row.metadata);
  if (labels.empty()) return contract::Result<void>();
  auto rows = session.execute(
      "SELECT client_name, metadata FROM athena_clients WHERE deleted_at IS NULL AND lower(client_name) <> "
      "$1 "
      "AND CAST(metadata AS TEXT) LIKE '%\"host_labels\"%'",
      {contract::client_key(row.client_name)});
  if (!rows) return rows.error();
  for (const auto& other : rows->rows) {
    for (const auto& taken : host_labels(as_text(other[1]))) {
      if (std::find(labels.begin(), labels.end(), taken) == labels.end()) continue;
      return contract::Result<void>(Error(ErrorCode::unique_violation,
                                          "The host label " + quote_name(taken) + " belongs to the client " +
                                              quote_name(as_text(other[0])) + " already.")
                                        .with("member", "metadata.host_labels"));
    }
  }
  return contract::Result<void>();
}

/// Whether the connection document names where the database is, under a name of URIs.
bool names_uri(const std::string& connection) {
  std::pmr::monotonic_buffer_resource memory;
  const auto parsed = base::parse_json(connection, memory);
  if (!parsed || !(*parsed)->is_object()) return false;
  for (const auto* name : {"uri", "uri_env_var", "pg_uri", "pg_uri_env_var"}) {
    if ((*parsed)->find_present(name) != nullptr) return true;
  }
  return false;
}

bool has_place(const ClientRow& row) {
  return row.pg_uri || row.pg_uri_env_var || row.config_uri_template || !row.connection.empty();
}

/// Applies the fields; false when the row stays as it was.
bool merge(ClientRow& row, const ClientFields& fields) {
  const auto before = row;
  if (fields.description) row.description = *fields.description;
  if (fields.is_active) row.is_active = *fields.is_active;
  if (fields.is_frozen) row.is_frozen = *fields.is_frozen;
  if (fields.metadata) row.metadata = *fields.metadata;
  if (fields.engine) row.engine = *fields.engine;
  if (fields.connection) {
    row.connection = fields.connection->value_or("");
    // A connection with an address of its own takes the place of the address that was there.
    if (names_uri(row.connection)) row.pg_uri = row.pg_uri_env_var = row.config_uri_template = std::nullopt;
  }
  if (fields.pg_uri) row.pg_uri = *fields.pg_uri;
  if (fields.pg_uri_env_var) row.pg_uri_env_var = *fields.pg_uri_env_var;
  // Either of the two replaces the other.
  if (fields.pg_uri && *fields.pg_uri) row.pg_uri_env_var = std::nullopt;
  if (fields.pg_uri_env_var && *fields.pg_uri_env_var) row.pg_uri = std::nullopt;
  // What the configuration said is of no more use once the catalogue decides.
  if (fields.pg_uri || fields.pg_uri_env_var ||
      (fields.changes_connection() && (row.pg_uri || row.pg_uri_env_var)))
    row.config_uri_template = std::nullopt;
  if (fields.changes_connection() && row.source == "config") row.source = "merged";
  return row.description != before.description || row.is_active != before.is_active ||
         row.is_frozen != before.is_frozen || row.engine != before.engine || row.source != before.source ||
         row.pg_uri != before.pg_uri || row.pg_uri_env_var != before.pg_uri_env_var ||
         row.config_uri_template != before.config_uri_template ||
         canonical_json(row.connection) != canonical_json(before.connection) ||
         canonical_json(row.metadata) != canonical_json(before.metadata);
}

StoreResult<void> write(Session& session, const ClientRow& row) {
  auto updated = session.execute(
      "UPDATE athena_clients SET description = $2, pg_uri = $3, pg_uri_env_var = $4, config_uri_template = "
      "$5, "
      "source = $6, is_active = $7, is_frozen = $8, metadata = $9, updated_at = $10, deleted_at = $11, "
      "change_version = $12 WHERE id = $1",
      {row.row_id, value_of(row.description), value_of(row.pg_uri), value_of(row.pg_uri_env_var),
       value_of(row.config_uri_template), row.source, row.is_active, row.is_frozen, stored_metadata(row),
       row.updated_at, value_of(row.deleted_at), row.change_version});
  if (!updated) return updated.error();
  return {};
}

Error nothing_to_connect_with() {
  return Error(ErrorCode::missing_field, "One of pg_uri, pg_uri_env_var and connection is needed.")
      .with("member", "pg_uri");
}

/// Writes a changed row with its audit record, and commits.
Outcome<ClientRow> finish(Session& session, Change& change, ClientRow row, std::string_view action,
                          std::string before, std::string after) {
  row.updated_at = change.now();
  row.change_version = change.version();
  if (auto written = write(session, row); !written) return written.error();
  if (after.empty() && action == "client.update") after = json_of(row);
  if (auto audited = change.audit({action, "client", row.client_name, std::move(before), std::move(after)});
      !audited)
    return audited.error();
  if (auto committed = change.commit(); !committed) return committed.error();
  return Result(std::move(row));
}

std::string frozen_json(bool frozen) {
  return frozen ? R"({"is_frozen":true})" : R"({"is_frozen":false})";
}

}  // namespace

const std::string_view kClientColumns =
    "id, athena_client_id, client_name, description, pg_uri, pg_uri_env_var, config_uri_template, source, "
    "is_active, is_frozen, last_synced_from_config_at, last_seen_at, metadata, created_at, updated_at, "
    "deleted_at, change_version";

ClientRow client_of(const Row& row) {
  ClientRow client;
  client.row_id = as_integer(row[0]);
  client.id = as_text(row[1]);
  client.client_name = as_text(row[2]);
  client.description = optional_text(row[3]);
  client.pg_uri = optional_text(row[4]);
  client.pg_uri_env_var = optional_text(row[5]);
  client.config_uri_template = optional_text(row[6]);
  client.source = as_text(row[7]);
  client.is_active = as_bool(row[8]);
  client.is_frozen = as_bool(row[9]);
  client.last_synced_from_config_at = optional_text(row[10]);
  client.last_seen_at = optional_text(row[11]);
  take_stored_metadata(as_text(row[12]), client);
  client.created_at = as_text(row[13]);
  client.updated_at = as_text(row[14]);
  client.deleted_at = optional_text(row[15]);
  client.change_version = as_integer(row[16]);
  return client;
}

StoreResult<bool> insert_client(Session& session, ClientRow& row) {
  auto inserted = session.execute(
      "INSERT INTO athena_clients (created_at, athena_client_id, client_name, description, pg_uri, "
      "pg_uri_env_var, config_uri_template, source, is_active, is_frozen, last_synced_from_config_at, "
      "metadata, "
      "updated_at, change_version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) "
      "ON CONFLICT DO NOTHING RETURNING id",
      {row.created_at, row.id, row.client_name, value_of(row.description), value_of(row.pg_uri),
       value_of(row.pg_uri_env_var), value_of(row.config_uri_template), row.source, row.is_active,
       row.is_frozen, value_of(row.last_synced_from_config_at), stored_metadata(row), row.updated_at,
       row.change_version});
  if (!inserted) return inserted.error();
  if (inserted->rows.empty()) return false;
  row.row_id = as_integer(inserted->rows[0][0]);
  return true;
}

std::string engine_text(std::string_view engine) {
  const auto known = contract::engine_from_name(engine);
  return std::string(known ? name(*known) : engine);
}

void append_places(base::JsonBuilder& json, const ClientRow& row) {
  const auto masked = [](const std::optional<std::string>& uri) -> std::optional<std::string> {
    if (!uri) return std::nullopt;
    return masked_uri(*uri);
  };
  json.member("pg_uri", masked(row.pg_uri)).member("pg_uri_env_var", row.pg_uri_env_var);
  json.member("config_uri_template", masked(row.config_uri_template));
}

void append(base::JsonBuilder& json, const ClientRow& row) {
  json.begin_object().member("id", row.id).member("client_name", row.client_name);
  json.member("engine", engine_text(row.engine)).member("description", row.description);
  append_places(json, row);
  json.key("connection");
  json.raw(row.connection.empty() ? "null" : masked_connection(row.connection));
  json.member("source", row.source).member("is_active", row.is_active).member("is_frozen", row.is_frozen);
  json.member("lifecycle", name(row.lifecycle()));
  json.member("last_synced_from_config_at", row.last_synced_from_config_at);
  json.member("last_seen_at", row.last_seen_at).key("metadata").raw(row.metadata);
  json.member("created_at", row.created_at).member("updated_at", row.updated_at);
  json.member("deleted_at", row.deleted_at).end_object();
}

std::string json_of(const ClientRow& row) {
  base::Buffer text;
  base::JsonBuilder json(text);
  append(json, row);
  return std::string(text.view());
}

ClientRow new_client(const ClientFields& fields) {
  ClientRow row;
  row.client_name = fields.client_name.value_or("");
  merge(row, fields);
  return row;
}

Outcome<ClientRow> find_client(Session& session, const std::string& name) {
  auto rows = session.execute("SELECT " + std::string(kClientColumns) +
                                  " FROM athena_clients WHERE lower(client_name) = $1 AND deleted_at IS NULL",
                              {contract::client_key(name)});
  if (!rows) return rows.error();
  if (rows->rows.empty()) return Result(Error(ErrorCode::not_found, std::string(kNone)));
  return Result(client_of(rows->rows[0]));
}

Outcome<ClientRow> preview_update(Session& session, const std::string& name, const ClientFields& fields) {
  auto found = find_client(session, name);
  if (!found || !*found) return found;
  merge(**found, fields);
  if (!has_place(**found)) return Result(nothing_to_connect_with());
  return found;
}

Outcome<ClientRow> create_client(Session& session, const ClientFields& fields, const CheckClient& fits,
                                 const Actor& actor) {
  auto row = new_client(fields);
  if (!has_place(row)) return Result(nothing_to_connect_with());
  if (auto good = fits(row); !good) return Result(good.error());
  auto change = Change::begin(session, Scope::clients, actor);
  if (!change) return change.error();
  auto count = session.execute("SELECT count(*) FROM athena_clients WHERE deleted_at IS NULL");
  if (!count) return count.error();
  if (as_integer(count->rows[0][0]) >= kMostClients)
    return Result(
        Error(ErrorCode::limit_reached, "There are " + std::to_string(kMostClients) + " clients already."));
  auto labels = check_labels(session, row);
  if (!labels) return labels.error();
  if (!*labels) return Result(labels->error());
  row.id = new_uuid();
  row.created_at = row.updated_at = change->now();
  row.change_version = change->version();
  auto inserted = insert_client(session, row);
  if (!inserted) return inserted.error();
  if (!*inserted)
    return Result(
        Error(ErrorCode::already_exists, "There is a client " + quote_name(row.client_name) + " already.")
            .with("member", "client_name"));
  if (auto audited = change->audit({"client.create", "client", row.client_name, {}, json_of(row)}); !audited)
    return audited.error();
  if (auto committed = change->commit(); !committed) return committed.error();
  return Result(std::move(row));
}

Outcome<ClientRow> update_client(Session& session, const std::string& name, const ClientFields& fields,
                                 const CheckClient& fits, const Actor& actor) {
  auto change = Change::begin(session, Scope::clients, actor);
  if (!change) return change.error();
  auto found = find_client(session, name);
  if (!found || !*found) return found;
  auto row = std::move(**found);
  auto before = json_of(row);
  if (!merge(row, fields)) return Result(std::move(row));
  if (!has_place(row)) return Result(nothing_to_connect_with());
  if (auto good = fits(row); !good) return Result(good.error());
  if (fields.metadata) {
    auto labels = check_labels(session, row);
    if (!labels) return labels.error();
    if (!*labels) return Result(labels->error());
  }
  return finish(session, *change, std::move(row), "client.update", std::move(before), {});
}

Outcome<ClientRow> freeze_client(Session& session, const std::string& name, bool frozen, const Actor& actor) {
  auto change = Change::begin(session, Scope::clients, actor);
  if (!change) return change.error();
  auto found = find_client(session, name);
  if (!found || !*found || (*found)->is_frozen == frozen) return found;
  auto row = std::move(**found);
  row.is_frozen = frozen;
  return finish(session, *change, std::move(row), frozen ? "client.freeze" : "client.unfreeze",
                frozen_json(!frozen), frozen_json(frozen));
}

Outcome<ClientRow> delete_client(Session& session, const std::string& name, const Actor& actor) {
  auto change = Change::begin(session, Scope::clients, actor);
  if (!change) return change.error();
  auto found = find_client(session, name);
  if (!found || !*found) return found;
  auto row = std::move(**found);
  auto before = json_of(row);
  row.deleted_at = change->now();
  return finish(session, *change, std::move(row), "client.delete", std::move(before), {});
}

StoreResult<std::vector<ClientRow>> list_clients(Session& session, const ClientFilter& filter) {
  Conditions where;
  if (!filter.include_deleted) where.add("deleted_at IS NULL");
  Values parameters;
  std::string after;
  if (filter.after_row > 0) {
    after = std::string(where.text().empty() ? " WHERE " : " AND ") + "(lower(client_name), id) > ($1, $2)";
    parameters = {filter.after_name, filter.after_row};
  }
  auto rows = session.execute("SELECT " + std::string(kClientColumns) + " FROM athena_clients" +
                                  where.text() + after + " ORDER BY lower(client_name), id LIMIT " +
                                  std::to_string(filter.limit + 1),
                              parameters);
  if (!rows) return rows.error();
  std::vector<ClientRow> clients;
  for (const auto& row : rows->rows) clients.push_back(client_of(row));
  return clients;
}

}  // namespace athena::control

#include <span>

#include "api/handlers.h"
#include "api/json_builder.h"
#include "api/query_string.h"
#include "api/reply.h"

namespace athena::api {
namespace {

using contract::Error;
using contract::ErrorCode;

constexpr std::int64_t kMostDescribed = 2000;

/// Client, capability, parameters and backend of a schema route; the deadline too.
struct SchemaCall {
  engines::SchemaBackend* backend = nullptr;
  base::Deadline deadline{base::Clock::time_point{}};
  QueryString parameters;
};

contract::Result<SchemaCall> open(Call& call,
                                  contract::Capability capability = contract::Capability::schema_read) {
  const auto deadline = request_deadline(call);
  if (!deadline) return deadline.error();
  const auto client = resolve_client(call);
  if (!client) return client.error();
  if (auto has = require(call, **client, capability); !has) return has.error();
  const auto found = backend(call, **client);
  if (!found) return found.error();
  auto* schema = (*found)->schema();
  if (call.request().header("Cache-Control").find("no-cache") != std::string_view::npos)
    schema->forget_schema();
  auto parameters = QueryString::parse(call.request().query);
  if (!parameters) return parameters.error();
  return SchemaCall{schema, *deadline, std::move(*parameters)};
}

contract::Result<std::string> identifier(std::string_view parameter, std::string_view value) {
  if (value.empty() || value.size() > 63 || value.find('\0') != std::string_view::npos) {
    return Error(ErrorCode::invalid_identifier,
                 "The name in " + std::string(parameter) + " must have 1 to 63 bytes.")
        .with("member", parameter);
  }
  return std::string(value);
}

/// The table that table_name and table_schema of the URL name.
struct TableName {
  std::string schema, table;
};

contract::Result<TableName> table_name(const QueryString& parameters) {
  const auto table = parameters.find("table_name");
  if (!table) return Error(ErrorCode::missing_field, "Missing table_name").with("member", "table_name");
  TableName name{std::string(parameters.find("table_schema").value_or("")), std::string(*table)};
  if (const auto dot = name.table.find('.'); name.schema.empty() && dot != std::string::npos) {
    name.schema = name.table.substr(0, dot);
    name.table.erase(0, dot + 1);
    if (name.schema.empty()) name.schema.assign(1, '\0');  // `.x` names no schema: refused below
  }
  if (auto checked = identifier("table_name", name.table); !checked) return checked.error();
  if (name.schema.empty()) return name;
  if (auto checked = identifier("table_schema", name.schema); !checked) return checked.error();
  return name;
}

void append_columns(JsonBuilder& json, std::span<const engines::ColumnInfo> columns) {
  json.key("columns").begin_array();
  for (const auto& column : columns) {
    json.begin_object().member("column_name", column.column_name).member("data_type", column.data_type);
    json.member("udt_name", column.udt_name).member("column_default", column.column_default);
    json.member("is_nullable", column.is_nullable ? "YES" : "NO")
        .member("ordinal_position", column.ordinal_position);
    json.member("is_primary_key", column.is_primary_key).member("is_generated", column.is_generated);
    json.member("table_schema", column.table_schema).end_object();
  }
  json.end_array();
}

void append_names(JsonBuilder& json, std::string_view key, std::span<const std::string> names) {
  json.key(key).begin_array();
  for (const auto& name : names) json.value(std::string_view(name));
  json.end_array();
}

void append_constraints(JsonBuilder& json, std::span<const engines::ConstraintInfo> constraints) {
  json.key("constraints").begin_array();
  for (const auto& constraint : constraints) {
    json.begin_object().member("constraint_name", constraint.constraint_name);
    json.member("constraint_type", constraint.constraint_type);
    append_names(json, "columns", constraint.columns);
    if (const auto& reference = constraint.reference) {
      json.member("foreign_schema", reference->schema).member("foreign_table", reference->table);
      append_names(json, "foreign_columns", reference->columns);
      json.member("on_delete", reference->on_delete).member("on_update", reference->on_update);
    }
    json.member("definition", constraint.definition).end_object();
  }
  json.end_array();
}

/// The schema that table_schema of the URL names; empty = none is named.
contract::Result<std::string> table_schema(const QueryString& parameters) {
  const auto schema = parameters.find("table_schema");
  if (!schema) return std::string();
  return identifier("table_schema", *schema);
}

/// Cuts a list that was asked for with one item more; whether there was one.
template <class T>
bool cut(std::vector<T>& items, std::int64_t limit) {
  const bool longer = static_cast<std::int64_t>(items.size()) > limit;
  if (longer) items.resize(static_cast<std::size_t>(limit));
  return longer;
}

template <class T>
std::int64_t count_of(const std::vector<T>& items) {
  return static_cast<std::int64_t>(items.size());
}

using Listed = base::Task<contract::Result<void>>;

Listed list_tables(Call& call) {
  const auto opened = open(call);
  if (!opened) co_return opened.error();
  const auto& parameters = opened->parameters;
  engines::TableQuery query;
  const auto limit = parameters.integer("limit", 10000, 1, 10000);
  if (!limit) co_return limit.error();
  const auto offset = parameters.integer("offset", 0, 0, INT64_MAX / 2);
  if (!offset) co_return offset.error();
  query.limit = *limit;
  query.offset = *offset;
  if (const auto views = parameters.find("include_views")) query.include_views = http::header_is_true(*views);
  auto schema = table_schema(parameters);
  if (!schema) co_return schema.error();
  query.table_schema = std::move(*schema);
  auto tables = co_await opened->backend->tables(query, opened->deadline);
  if (!tables) co_return tables.error();
  const bool truncated = cut(*tables, query.limit);
  const auto count = count_of(*tables);
  JsonBuilder json(call.exchange.response().body);
  json.begin_object().member("status", "success").member("message", counted("Listed", count, "table"));
  json.key("tables").begin_array();
  for (const auto& table : *tables) {
    json.begin_object().member("table_schema", table.table_schema).member("table_name", table.table_name);
    json.member("table_type", table.table_type).member("estimated_rows", table.estimated_rows).end_object();
  }
  json.end_array().key("meta").begin_object();
  json.member("returned_row_count", count).member("truncated", truncated);
  if (truncated) json.member("next_offset", query.offset + count);
  json.end_object().end_object();
  co_return contract::Result<void>();
}

Listed list_columns(Call& call) {
  const auto opened = open(call);
  if (!opened) co_return opened.error();
  const auto name = table_name(opened->parameters);
  if (!name) co_return name.error();
  auto columns = co_await opened->backend->columns(name->schema, name->table, opened->deadline);
  if (!columns) co_return columns.error();
  JsonBuilder json(call.exchange.response().body);
  json.begin_object().member("status", "success");
  json.member("message", counted("Listed", count_of(*columns), "column"));
  append_columns(json, *columns);
  json.end_object();
  co_return contract::Result<void>();
}

Listed list_constraints(Call& call) {
  const auto opened = open(call);
  if (!opened) co_return opened.error();
  const auto name = table_name(opened->parameters);
  if (!name) co_return name.error();
  auto constraints = co_await opened->backend->constraints(name->schema, name->table, opened->deadline);
  if (!constraints) co_return constraints.error();
  JsonBuilder json(call.exchange.response().body);
  json.begin_object().member("status", "success");
  json.member("message", counted("Listed", count_of(*constraints), "constraint"));
  append_constraints(json, *constraints);
  json.end_object();
  co_return contract::Result<void>();
}

Listed list_migrations(Call& call) {
  const auto opened = open(call, contract::Capability::migrations_read);
  if (!opened) co_return opened.error();
  const auto limit = opened->parameters.integer("limit", 1000, 1, 10000);
  if (!limit) co_return limit.error();
  auto tracked = co_await opened->backend->migrations(*limit, opened->deadline);
  if (!tracked) co_return tracked.error();
  std::vector<engines::MigrationInfo> migrations;
  if (*tracked) migrations = std::move(**tracked);
  const bool truncated = cut(migrations, *limit);
  const auto count = count_of(migrations);
  JsonBuilder json(call.exchange.response().body);
  json.begin_object().member("status", "success");
  json.member("message", *tracked ? counted("Listed", count, "migration")
                                  : "Migration tracking is not available for this database.");
  json.key("migrations").begin_array();
  for (const auto& migration : migrations) {
    json.begin_object().member("version", migration.version).member("name", migration.name).end_object();
  }
  json.end_array().key("meta").begin_object();
  json.member("returned_row_count", count).member("truncated", truncated).end_object().end_object();
  co_return contract::Result<void>();
}

Listed describe_tables(Call& call) {
  const auto opened = open(call);
  if (!opened) co_return opened.error();
  const auto schema = table_schema(opened->parameters);
  if (!schema) co_return schema.error();
  auto described = co_await opened->backend->describe(*schema, kMostDescribed, opened->deadline);
  if (!described) co_return described.error();
  const bool truncated = cut(*described, kMostDescribed);
  const auto count = count_of(*described);
  JsonBuilder json(call.exchange.response().body);
  json.begin_object().member("status", "success").member("message", counted("Described", count, "table"));
  json.key("schema").begin_array();
  for (const auto& entry : *described) {
    json.begin_object().member("table_schema", entry.table.table_schema);
    json.member("table_name", entry.table.table_name).member("table_type", entry.table.table_type);
    append_columns(json, entry.columns);
    append_constraints(json, entry.constraints);
    json.end_object();
  }
  json.end_array().key("meta").begin_object();
  json.member("returned_row_count", count).member("truncated", truncated).end_object().end_object();
  co_return contract::Result<void>();
}

/// Sends the failure of a list that could not be made.
base::Task<void> answer(Call& call, Listed list) {
  auto listed = co_await std::move(list);
  if (!listed) call.fail(listed.error());
}

}  // namespace

base::Task<void> schema_tables(Call& call) {
  return answer(call, list_tables(call));
}

base::Task<void> schema_columns(Call& call) {
  return answer(call, list_columns(call));
}

base::Task<void> schema_constraints(Call& call) {
  return answer(call, list_constraints(call));
}

base::Task<void> schema_migrations(Call& call) {
  return answer(call, list_migrations(call));
}

base::Task<void> schema_overview(Call& call) {
  return answer(call, describe_tables(call));
}

}  // namespace athena::api

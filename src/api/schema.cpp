#include <algorithm>

#include "api/handlers.h"
#include "api/json_builder.h"
#include "api/query_string.h"
#include "api/reply.h"

namespace athena::api {
namespace {

using contract::Error;
using contract::ErrorCode;

/// Client, capability and backend of a schema route; the deadline too.
struct SchemaCall {
  engines::SchemaBackend* backend;
  base::Deadline deadline;
};

contract::Result<SchemaCall> open(Call& call) {
  const auto deadline = request_deadline(call);
  if (!deadline) return deadline.error();
  const auto client = resolve_client(call);
  if (!client) return client.error();
  if (auto capability = require(call, **client, contract::Capability::schema_read); !capability)
    return capability.error();
  const auto found = backend(call, **client);
  if (!found) return found.error();
  auto* schema = (*found)->schema();
  if (call.request().header("Cache-Control").find("no-cache") != std::string_view::npos)
    schema->forget_schema();
  return SchemaCall{schema, *deadline};
}

contract::Result<std::string> identifier(std::string_view parameter, std::string_view value) {
  if (value.empty() || value.size() > 63 || value.find('\0') != std::string_view::npos) {
    return Error(ErrorCode::invalid_identifier,
                 "The name in " + std::string(parameter) + " must have 1 to 63 bytes.")
        .with("member", parameter);
  }
  return std::string(value);
}

}  // namespace

base::Task<void> schema_tables(Call& call) {
  const auto opened = open(call);
  if (!opened) {
    call.fail(opened.error());
    co_return;
  }
  const auto parameters = QueryString::parse(call.request().query);
  if (!parameters) {
    call.fail(parameters.error());
    co_return;
  }
  engines::TableQuery query;
  const auto limit = parameters->integer("limit", 10000, 1, 10000);
  const auto offset = parameters->integer("offset", 0, 0, INT64_MAX / 2);
  if (!limit || !offset) {
    call.fail(!limit ? limit.error() : offset.error());
    co_return;
  }
  query.limit = *limit;
  query.offset = *offset;
  if (const auto views = parameters->find("include_views"))
    query.include_views = http::header_is_true(*views);
  if (const auto schema = parameters->find("table_schema")) {
    const auto checked = identifier("table_schema", *schema);
    if (!checked) {
      call.fail(checked.error());
      co_return;
    }
    query.table_schema = *checked;
  }
  auto tables = co_await opened->backend->tables(query, opened->deadline);
  if (!tables) {
    call.fail(tables.error());
    co_return;
  }
  const bool truncated = static_cast<std::int64_t>(tables->size()) > query.limit;
  if (truncated) tables->resize(static_cast<std::size_t>(query.limit));
  JsonBuilder json(call.exchange.response().body);
  const auto count = static_cast<std::int64_t>(tables->size());
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
}

base::Task<void> schema_columns(Call& call) {
  const auto opened = open(call);
  if (!opened) {
    call.fail(opened.error());
    co_return;
  }
  const auto parameters = QueryString::parse(call.request().query);
  if (!parameters) {
    call.fail(parameters.error());
    co_return;
  }
  const auto table = parameters->find("table_name");
  if (!table) {
    call.fail(Error(ErrorCode::missing_field, "Missing table_name").with("member", "table_name"));
    co_return;
  }
  std::string schema_name(parameters->find("table_schema").value_or(""));
  std::string table_name(*table);
  if (const auto dot = table_name.find('.'); schema_name.empty() && dot != std::string::npos) {
    schema_name = table_name.substr(0, dot);
    table_name.erase(0, dot + 1);
    if (schema_name.empty()) schema_name.assign(1, '\0');  // `.x` names no schema: refused below
  }
  const auto checked = identifier("table_name", table_name);
  const auto checked_schema =
      schema_name.empty() ? contract::Result<std::string>("") : identifier("table_schema", schema_name);
  if (!checked || !checked_schema) {
    call.fail(!checked ? checked.error() : checked_schema.error());
    co_return;
  }
  auto columns = co_await opened->backend->columns(schema_name, table_name, opened->deadline);
  if (!columns) {
    call.fail(columns.error());
    co_return;
  }
  JsonBuilder json(call.exchange.response().body);
  json.begin_object().member("status", "success");
  json.member("message", counted("Listed", static_cast<std::int64_t>(columns->size()), "column"));
  json.key("columns").begin_array();
  for (const auto& column : *columns) {
    json.begin_object().member("column_name", column.column_name).member("data_type", column.data_type);
    json.member("udt_name", column.udt_name).member("column_default", column.column_default);
    json.member("is_nullable", column.is_nullable ? "YES" : "NO")
        .member("ordinal_position", column.ordinal_position);
    json.member("is_primary_key", column.is_primary_key).member("is_generated", column.is_generated);
    json.member("table_schema", column.table_schema).end_object();
  }
  json.end_array().end_object();
}

}  // namespace athena::api

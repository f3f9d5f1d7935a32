#include <algorithm>
#include <string>

#include "engines/sql/chosen_rows.h"
#include "engines/sql/conditions.h"
#include "engines/sql/operations.h"
#include "engines/sql/projection.h"

namespace athena::sql {
namespace {

using contract::Error;
using contract::ErrorCode;
using contract::Result;
using query::Predicate;
using query::Value;

struct KeyValue {
  std::uint16_t column;
  const Value* value;
};
using KeyValues = std::pmr::vector<KeyValue>;

std::string key_columns(const Table& table) {
  std::string names;
  for (const auto index : table.primary_key) {
    if (!names.empty()) names += ", ";
    names += table.columns[index].name;
  }
  return names;
}

Error refuse_resource_id(const Table& table, const std::string& why) {
  Error error(ErrorCode::invalid_payload, why);
  error.with("member", std::string_view("resource_id"));
  if (table.primary_key.empty()) return std::move(error).hint("Choose the rows by conditions.");
  return std::move(error).hint("Give resource_id as an object of the key's columns: " + key_columns(table) +
                               ".");
}

std::string_view as_text(const Value& value) {
  if (value.is_boolean()) return value.boolean ? "true" : "false";
  return value.text;
}

// The same row named twice, as some programs do, is no second condition.
bool conditions_name_it(const query::Delete& request, const Table& table, int column) {
  const Value& id = *request.resource_id;
  return std::any_of(request.conditions.begin(), request.conditions.end(), [&](const Predicate& condition) {
    if (condition.kind != Predicate::Kind::compare || condition.negated ||
        condition.op != query::Operator::eq)
      return false;
    if (!condition.column.path.empty()) return false;
    const auto name = condition.column.name;
    const bool same_column =
        name == "id" || name == "resource_id" || (column >= 0 && table.find_column(name) == column);
    if (!same_column) return false;
    const Value& value = *condition.value;
    const bool scalar = value.is_string() || value.is_number() || value.is_boolean();
    return scalar && as_text(value) == as_text(id);
  });
}

Result<KeyValues> object_key(const Value& object, const CompileContext& context) {
  const Table& table = *context.table;
  KeyValues values(&context.memory);
  Key given;
  for (const auto& member : object.members) {
    auto index = find_column(table, member.name);
    if (!index) return std::move(index).error();
    if (std::find(given.begin(), given.end(), *index) != given.end()) {
      return refuse_resource_id(
          table, "Member resource_id names column \"" + table.columns[*index].name + "\" twice.");
    }
    if (member.value->is_null() || member.value->is_array() || member.value->is_object()) {
      return refuse_resource_id(table, "Member resource_id needs a scalar value for each column.");
    }
    given.push_back(*index);
    values.push_back({*index, member.value});
  }
  const auto is_given = [&given](Key key) {
    Key sorted = given;
    std::sort(sorted.begin(), sorted.end());
    std::sort(key.begin(), key.end());
    return !key.empty() && key == sorted;
  };
  if (is_given(table.primary_key) ||
      std::any_of(table.unique_keys.begin(), table.unique_keys.end(), is_given)) {
    return Result<KeyValues>(std::move(values));
  }
  return refuse_resource_id(
      table, table.primary_key.empty()
                 ? "Table \"" + table.name + "\" has no key of the columns of resource_id."
                 : "Member resource_id needs exactly the columns of the primary key of table \"" +
                       table.name + "\": " + key_columns(table) + ".");
}

/// The conditions that resource_id adds; none when the request's own conditions already name it.
Result<KeyValues> resource_key(const query::Delete& request, const CompileContext& context) {
  const Table& table = *context.table;
  KeyValues values(&context.memory);
  if (request.resource_id == nullptr) return Result<KeyValues>(std::move(values));
  if (request.resource_id->is_object()) return object_key(*request.resource_id, context);
  const Key columns = resource_id_columns(table);
  const int column = columns.size() == 1 ? static_cast<int>(columns.front()) : -1;
  if (conditions_name_it(request, table, column)) return Result<KeyValues>(std::move(values));
  if (!request.resource_id->is_string() && !request.resource_id->is_number()) {
    return refuse_resource_id(table, "Member resource_id must be a string, a number or an object.");
  }
  if (columns.empty()) {
    return refuse_resource_id(
        table,
        "Table \"" + table.name + "\" has no primary key, no column id and no column " + table.name + "_id.");
  }
  if (columns.size() > 1) {
    return refuse_resource_id(table, "The primary key of table \"" + table.name +
                                         "\" has several columns: " + key_columns(table) + ".");
  }
  values.push_back({columns.front(), request.resource_id});
  return Result<KeyValues>(std::move(values));
}

Result<void> write_where(Writer& out, const query::Delete& request, const KeyValues& key) {
  out.add(" WHERE ");
  auto written = write_conditions(out, request.conditions);
  if (!written) return written;
  bool first = request.conditions.empty();
  for (const auto& [index, value] : key) {
    if (!first) out.add(" AND ");
    first = false;
    const Column& column = out.table().columns[index];
    out.column(column);
    out.add(" = ");
    const Type& type = column.type != nullptr ? *column.type : unknown_type();
    written = out.dialect().write_value(out, *value, type, column.name);
    if (!written) return written;
  }
  return {};
}

}  // namespace

Result<void> compile_delete(const query::Delete& request, const CompileContext& context, Plan& plan) {
  const Table& table = *context.table;
  auto key = resource_key(request, context);
  if (!key) return std::move(key).error();
  if (request.conditions.empty() && key->empty()) {
    return Error(ErrorCode::filter_required,
                 "A delete from table \"" + table.name + "\" needs resource_id or conditions.");
  }
  Statement& statement = plan.statements.emplace_back(context.memory);
  statement.text.reserve(256);
  Writer out(statement, context.dialect, table, context.memory);
  const auto where = [&](Writer& writer) { return write_where(writer, request, *key); };
  const RowChoice choice{request.sort, request.page, context.settings, "delete.limit", where};
  ChosenRows rows(out, choice);
  auto written = rows.begin();
  if (!written) return written;
  out.add("DELETE FROM ");
  out.add(table.quoted);
  if (rows.locked()) out.add(" AS x");
  written = rows.where(" USING t");
  if (!written) return written;
  plan.indexed_equality = has_indexed_equality(table, request.conditions) ||
                          std::any_of(key->begin(), key->end(), [&table](const KeyValue& part) {
                            return leads_an_index(table, part.column);
                          });
  return write_returning(out, {request.returning, !request.return_rows, false});
}

}  // namespace athena::sql

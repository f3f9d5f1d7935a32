#include "engines/postgres/schema_cache_missing.h"

#include <string_view>
#include <utility>
#include <vector>

#include "engines/postgres/catalogue_sql.h"
#include "engines/postgres/schema_cache_types.h"

namespace athena::postgres {

namespace {

/// A part of a `table_name` as a caller would have to write it.
std::string written(std::string_view part) {
  if (part.find_first_of(".\"") == std::string_view::npos) return std::string(part);
  std::string quoted = "\"";
  for (const char c : part) {
    if (c == '"') quoted.push_back('"');
    quoted.push_back(c);
  }
  quoted.push_back('"');
  return quoted;
}

std::vector<std::string> suggestions(std::string_view schema, std::string_view table,
                                     std::span<const TextRow> rows) {
  std::vector<std::string> elsewhere;
  std::vector<std::string_view> candidates;
  for (const TextRow& row : rows) {
    const bool here = schema.empty() ? field(row, 2) == "1" : field(row, 0) == schema;
    if (here) {
      candidates.push_back(field(row, 1));
    } else if (field(row, 1) == table) {
      elsewhere.push_back(written(field(row, 0)) + '.' + written(field(row, 1)));
    }
  }
  std::vector<std::string> near = contract::near_names(table, candidates);
  for (std::string& name : near)
    name = schema.empty() ? written(name) : written(schema) + '.' + written(name);
  // A table of just this name in another schema is the likeliest of all.
  elsewhere.insert(elsewhere.end(), near.begin(), near.end());
  if (elsewhere.size() > 3) elsewhere.resize(3);
  return elsewhere;
}

}  // namespace

contract::Error undefined_table(std::string_view schema, std::string_view table) {
  std::string text = "Table \"";
  if (!schema.empty()) text.append(schema).push_back('.');
  text.append(table).append("\" does not exist.");
  contract::Error error(contract::ErrorCode::undefined_table, std::move(text));
  error.with("table", table);
  if (!schema.empty()) error.with("schema", schema);
  return error;
}

base::Task<contract::Error> undefined_table_with_suggestions(TextQueryRunner& runner, std::string schema,
                                                             std::string table, base::Deadline deadline) {
  contract::Error error = undefined_table(schema, table);
  std::string text(catalogue_sql::kNearTables);
  std::vector<std::optional<std::string>> parameters{schema, table};
  auto rows = co_await runner.query(std::move(text), std::move(parameters), deadline);
  if (!rows) co_return error;
  const std::vector<std::string> names = suggestions(schema, table, *rows);
  error.with("suggestions", std::span<const std::string>(names));
  if (!names.empty()) error.hint(contract::did_you_mean(names));
  co_return error;
}

}  // namespace athena::postgres

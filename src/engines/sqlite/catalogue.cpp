#include "engines/sqlite/catalogue.h"

#include <algorithm>

namespace athena::sqlite {
namespace {

using contract::Error;
using contract::ErrorCode;
using contract::Result;

constexpr std::string_view kFindTable =
    "SELECT name, type, wr FROM pragma_table_list(?1) WHERE schema = 'main' AND type IN ('table', 'view', "
    "'virtual')"
    " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
constexpr std::string_view kColumns =
    "SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?1)";
constexpr std::string_view kNames =
    "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'view', 'virtual')"
    " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";

Error undefined_table(Connection& connection, std::string_view name) {
  std::vector<std::string> known;
  {
    CatalogueQuery query(connection, kNames);
    while (query.next()) known.push_back(query.text(0));
    if (query.failure()) return *query.failure();
  }
  const std::vector<std::string_view> names(known.begin(), known.end());
  const auto near = contract::near_names(name, names);
  Error error(ErrorCode::undefined_table, "Table \"" + std::string(name) + "\" does not exist.");
  error.with("table", name);
  error.with("suggestions", near);
  if (!near.empty()) error.hint(contract::did_you_mean(near));
  return error;
}

}  // namespace

Result<std::vector<CatalogueColumn>> read_columns(Connection& connection, std::string_view table) {
  std::vector<CatalogueColumn> columns;
  CatalogueQuery query(connection, kColumns, table);
  while (query.next()) {
    CatalogueColumn column{query.text(0), query.text(1),   query.number(2) != 0,
                           std::nullopt,  query.number(4), query.number(5)};
    if (!query.is_null(3)) column.default_value = query.text(3);
    if (column.hidden != kHidden) columns.push_back(std::move(column));
  }
  if (query.failure()) return *query.failure();
  return columns;
}

Result<CatalogueTable> find_table(Connection& connection, std::string_view name) {
  CatalogueTable table;
  {
    CatalogueQuery query(connection, kFindTable, name);
    if (query.next()) table = {query.text(0), query.text(1), query.number(2) != 0};
    if (query.failure()) return *query.failure();
  }
  if (table.name.empty()) return undefined_table(connection, name);
  return table;
}

bool same_ignoring_case(std::string_view a, std::string_view b) {
  return sqlite3_strnicmp(a.data(), b.data(), static_cast<int>(std::max(a.size(), b.size()))) == 0 &&
         a.size() == b.size();
}

}  // namespace athena::sqlite

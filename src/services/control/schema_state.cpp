#include "services/control/schema_state.h"

namespace athena::control {
namespace {

/// `'a','b'`: names of our own tables, or of their indexes.
std::string names_of_tables() {
  std::string list;
  for (const auto& table : schema()) list += (list.empty() ? "'" : ",'") + table.name + "'";
  return list;
}
std::string names_of_indexes() {
  std::string list;
  for (const auto& table : schema()) {
    for (const auto& index : table.indexes) list += (list.empty() ? "'" : ",'") + index.name + "'";
  }
  return list;
}

// The namespace of new tables; other schemas of the search path don't count.
constexpr std::string_view kHere =
    "relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = current_schema())";

std::string columns_query(Home home) {
  if (home == Home::sqlite) {
    return "SELECT lower(m.name), lower(p.name) FROM sqlite_schema m JOIN pragma_table_info(m.name) p "
           "WHERE m.type = 'table' AND lower(m.name) IN (" +
           names_of_tables() + ")";
  }
  return "SELECT c.relname, a.attname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON "
         "a.attrelid = "
         "c.oid AND a.attnum > 0 AND NOT a.attisdropped WHERE c." +
         std::string(kHere) + " AND c.relkind IN ('r', 'p') AND c.relname IN (" + names_of_tables() + ")";
}

std::string indexes_query(Home home) {
  if (home == Home::sqlite)
    return "SELECT name FROM sqlite_schema WHERE type = 'index' AND name IN (" + names_of_indexes() + ")";
  return "SELECT relname FROM pg_catalog.pg_class WHERE " + std::string(kHere) +
         " AND relkind IN ('i', 'I') AND relname IN (" + names_of_indexes() + ")";
}

}  // namespace

const SchemaState::Applied* SchemaState::find(int version) const {
  for (const auto& one : applied) {
    if (one.version == version) return &one;
  }
  return nullptr;
}

std::vector<std::string> SchemaState::missing(const Groups& groups) const {
  std::vector<std::string> names;
  for (const auto& table : schema()) {
    if (groups.hold(table.group) && !tables.contains(table.name)) names.push_back(table.name);
  }
  return names;
}

StoreResult<SchemaState> read_schema_state(Session& session) {
  SchemaState state;
  const auto columns = session.execute(columns_query(session.home()));
  if (!columns) return columns.error();
  for (const auto& row : columns->rows) state.tables[as_text(row[0])].insert(as_text(row[1]));
  const auto indexes = session.execute(indexes_query(session.home()));
  if (!indexes) return indexes.error();
  for (const auto& row : indexes->rows) state.indexes.insert(as_text(row[0]));
  if (!state.tables.contains("athena_schema_migrations")) return state;
  const auto applied =
      session.execute("SELECT version, checksum, min_version FROM athena_schema_migrations ORDER BY version");
  if (!applied) return applied.error();
  for (const auto& row : applied->rows) {
    state.applied.push_back(
        {static_cast<int>(as_integer(row[0])), as_text(row[1]), static_cast<int>(as_integer(row[2]))});
  }
  return state;
}

}  // namespace athena::control

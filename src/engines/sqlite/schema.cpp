#include "engines/sqlite/schema.h"

#include <sqlite3.h>

#include <algorithm>
#include <charconv>
#include <deque>
#include <map>
#include <memory_resource>
#include <optional>

#include "engines/sql/compiler.h"
#include "engines/sql/dialect.h"
#include "engines/sqlite/catalogue.h"
#include "engines/sqlite/values.h"

namespace athena::sqlite {
namespace {

using contract::Error;
using contract::ErrorCode;
using contract::Result;

constexpr std::string_view kAllTables =
    "SELECT name, type FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'view', 'virtual')"
    " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";
constexpr std::string_view kIndexes =
    "SELECT name, \"unique\", partial FROM pragma_index_list(?1) ORDER BY seq DESC";
constexpr std::string_view kIndexColumns =
    "SELECT cid, name, coll FROM pragma_index_xinfo(?1) WHERE key = 1 ORDER BY seqno";
constexpr std::string_view kHasTrigger =
    "SELECT 1 FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ?1 COLLATE NOCASE LIMIT 1";
constexpr std::string_view kHasStatistics = "SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_stat1'";
constexpr std::string_view kStatistics =
    "SELECT tbl, max(CAST(stat AS INTEGER)) FROM sqlite_stat1 GROUP BY tbl";

/// Row counts of ANALYZE by table; empty when it never ran.
Result<std::map<std::string, std::int64_t>> read_statistics(Connection& connection) {
  std::map<std::string, std::int64_t> counts;
  {
    CatalogueQuery present(connection, kHasStatistics);
    const bool found = present.next();
    if (present.failure()) return *present.failure();
    if (!found) return counts;
  }
  CatalogueQuery query(connection, kStatistics);
  while (query.next()) counts.emplace(query.text(0), query.number(1));
  if (query.failure()) return *query.failure();
  return counts;
}

/// `INTEGER PRIMARY KEY` of a rowid table is another name for the rowid: never null, and filled in when
/// absent.
bool is_rowid_alias(const CatalogueTable& table, const std::vector<CatalogueColumn>& columns,
                    const CatalogueColumn& column) {
  const auto keys =
      std::count_if(columns.begin(), columns.end(), [](const auto& c) { return c.key_position > 0; });
  return table.type == "table" && !table.without_rowid && keys == 1 && column.key_position == 1 &&
         same_ignoring_case(column.type, "INTEGER");
}

/// A table and the types of its columns, freed together.
struct Entry {
  sql::Table table;
  std::deque<sql::Type> types;
};

void fill_columns(Connection& connection, const CatalogueTable& found,
                  const std::vector<CatalogueColumn>& columns, Entry& entry,
                  std::vector<std::string>& collations) {
  std::vector<std::pair<std::int64_t, std::uint16_t>> key;
  for (const auto& column : columns) {
    const char* collation = nullptr;
    if (found.type == "table") {
      sqlite3_table_column_metadata(connection.handle(), "main", found.name.c_str(), column.name.c_str(),
                                    nullptr, &collation, nullptr, nullptr, nullptr);
    }
    collations.emplace_back(collation == nullptr ? "" : collation);
    sql::Type& type = entry.types.emplace_back();
    type.name = column.type;
    type.udt_name = column.type;
    type.category = category_of(column.type);

    const bool alias = is_rowid_alias(found, columns, column);
    sql::Column& out = entry.table.columns.emplace_back();
    out.name = column.name;
    out.type = &type;
    out.not_null = column.not_null || alias || (found.without_rowid && column.key_position > 0);
    out.has_default = column.default_value.has_value() || alias;
    out.binary_collation = same_ignoring_case(collations.back(), "BINARY");
    if (column.hidden == kGeneratedVirtual) out.generated = sql::Generated::virtual_;
    if (column.hidden == kGeneratedStored) out.generated = sql::Generated::stored;
    if (alias) out.generated = sql::Generated::identity_default;
    if (column.key_position > 0) {
      key.emplace_back(column.key_position, static_cast<std::uint16_t>(entry.table.columns.size() - 1));
    }
  }
  std::sort(key.begin(), key.end());
  for (const auto& [position, index] : key) entry.table.primary_key.push_back(index);
  if (!key.empty()) {
    entry.table.unique_keys.push_back(entry.table.primary_key);
    entry.table.leading_index_columns.push_back({entry.table.primary_key.front()});
  }
}

Result<void> fill_indexes(Connection& connection, const std::vector<std::string>& collations, Entry& entry) {
  struct Index {
    std::string name;
    bool unique, partial;
  };
  std::vector<Index> indexes;
  CatalogueQuery list(connection, kIndexes, entry.table.name);
  while (list.next()) indexes.push_back({list.text(0), list.number(1) != 0, list.number(2) != 0});
  if (list.failure()) return *list.failure();
  for (const auto& index : indexes) {
    sql::Key key;
    bool usable = index.unique && !index.partial;
    CatalogueQuery columns(connection, kIndexColumns, index.name);
    while (columns.next()) {
      const std::string name = columns.is_null(1) ? std::string() : columns.text(1);
      const auto& all = entry.table.columns;
      const auto found =
          std::find_if(all.begin(), all.end(), [&name](const auto& c) { return c.name == name; });
      if (name.empty() || found == all.end()) {
        usable = false;  // an expression, or the rowid
        if (key.empty()) break;
        continue;
      }
      const auto position = static_cast<std::uint16_t>(found - all.begin());
      // An index of another collation than the column's is no target for ON CONFLICT (column).
      if (!same_ignoring_case(columns.text(2), collations[position])) usable = false;
      key.push_back(position);
    }
    if (columns.failure()) return *columns.failure();
    if (key.empty()) continue;
    if (!index.partial) entry.table.leading_index_columns.push_back({key.front()});
    const auto& keys = entry.table.unique_keys;
    if (usable && std::find(keys.begin(), keys.end(), key) == keys.end())
      entry.table.unique_keys.push_back(std::move(key));
  }
  return {};
}

}  // namespace

Result<void> check_schema(std::string_view schema) {
  if (schema.empty() || same_ignoring_case(schema, "main")) return {};
  return sql::feature_refused(contract::Engine::sqlite, "schema_name");
}

Result<LoadedTable> load_table(Connection& connection, std::string_view name) {
  const Snapshot snapshot(connection);
  if (snapshot.code() != SQLITE_OK) return connection.error(snapshot.code());
  auto version = connection.schema_version();
  if (!version) return version.error();
  auto found = find_table(connection, name);
  if (!found) return found.error();
  auto columns = read_columns(connection, found->name);
  if (!columns) return columns.error();

  auto entry = std::make_shared<Entry>();
  sql::Table& table = entry->table;
  table.schema = "main";
  table.name = found->name;
  std::pmr::string quoted;
  sql::append_identifier(quoted, "main");
  quoted += '.';
  sql::append_identifier(quoted, found->name);
  table.quoted = quoted;
  table.kind = found->type == "view" ? sql::Table::Kind::view : sql::Table::Kind::table;
  table.without_rowid = found->without_rowid;
  table.version = static_cast<std::uint64_t>(*version);
  std::vector<std::string> collations;
  fill_columns(connection, *found, *columns, *entry, collations);
  if (auto indexes = fill_indexes(connection, collations, *entry); !indexes) return indexes.error();
  {
    CatalogueQuery trigger(connection, kHasTrigger, table.name);
    table.has_user_triggers = trigger.next();
    if (trigger.failure()) return *trigger.failure();
  }
  auto statistics = read_statistics(connection);
  if (!statistics) return statistics.error();
  if (const auto count = statistics->find(table.name); count != statistics->end()) {
    table.row_estimate = static_cast<double>(count->second);
  }
  return LoadedTable{sql::TablePtr(entry, &entry->table), *version};
}

Result<std::vector<engines::TableInfo>> list_tables(Connection& connection,
                                                    const engines::TableQuery& query) {
  if (auto schema = check_schema(query.table_schema); !schema) return schema.error();
  const Snapshot snapshot(connection);
  if (snapshot.code() != SQLITE_OK) return connection.error(snapshot.code());
  auto statistics = read_statistics(connection);
  if (!statistics) return statistics.error();
  std::vector<engines::TableInfo> tables;
  std::int64_t position = 0;
  CatalogueQuery all(connection, kAllTables);
  while (static_cast<std::int64_t>(tables.size()) <= query.limit && all.next()) {
    const bool view = all.text(1) == "view";
    if (view && !query.include_views) continue;
    if (position++ < query.offset) continue;
    engines::TableInfo& table = tables.emplace_back();
    table.table_schema = "main";
    table.table_name = all.text(0);
    table.table_type = view ? "VIEW" : "BASE TABLE";
    if (const auto count = statistics->find(table.table_name); count != statistics->end())
      table.estimated_rows = count->second;
  }
  if (all.failure()) return *all.failure();
  return tables;
}

Result<std::vector<engines::ColumnInfo>> list_columns(Connection& connection, std::string_view table) {
  const Snapshot snapshot(connection);
  if (snapshot.code() != SQLITE_OK) return connection.error(snapshot.code());
  auto found = find_table(connection, table);
  if (!found) return found.error();
  auto columns = read_columns(connection, found->name);
  if (!columns) return columns.error();
  std::vector<engines::ColumnInfo> infos;
  for (const auto& column : *columns) {
    engines::ColumnInfo& info = infos.emplace_back();
    info.column_name = column.name;
    info.data_type = column.type;
    info.udt_name = column.type;
    info.column_default = column.default_value;
    info.is_nullable = !column.not_null && !is_rowid_alias(*found, *columns, column) &&
                       !(found->without_rowid && column.key_position > 0);
    info.ordinal_position = static_cast<int>(infos.size());
    info.is_primary_key = column.key_position > 0;
    if (column.hidden == kGeneratedVirtual) info.is_generated = "virtual";
    if (column.hidden == kGeneratedStored) info.is_generated = "stored";
    info.table_schema = "main";
  }
  return infos;
}

}  // namespace athena::sqlite

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "contract/error.h"
#include "engines/backend.h"
#include "engines/sql/table.h"
#include "engines/sqlite/connection.h"

/// Reading the catalogue of a file. Every function runs on the connection's thread and inside one read
/// transaction of its own, so that what it returns belongs together. SQLite's own tables (`sqlite_…`) and the
/// shadow tables of virtual ones do not exist for callers.
namespace athena::sqlite {

struct LoadedTable {
  sql::TablePtr table;  ///< owns the types its columns point to; `version` is `schema_version`
  std::int64_t schema_version = 0;
};

/// A table or view with columns, keys and indexes. Names are compared as SQLite does: the case of ASCII
/// letters does not matter. Unknown: undefined_table with near names. Errors of the file: as database_error.
contract::Result<LoadedTable> load_table(Connection& connection, std::string_view name);

/// GET /schema/tables: sorted by name, at most limit + 1. `estimated_rows` is what ANALYZE has noted.
contract::Result<std::vector<engines::TableInfo>> list_tables(Connection& connection,
                                                              const engines::TableQuery& query);
/// GET /schema/columns, in their order.
contract::Result<std::vector<engines::ColumnInfo>> list_columns(Connection& connection,
                                                                std::string_view table);

/// A schema other than the only one, `main`: 501.
contract::Result<void> check_schema(std::string_view schema);

}  // namespace athena::sqlite

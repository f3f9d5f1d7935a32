#pragma once

#include <string>
#include <vector>

#include "base/coroutine.h"
#include "base/deadline.h"
#include "contract/error.h"
#include "engines/backend.h"
#include "engines/postgres/text_query.h"

namespace athena::postgres {

/// A row of kListTables, of kListColumns and kColumnsOfTables.
engines::TableInfo table_info(const TextRow& row);
engines::ColumnInfo column_info(const TextRow& row);

/// Rows of a catalogue query that takes a schema and a table; undefined_table, with near names, when there
/// are none.
base::Task<contract::Result<std::vector<TextRow>>> rows_of_table(TextQueryRunner& runner, std::string sql,
                                                                 std::string schema, std::string table,
                                                                 base::Deadline deadline);

/// The lists behind GET /schema/tables and /schema/columns, from the database each time.
base::Task<contract::Result<std::vector<engines::TableInfo>>> read_tables(TextQueryRunner& runner,
                                                                          engines::TableQuery query,
                                                                          base::Deadline deadline);
base::Task<contract::Result<std::vector<engines::ColumnInfo>>> read_columns(TextQueryRunner& runner,
                                                                            std::string schema,
                                                                            std::string table,
                                                                            base::Deadline deadline);

}  // namespace athena::postgres

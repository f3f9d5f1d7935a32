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

/// The lists behind GET /schema/tables and /schema/columns, from the database each time.
base::Task<contract::Result<std::vector<engines::TableInfo>>> read_tables(TextQueryRunner& runner,
                                                                          engines::TableQuery query,
                                                                          base::Deadline deadline);
base::Task<contract::Result<std::vector<engines::ColumnInfo>>> read_columns(TextQueryRunner& runner,
                                                                            std::string schema,
                                                                            std::string table,
                                                                            base::Deadline deadline);

}  // namespace athena::postgres

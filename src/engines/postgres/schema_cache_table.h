#pragma once

#include <memory>
#include <span>

#include "engines/postgres/schema_cache_types.h"
#include "engines/postgres/text_query.h"
#include "engines/sql/table.h"

namespace athena::postgres {

/// The table that the rows of catalogue_sql::kTable describe, its types added to `types`; null when they
/// describe none. It keeps `types` alive.
std::shared_ptr<sql::Table> read_table(std::span<const TextRow> rows,
                                       const std::shared_ptr<TypeStore>& types);

}  // namespace athena::postgres

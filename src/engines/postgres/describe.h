#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/coroutine.h"
#include "base/deadline.h"
#include "contract/error.h"
#include "engines/backend.h"
#include "engines/postgres/text_query.h"

namespace athena::postgres {

/// Tables with their columns and constraints, from the database, by three statements however many there are.
/// Sorted as tables are listed; at most limit + 1. An empty schema means all.
base::Task<contract::Result<std::vector<engines::TableDescription>>> read_descriptions(
    TextQueryRunner& runner, std::string schema, std::int64_t limit, base::Deadline deadline);

}  // namespace athena::postgres

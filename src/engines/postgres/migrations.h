#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/coroutine.h"
#include "base/deadline.h"
#include "contract/error.h"
#include "engines/backend.h"
#include "engines/postgres/text_query.h"

namespace athena::postgres {

using MigrationList = std::optional<std::vector<engines::MigrationInfo>>;

/// What the first known table of a migration tool says, newest first, at most limit + 1; empty when there is
/// no such table. A table that the login may not read: insufficient_privilege.
base::Task<contract::Result<MigrationList>> read_migrations(TextQueryRunner& runner, std::int64_t limit,
                                                            base::Deadline deadline);

}  // namespace athena::postgres

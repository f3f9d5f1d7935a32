#pragma once

#include <string>
#include <vector>

#include "base/coroutine.h"
#include "base/deadline.h"
#include "contract/error.h"
#include "engines/backend.h"
#include "engines/postgres/text_query.h"

namespace athena::postgres {

/// A row of kListConstraints and kConstraintsOfTables.
engines::ConstraintInfo constraint_info(const TextRow& row);
/// By type, then by name, ignoring case.
void sort_constraints(std::vector<engines::ConstraintInfo>& constraints);

/// The constraints of one table, from the database. Unknown or unreadable table: undefined_table with near
/// names.
base::Task<contract::Result<std::vector<engines::ConstraintInfo>>> read_constraints(TextQueryRunner& runner,
                                                                                    std::string schema,
                                                                                    std::string table,
                                                                                    base::Deadline deadline);

}  // namespace athena::postgres

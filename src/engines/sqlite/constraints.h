#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "contract/error.h"
#include "engines/backend.h"
#include "engines/sqlite/connection.h"

namespace athena::sqlite {

/// GET /schema/constraints: primary key, unique and foreign keys from the pragmas, checks and names from the
/// table's CREATE TABLE; in order of type and name. A constraint that was given no name has the one that
/// PostgreSQL would have chosen: `users_pkey`, `users_email_key`, `posts_user_id_fkey`, `users_age_check`.
/// Unique indexes of CREATE INDEX are no constraints; views and virtual tables have none. Errors as
/// list_columns().
contract::Result<std::vector<engines::ConstraintInfo>> list_constraints(Connection& connection,
                                                                        std::string_view table);

/// GET /schema: tables and views as list_tables(), at most limit + 1, of one read transaction.
contract::Result<std::vector<engines::TableDescription>> describe_tables(Connection& connection,
                                                                         std::int64_t limit);

}  // namespace athena::sqlite

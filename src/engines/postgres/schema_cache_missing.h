#pragma once

#include <span>
#include <string>

#include "base/coroutine.h"
#include "base/deadline.h"
#include "contract/error.h"
#include "engines/postgres/text_query.h"

namespace athena::postgres {

/// undefined_table for a name as it was asked for, without suggestions.
contract::Error undefined_table(std::string_view schema, std::string_view table);

/// The same with up to three near names among the tables that the login may read, looked up in the database.
/// When that look fails, the error goes without them.
base::Task<contract::Error> undefined_table_with_suggestions(TextQueryRunner& runner, std::string schema,
                                                             std::string table, base::Deadline deadline);

}  // namespace athena::postgres

#pragma once

#include <span>

#include "contract/error.h"
#include "engines/sql/writer.h"
#include "query/request.h"

namespace athena::sql {

/// Writes `"a" = $1, "b" = $2`. Errors: undefined_column, invalid_value, invalid_payload when a column is
/// named twice.
contract::Result<void> write_assignments(Writer& out, std::span<const query::Assignment> assignments);

/// invalid_value for a column that the database computes itself.
contract::Result<void> check_writable(const Column& column);

}  // namespace athena::sql

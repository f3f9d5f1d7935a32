#pragma once

#include <span>

#include "contract/error.h"
#include "engines/sql/writer.h"
#include "query/request.h"

namespace athena::sql {

/// Writes an output list and describes it in the statement; none given = all columns of the table. Errors:
/// undefined_column, invalid_identifier, invalid_payload when two entries share an output name,
/// limit_too_large.
contract::Result<void> write_projection(Writer& out, std::span<const query::Projection> entries);

/// Columns that make up `resource_id`: the primary key, else `id`, else `<table>_id`, else none.
Key resource_id_columns(const Table& table);

/// ` RETURNING …`: the asked columns (unless `nothing`), and with `resource_id` those that make it up, hidden
/// where they were not asked for. Writes nothing when there is nothing to return.
struct Returning {
  std::span<const query::Projection> entries;
  bool nothing = false;
  bool resource_id = false;
};
contract::Result<void> write_returning(Writer& out, const Returning& returning);

}  // namespace athena::sql

#pragma once

#include <span>

#include "contract/error.h"
#include "engines/sql/insert_rows.h"
#include "engines/sql/writer.h"
#include "query/request.h"

namespace athena::sql {

/// What an insert does with a row whose key is taken.
struct Conflict {
  enum class Action : std::uint8_t { fail, skip, update } action = Action::fail;
  const Key* target = nullptr;                     ///< null = any key (skip only)
  std::span<const query::Assignment> update_body;  ///< empty = the given columns
};

/// Chooses the target by the rules of upserts. `rows` as given, before missing members are filled. Errors:
/// ambiguous_conflict_target with candidates, undefined_column, invalid_payload.
contract::Result<Conflict> find_conflict(const query::Insert& insert, std::span<const InsertRow> rows,
                                         const Table& table);

/// invalid_value when two rows of one upsert have the same key.
contract::Result<void> check_distinct_keys(const Conflict& conflict, std::span<const InsertRow> rows,
                                           const Writer& out);

/// ` ON CONFLICT …`, for rows that give `columns`; nothing for Action::fail.
contract::Result<void> write_conflict(Writer& out, const Conflict& conflict,
                                      std::span<const std::uint16_t> columns);

}  // namespace athena::sql

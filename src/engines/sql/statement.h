#pragma once

#include <cstdint>
#include <memory_resource>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engines/sql/table.h"
#include "query/row_sink.h"

namespace athena::sql {

/// One bound value. `text` is the value in the engine's text form and lives in the arena of the request.
struct Bind {
  enum class Kind : std::uint8_t { null, text, integer, real, blob };
  Kind kind = Kind::text;  ///< PostgreSQL: null or text only. SQLite: how to bind (integer and real: digits
                           ///< in `text`)
  std::uint32_t type_oid = 0;  ///< PostgreSQL
  std::string_view text;
};

/// SQL text with placeholders and its values: what a driver runs. Names are quoted, values bound, request
/// text never in it.
struct Statement {
  explicit Statement(std::pmr::memory_resource& memory)
      : text(&memory),
        binds(&memory),
        columns(&memory),
        types(&memory),
        resource_id(&memory),
        input_rows(&memory) {}

  std::pmr::string text;
  std::pmr::vector<Bind> binds;
  std::pmr::vector<query::OutputColumn> columns;  ///< of its rows, in order; empty = returns no rows
  std::pmr::vector<const Type*> types;  ///< type of each of them (after a cast); null = as the server says
  std::pmr::vector<std::uint16_t> resource_id;  ///< indices into columns
  std::pmr::vector<std::uint32_t> input_rows;   ///< insert: which rows of the request it stores, in order
};

/// What a request becomes: one statement, or several in one transaction.
struct Plan {
  explicit Plan(std::pmr::memory_resource& memory) : statements(&memory) {}

  TablePtr table;                          ///< what it was compiled against
  std::pmr::vector<Statement> statements;  ///< empty: nothing to do (insert of no rows, a condition that is
                                           ///< FALSE by itself is still sent)
  bool is_write = false;
  bool transaction = false;     ///< run all of them in one transaction
  bool read_only = false;       ///< in a transaction that refuses writes
  bool resets_session = false;  ///< it may change the session: the connection is reset after it
  bool reorder = false;  ///< rows of several statements come back in input order: merge by input_rows (each
                         ///< statement returns one row per input row)
  bool extra_row =
      false;  ///< one row more than page.limit was asked for: it sets truncated and is not passed on
  std::int64_t row_limit = -1;    ///< rows to pass on; −1 = all
  bool indexed_equality = false;  ///< an AND-ed eq or in on the leading column of an index: cheap enough for
                                  ///< a pipelined connection
};

}  // namespace athena::sql

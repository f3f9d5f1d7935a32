#pragma once

#include <string_view>

#include "query/parse_state.h"

namespace athena::query {

/// `count` predicates in the arena.
Predicate* new_predicates(ParseState& state, std::size_t count);

/// One term: the column's text (with its JSON path), the operator and the value. Counts against
/// gateway.max_conditions.
bool compare_column(ParseState& state, std::string_view column, const Path& column_path, Operator op,
                    const Value& value, const Path& value_path, Predicate& out);

/// Whether a group may stand at this depth (1 = outermost).
bool check_depth(ParseState& state, std::int64_t depth, const Path& path);

}  // namespace athena::query

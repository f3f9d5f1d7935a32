#pragma once

#include <cstdint>
#include <string_view>

#include "query/operators.h"
#include "query/parse_state.h"

namespace athena::query {

/// The text given to `or` and `and` (terms separated by commas) or to `not` (one term). `kind` is none of
/// compare, `depth` the level of the group itself. What the terms point to is in the text or in the arena;
/// time is linear in the text. Failures name `path` and the position in the text.
bool parse_expression(ParseState& state, std::string_view text, OperatorWord::Kind kind, const Path& path,
                      std::int64_t depth, Predicate& out);

/// `[not.]operator[modifier].value` for a column whose name stands elsewhere; the value runs to the end of
/// the text, and after in, contains, containedBy and overlaps it may be a list without parentheses.
bool parse_filter(ParseState& state, std::string_view column, std::string_view text, const Path& path,
                  Predicate& out);
/// Whether `text` begins like one.
bool is_filter(std::string_view text);

}  // namespace athena::query

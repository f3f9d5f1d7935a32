#pragma once

#include "query/parse_state.h"

namespace athena::query {

/// An object of the caller whose members are columns: every name is checked, and turned to snake case where
/// that is configured. Returns the object itself when nothing changes, a copy in the arena when something
/// does, null after a failure.
const Value* column_object(ParseState& state, const Value& object, const Path& path);

/// The same as assignments, in order.
bool parse_assignments(ParseState& state, const Value& object, const Path& path,
                       List<Assignment>& assignments);

}  // namespace athena::query

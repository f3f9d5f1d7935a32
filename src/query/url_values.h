#pragma once

#include <string_view>

#include "query/parse_state.h"

namespace athena::query {

// Texts of query parameters as values of a body. All return null after a failure.

/// A string.
const Value* url_text(ParseState& state, std::string_view text);
/// Digits, perhaps with a sign; else invalid_payload.
const Value* url_number(ParseState& state, std::string_view text, const Path& path);
/// `true` or `false`; else invalid_payload.
const Value* url_flag(ParseState& state, std::string_view text, const Path& path);
/// An object in the arena.
const Value* url_object(ParseState& state, const List<JsonMember>& members);
/// An array in the arena.
const Value* url_array(ParseState& state, const List<const Value*>& items);

}  // namespace athena::query

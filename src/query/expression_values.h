#pragma once

#include <cstddef>
#include <string_view>

#include "query/parse_state.h"

// Quoted texts and lists of expressions, read where they stand: `at` is the index of their first character.

namespace athena::query {

/// How far a list reaches.
struct ListExtent {
  bool closed = false;
  bool in_brackets = false;
  std::size_t items = 0;  ///< up to `end`; of what is not closed, one more than the commas passed
  std::size_t end = 0;    ///< behind the list, or where it could not go on
};

/// The index behind the quoted text that begins at `at`, or npos when it does not end.
std::size_t quoted_end(std::string_view text, std::size_t at);
/// The content of a quoted text, its quotes included; copied only when it has escapes.
std::string_view unquoted(ParseState& state, std::string_view quoted);

/// Looks at a list in parentheses or braces whose opening character stands at `at`.
ListExtent list_extent(std::string_view text, std::size_t at);
/// Looks at items up to the end of the text.
ListExtent open_list_extent(std::string_view text, std::size_t at);
/// An array of strings from a list that one of the two has found well formed at `at`.
const Value* list_value(ParseState& state, std::string_view text, std::size_t at, const ListExtent& extent);

/// A string in the arena; the text itself stays where it is.
const Value* text_value(ParseState& state, std::string_view text);

}  // namespace athena::query

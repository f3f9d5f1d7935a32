#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace athena::postgres {

/// The name of a type as a caller wrote it in a cast, taken apart.
struct TypeName {
  std::string schema;  ///< empty = not given
  std::string
      name;  ///< folded to lower case unless quoted; white space inside (`double precision`) is one space
  bool quoted = false;  ///< then it is a catalogue name, never an SQL spelling
  bool array = false;   ///< `[]`, any number of times
};

/// Reads `int4`, `timestamp with time zone []`, `my_schema."Odd kind"[]`. Empty for anything else: modifiers,
/// more than two parts, parts of 0 or over 63 bytes, stray quotes.
std::optional<TypeName> parse_type_name(std::string_view text);

}  // namespace athena::postgres

#pragma once

#include <string>
#include <string_view>

namespace athena::app {

/// The JSON text with two blanks of indent and a final newline. Only white space between values changes, so
/// that every digit stays as it came; a text that is no JSON comes back as it is, with a newline.
std::string pretty_json(std::string_view text);

}  // namespace athena::app

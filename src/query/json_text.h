#pragma once

#include <string>
#include <string_view>

#include "base/buffer.h"

namespace athena::query {

/// What the JSON string `json` (valid, with its quotes) says; a view into it, or into `scratch` when it has
/// escapes.
std::string_view json_string_text(std::string_view json, std::string& scratch);
/// Valid JSON without the spaces between its tokens, appended.
void append_compact_json(std::string& out, std::string_view json);

}  // namespace athena::query

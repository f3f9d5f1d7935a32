#pragma once

#include <string_view>

namespace athena::base {

/// Whether parse_json would take the text, a byte-order mark excepted: what is_json allows may stand inside a
/// reply as it is. Linear, builds nothing. Runs on any thread.
bool is_json(std::string_view text);

}  // namespace athena::base

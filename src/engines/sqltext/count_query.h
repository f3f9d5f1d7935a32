#pragma once

#include <string_view>

namespace athena::sqltext {

/// Whether the text is one SELECT whose only output is `count(…)`, without GROUP BY, HAVING, set operation,
/// DISTINCT or LIMIT. Never throws; text that cannot be parsed is none. Any thread.
bool is_count_query(std::string_view text);

}  // namespace athena::sqltext

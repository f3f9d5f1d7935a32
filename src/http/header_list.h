#pragma once

#include <string_view>

// Parts of header values: lists, parameters, weights (RFC 9110, 5.6 and 12.4.2). Nothing is allocated; the
// texts point into what was given.
namespace athena::http {

/// Without blanks and tabs around it.
std::string_view trimmed(std::string_view text);

/// Cuts the text up to `separator` off `rest`, and gives it trimmed; the last part empties `rest`.
std::string_view next_part(std::string_view& rest, char separator);

/// A q-value in thousandths: `0.25` → 250; text that is no q-value counts as 0.
int thousandths(std::string_view text);

}  // namespace athena::http

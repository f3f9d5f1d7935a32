#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/buffer.h"

namespace athena::base {

/// Appends `text` as a JSON string with its quotes. `text` is UTF-8; bytes that are not become U+FFFD.
void append_json_string(Buffer& out, std::string_view text);
/// The same between two known-good ASCII ends; only for text that needs no escaping.
void append_integer(Buffer& out, std::int64_t value);
/// A duration in milliseconds with three decimals, as `1.284`.
void append_milliseconds(Buffer& out, std::int64_t microseconds);
/// `text` as a JSON string in a std::string, for places off the request path.
std::string json_string(std::string_view text);

}  // namespace athena::base

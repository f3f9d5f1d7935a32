#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "services/control/session.h"

namespace athena::control {

/// A cell of a result in text format as a value; `type` is the type's OID. Types that are not among those of
/// our tables stay text.
Value value_of_text(std::uint32_t type, std::string_view text);

/// A value as text of a parameter; not for null and Bytes.
std::string text_of_value(const Value& value);

/// Appends a row in COPY's text format, with its line break.
void append_copy_row(std::string& out, const Row& row);

/// `2026-03-01 08:00:00.123456+00` → `2026-03-01T08:00:00.123Z`, cut to milliseconds. Other texts (infinity,
/// years before 0 or of five digits) stay.
std::string iso_time(std::string_view text);

/// JSON text without the white space between its tokens.
std::string compact_json(std::string_view text);

}  // namespace athena::control

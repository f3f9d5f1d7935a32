#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace athena::base {

/// Milliseconds since 1970 as `2026-03-01T08:00:00.123Z`: UTC, three fraction digits (RFC 3339). Years 0 to
/// 9999.
std::string iso_time(std::int64_t unix_ms);

/// Reads an RFC 3339 time with its offset (`Z`, `+02:00`); a fraction of a second counts to the millisecond,
/// what is finer is cut. Nothing for anything else: no offset, a day that the month does not have, second 60.
std::optional<std::int64_t> parse_iso_time(std::string_view text);

}  // namespace athena::base

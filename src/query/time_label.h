#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "query/grouping.h"

namespace athena::query {

/// What a time is before everything and behind everything: `-infinity`, `infinity`.
constexpr std::int64_t kBeforeAllTime = INT64_MIN;
constexpr std::int64_t kBehindAllTime = INT64_MAX;

/// Seconds since 1970-01-01 UTC of an ISO time: a date (its midnight), or a date, `T` or a space, and
/// `HH:MM[:SS[.fraction]]`, then `Z`, an offset (`+HH`, `+HHMM`, `+HH:MM[:SS]`) or nothing (UTC); ` BC` may
/// follow. Years have four to six digits. Fractions are dropped. Nothing when the text is no such time.
std::optional<std::int64_t> read_time(std::string_view text);

/// The number of whole days, hours or minutes since 1970-01-01 UTC; the two infinities stay.
std::int64_t truncate_time(std::int64_t seconds, Grouping::Granularity granularity);

/// `2026-03-01`, `2026-03-01 08:00`, `2026-03-01 08:15`; ` BC` behind years before 1.
void append_time_label(std::string& out, std::int64_t units, Grouping::Granularity granularity);

}  // namespace athena::query

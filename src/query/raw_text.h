#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "query/request.h"

namespace athena::query {

/// SQL of the caller, run as it is.
struct RawText {
  std::string_view text;                 ///< trailing `;` and white space dropped; not empty
  std::span<const Value* const> params;  ///< `$1` …
  bool has_params = false;               ///< `params` was given, perhaps empty
  bool read_only = false;
  /// Of the statement, below the deadline of the request; beyond it statement_timeout.
  std::optional<std::chrono::milliseconds> timeout;
  std::int64_t max_rows = 0;     ///< rows given to the sink at most
  std::string_view schema_name;  ///< search path of this text; empty = as it is
  /// Only one SELECT whose only output is count(…), else invalid_payload (POST /query/count).
  bool count_only = false;
};

}  // namespace athena::query

#pragma once

#include <cstdint>
#include <string_view>

namespace athena::api {

/// What rows are written as.
enum class Format : std::uint8_t { json, ndjson, csv };

std::string_view media_type(Format format);

/// The format an `Accept` header asks for: the highest q-value, of the most specific range for each; JSON
/// where several are equal, where nothing fits, and for an empty header.
Format accepted_format(std::string_view accept);

}  // namespace athena::api

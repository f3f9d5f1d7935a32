#pragma once

#include <string_view>

#include "base/buffer.h"

namespace athena::query {

/// Appends `text` as a field of RFC 4180: as it is, or in quotes with its quotes doubled when it holds a
/// comma, a quote or a line break, or is empty (nothing at all would mean NULL). Bytes that are no UTF-8
/// become U+FFFD.
void append_csv_field(base::Buffer& out, std::string_view text);

}  // namespace athena::query

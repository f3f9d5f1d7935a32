#pragma once

#include <string>
#include <vector>

#include "query/row_sink.h"

namespace athena::query {

/// The key of each column of the shape, hidden ones too, as rows are written: in snake case when that is
/// asked for, where visible columns whose keys would become equal keep their spelling.
std::vector<std::string> output_keys(const RowShape& shape, bool snake_case);

}  // namespace athena::query

#include "engines/sql/table.h"

#include "base/ascii.h"

namespace athena::sql {

int Table::find_column(std::string_view column) const {
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const std::string& candidate = columns[i].name;
    // Most names differ in their ends, which costs no call.
    if (candidate.size() != column.size() || (!column.empty() && candidate.back() != column.back())) continue;
    if (candidate == column) return static_cast<int>(i);
  }
  int found = -1;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (!base::equals_ignoring_case(columns[i].name, column)) continue;
    if (found >= 0) return -1;
    found = static_cast<int>(i);
  }
  return found;
}

}  // namespace athena::sql

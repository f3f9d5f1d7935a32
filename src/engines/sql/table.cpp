#include "engines/sql/table.h"

#include <algorithm>

namespace athena::sql {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

bool equal_without_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

int Table::find_column(std::string_view column) const {
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const std::string& candidate = columns[i].name;
    // Most names differ in their ends, which costs no call.
    if (candidate.size() != column.size() || (!column.empty() && candidate.back() != column.back())) continue;
    if (candidate == column) return static_cast<int>(i);
  }
  int found = -1;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (!equal_without_case(columns[i].name, column)) continue;
    if (found >= 0) return -1;
    found = static_cast<int>(i);
  }
  return found;
}

}  // namespace athena::sql

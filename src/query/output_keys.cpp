#include "query/output_keys.h"

#include <memory_resource>
#include <unordered_map>

#include "query/parse.h"

namespace athena::query {

std::vector<std::string> output_keys(const RowShape& shape, bool snake_case) {
  std::vector<std::string> keys;
  keys.reserve(shape.columns.size());
  if (!snake_case) {
    for (const auto& column : shape.columns) keys.emplace_back(column.name);
    return keys;
  }
  std::unordered_map<std::string, int> uses;
  for (const auto& column : shape.columns) {
    std::pmr::monotonic_buffer_resource memory;
    keys.emplace_back(to_snake_case(column.name, memory));
    if (!column.hidden) ++uses[keys.back()];
  }
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (!shape.columns[i].hidden && uses[keys[i]] > 1) keys[i] = shape.columns[i].name;
  }
  return keys;
}

}  // namespace athena::query

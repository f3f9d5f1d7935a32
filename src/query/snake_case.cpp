#include <algorithm>

#include "query/parse.h"

namespace athena::query {
namespace {

bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

}  // namespace

std::string_view to_snake_case(std::string_view name, std::pmr::memory_resource& memory) {
  if (std::none_of(name.begin(), name.end(), is_upper)) return name;
  auto* out = static_cast<char*>(memory.allocate(name.size() * 2, 1));
  std::size_t size = 0;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    if (!is_upper(c)) {
      out[size++] = c;
      continue;
    }
    const char before = i > 0 ? name[i - 1] : '\0';
    const char next = i + 1 < name.size() ? name[i + 1] : '\0';
    if (is_lower(before) || is_digit(before) || (is_upper(before) && is_lower(next))) out[size++] = '_';
    out[size++] = static_cast<char>(c + ('a' - 'A'));
  }
  return {out, size};
}

}  // namespace athena::query

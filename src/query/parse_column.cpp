#include <algorithm>

#include "query/parse_parts.h"

namespace athena::query {
namespace {

using contract::ErrorCode;

constexpr std::size_t kMaxJsonSteps = 64;
constexpr std::string_view kArrow = "->";

bool is_type_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
         c == '.' || c == '"' || c == ' ' || static_cast<unsigned char>(c) >= 0x80;
}

/// A key of digits that fits an index; a longer one can only be the name of a member.
bool is_index(std::string_view key) {
  return key.size() <= 9 && std::all_of(key.begin(), key.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool read_steps(ParseState& state, std::string_view steps, const Path& path, ColumnRef& column) {
  std::size_t count = 0;
  for (std::size_t at = 0; at != std::string_view::npos; at = steps.find(kArrow, at + 2)) ++count;
  if (count > kMaxJsonSteps)
    return state.too_large(path, "has a JSON path of more steps than", count, kMaxJsonSteps);
  auto* out = state.allocate<JsonStep>(count);
  column.path = {out, count};
  for (std::size_t i = 0; i < count; ++i) {
    steps.remove_prefix(kArrow.size());
    const bool as_text = steps.starts_with('>');
    if (as_text) steps.remove_prefix(1);
    const std::string_view key = steps.substr(0, steps.find(kArrow));
    steps.remove_prefix(key.size());
    if (key.empty())
      return state.refuse(ErrorCode::invalid_identifier, path, " has an empty key in its JSON path.");
    if (key.find('\0') != std::string_view::npos) {
      return state.refuse(ErrorCode::invalid_identifier, path, " has a JSON key with a control character.");
    }
    if (as_text && i + 1 < count) {
      return state.refuse(ErrorCode::invalid_payload, path, " goes on behind ->>, which gives text.");
    }
    new (out + i) JsonStep{key, as_text, is_index(key)};
  }
  return true;
}

}  // namespace

bool parse_column_ref(ParseState& state, std::string_view text, const Path& path, ColumnRef& column) {
  const std::size_t arrow = text.find(kArrow);
  const std::string_view written = text.substr(0, arrow);
  if (!state.check_identifier(written, path)) return false;
  column.name = state.column_name(written);
  return arrow == std::string_view::npos || read_steps(state, text.substr(arrow), path, column);
}

bool check_cast(ParseState& state, std::string_view type, const Path& path) {
  std::string_view base = type;
  if (base.ends_with("[]")) base.remove_suffix(2);
  // Which types there are is known to the engine, with those of the client's own catalogue; here it must be a
  // name at all.
  constexpr std::size_t kMaxTypeBytes = 2 * 63 + 5;
  if (!base.empty() && base.size() <= kMaxTypeBytes &&
      std::all_of(base.begin(), base.end(), is_type_character)) {
    return true;
  }
  return state.refuse(ErrorCode::invalid_identifier, path,
                      " casts to " + shown(type) + ", which is no type.");
}

}  // namespace athena::query

#include <algorithm>
#include <array>

#include "query/parse_parts.h"

namespace athena::query {
namespace {

using contract::ErrorCode;

constexpr std::string_view kArrow = "->";

bool is_type_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
         c == '.' || c == '"' || c == ' ' || static_cast<unsigned char>(c) >= 0x80;
}

/// A key of digits that fits an index; a longer one can only be the name of a member.
bool is_index(std::string_view key) {
  return key.size() <= 9 && std::all_of(key.begin(), key.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool check_steps(ParseState& state, std::span<const JsonStep> steps, const Path& path) {
  for (const JsonStep& step : steps) {
    if (step.key.empty())
      return state.refuse(ErrorCode::invalid_identifier, path, " has an empty key in its JSON path.");
    if (step.key.find('\0') != std::string_view::npos) {
      return state.refuse(ErrorCode::invalid_identifier, path, " has a JSON key with a control character.");
    }
    if (step.as_text && &step != &steps.back()) {
      return state.refuse(ErrorCode::invalid_payload, path, " goes on behind ->>, which gives text.");
    }
  }
  return true;
}

bool read_steps(ParseState& state, std::string_view steps, const Path& path, ColumnRef& column) {
  std::array<JsonStep, kMaxJsonSteps> read{};
  std::size_t count = 0;
  while (!steps.empty()) {
    if (count == read.size())
      return state.too_large(path, "has a JSON path of more steps than", count + 1, kMaxJsonSteps);
    steps.remove_prefix(kArrow.size());
    const bool as_text = steps.starts_with('>');
    if (as_text) steps.remove_prefix(1);
    const std::string_view key = steps.substr(0, steps.find(kArrow));
    steps.remove_prefix(key.size());
    read[count++] = {key, as_text, false};
  }
  return set_column_path(state, {read.data(), count}, path, column);
}

}  // namespace

bool set_column_path(ParseState& state, std::span<const JsonStep> steps, const Path& path,
                     ColumnRef& column) {
  if (!check_steps(state, steps, path)) return false;
  auto* out = state.allocate<JsonStep>(steps.size());
  for (std::size_t i = 0; i < steps.size(); ++i) {
    new (out + i) JsonStep{steps[i].key, steps[i].as_text, is_index(steps[i].key)};
  }
  column.path = {out, steps.size()};
  return true;
}

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

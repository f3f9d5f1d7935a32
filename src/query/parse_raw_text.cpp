#include "query/parse_parts.h"

namespace athena::query {
namespace {

using contract::ErrorCode;

constexpr std::size_t kMaxParams = 65535;

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

/// The index behind the comment at `at`; `at` itself when there is none, or none that ends.
std::size_t comment_end(std::string_view text, std::size_t at) {
  const std::string_view rest = text.substr(at);
  if (rest.starts_with("--")) return std::min(text.find('\n', at), text.size());
  if (!rest.starts_with("/*")) return at;
  int depth = 0;
  for (std::size_t i = at; i + 1 < text.size();) {
    if (text[i] == '/' && text[i + 1] == '*') {
      ++depth;
      i += 2;
    } else if (text[i] == '*' && text[i + 1] == '/') {
      i += 2;
      if (--depth == 0) return i;
    } else {
      ++i;
    }
  }
  return at;
}

bool says_nothing(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t next = is_space(text[at]) || text[at] == ';' ? at + 1 : comment_end(text, at);
    if (next == at) return false;
    at = next;
  }
  return true;
}

bool read_text(ParseState& state, const Members& members, RawText& raw) {
  const Path path{name(Member::query)};
  const Value* query = members[Member::query];
  if (query == nullptr) return state.missing(path);
  if (!query->is_string()) return state.wrong_type(path, "a string");
  raw.text = query->text;
  while (!raw.text.empty() && (is_space(raw.text.back()) || raw.text.back() == ';'))
    raw.text.remove_suffix(1);
  if (says_nothing(raw.text)) return state.missing(path);
  // Databases would take the text to end there.
  if (raw.text.find('\0') != std::string_view::npos)
    return state.refuse(ErrorCode::invalid_payload, path, " must not contain the character \\u0000.");
  return true;
}

bool read_params(ParseState& state, const Members& members, RawText& raw) {
  const Value* params = members[Member::params];
  if (params == nullptr) return true;
  const Path path{name(Member::params)};
  if (!params->is_array()) return state.wrong_type(path, "an array");
  if (params->items.size() > kMaxParams)
    return state.too_large(path, "has more values than", params->items.size(), kMaxParams);
  raw.params = params->items;
  raw.has_params = true;
  return true;
}

bool read_timeout(ParseState& state, const Members& members, RawText& raw) {
  WholeNumber number;
  if (!parse_whole_number(state, members, Member::timeout_ms, number)) return false;
  if (!number.given) return true;
  const std::int64_t max = state.settings().max_timeout_ms;
  if (number.value < 1 || number.value > max) {
    return state.refuse(ErrorCode::invalid_value, Path{name(Member::timeout_ms)},
                        " must be from 1 to " + std::to_string(max) + ".");
  }
  raw.timeout = std::chrono::milliseconds(number.value);
  return true;
}

bool read_max_rows(ParseState& state, const Members& members, RawText& raw) {
  raw.max_rows = state.max_rows();
  WholeNumber number;
  if (!parse_whole_number(state, members, Member::max_rows, number)) return false;
  if (!number.given) return true;
  if (number.value > state.max_rows()) {
    return state.too_large(Path{name(Member::max_rows)}, "is larger than",
                           static_cast<std::uint64_t>(number.value), state.max_rows());
  }
  raw.max_rows = number.value;
  return true;
}

bool read_schema(ParseState& state, const Members& members, RawText& raw) {
  Target target;
  if (!parse_schema(state, members, Member::schema_name, {}, target)) return false;
  raw.schema_name = target.schema;
  return true;
}

}  // namespace

contract::Result<RawText> parse_raw_text(const Value& body, const ParseContext& context) {
  ParseState state(context);
  const Members members(body);
  RawText raw;
  if (!read_text(state, members, raw) || !read_params(state, members, raw) ||
      !parse_flag(state, members, Member::read_only, raw.read_only) || !read_timeout(state, members, raw) ||
      !read_max_rows(state, members, raw) || !read_schema(state, members, raw)) {
    return state.take_error();
  }
  return raw;
}

}  // namespace athena::query

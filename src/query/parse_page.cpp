#include <algorithm>
#include <charconv>

#include "query/parse_parts.h"

namespace athena::query {
namespace {

using contract::ErrorCode;

bool read_limit(ParseState& state, const Members& members, Member member,
                std::optional<std::int64_t>& limit) {
  WholeNumber number;
  if (!parse_whole_number(state, members, member, number)) return false;
  if (!number.given) return true;
  if (number.value > state.max_rows()) {
    return state.too_large(Path{name(member)}, "is larger than", static_cast<std::uint64_t>(number.value),
                           state.max_rows());
  }
  // page_size is read last and wins.
  limit = number.value;
  return true;
}

bool read_position(ParseState& state, const Members& members, Member member, WholeNumber& out) {
  if (!parse_whole_number(state, members, member, out)) return false;
  return !out.overflow || state.refuse(ErrorCode::invalid_payload, Path{name(member)}, " is too large.");
}

bool refuse_cursor(ParseState& state, const Value& cursor, bool positioned) {
  const Path path{name(Member::cursor)};
  if (!cursor.is_string()) return state.wrong_type(path, "a string");
  if (positioned) {
    return state.refuse(ErrorCode::invalid_payload, path, " cannot be used with offset or current_page.");
  }
  return state.unsupported(path, "cursor");
}

}  // namespace

bool parse_whole_number(ParseState& state, const Members& members, Member member, WholeNumber& out) {
  const Value* value = members[member];
  if (value == nullptr) return true;
  const std::string_view text = value->text;
  const auto parsed = value->is_number() ? std::from_chars(text.data(), text.data() + text.size(), out.value)
                                         : std::from_chars_result{nullptr, std::errc::invalid_argument};
  out.given = true;
  out.overflow = parsed.ec == std::errc::result_out_of_range;
  if (out.overflow) out.value = INT64_MAX;
  if (parsed.ec == std::errc::invalid_argument || parsed.ptr != text.data() + text.size() || out.value < 0 ||
      (out.overflow && text.starts_with('-'))) {
    return state.wrong_type(Path{name(member)}, "a whole number of at least 0");
  }
  return true;
}

bool parse_page(ParseState& state, const Members& members, bool with_default, Page& page) {
  WholeNumber current;
  WholeNumber offset;
  if (!read_limit(state, members, Member::limit, page.limit) ||
      !read_limit(state, members, Member::page_size, page.limit) ||
      !read_position(state, members, Member::current_page, current) ||
      !read_position(state, members, Member::offset, offset)) {
    return false;
  }
  if (const Value* cursor = members[Member::cursor]; cursor != nullptr) {
    return refuse_cursor(state, *cursor, offset.given || current.given);
  }
  if (!page.limit && with_default) {
    page.limit =
        state.stream() ? state.max_rows() : std::min(state.settings().default_limit, state.max_rows());
    page.default_limit = true;
  }
  const Path current_path{name(Member::current_page)};
  const std::int64_t pages_before = std::max<std::int64_t>(current.value, 1) - 1;
  if (pages_before > 0 && !page.limit) {
    return state.refuse(ErrorCode::invalid_payload, current_path, " needs limit or page_size.");
  }
  if (__builtin_mul_overflow(pages_before, page.limit.value_or(0), &page.offset) ||
      __builtin_add_overflow(page.offset, offset.value, &page.offset)) {
    return state.refuse(ErrorCode::invalid_payload, current.given ? current_path : Path{name(Member::offset)},
                        " leads to an offset that is too large.");
  }
  page.stable_order = state.settings().stable_paging &&
                      (offset.given || current.given || members[Member::page_size] != nullptr);
  return true;
}

}  // namespace athena::query

#include "query/expression_values.h"

#include <algorithm>
#include <new>

namespace athena::query {
namespace {

/// Moves `at` behind the item there. Without a closing character only commas end an item that is not quoted.
bool skip_item(std::string_view text, std::size_t& at, bool open) {
  if (at < text.size() && text[at] == '"') {
    const std::size_t end = quoted_end(text, at);
    if (end == std::string_view::npos) return false;
    at = end;
    return true;
  }
  at = std::min(open ? text.find(',', at) : text.find_first_of(",)}\"", at), text.size());
  return true;
}

ListExtent extent_of_items(std::string_view text, std::size_t at, char closing) {
  const bool open = closing == '\0';
  ListExtent extent{false, !open, 1, at};
  for (;;) {
    const std::size_t begin = extent.end;
    if (!skip_item(text, extent.end, open)) {
      extent.end = begin;
      return extent;
    }
    const bool ended = extent.end == text.size();
    if (open ? ended : !ended && text[extent.end] == closing) {
      extent.closed = true;
      return extent;
    }
    if (ended || text[extent.end] != ',') return extent;
    ++extent.end;
    ++extent.items;
  }
}

}  // namespace

std::size_t quoted_end(std::string_view text, std::size_t at) {
  ++at;
  for (;;) {
    at = text.find_first_of("\"\\", at);
    if (at == std::string_view::npos) return at;
    if (text[at] == '"') return at + 1;
    at += 2;  // with what is escaped
  }
}

std::string_view unquoted(ParseState& state, std::string_view quoted) {
  const std::string_view inside = quoted.substr(1, quoted.size() - 2);
  if (inside.find('\\') == std::string_view::npos) return inside;
  char* copy = state.allocate<char>(inside.size());
  std::size_t size = 0;
  for (std::size_t i = 0; i < inside.size(); ++i) {
    if (inside[i] == '\\') ++i;
    copy[size++] = inside[i];
  }
  return {copy, size};
}

ListExtent list_extent(std::string_view text, std::size_t at) {
  const char closing = text[at] == '(' ? ')' : '}';
  if (at + 1 < text.size() && text[at + 1] == closing) return {true, true, 0, at + 2};
  ListExtent extent = extent_of_items(text, at + 1, closing);
  if (extent.closed) ++extent.end;
  return extent;
}

ListExtent open_list_extent(std::string_view text, std::size_t at) {
  if (at == text.size()) return {true, false, 0, at};
  return extent_of_items(text, at, '\0');
}

const Value* list_value(ParseState& state, std::string_view text, std::size_t at, const ListExtent& extent) {
  auto* list = new (state.allocate<Value>(1)) Value{.kind = Value::Kind::array};
  if (extent.items == 0) return list;
  auto* values = state.allocate<Value>(extent.items);
  auto** items = state.allocate<const Value*>(extent.items);
  if (extent.in_brackets) ++at;
  for (std::size_t i = 0; i < extent.items; ++i, ++at) {
    const std::size_t begin = at;
    skip_item(text, at, !extent.in_brackets);
    const std::string_view raw = text.substr(begin, at - begin);
    items[i] = new (values + i)
        Value{.kind = Value::Kind::string, .text = raw.starts_with('"') ? unquoted(state, raw) : raw};
  }
  list->items = {items, extent.items};
  return list;
}

const Value* text_value(ParseState& state, std::string_view text) {
  return new (state.allocate<Value>(1)) Value{.kind = Value::Kind::string, .text = text};
}

}  // namespace athena::query

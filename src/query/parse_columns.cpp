#include <algorithm>
#include <functional>

#include "query/parse_parts.h"

namespace athena::query {
namespace {

using contract::ErrorCode;

/// `rel(cols)`, `alias:rel!hint(cols)`: a name with something in parentheses behind it, and no cast or JSON
/// path before.
bool is_relation(std::string_view entry) {
  const std::size_t open = entry.find('(');
  if (open == 0 || open == std::string_view::npos || !entry.ends_with(')')) return false;
  const std::string_view before = entry.substr(0, open);
  return before.find("::") == std::string_view::npos && before.find("->") == std::string_view::npos &&
         !before.ends_with(':');
}

/// Where the alias ends: the first colon that is none of a cast and stands before any JSON path.
std::size_t find_alias_end(std::string_view entry) {
  const std::size_t path = std::min(entry.find("->"), entry.size());
  for (std::size_t at = entry.find(':'); at < path; at = entry.find(':', at)) {
    if (at + 1 >= entry.size() || entry[at + 1] != ':') return at;
    at += 2;
  }
  return std::string_view::npos;
}

bool parse_entry(ParseState& state, std::string_view entry, const Path& path, Projection& out) {
  if (entry == "*") {
    out.all = true;
    return true;
  }
  if (is_relation(entry)) return state.unsupported(path, "relations");
  if (const std::size_t end = find_alias_end(entry); end != std::string_view::npos) {
    out.alias = entry.substr(0, end);
    entry.remove_prefix(end + 1);
    if (!state.check_identifier(out.alias, path)) return false;
  }
  if (const std::size_t cast = entry.rfind("::"); cast != std::string_view::npos) {
    const std::string_view type = entry.substr(cast + 2);
    if (!check_cast(state, type, path)) return false;
    out.column.cast = type;
    entry = entry.substr(0, cast);
  }
  if (entry == "*") return state.refuse(ErrorCode::invalid_identifier, path, " gives * an alias or a cast.");
  return parse_column_ref(state, entry, path, out.column);
}

bool same_step(const JsonStep& a, const JsonStep& b) {
  return a.key == b.key && a.as_text == b.as_text;
}

bool same_entry(const Projection& a, const Projection& b) {
  return a.all == b.all && a.alias == b.alias && a.column.name == b.column.name &&
         a.column.cast == b.column.cast &&
         std::equal(a.column.path.begin(), a.column.path.end(), b.column.path.begin(), b.column.path.end(),
                    same_step);
}

/// Drops entries that came before and refuses two that would give one key. Sorting keeps this fast for any
/// number of entries.
bool settle(ParseState& state, const Path& path, List<Projection>& columns) {
  if (columns.size() < 2) return true;
  List<std::uint32_t> order(columns.size(), &state.memory());
  for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&columns](std::uint32_t a, std::uint32_t b) {
    const int compared = output_name(columns[a]).compare(output_name(columns[b]));
    return compared != 0 ? compared < 0 : a < b;
  });
  List<std::uint32_t> repeated(&state.memory());
  std::size_t first = 0;
  for (std::size_t i = 1; i < order.size(); ++i) {
    const Projection& one = columns[order[first]];
    const Projection& other = columns[order[i]];
    if (output_name(one) != output_name(other)) {
      first = i;
    } else if (same_entry(one, other)) {
      repeated.push_back(order[i]);
    } else {
      return state.refuse(
          ErrorCode::invalid_payload, path,
          " has two entries with the output name " + shown(output_name(other)) + "; give one an alias.");
    }
  }
  if (repeated.empty()) return true;
  std::sort(repeated.begin(), repeated.end());
  std::size_t kept = 0;
  auto next = repeated.begin();
  for (std::uint32_t i = 0; i < columns.size(); ++i) {
    if (next != repeated.end() && *next == i) {
      ++next;
    } else {
      columns[kept++] = columns[i];
    }
  }
  columns.resize(kept);
  return true;
}

bool finish(ParseState& state, const Path& path, ColumnList& list) {
  if (!settle(state, path, list.columns)) return false;
  if (list.columns.size() == 1 && list.columns[0].all) list.columns.clear();
  return true;
}

/// Calls `use` with every entry of a comma-separated list; commas in parentheses separate nothing.
template <class Use>
bool for_each_entry(std::string_view text, Use use) {
  std::size_t begin = 0;
  int depth = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i == text.size() || (text[i] == ',' && depth == 0)) {
      if (!use(trimmed(text.substr(begin, i - begin)))) return false;
      begin = i + 1;
    } else if (text[i] == '(') {
      ++depth;
    } else if (text[i] == ')' && depth > 0) {
      --depth;
    }
  }
  return true;
}

}  // namespace

std::string_view output_name(const Projection& entry) {
  if (entry.all) return "*";
  if (!entry.alias.empty()) return entry.alias;
  return entry.column.path.empty() ? entry.column.name : entry.column.path.back().key;
}

bool parse_columns(ParseState& state, const Value& value, const Path& path, ColumnList& list) {
  if (value.is_string()) {
    const std::string_view text = trimmed(value.text);
    if (text.empty() || text == "*") return true;
    list.columns.reserve(static_cast<std::size_t>(std::count(text.begin(), text.end(), ',')) + 1);
    return for_each_entry(text,
                          [&](std::string_view entry) {
                            return parse_entry(state, entry, path, list.columns.emplace_back());
                          }) &&
           finish(state, path, list);
  }
  if (!value.is_array()) return state.wrong_type(path, "a string or an array of strings");
  list.none = value.items.empty();
  list.columns.reserve(value.items.size());
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    const Path item = path.item(i);
    if (!value.items[i]->is_string()) return state.wrong_type(item, "a string");
    if (!parse_entry(state, value.items[i]->text, item, list.columns.emplace_back())) return false;
  }
  return finish(state, path, list);
}

bool parse_selection(ParseState& state, const Value& value, const Path& path, ColumnList& list) {
  return value.is_object() ? parse_select_object(state, value, path, list)
                           : parse_columns(state, value, path, list);
}

bool parse_select_object(ParseState& state, const Value& value, const Path& path, ColumnList& list) {
  list.columns.reserve(value.members.size());
  for (const auto& member : value.members) {
    const Path own = path.member(member.name);
    if (member.value->is_object()) return state.unsupported(own, "relations");
    if (!member.value->is_boolean() || !member.value->boolean)
      return state.wrong_type(own, "true or an object");
    if (!parse_column_ref(state, member.name, own, list.columns.emplace_back().column)) return false;
  }
  return finish(state, path, list);
}

}  // namespace athena::query

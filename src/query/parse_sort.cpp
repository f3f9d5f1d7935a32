#include <algorithm>
#include <array>

#include "query/parse_parts.h"

#include "base/ascii.h"

namespace athena::query {
namespace {

constexpr std::size_t kMaxTerms = 16;

bool parse_direction(ParseState& state, const Value& value, const Path& path, bool& descending) {
  if (value.is_string()) {
    for (const std::string_view word : {"asc", "ascending"}) {
      if (base::equals_ignoring_case(value.text, word)) return descending = false, true;
    }
    for (const std::string_view word : {"desc", "descending"}) {
      if (base::equals_ignoring_case(value.text, word)) return descending = true, true;
    }
  }
  return state.wrong_type(path, "asc, ascending, desc or descending");
}

bool add(ParseState& state, std::string_view column, const Path& path, List<SortTerm>& sort) {
  if (sort.size() == kMaxTerms) {
    return state.too_large(path, "is beyond the allowed number of sort terms,", kMaxTerms + 1, kMaxTerms);
  }
  return parse_column_ref(state, column, path, sort.emplace_back().column);
}

/// `{field|column, direction?|ascending?, nulls?}`
bool parse_term(ParseState& state, const Value& object, const Path& path, List<SortTerm>& sort) {
  const Value* field = object.find_present("field");
  const Path field_path = path.member(field != nullptr ? "field" : "column");
  if (field == nullptr) field = object.find_present("column");
  if (field == nullptr) return state.missing(path.member("field"));
  if (!field->is_string()) return state.wrong_type(field_path, "a string");
  if (!add(state, field->text, field_path, sort)) return false;
  SortTerm& term = sort.back();
  if (const Value* direction = object.find_present("direction"); direction != nullptr) {
    if (!parse_direction(state, *direction, path.member("direction"), term.descending)) return false;
  } else if (const Value* ascending = object.find_present("ascending"); ascending != nullptr) {
    if (!ascending->is_boolean()) return state.wrong_type(path.member("ascending"), "true or false");
    term.descending = !ascending->boolean;
  }
  const Value* nulls = object.find_present("nulls");
  if (nulls == nullptr) return true;
  if (!nulls->is_string() || (nulls->text != "first" && nulls->text != "last")) {
    return state.wrong_type(path.member("nulls"), "first or last");
  }
  term.nulls = nulls->text == "first" ? SortTerm::Nulls::first : SortTerm::Nulls::last;
  return true;
}

/// Either form of object.
bool parse_object(ParseState& state, const Value& object, const Path& path, List<SortTerm>& sort) {
  if (object.find("field") != nullptr || object.find("column") != nullptr)
    return parse_term(state, object, path, sort);
  for (const auto& member : object.members) {
    const Path own = path.member(member.name);
    if (!add(state, member.name, own, sort)) return false;
    if (!parse_direction(state, *member.value, own, sort.back().descending)) return false;
  }
  return true;
}

bool take_suffix(std::string_view& text, std::string_view suffix) {
  if (!text.ends_with(suffix)) return false;
  text.remove_suffix(suffix.size());
  return true;
}

/// `col[.asc|.desc][.nullsfirst|.nullslast],…`
bool parse_text(ParseState& state, std::string_view text, const Path& path, List<SortTerm>& sort) {
  if (trimmed(text).empty()) return true;
  std::string_view part;
  for (CommaList parts(text); parts.next(part);) {
    SortTerm term;
    if (take_suffix(part, ".nullsfirst")) {
      term.nulls = SortTerm::Nulls::first;
    } else if (take_suffix(part, ".nullslast")) {
      term.nulls = SortTerm::Nulls::last;
    }
    term.descending = take_suffix(part, ".desc");
    if (!term.descending) take_suffix(part, ".asc");
    if (!add(state, part, path, sort)) return false;
    sort.back().descending = term.descending;
    sort.back().nulls = term.nulls;
  }
  return true;
}

}  // namespace

bool parse_sort(ParseState& state, const Members& members, List<SortTerm>& sort) {
  for (const Member member :
       {Member::sort_by, Member::sort_by_camel, Member::order_by_camel, Member::order}) {
    const Value* value = members[member];
    if (value == nullptr) continue;
    const Path path{name(member)};
    if (value->is_string()) return parse_text(state, value->text, path, sort);
    if (value->is_object()) return parse_object(state, *value, path, sort);
    if (!value->is_array()) return state.wrong_type(path, "a string, an object or an array of objects");
    for (std::size_t i = 0; i < value->items.size(); ++i) {
      const Path item = path.item(i);
      if (!value->items[i]->is_object()) return state.wrong_type(item, "an object");
      if (!parse_object(state, *value->items[i], item, sort)) return false;
    }
    return true;
  }
  return true;
}

}  // namespace athena::query

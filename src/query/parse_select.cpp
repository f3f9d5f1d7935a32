#include "query/parse_parts.h"

namespace athena::query {
namespace {

bool parse(ParseState& state, const Members& members, Select& select, ReadOptions& options) {
  ColumnList list(state.memory());
  if (!parse_target(state, members, select.target)) return false;
  if (const Value* columns = members[Member::columns]; columns != nullptr) {
    if (!parse_columns(state, *columns, Path{name(Member::columns)}, list)) return false;
  } else if (const Value* selected = members[Member::select]; selected != nullptr) {
    if (!parse_selection(state, *selected, Path{name(Member::select)}, list)) return false;
  }
  select.columns = std::move(list.columns);
  return parse_conditions(state, members, select.conditions) && parse_sort(state, members, select.sort) &&
         parse_page(state, members, true, select.page) && parse_count_mode(state, members, select.count) &&
         parse_flag(state, members, Member::head, select.head) &&
         parse_grouping(state, members, select.columns, options.grouping) &&
         parse_flag(state, members, Member::strip_nulls, options.strip_nulls);
}

}  // namespace

bool parse_flag(ParseState& state, const Members& members, Member member, bool& out) {
  const Value* value = members[member];
  if (value == nullptr) return true;
  if (!value->is_boolean()) return state.wrong_type(Path{name(member)}, "true or false");
  out = value->boolean;
  return true;
}

bool parse_count_mode(ParseState& state, const Members& members, CountMode& mode) {
  const Value* count = members[Member::count];
  if (count == nullptr) return true;
  if (count->is_string()) {
    if (count->text == "exact") return mode = CountMode::exact, true;
    if (count->text == "planned") return mode = CountMode::planned, true;
    if (count->text == "estimated") return mode = CountMode::estimated, true;
  }
  return state.wrong_type(Path{name(Member::count)}, "exact, planned or estimated");
}

contract::Result<Select> parse_select(const Value& body, const ParseContext& context, ReadOptions& options) {
  ParseState state(context);
  auto& memory = context.memory;
  Select select{.target = {},
                .columns = List<Projection>(&memory),
                .conditions = List<Predicate>(&memory),
                .sort = List<SortTerm>(&memory),
                .page = {}};
  if (!parse(state, Members(body), select, options)) return state.take_error();
  return select;
}

}  // namespace athena::query

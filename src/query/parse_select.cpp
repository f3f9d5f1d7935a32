#include <array>

#include "query/parse_parts.h"

namespace athena::query {
namespace {

/// The features that a fetch may ask for and that are not built.
bool refuse_unbuilt(ParseState& state, const Members& members) {
  if (const Value* count = members[Member::count]; count != nullptr) {
    const Path path{name(Member::count)};
    for (const std::string_view kind : {"exact", "planned", "estimated"}) {
      if (count->is_string() && count->text == kind)
        return state.unsupported(path, "count." + std::string(kind));
    }
    return state.wrong_type(path, "exact, planned or estimated");
  }
  bool head = false;
  if (!parse_flag(state, members, Member::head, head)) return false;
  if (head) return state.unsupported(Path{name(Member::head)}, "head");
  return refuse_post_processing(state, members);
}

bool parse(ParseState& state, const Members& members, Select& select, ReadOptions& options) {
  ColumnList list(state.memory());
  if (!parse_target(state, members, select.target)) return false;
  if (const Value* columns = members[Member::columns]; columns != nullptr) {
    if (!parse_columns(state, *columns, Path{name(Member::columns)}, list)) return false;
  } else if (const Value* selected = members[Member::select]; selected != nullptr) {
    const Path path{name(Member::select)};
    const bool parsed = selected->is_object() ? parse_select_object(state, *selected, path, list)
                                              : parse_columns(state, *selected, path, list);
    if (!parsed) return false;
  }
  select.columns = std::move(list.columns);
  return parse_conditions(state, members, select.conditions) && parse_sort(state, members, select.sort) &&
         parse_page(state, members, true, select.page) && refuse_unbuilt(state, members) &&
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

bool refuse_post_processing(ParseState& state, const Members& members) {
  for (const Member member : {Member::group_by, Member::time_granularity, Member::aggregation_column,
                              Member::aggregation_strategy, Member::aggregation_dedup}) {
    const Value* value = members[member];
    if (value == nullptr || (value->is_boolean() && !value->boolean)) continue;
    return state.unsupported(Path{name(member)}, "post_processing");
  }
  return true;
}

contract::Result<Select> parse_select(const Value& body, const ParseContext& context, ReadOptions& options) {
  ParseState state(context);
  auto& memory = context.memory;
  Select select{{}, List<Projection>(&memory), List<Predicate>(&memory), List<SortTerm>(&memory), {}};
  if (!parse(state, Members(body), select, options)) return state.take_error();
  return select;
}

}  // namespace athena::query

#include "query/parse_parts.h"
#include "query/parse_rows.h"

namespace athena::query {
namespace {

using contract::ErrorCode;

bool parse_resource_id(ParseState& state, const Members& members, const Value*& id) {
  const Value* value = members[Member::resource_id];
  if (value == nullptr) return true;
  const Path path{name(Member::resource_id)};
  if (value->is_string() || value->is_number()) {
    id = value;
    return true;
  }
  if (!value->is_object()) return state.wrong_type(path, "a string, a number or an object of key columns");
  if (value->members.empty()) return state.refuse(ErrorCode::invalid_payload, path, " must not be empty.");
  for (const auto& member : value->members) {
    // A key column is never null, and a condition on null would mean something else.
    if (!member.value->is_string() && !member.value->is_number() && !member.value->is_boolean()) {
      return state.wrong_type(path.member(member.name), "a string, a number or a boolean");
    }
  }
  id = column_object(state, *value, path);
  return id != nullptr;
}

bool parse_returning(ParseState& state, const Members& members, Delete& removal) {
  const Value* columns = members[Member::columns];
  if (columns == nullptr) return true;
  ColumnList list(state.memory());
  if (!parse_columns(state, *columns, Path{name(Member::columns)}, list)) return false;
  removal.return_rows = !list.none && !(columns->is_string() && trimmed(columns->text).empty());
  removal.returning = std::move(list.columns);
  return true;
}

bool parse(ParseState& state, const Members& members, Delete& removal) {
  if (!parse_target(state, members, removal.target) ||
      !parse_resource_id(state, members, removal.resource_id) ||
      !parse_conditions(state, members, removal.conditions) || !parse_sort(state, members, removal.sort) ||
      !parse_page(state, members, false, removal.page) || !parse_returning(state, members, removal)) {
    return false;
  }
  if (removal.resource_id != nullptr || !removal.conditions.empty()) return true;
  return state.fail(
      contract::Error(ErrorCode::filter_required, "A delete needs a resource_id or a condition."));
}

}  // namespace

contract::Result<Delete> parse_delete(const Value& body, const ParseContext& context) {
  ParseState state(context);
  auto& memory = context.memory;
  Delete removal{.target = {},
                 .conditions = List<Predicate>(&memory),
                 .sort = List<SortTerm>(&memory),
                 .page = {},
                 .returning = List<Projection>(&memory)};
  if (!parse(state, Members(body), removal)) return state.take_error();
  return removal;
}

}  // namespace athena::query

#include "query/parse_parts.h"
#include "query/parse_rows.h"

namespace athena::query {
namespace {

using contract::ErrorCode;

bool missing_payload(ParseState& state) {
  return state.missing(Path{name(Member::update_body)});
}

/// `columns` carries the new values instead of naming columns.
bool columns_are_values(const Value* columns) {
  return columns != nullptr && columns->is_array() && !columns->items.empty() &&
         columns->items[0]->is_object();
}

/// `{column|name, value}`; any other object is `{col: value}`.
bool is_pair(const Value& object, std::string_view& column, const Value*& value) {
  if (object.members.size() != 2) return false;
  value = object.find("value");
  const Value* named = object.find("column");
  if (named == nullptr) named = object.find("name");
  if (value == nullptr || named == nullptr || !named->is_string()) return false;
  column = named->text;
  return true;
}

/// All items as one object, of which the last value of a column counts.
bool parse_value_list(ParseState& state, const Value& columns, List<Assignment>& set) {
  const Path path{name(Member::columns)};
  List<JsonMember> members(&state.memory());
  for (std::size_t i = 0; i < columns.items.size(); ++i) {
    const Path item = path.item(i);
    const Value& object = *columns.items[i];
    if (!object.is_object()) return state.wrong_type(item, "an object");
    std::string_view column;
    const Value* value = nullptr;
    if (is_pair(object, column, value)) {
      members.push_back({column, value});
    } else {
      members.insert(members.end(), object.members.begin(), object.members.end());
    }
  }
  if (members.empty()) return missing_payload(state);
  members.resize(base::keep_last_members(members));
  Value merged;
  merged.kind = Value::Kind::object;
  merged.members = members;
  return parse_assignments(state, merged, path, set);
}

bool parse_payload(ParseState& state, const Members& members, List<Assignment>& set) {
  for (const Member member : {Member::update_body, Member::set, Member::data}) {
    const Value* value = members[member];
    if (value == nullptr) continue;
    const Path path{name(member)};
    if (!value->is_object()) return state.wrong_type(path, "an object");
    return value->members.empty() ? missing_payload(state) : parse_assignments(state, *value, path, set);
  }
  const Value* columns = members[Member::columns];
  return columns_are_values(columns) ? parse_value_list(state, *columns, set) : missing_payload(state);
}

bool has_payload_member(const Members& members) {
  return members[Member::update_body] != nullptr || members[Member::set] != nullptr ||
         members[Member::data] != nullptr;
}

bool parse_returning(ParseState& state, const Members& members, Update& update) {
  ColumnList list(state.memory());
  const Value* columns = members[Member::columns];
  const bool names = has_payload_member(members) || !columns_are_values(columns);
  if (columns != nullptr && names && !parse_columns(state, *columns, Path{name(Member::columns)}, list))
    return false;
  update.returning = std::move(list.columns);
  update.return_nothing = list.none || update.head;
  return true;
}

/// The number of changed rows is always sent, so `count` changes nothing; it must still be one of its words.
bool check_count(ParseState& state, const Members& members) {
  const Value* count = members[Member::count];
  CountMode mode = CountMode::none;
  return count == nullptr || count->is_boolean() || parse_count_mode(state, members, mode);
}

/// Of `columns: []` no row comes back whose column could be named.
bool parse_update_grouping(ParseState& state, const Members& members, const Update& update,
                           std::optional<Grouping>& grouping) {
  if (!parse_grouping(state, members, update.returning, grouping)) return false;
  const Value* columns = members[Member::columns];
  if (!grouping || columns == nullptr || !columns->is_array() || !columns->items.empty()) return true;
  const bool grouped = !grouping->group_by.empty();
  if (!grouped && grouping->aggregation_column.empty()) return true;
  return state.refuse(ErrorCode::invalid_post_processing,
                      Path{name(grouped ? Member::group_by : Member::aggregation_column)},
                      " needs a returned column, and columns is empty.");
}

bool parse(ParseState& state, const Members& members, Update& update, ReadOptions& options) {
  if (!parse_target(state, members, update.target) || !parse_payload(state, members, update.set) ||
      !parse_conditions(state, members, update.conditions) ||
      !parse_flag(state, members, Member::allow_unfiltered, update.allow_unfiltered) ||
      !parse_sort(state, members, update.sort) || !parse_page(state, members, false, update.page) ||
      !parse_flag(state, members, Member::head, update.head) || !parse_returning(state, members, update) ||
      !check_count(state, members) || !parse_update_grouping(state, members, update, options.grouping) ||
      !parse_flag(state, members, Member::strip_nulls, options.strip_nulls)) {
    return false;
  }
  if (!update.conditions.empty() || update.allow_unfiltered) return true;
  return state.fail(contract::Error(ErrorCode::filter_required,
                                    "An update needs a condition, or allow_unfiltered to change every row."));
}

}  // namespace

contract::Result<Update> parse_update(const Value& body, const ParseContext& context, ReadOptions& options) {
  ParseState state(context);
  auto& memory = context.memory;
  Update update{.target = {},
                .set = List<Assignment>(&memory),
                .conditions = List<Predicate>(&memory),
                .sort = List<SortTerm>(&memory),
                .page = {},
                .returning = List<Projection>(&memory)};
  if (!parse(state, Members(body), update, options)) return state.take_error();
  return update;
}

}  // namespace athena::query

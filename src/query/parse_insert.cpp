#include <algorithm>

#include "query/parse_parts.h"
#include "query/parse_rows.h"

namespace athena::query {
namespace {

using contract::ErrorCode;

bool parse_rows(ParseState& state, const Members& members, Insert& insert) {
  const Path path{name(Member::insert_body)};
  const Value* body = members[Member::insert_body];
  if (body == nullptr) return state.missing(path);
  if (body->is_object()) {
    insert.rows.push_back(column_object(state, *body, path));
    return insert.rows.back() != nullptr;
  }
  if (!body->is_array()) return state.wrong_type(path, "an object or an array of objects");
  if (body->items.size() > static_cast<std::size_t>(state.settings().max_insert_rows)) {
    return state.too_large(path, "has more rows than", body->items.size(), state.settings().max_insert_rows);
  }
  insert.array_input = true;
  insert.rows.reserve(body->items.size());
  for (std::size_t i = 0; i < body->items.size(); ++i) {
    const Path item = path.item(i);
    if (!body->items[i]->is_object()) return state.wrong_type(item, "an object");
    const Value* row = column_object(state, *body->items[i], item);
    if (row == nullptr) return false;
    insert.rows.push_back(row);
  }
  return true;
}

bool add_conflict_column(ParseState& state, std::string_view column, const Path& path,
                         List<std::string_view>& target) {
  if (!state.check_identifier(column, path)) return false;
  // No table has more columns; beyond, telling repetitions apart would take too long.
  constexpr std::size_t kMaxColumns = 1664;
  if (target.size() == kMaxColumns)
    return state.too_large(path, "has more columns than", kMaxColumns + 1, kMaxColumns);
  const std::string_view own = state.column_name(column);
  if (std::find(target.begin(), target.end(), own) == target.end()) target.push_back(own);
  return true;
}

bool parse_conflict_target(ParseState& state, const Members& members, Insert& insert) {
  const Value* value = members[Member::on_conflict];
  if (value == nullptr) return true;
  const Path path{name(Member::on_conflict)};
  insert.has_conflict_target = true;
  if (value->is_string()) {
    std::string_view part;
    if (trimmed(value->text).empty())
      return state.refuse(ErrorCode::invalid_payload, path, " names no column.");
    for (CommaList parts(value->text); parts.next(part);) {
      if (!add_conflict_column(state, part, path, insert.on_conflict)) return false;
    }
    return true;
  }
  if (!value->is_array()) return state.wrong_type(path, "a string or an array of strings");
  if (value->items.empty()) return state.refuse(ErrorCode::invalid_payload, path, " names no column.");
  for (std::size_t i = 0; i < value->items.size(); ++i) {
    const Path item = path.item(i);
    if (!value->items[i]->is_string()) return state.wrong_type(item, "a string");
    if (!add_conflict_column(state, value->items[i]->text, item, insert.on_conflict)) return false;
  }
  return true;
}

bool parse_conflict_values(ParseState& state, const Members& members, Insert& insert) {
  if (!parse_flag(state, members, Member::ignore_duplicates, insert.ignore_duplicates)) return false;
  const Value* value = members[Member::update_body];
  if (value == nullptr) return true;
  const Path path{name(Member::update_body)};
  if (!value->is_object()) return state.wrong_type(path, "an object");
  if (value->members.empty()) return state.refuse(ErrorCode::invalid_payload, path, " must not be empty.");
  if (insert.ignore_duplicates) {
    return state.refuse(ErrorCode::invalid_payload, Path{name(Member::ignore_duplicates)},
                        " cannot be used with update_body.");
  }
  return parse_assignments(state, *value, path, insert.update_body);
}

bool parse(ParseState& state, const Members& members, Insert& insert) {
  if (!parse_target(state, members, insert.target) || !parse_rows(state, members, insert) ||
      !parse_conflict_target(state, members, insert) || !parse_conflict_values(state, members, insert) ||
      !parse_flag(state, members, Member::default_to_null, insert.default_to_null) ||
      !parse_flag(state, members, Member::head, insert.head)) {
    return false;
  }
  ColumnList list(state.memory());
  const Value* columns = members[Member::columns];
  if (columns != nullptr && !parse_columns(state, *columns, Path{name(Member::columns)}, list)) return false;
  insert.returning = std::move(list.columns);
  insert.return_nothing = list.none || insert.head;
  return true;
}

}  // namespace

contract::Result<Insert> parse_insert(const Value& body, const ParseContext& context) {
  ParseState state(context);
  auto& memory = context.memory;
  Insert insert{.target = {},
                .rows = List<const Value*>(&memory),
                .on_conflict = List<std::string_view>(&memory),
                .update_body = List<Assignment>(&memory),
                .returning = List<Projection>(&memory)};
  if (!parse(state, Members(body), insert)) return state.take_error();
  return insert;
}

}  // namespace athena::query

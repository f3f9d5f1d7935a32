#include <array>

#include "query/comparison.h"
#include "query/expression.h"
#include "query/operators.h"
#include "query/parse_parts.h"

namespace athena::query {
namespace {

using contract::ErrorCode;
using Kind = OperatorWord::Kind;

// Most requests have one to a few conditions; these paths need no arena.
constexpr std::array<std::string_view, 8> kFirstPaths = {"conditions[0]", "conditions[1]", "conditions[2]",
                                                         "conditions[3]", "conditions[4]", "conditions[5]",
                                                         "conditions[6]", "conditions[7]"};

bool parse_entry(ParseState& state, const Value& entry, const Path& path, std::int64_t depth, Predicate& out);

std::string_view member_text(ParseState& state, const Path& path) {
  if (path.parent != nullptr && path.parent->parent == nullptr && path.name.empty() &&
      path.index < kFirstPaths.size() && path.parent->name == name(Member::conditions)) {
    return kFirstPaths[path.index];
  }
  return state.keep(path.text());
}

/// The first of two names that is there; `explicit_null` says whether null counts as there.
const Value* find_either(const Value& entry, std::string_view first, std::string_view second,
                         bool explicit_null, std::string_view& found) {
  for (const auto member : {first, second}) {
    const Value* value = explicit_null ? entry.find(member) : entry.find_present(member);
    if (value == nullptr) continue;
    found = member;
    return value;
  }
  found = first;
  return nullptr;
}

bool parse_cast(ParseState& state, const Value& entry, std::string_view first, std::string_view second,
                const Path& path, std::string_view& cast) {
  std::string_view member;
  const Value* value = find_either(entry, first, second, false, member);
  if (value == nullptr) return true;
  const Path own = path.member(member);
  if (!value->is_string()) return state.wrong_type(own, "a string");
  cast = value->text;
  return check_cast(state, cast, own);
}

bool parse_comparison(ParseState& state, const Value& entry, Operator op, const Path& path, Predicate& out) {
  std::string_view member;
  const Value* column = find_either(entry, "column", "eq_column", false, member);
  const Path column_path = path.member(member);
  if (column == nullptr) return state.missing(column_path);
  if (!column->is_string()) return state.wrong_type(column_path, "a string");
  if (trimmed(column->text).empty()) return state.missing(column_path);

  const Value* value = find_either(entry, "value", "eq_value", true, member);
  const Path value_path = path.member(member);
  if (value == nullptr) return state.missing(value_path);
  return compare_column(state, column->text, column_path, op, *value, value_path, out) &&
         parse_cast(state, entry, "column_cast", "eq_column_cast", path, out.column.cast) &&
         parse_cast(state, entry, "value_cast", "eq_value_cast", path, out.value_cast);
}

bool parse_group(ParseState& state, const Value& value, const OperatorWord& word, const Path& path,
                 std::int64_t depth, Predicate& out) {
  if (!value.is_array()) return state.wrong_type(path, "an expression or an array of conditions");
  if (value.items.empty()) return state.refuse(ErrorCode::invalid_payload, path, " must not be empty.");
  if (value.items.size() > static_cast<std::size_t>(state.settings().max_conditions)) {
    return state.too_large(path, "has more conditions than", value.items.size(),
                           state.settings().max_conditions);
  }
  auto* children = new_predicates(state, value.items.size());
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    if (!parse_entry(state, *value.items[i], path.item(i), depth, children[i])) return false;
  }
  out.kind = word.kind == Kind::any_of ? Predicate::Kind::any_of : Predicate::Kind::all_of;
  out.children = {children, value.items.size()};
  return true;
}

bool parse_negation(ParseState& state, const Value& value, const Path& path, std::int64_t depth,
                    Predicate& out) {
  const bool one = value.is_array() && value.items.size() == 1;
  if (!one && !value.is_object()) return state.wrong_type(path, "an expression or one condition");
  const bool parsed = one ? parse_entry(state, *value.items[0], path.item(0), depth, out)
                          : parse_entry(state, value, path, depth, out);
  out.negated = !out.negated;
  return parsed;
}

bool parse_connective(ParseState& state, const Value& entry, const OperatorWord& word, const Path& path,
                      std::int64_t depth, Predicate& out) {
  std::string_view member;
  const Value* value = find_either(entry, "value", "eq_value", true, member);
  const Path value_path = path.member(member);
  if (value == nullptr) return state.missing(value_path);
  if (!check_depth(state, depth, value_path)) return false;
  if (value->is_string()) return parse_expression(state, value->text, word.kind, value_path, depth, out);
  return word.kind == Kind::negation ? parse_negation(state, *value, value_path, depth, out)
                                     : parse_group(state, *value, word, value_path, depth, out);
}

bool parse_entry(ParseState& state, const Value& entry, const Path& path, std::int64_t depth,
                 Predicate& out) {
  if (!entry.is_object()) return state.wrong_type(path, "an object");
  OperatorWord word;
  std::string_view member;
  if (const Value* op = find_either(entry, "operator", "op", false, member); op != nullptr) {
    const Path own = path.member(member);
    if (!op->is_string()) return state.wrong_type(own, "a string");
    if (!find_operator(state, op->text, own, word)) return false;
  }
  const bool parsed = word.kind == Kind::compare ? parse_comparison(state, entry, word.op, path, out)
                                                 : parse_connective(state, entry, word, path, depth + 1, out);
  if (!parsed) return false;
  if (word.negated) out.negated = !out.negated;
  out.member = member_text(state, path);
  return true;
}

}  // namespace

bool parse_condition_list(ParseState& state, const Members& members, Member member,
                          List<Predicate>& conditions) {
  const Value* value = members[member];
  if (value == nullptr) return true;
  const Path path{name(member)};
  if (!value->is_array()) return state.wrong_type(path, "an array of conditions");
  if (value->items.size() > static_cast<std::size_t>(state.settings().max_conditions)) {
    return state.too_large(path, "has more conditions than", value->items.size(),
                           state.settings().max_conditions);
  }
  conditions.reserve(conditions.size() + value->items.size());
  for (std::size_t i = 0; i < value->items.size(); ++i) {
    if (!parse_entry(state, *value->items[i], path.item(i), 0, conditions.emplace_back())) return false;
  }
  return true;
}

bool parse_conditions(ParseState& state, const Members& members, List<Predicate>& conditions) {
  if (!parse_condition_list(state, members, Member::conditions, conditions)) return false;
  if (!parse_condition_list(state, members, Member::where_filters, conditions)) return false;
  const Value* where = members[Member::where];
  return where == nullptr || parse_where(state, *where, Path{name(Member::where)}, conditions);
}

}  // namespace athena::query

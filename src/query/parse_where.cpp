#include <algorithm>

#include "query/comparison.h"
#include "query/operators.h"
#include "query/parse_parts.h"

namespace athena::query {
namespace {

using contract::ErrorCode;
using Kind = Predicate::Kind;

bool parse_object(ParseState& state, const Value& object, const Path& path, std::int64_t depth,
                  List<Predicate>& out);

/// What `terms`, all ANDed, are as one predicate; never empty.
void join(ParseState& state, const List<Predicate>& terms, Predicate& out) {
  if (terms.size() == 1) {
    out = terms.front();
    return;
  }
  auto* children = new_predicates(state, terms.size());
  std::copy(terms.begin(), terms.end(), children);
  out.kind = Kind::all_of;
  out.children = {children, terms.size()};
}

/// An object inside of or, and, not: at least one term.
bool parse_nested(ParseState& state, const Value& value, const Path& path, std::int64_t depth,
                  Predicate& out) {
  List<Predicate> terms(&state.memory());
  if (!parse_object(state, value, path, depth, terms)) return false;
  if (terms.empty()) return state.refuse(ErrorCode::invalid_payload, path, " must not be empty.");
  join(state, terms, out);
  return true;
}

bool parse_group(ParseState& state, const Value& value, Kind kind, const Path& path, std::int64_t depth,
                 Predicate& out) {
  if (!value.is_array()) return state.wrong_type(path, "an array of objects");
  if (value.items.empty()) return state.refuse(ErrorCode::invalid_payload, path, " must not be empty.");
  if (value.items.size() > static_cast<std::size_t>(state.settings().max_conditions)) {
    return state.too_large(path, "has more conditions than", value.items.size(),
                           state.settings().max_conditions);
  }
  auto* children = new_predicates(state, value.items.size());
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    if (!parse_nested(state, *value.items[i], path.item(i), depth, children[i])) return false;
  }
  out.kind = kind;
  out.children = {children, value.items.size()};
  out.member = state.keep(path.text());
  return true;
}

bool parse_connective(ParseState& state, const JsonMember& member, const Path& path, std::int64_t depth,
                      List<Predicate>& out) {
  if (!check_depth(state, depth, path)) return false;
  Predicate& predicate = out.emplace_back();
  if (member.name == "not") {
    if (!parse_nested(state, *member.value, path, depth, predicate)) return false;
    predicate.negated = !predicate.negated;
    return true;
  }
  return parse_group(state, *member.value, member.name == "or" ? Kind::any_of : Kind::all_of, path, depth,
                     predicate);
}

/// `{op: value, …}` of a column.
bool parse_operators(ParseState& state, const JsonMember& column, const Path& path, List<Predicate>& out) {
  if (column.value->members.empty())
    return state.refuse(ErrorCode::invalid_payload, path, " must not be empty.");
  for (const auto& member : column.value->members) {
    const Path own = path.member(member.name);
    OperatorWord word;
    if (!find_operator(state, member.name, own, word)) return false;
    if (word.kind != OperatorWord::Kind::compare) {
      return state.refuse(ErrorCode::invalid_operator, own,
                          " combines conditions; it stands beside columns, not below one.");
    }
    Predicate& predicate = out.emplace_back();
    if (!compare_column(state, column.name, path, word.op, *member.value, own, predicate)) return false;
    predicate.negated = word.negated;
    predicate.member = state.keep(own.text());
  }
  return true;
}

bool parse_object(ParseState& state, const Value& object, const Path& path, std::int64_t depth,
                  List<Predicate>& out) {
  if (!object.is_object()) return state.wrong_type(path, "an object");
  for (const auto& member : object.members) {
    const Path own = path.member(member.name);
    if (member.name == "or" || member.name == "and" || member.name == "not") {
      if (!parse_connective(state, member, own, depth + 1, out)) return false;
      continue;
    }
    if (member.name.substr(0, member.name.find("->")).find('.') != std::string_view::npos) {
      return state.unsupported(own, "relations");
    }
    if (member.value->is_object()) {
      if (!parse_operators(state, member, own, out)) return false;
      continue;
    }
    Predicate& predicate = out.emplace_back();
    if (!compare_column(state, member.name, own, Operator::eq, *member.value, own, predicate)) return false;
    predicate.member = state.keep(own.text());
  }
  return true;
}

}  // namespace

bool parse_where(ParseState& state, const Value& value, const Path& path, List<Predicate>& conditions) {
  return parse_object(state, value, path, 0, conditions);
}

}  // namespace athena::query

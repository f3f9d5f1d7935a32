#include "query/comparison.h"

#include <memory>

#include "query/operators.h"
#include "query/parse_parts.h"

namespace athena::query {

Predicate* new_predicates(ParseState& state, std::size_t count) {
  auto* predicates = state.allocate<Predicate>(count);
  std::uninitialized_default_construct_n(predicates, count);
  return predicates;
}

bool compare_column(ParseState& state, std::string_view column, const Path& column_path, Operator op,
                    const Value& value, const Path& value_path, Predicate& out) {
  return state.count_term(column_path) && parse_column_ref(state, column, column_path, out.column) &&
         set_operand(state, op, value, value_path, out);
}

bool check_depth(ParseState& state, std::int64_t depth, const Path& path) {
  if (depth <= state.settings().max_expression_depth) return true;
  return state.refuse(
      contract::ErrorCode::invalid_payload, path,
      " is nested deeper than " + std::to_string(state.settings().max_expression_depth) + " levels.");
}

}  // namespace athena::query

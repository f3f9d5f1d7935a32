#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "query/parse_state.h"

namespace athena::query {

/// What an operator's word stands for.
struct OperatorWord {
  enum class Kind : std::uint8_t { compare, any_of, all_of, negation };
  Kind kind = Kind::compare;
  Operator op = Operator::eq;  ///< compare
  bool negated = false;        ///< it came with `not.`
};

/// From a spelling without `not.`, aliases included; null for an unknown one.
const OperatorWord* known_operator(std::string_view word);

/// From the spelling of a request with all aliases, or invalid_operator.
bool find_operator(ParseState& state, std::string_view word, const Path& path, OperatorWord& out);

/// Checks that `value` fits `op` and stores it, with what belongs to it, in `predicate`. The column's type is
/// for the engine to judge.
bool set_operand(ParseState& state, Operator op, const Value& value, const Path& path, Predicate& predicate);

}  // namespace athena::query

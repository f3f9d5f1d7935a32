#pragma once

#include <string_view>

#include "contract/error.h"
#include "engines/sql/table.h"
#include "query/request.h"

namespace athena::sql {

/// `Column "nmae" does not exist in table "users".` with suggestions.
contract::Error undefined_column(const Table& table, std::string_view name);
/// `The value for column "age" is not a valid int4.`
contract::Error value_does_not_fit(std::string_view column, const Type& type);
/// invalid_value with a sentence of its own.
contract::Error bad_value(std::string_view column, std::string text);
/// `Operator like cannot be used on column "x" of type int4.`
contract::Error operator_unusable(const query::Predicate& predicate, std::string_view column,
                                  const Type& type);
/// invalid_value of a condition: what the operator takes.
contract::Error operator_takes(const query::Predicate& predicate, std::string_view column,
                               std::string_view what);
contract::Error unknown_cast(std::string_view cast);

}  // namespace athena::sql

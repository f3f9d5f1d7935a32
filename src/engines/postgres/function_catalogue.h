#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engines/postgres/schema_cache_types.h"
#include "engines/postgres/text_query.h"
#include "engines/sql/table.h"
#include "query/function_call.h"
#include "query/row_sink.h"

namespace athena::postgres {

/// An input of a function.
struct FunctionArgument {
  std::string name;  ///< empty = it has none and cannot be given
  const sql::Type* type = nullptr;
  bool has_default = false;
  bool variadic = false;
};

/// One overload, and what its result looks like from outside.
struct FunctionOverload {
  query::FunctionSignature signature;
  std::vector<FunctionArgument> arguments;
  /// The result as a table named like the function: its columns, or one column for scalars.
  sql::Table result;
  query::RowShape::Form form = query::RowShape::Form::value;
  bool in_pg_catalog = false;
  bool anonymous_record = false;  ///< the result has no columns of its own: it is called in the select list
  /// It takes polymorphic or internal types, which a value from outside does not have.
  bool polymorphic = false;
};

/// All overloads of one name, immutable. An empty list: there is no such function.
struct FunctionSet {
  std::shared_ptr<TypeStore> types;  ///< what the overloads point into
  std::vector<FunctionOverload> overloads;
  std::string definition;  ///< equal = nothing has changed
};
using FunctionSetPtr = std::shared_ptr<const FunctionSet>;

/// The answer to catalogue_sql::kFunctions.
FunctionSetPtr read_functions(std::span<const TextRow> rows, const std::shared_ptr<TypeStore>& types);

}  // namespace athena::postgres

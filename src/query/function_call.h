#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "query/request.h"

namespace athena::query {

/// One overload of a function, as the catalogue describes it.
struct FunctionSignature {
  std::vector<std::string> argument_names;  ///< of its inputs; an empty one has no name and cannot be given
  std::string text;                         ///< `add(a integer, b integer DEFAULT 1)`, for errors
  bool is_volatile = true;
};

/// A call of a function by named arguments, and what is done with its rows.
struct FunctionCall {
  Target function;  ///< schema and name; an empty schema means `public`
  List<JsonMember> arguments;
  List<Projection> columns;  ///< empty = all
  List<Predicate> conditions;
  List<SortTerm> sort;
  Page page;
  /// none or exact. A function may have effects, so it runs once: with exact the engine asks for all rows
  /// behind the conditions, passes those of the page on and reports their number as Summary::total.
  CountMode count = CountMode::none;
  bool head = false;  ///< no row is passed on; the function runs all the same
  /// By GET: only stable and immutable functions, others are method_not_allowed; the arguments are texts in
  /// the form of the parameter's type, so JSON text for json and jsonb.
  bool read_only = false;
};

}  // namespace athena::query

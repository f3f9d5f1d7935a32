#pragma once

#include <memory>
#include <memory_resource>

#include "contract/error.h"
#include "contract/settings.h"
#include "engines/postgres/function_catalogue.h"
#include "engines/sql/dialect.h"
#include "engines/sql/statement.h"
#include "query/function_call.h"

namespace athena::postgres {

/// A call as a plan. The arguments are bound with the types of their parameters; columns, conditions, order
/// and page stand outside, over the function's result.
struct FunctionPlan {
  explicit FunctionPlan(std::pmr::memory_resource& memory) : plan(memory), columns(&memory) {}

  sql::Plan plan;
  std::pmr::vector<query::OutputColumn> columns;  ///< what the caller sees, without Athena's own
  /// The statement also counts. Behind the caller's columns come two of Athena's own: null where the row only
  /// carries the count, and the count. Of a `head` there is only the count.
  bool counted = false;
};

struct FunctionPlanContext {
  const sql::Dialect& dialect;
  const contract::GatewaySettings& settings;
  std::pmr::memory_resource& memory;
  bool trust_functions = false;
};

/// `overload` belongs to `set`, which the plan keeps alive. Errors: invalid_value naming the argument, and
/// those of sql::compile for a select.
contract::Result<FunctionPlan> compile_call(const query::FunctionCall& call, const FunctionSetPtr& set,
                                            const FunctionOverload& overload,
                                            const FunctionPlanContext& context);

}  // namespace athena::postgres

#pragma once

#include "contract/error.h"
#include "engines/postgres/function_catalogue.h"
#include "query/function_call.h"

namespace athena::postgres {

/// The one overload that a call means: every name given is one of its arguments, every argument without a
/// default is given. Errors: undefined_function and ambiguous_function, both with the signatures as
/// `candidates`; invalid_payload when a scalar is asked for columns, conditions, order or a page. `set` is
/// not empty.
contract::Result<const FunctionOverload*> choose_overload(const FunctionSet& set,
                                                          const query::FunctionCall& call);

}  // namespace athena::postgres

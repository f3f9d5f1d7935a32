#pragma once

#include "base/coroutine.h"
#include "base/deadline.h"
#include "engines/postgres/schema_cache.h"
#include "query/function_call.h"
#include "query/request.h"

namespace athena::postgres {

/// Makes the types named in the request's casts known. True when at least one of them is new. Off the hot
/// path: called when a compilation met a type it did not know.
base::Task<bool> load_casts(const query::Request& request, SchemaCache& schema, base::Deadline deadline);
base::Task<bool> load_casts(const query::FunctionCall& call, SchemaCache& schema, base::Deadline deadline);

}  // namespace athena::postgres

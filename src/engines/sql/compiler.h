#pragma once

#include <memory_resource>

#include "contract/error.h"
#include "contract/settings.h"
#include "engines/sql/dialect.h"
#include "engines/sql/statement.h"
#include "query/request.h"

namespace athena::sql {

struct CompileContext {
  const Dialect& dialect;
  TablePtr table;  ///< of the request's target
  std::pmr::memory_resource& memory;
  const contract::GatewaySettings& settings;
};

/// A parsed request as SQL for one engine. Every column is looked up in the table (undefined_column with
/// suggestions), every name quoted, every value bound; a condition is never dropped. Errors:
/// undefined_column, invalid_operator, invalid_value, invalid_identifier (casts), ambiguous_conflict_target,
/// invalid_payload, capability_not_supported.
contract::Result<Plan> compile(const query::Request& request, const CompileContext& context);

/// capability_not_supported for a feature of this engine, with requires, engine, has and alternative.
contract::Error feature_refused(contract::Engine engine, std::string_view feature);

}  // namespace athena::sql

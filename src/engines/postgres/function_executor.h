#pragma once

#include "engines/backend.h"
#include "engines/postgres/client.h"
#include "engines/postgres/executor.h"
#include "engines/postgres/function_cache.h"
#include "engines/postgres/function_plan.h"
#include "engines/postgres/pool.h"
#include "engines/postgres/schema_cache.h"

namespace athena::postgres {

/// Functions of the database on one shard. Volatile ones are writes; all but those of pg_catalog have their
/// session reset after them, unless pool.trust_functions says that those which are not volatile leave it as
/// it was.
class FunctionExecutor final : public engines::FunctionBackend {
 public:
  FunctionExecutor(Client& client, Pool& pool, SchemaCache& schema, const sql::Dialect& dialect,
                   Executor& executor);

  base::Task<contract::Result<std::vector<query::FunctionSignature>>> signatures(
      std::string schema, std::string function, base::Deadline deadline) override;
  base::Task<contract::Result<query::Summary>> call(const query::FunctionCall& call, query::RowSink& sink,
                                                    const engines::ExecutionContext& context) override;

 private:
  contract::Result<FunctionPlan> compile(const query::FunctionCall& call, const FunctionSetPtr& set,
                                         query::RowShape::Form& form,
                                         const engines::ExecutionContext& context) const;
  /// Whether a call that fits no function is looked up once more.
  bool may_reload(contract::ErrorCode code);

  Client& client_;
  Pool& pool_;
  SchemaCache& schema_;
  const sql::Dialect& dialect_;
  Executor& executor_;
  base::Clock::time_point last_reload_{};
};

}  // namespace athena::postgres

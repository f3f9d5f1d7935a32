#pragma once

#include <optional>

#include "engines/backend.h"
#include "engines/postgres/client.h"
#include "engines/postgres/pool.h"
#include "engines/postgres/schema_cache.h"
#include "engines/postgres/shapes.h"
#include "engines/postgres/statement_run.h"
#include "engines/sql/compiler.h"

namespace athena::postgres {

/// fetch, insert, update, delete on one shard: looks the table up, compiles, chooses a connection, runs,
/// repeats where that is safe. See docs/design.md, "PostgreSQL".
class Executor final : public engines::QueryBackend {
 public:
  Executor(Client& client, Pool& pool, SchemaCache& schema, const sql::Dialect& dialect);

  base::Task<contract::Result<query::Summary>> execute(const query::Request& request, query::RowSink& sink,
                                                       const engines::ExecutionContext& context) override;
  /// Runs a plan that is compiled already; `plan` outlives the task.
  base::Task<contract::Result<query::Summary>> run(const sql::Plan& plan, query::RowSink& sink,
                                                   const engines::ExecutionContext& context);
  [[nodiscard]] std::size_t slow_shapes() const { return shapes_.slow_count(); }
  /// Tables that were found in the schema cache, and those that were not.
  [[nodiscard]] std::uint64_t schema_hits() const { return schema_hits_; }
  [[nodiscard]] std::uint64_t schema_misses() const { return schema_misses_; }

 private:
  /// As execute(); `rewrite` changes what was compiled before it runs.
  base::Task<contract::Result<query::Summary>> execute_as(const query::Request& request, query::RowSink& sink,
                                                          const engines::ExecutionContext& context,
                                                          void (*rewrite)(sql::Plan&));
  base::Task<contract::Result<query::Summary>> count_by_plan(const query::Request& request,
                                                             query::CountMode mode, query::RowSink& sink,
                                                             const engines::ExecutionContext& context);
  /// What became of one attempt.
  struct Verdict {
    enum class Next : std::uint8_t { done, failed, again, again_exclusive, compile_again };
    Next next = Next::done;
    bool free = false;   ///< again: does not count as an attempt (it certainly did not run, through no fault
                         ///< of the backend)
    bool delay = false;  ///< again: after a pause
    std::optional<contract::Error> error;
    std::int64_t affected = 0;
  };
  struct Mode {
    bool exclusive = false;
    bool transaction = false;
  };

  /// Whether a request that did not fit the cached table is compiled once more against the table as it is
  /// now.
  bool may_reload(contract::ErrorCode code);
  [[nodiscard]] bool wants_exclusive(const sql::Plan& plan, const engines::ExecutionContext& context) const;
  base::Task<Verdict> attempt(const sql::Plan& plan, ResultFeed& feed,
                              const engines::ExecutionContext& context, bool exclusive);
  base::Task<Verdict> attempt_exclusive(const sql::Plan& plan, ResultFeed& feed,
                                        const engines::ExecutionContext& context);
  Verdict judge(const StatementRun& run, const sql::Plan& plan, Mode mode);
  Verdict judge_error(const StatementRun& run, const sql::Plan& plan, Mode mode);
  /// What became of a plan after all its attempts.
  struct Ran {
    bool compile_again = false;  ///< the schema has changed under it
    std::optional<contract::Error> error;
    std::int64_t affected = 0;
  };
  base::Task<Ran> run_plan(const sql::Plan& plan, ResultFeed& feed, const engines::ExecutionContext& context,
                           int& attempts);
  void note_answer();

  Client& client_;
  Pool& pool_;
  SchemaCache& schema_;
  base::Clock::time_point last_reload_{};
  const sql::Dialect& dialect_;
  Shapes shapes_;
  RetryBudget budget_;
  std::uint64_t schema_hits_ = 0, schema_misses_ = 0;
};

}  // namespace athena::postgres

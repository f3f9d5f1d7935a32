#pragma once

#include <cstdint>
#include <memory>
#include <memory_resource>
#include <optional>

#include "engines/backend.h"
#include "engines/postgres/client.h"
#include "engines/postgres/pool.h"
#include "engines/postgres/raw_catalogue.h"
#include "engines/postgres/raw_result.h"
#include "engines/postgres/raw_run.h"
#include "engines/postgres/raw_texts.h"
#include "engines/postgres/schema_cache.h"
#include "engines/postgres/shapes.h"

namespace athena::postgres {

/// SQL of the caller on one shard: tells it apart, refuses what may not run, chooses a connection, runs it
/// and leaves nothing of it behind in the session. A read that is known to be harmless shares a connection
/// with others; everything else has one for itself, which is reset afterwards.
class RawExecutor final : public engines::RawBackend {
 public:
  RawExecutor(Client& client, Pool& pool, SchemaCache& schema);

  base::Task<contract::Result<query::Summary>> run(const query::RawText& raw, query::RowSink& sink,
                                                   const engines::ExecutionContext& context) override;
  /// The schema may have changed: what was learnt from the catalogue counts no more.
  void forget();

 private:
  /// One request on its way.
  struct Job {
    const query::RawText& raw;
    const engines::ExecutionContext& context;
    std::shared_ptr<RawTextEntry> entry;
    RawResult& result;
    std::pmr::vector<sql::Bind> binds;
    bool several = false;
    bool read = false;       ///< of class read, all of it
    bool read_only = false;  ///< inside BEGIN READ ONLY
    bool learnt = false;     ///< the types of its parameters were asked for in this request
    bool harmless = false;   ///< a read that the catalogue has vouched for
    [[nodiscard]] const sqltext::TextClass& what() const { return entry->what; }
  };
  struct Verdict {
    enum class Next : std::uint8_t { done, failed, again, again_exclusive };
    Next next = Next::done;
    bool free = false;   ///< again: does not count as an attempt
    bool delay = false;  ///< again: after a pause
    bool lost = false;   ///< again: only when it may run twice
    std::optional<contract::Error> error;
  };
  struct TimeLimit {
    base::Deadline deadline;
    bool own = false;  ///< the statement's, not the request's
  };

  [[nodiscard]] std::optional<contract::Error> refusal(const query::RawText& raw,
                                                       const sqltext::TextClass& what) const;
  base::Task<> load_types(std::shared_ptr<RawTextEntry> entry, base::Deadline deadline);
  base::Task<bool> wants_exclusive(Job& job);
  base::Task<Verdict> attempt(Job& job, bool exclusive);
  base::Task<Verdict> attempt_pipelined(Job& job);
  base::Task<Verdict> attempt_exclusive(Job& job);
  /// What is to be sent before the text; empty = nothing.
  std::string opening(const Job& job, Connection& connection) const;
  /// The types of its parameters, by the server; then the values.
  base::Task<std::optional<Verdict>> bind(Job& job, Connection& connection);
  Verdict judge(const RawRun& run, Job& job, bool exclusive, TimeLimit limit);
  Verdict judge_error(const RawRun& run, Job& job, bool exclusive, TimeLimit limit);
  static contract::Error located(contract::Error error, const Job& job);
  [[nodiscard]] static TimeLimit time_limit(const Job& job);
  void note_answer();
  void schema_changed();

  Client& client_;
  Pool& pool_;
  SchemaCache& schema_;
  RawTexts texts_;
  RawCatalogue catalogue_;
  Shapes shapes_;
  RetryBudget budget_;
};

}  // namespace athena::postgres

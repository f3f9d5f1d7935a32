#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "base/histogram.h"
#include "engines/sqlite/owned_statement.h"
#include "engines/sqlite/row_channel.h"
#include "engines/sqlite/task.h"

namespace athena::sqlite {

/// One request's write. Belongs to the writer thread once it is queued.
struct WriteJob {
  base::Deadline deadline;
  std::int64_t schema_version = 0;  ///< what the statements were compiled for
  std::int64_t max_rows = 0;        ///< rows to return; writes beyond are done and counted
  std::int64_t max_bytes = 0;       ///< of returned rows, which wait in memory for the commit
  bool reorder = false;             ///< rows come back in the order of OwnedStatement::input_rows
  std::vector<OwnedStatement> statements;
  std::shared_ptr<RowChannel> channel;

  bool started = false;                              // the channel has let it begin
  std::optional<contract::Result<Outcome>> outcome;  // told after the commit
};

using WriteJobPtr = std::unique_ptr<WriteJob>;

struct GroupCounts {
  std::uint64_t groups = 0;    ///< transactions committed
  std::uint64_t jobs = 0;      ///< jobs told their outcome
  base::CountHistogram sizes;  ///< jobs of the committed transactions
};

/// Runs the jobs and tells each its outcome; empties `jobs`. All go into one transaction with a savepoint
/// each and are acknowledged after its commit; a transaction that has taken 20 ms is committed, and the rest
/// goes into the next one.
///
/// When a job ends the whole transaction (its deadline, a full disk, RAISE(ROLLBACK), ON CONFLICT ROLLBACK),
/// the others run again without it, after the second time one by one. When COMMIT fails (a deferred key),
/// each runs alone at once. A job is dropped when its deadline passed, or its request gave up, before it
/// began.
GroupCounts run_write_group(Connection& connection, std::deque<WriteJobPtr> jobs);

}  // namespace athena::sqlite

#pragma once

#include <cstdint>
#include <string>

#include "services/control/session.h"
#include "services/records/counters.h"

namespace athena::records {

/// Makes the totals of the statistics anew: what the base columns hold, and the rows of the two logs; in one
/// transaction, which no writer of logs or statistics interleaves with. Blocks, until the session's deadline
/// at most; nothing is changed after a failure.
control::StoreResult<void> rebuild_statistics(control::Session& session, const std::string& now);

/// Which rows of a log go.
struct Expired {
  AgedTable table;
  std::string cutoff;         ///< time: older ones
  std::int64_t last_id = -1;  ///< with a cap: those up to this id, whatever their age; −1 = by age
};
inline constexpr std::int64_t kRetentionBatch = 10000;

/// Deletes the oldest rows of a log, a batch of them at most, and adds what they counted for to the base
/// columns, in one transaction; how many. Fewer than kRetentionBatch: nothing is left to delete.
control::StoreResult<std::int64_t> delete_expired(control::Session& session, const Expired& expired,
                                                  const std::string& now);

/// Highest id that goes so that at most `cap` rows stay; −1 = none has to. SQLite, whose ids have few gaps.
control::StoreResult<std::int64_t> last_id_above_cap(control::Session& session, std::string_view table,
                                                     std::int64_t cap);

/// Deletes connections that were last seen before `cutoff`; how many.
control::StoreResult<std::int64_t> purge_connections(control::Session& session, const std::string& cutoff);

/// Takes the lease of the retention for this instance, or renews it. False: another one has it, or it was
/// done within the last hour. Times are Unix milliseconds.
control::StoreResult<bool> take_retention_lease(control::Session& session, const std::string& instance_id,
                                                std::int64_t now_ms);
/// The retention is through.
control::StoreResult<void> end_retention_lease(control::Session& session, const std::string& instance_id,
                                               std::int64_t now_ms);

}  // namespace athena::records

#pragma once

#include <cstdint>

#include "services/control/session.h"
#include "services/records/batch.h"

namespace athena::records {

/// What keeps a rebuild of the statistics apart from those who write logs and statistics, for as long as a
/// transaction lasts: writers share it, a rebuild has it alone. SQLite needs none, as it has one writer.
enum class LogLock : std::uint8_t { shared, exclusive };
control::StoreResult<void> lock_logs(control::Session& session, LogLock how);

/// The store refuses a row for what is in it; to try again is of no use.
bool is_content_failure(const control::StoreError& error);

/// Where a batch goes: one home may have the logs, another the keys, or one has both.
struct FlushTarget {
  bool main = true;
  bool auth = true;
};

/// Writes the whole batch in one transaction. Blocks. After `unreachable` of a commit nobody knows: see
/// was_written().
control::StoreResult<void> flush(control::Session& session, const Batch& batch, FlushTarget target);

/// Whether a batch whose commit gave no answer is in the store: looks for a row of its logs.
control::StoreResult<bool> was_written(control::Session& session, const Batch& batch);

/// Takes the rows out that the store refuses, after a content failure: halves are tried in transactions that
/// are rolled back. True: something was taken out. At most a few rows are searched for; then the rest of
/// that log goes.
control::StoreResult<bool> remove_bad_rows(control::Session& session, Batch& batch);

}  // namespace athena::records

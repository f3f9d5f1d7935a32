#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/coroutine.h"
#include "base/shard.h"
#include "base/timer_wheel.h"
#include "contract/error.h"
#include "engines/sqlite/task.h"
#include "engines/sqlite/values.h"
#include "query/row_sink.h"

namespace athena::sqlite {

/// How an operation on a thread of the file ended.
struct Outcome {
  std::int64_t rows_affected = 0;
  bool truncated = false;
  /// The file's schema is not the one that the statements were compiled for; nothing was done.
  bool schema_changed = false;
  /// A caller's text writes and came to a reader; nothing was done.
  bool needs_writer = false;
  int statement_count = 1;
  std::vector<RowBatch> rows;  ///< those not pushed before
};

/// Carries the rows of one operation from a thread of the file to the sink on the shard, with backpressure
/// and an end that does not depend on the other thread: after the deadline the shard goes on without it.
/// Whatever the thread of the file needs lives in its task, not in the request.
class RowChannel final : public query::RowSource,
                         public ShardWaiter,
                         public std::enable_shared_from_this<RowChannel> {
 public:
  enum class Kind : std::uint8_t { read, write };
  struct Result {
    query::Summary summary;
    bool schema_changed = false;
    bool needs_writer = false;
  };

  /// `sink` and `shape` are used until wait() is over.
  RowChannel(base::Shard& shard, query::RowSink& sink, const query::RowShape& shape, base::Deadline deadline,
             Kind kind);
  /// For rows whose columns are known only where they are made: describe() comes before the first of them.
  RowChannel(base::Shard& shard, query::RowSink& sink, base::Deadline deadline, Kind kind);
  ~RowChannel() override = default;

  // On the shard.

  /// Delivers what comes until the operation has ended: by the deadline, a write that has begun up to 400 ms
  /// later.
  base::Task<contract::Result<Result>> wait();
  /// The caller has left: a read ends now, a write is left to finish.
  void cancel();
  void resume() override;
  void abandon() override;
  /// Goes on with a result that was complete before the sink paused, from row `next` of its rows. Before
  /// wait().
  void continue_from(RowBatch rows, std::size_t next, query::Summary summary);

  // On the thread of the file.

  /// False when nobody wants the result; for a write only before it began: from then on it runs to its end.
  bool start();
  void describe(std::shared_ptr<const std::vector<query::OutputColumn>> columns);
  /// Hands over rows; waits while two batches are on their way. False: stop, nobody reads on.
  bool push(RowBatch batch);
  void finish(contract::Result<Outcome> outcome);
  /// Ends a read from any thread; its operation still calls finish().
  void stop();
  /// True once the rows are not wanted any more; for the guard of a read.
  [[nodiscard]] const std::atomic<bool>& stop_flag() const { return stopped_; }

 private:
  static constexpr std::size_t kBatchesInFlight = 2;

  void post_delivery();
  void deliver();
  bool deliver_rows(const RowBatch& batch);
  void begin_rows();
  void on_timer();
  void end(contract::Result<Result> result);

  query::RowSink* sink_;
  const query::RowShape* shape_;  // null: as described
  base::Deadline deadline_;
  Kind kind_;

  // Shard only.
  base::Timer timer_;
  base::Completion<int> completion_;
  std::optional<contract::Result<Result>> result_;
  std::optional<RowBatch> current_;
  std::size_t next_row_ = 0;
  std::vector<query::Cell> cells_;
  query::Summary summary_;
  query::RowShape described_shape_;
  bool begun_ = false;
  bool paused_ = false;
  bool enough_ = false;  // the sink wants no more rows
  bool ended_ = false;

  std::atomic<bool> stopped_{false};

  std::mutex mutex_;
  std::condition_variable changed_;
  base::Shard* shard_;  // null = abandoned
  std::shared_ptr<const std::vector<query::OutputColumn>> columns_;
  std::deque<RowBatch> ready_;
  std::optional<contract::Result<Outcome>> outcome_;
  bool started_ = false;
  bool posted_ = false;
};

}  // namespace athena::sqlite

#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/deadline.h"
#include "services/control/session.h"
#include "services/records/batch.h"
#include "services/records/counters.h"
#include "services/records/flush.h"
#include "services/records/queue.h"
#include "services/records/settings.h"

namespace athena::records {

/// The thread that brings the records of one home to its store: one transaction per flush, kept and tried
/// again while the store is away.
class Writer {
 public:
  struct Options {
    FlushTarget target;
    std::string instance_id;
    /// Makes the session, which connects on first use; on the writer's thread.
    std::function<std::unique_ptr<control::Session>()> make_session;
    std::function<void(std::string_view)> warn;  ///< one line for the log; any thread
    /// Told the fingerprint key when it was read from the main home; may be empty. On the writer's thread.
    std::function<void(const std::string&)> on_fingerprint_key;
    std::chrono::milliseconds first_pause{250}, longest_pause{10000};
  };

  /// `queue` and `counters` outlive this.
  Writer(Queue& queue, Counters& counters, Options options, const Settings& settings);
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void start();
  /// From the next flush on. Any thread.
  void configure(const Settings& settings);
  /// The key of the fingerprints, by who has read it; any thread. A writer of the main home reads it itself.
  void set_fingerprint_key(std::string key);
  /// Flushes what is queued, until `deadline` at most, and ends the thread; how many records were left over
  /// (they are counted as dropped). Call it from one thread that is no shard, at most once.
  std::size_t stop(base::Deadline deadline);

 private:
  void run();
  /// False: time was over before the batch was written.
  bool write(const std::vector<Chunk>& chunks);
  control::StoreResult<void> learn();
  control::StoreResult<void> attempt(Batch& batch, bool& in_doubt);
  [[nodiscard]] Settings settings();
  std::int64_t allowance(const Settings& settings);
  void count_written(const Batch& batch);
  void failed(const control::StoreError& error);
  bool pause(std::chrono::milliseconds time);
  [[nodiscard]] base::Deadline call_deadline();
  [[nodiscard]] bool out_of_time();

  Queue& queue_;
  Counters& counters_;
  const Options options_;
  std::thread thread_;

  std::mutex mutex_;  // of what follows
  std::condition_variable wake_;
  Settings settings_;
  std::string fingerprint_key_;
  bool stopping_ = false;
  base::Deadline last_{base::Clock::time_point::max()};
  std::size_t left_over_ = 0;

  // of the thread
  std::unique_ptr<control::Session> session_;
  KnownTables tables_;
  bool learnt_ = false;
  double rate_left_ = 0;
  base::Clock::time_point rate_at_{};
  base::Clock::time_point warned_at_{};
  std::map<std::string, std::int64_t> told_keys_, told_clients_;  // when they were last written
  std::unordered_map<std::string, std::int64_t> first_uses_;
};

}  // namespace athena::records

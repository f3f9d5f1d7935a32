#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <vector>

#include "base/deadline.h"
#include "services/records/counters.h"
#include "services/records/record.h"

namespace athena::records {

/// Records on their way from the shards to one writer, in chunks. Bounded by records and by memory: when it
/// is full the newest records of the fullest kind are dropped and counted. Nobody who pushes ever waits but
/// for the lock, which is held for a few moves. Thread-safe.
class Queue {
 public:
  static constexpr std::size_t kMostBytes = 64UL * 1024 * 1024;

  Queue(std::size_t capacity, std::size_t most_bytes, Counters& counters)
      : capacity_(capacity), most_bytes_(most_bytes), counters_(counters) {}
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;

  /// Takes the records of `chunk`, which is empty afterwards.
  void push(Chunk& chunk);

  /// Waits until `interval` has passed since the first record came to the empty queue, `most` records are
  /// there, or stop() was called; then moves about `most` of the oldest ones to `chunks`. They count as
  /// queued until release(). False: it was stopped and nothing is left.
  bool take(std::chrono::milliseconds interval, std::size_t most, std::vector<Chunk>& chunks);
  /// What take() gave is written or dropped; empties `chunks`.
  void release(std::vector<Chunk>& chunks);
  /// No taker waits any more.
  void stop();
  [[nodiscard]] bool stopped() const;
  /// Drops what is queued; how many records that was.
  std::size_t drop_all(Dropped why);
  [[nodiscard]] std::size_t size() const;

 private:
  struct Queued {
    std::uint64_t number;
    Chunk chunk;
  };
  using Line = std::deque<Queued>;

  [[nodiscard]] std::size_t records() const;
  void make_room();
  void lose(std::size_t kind, std::size_t count, Dropped why);
  void publish_depth();

  const std::size_t capacity_, most_bytes_;
  Counters& counters_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::array<Line, kQueuedKinds> lines_;
  std::array<std::size_t, kQueuedKinds> waiting_{}, taken_{};  // records
  std::size_t bytes_ = 0;                                      // of both
  std::array<bool, kQueuedKinds> active_{};                    // kinds that ever came here
  std::uint64_t next_ = 0;
  std::size_t wanted_ = 0;  // records the taker waits for; 0 = it waits for time
  base::Clock::time_point first_at_{};
  std::vector<Chunk> spare_;
  bool stopped_ = false;
};

}  // namespace athena::records

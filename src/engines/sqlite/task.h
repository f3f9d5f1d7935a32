#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "base/deadline.h"
#include "contract/error.h"
#include "engines/sqlite/connection.h"

namespace athena::sqlite {

/// Work for one connection of the file, done on one of its threads: exactly one of run() and fail() is
/// called, once.
class Task {
 public:
  explicit Task(base::Deadline deadline) : deadline_(deadline) {}
  virtual ~Task() = default;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  [[nodiscard]] base::Deadline deadline() const { return deadline_; }
  virtual void run(Connection& connection) = 0;
  virtual void fail(contract::Error error) = 0;
  /// Ends it early; callable from any thread, also while run() runs.
  virtual void stop() = 0;
  /// True when nobody waits for it any more.
  [[nodiscard]] virtual bool stopped() const = 0;

 private:
  base::Deadline deadline_;
};

using TaskPtr = std::shared_ptr<Task>;

/// What a coroutine of a shard waits for. Ends its ties to the shard before that goes.
class ShardWaiter {
 public:
  virtual ~ShardWaiter() = default;
  /// On the shard: nothing is posted to it from now on, and a read stops.
  virtual void abandon() = 0;
};

/// How many wait for a file, readers and writers together. Beyond the limit new ones are refused.
class WaitingCount {
 public:
  static constexpr int kLimit = 1024;

  /// False when the queue is full.
  bool enter() {
    if (waiting_.fetch_add(1, std::memory_order_relaxed) < kLimit) return true;
    leave();
    return false;
  }
  void leave() { waiting_.fetch_sub(1, std::memory_order_relaxed); }
  [[nodiscard]] int get() const { return waiting_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int> waiting_{0};
};

}  // namespace athena::sqlite

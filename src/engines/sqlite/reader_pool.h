#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "contract/client_definition.h"
#include "engines/sqlite/task.h"
#include "engines/sqlite/writer.h"

namespace athena::sqlite {

/// The threads that run reads too long for a shard; each has a connection of its own. Threads start when they
/// are first needed, at most `readers` of the connection's options.
class ReaderPool {
 public:
  ReaderPool(const contract::SqliteConnection& options, Health& health, Writer& writer,
             WaitingCount& waiting);
  /// Stops what runs; what waits gets `overloaded`.
  ~ReaderPool();
  ReaderPool(const ReaderPool&) = delete;
  ReaderPool& operator=(const ReaderPool&) = delete;

  /// Any thread. overloaded when too many wait.
  contract::Result<void> submit(TaskPtr task);
  [[nodiscard]] int active() const;
  [[nodiscard]] int threads() const;

 private:
  struct Worker {
    std::unique_ptr<Connection> connection;
    std::uint64_t generation = 0;
    TaskPtr running;  // under the mutex
    std::thread thread;
  };

  void loop(Worker& worker);
  void perform(Worker& worker, Task& task);
  contract::Result<void> connect(Worker& worker, base::Deadline deadline);

  const contract::SqliteConnection& options_;
  Health& health_;
  Writer& writer_;
  WaitingCount& waiting_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<TaskPtr> queue_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::size_t idle_ = 0;
  bool stopping_ = false;
};

}  // namespace athena::sqlite

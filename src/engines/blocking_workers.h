#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>

namespace athena::engines {

/// Threads for calls that block. Started when needed, then kept: idle ones only wait on a condition variable.
/// Detached and never joined, since a thread may hang in a call while the process ends: an object of this
/// class must never be destroyed. Thread-safe.
class BlockingWorkers {
 public:
  BlockingWorkers(std::size_t most_threads, std::size_t most_waiting)
      : most_threads_(most_threads), most_waiting_(most_waiting) {}
  BlockingWorkers(const BlockingWorkers&) = delete;
  BlockingWorkers& operator=(const BlockingWorkers&) = delete;

  /// Runs `work` on one of the threads, in turn; it is destroyed there. False, and nothing runs, when too
  /// much waits already.
  bool run(std::function<void()> work);

 private:
  void loop();

  const std::size_t most_threads_, most_waiting_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;
  std::size_t threads_ = 0;
  std::size_t idle_ = 0;
};

}  // namespace athena::engines

#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

#include "base/coroutine.h"
#include "base/deadline.h"
#include "base/shard.h"
#include "services/control/session.h"

namespace athena::control {

/// The threads through which shards reach one home, each with a session of its own that is made on first
/// use. Thread-safe.
class Store {
 public:
  /// `sessions` threads (control.pool_max_connections); at most 256 jobs wait.
  Store(StoreLocation location, std::size_t sessions);
  /// Running jobs are finished (each has a deadline), waiting ones are told `unreachable`.
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  [[nodiscard]] const StoreLocation& location() const { return location_; }

  /// Runs `work(session)` on one of the threads and comes back to `shard` with what it returned, a
  /// StoreResult<T>; `unreachable` when too much waits or `deadline` passed before it began. The work itself
  /// ends by the deadline, as the session does; a caller that leaves does not stop it.
  template <class Work>
  base::Task<std::invoke_result_t<Work, Session&>> run(base::Shard& shard, base::Deadline deadline,
                                                       Work work);

  /// The same for a thread that is no shard: waits for the result.
  template <class Work>
  std::invoke_result_t<Work, Session&> run_here(base::Deadline deadline, Work work);

 private:
  struct Job {
    base::Deadline deadline;
    std::function<void(Session*)> work;  ///< null: it was not run
  };
  /// False when too much waits already.
  bool submit(Job job);
  void loop();

  StoreLocation location_;
  const std::size_t sessions_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  bool stopping_ = false;
};

}  // namespace athena::control

#include "services/control/store_run.h"

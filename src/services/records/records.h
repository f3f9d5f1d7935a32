#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/deadline.h"
#include "services/control/session.h"
#include "services/control/store.h"
#include "services/records/counters.h"
#include "services/records/housekeeping.h"
#include "services/records/queue.h"
#include "services/records/settings.h"
#include "services/records/writer.h"

namespace athena::records {

/// All that keeps the records of a process: queues, the writer of each home, and the housekeeping.
class Records {
 public:
  struct Options {
    control::StoreLocation main;
    /// Home of the keys and the auth log, when it is another one than `main`.
    std::unique_ptr<control::StoreLocation> auth;
    std::string instance_id;
    std::function<void(std::string_view)> warn;  ///< one line for the log; any thread
  };

  Records(Options options, const Settings& settings);
  ~Records();
  Records(const Records&) = delete;
  Records& operator=(const Records&) = delete;

  /// Starts the threads. The stores, which may be one, outlive stop(); no table has to be there yet: what
  /// cannot be written waits.
  void start(control::Store& main, control::Store& auth);
  /// Any thread.
  void configure(const Settings& settings);
  /// Writes what is queued until `deadline` at most; how many records were left over. Once no shard records
  /// any more; from a thread that is no shard.
  std::size_t stop(base::Deadline deadline);

  // For the shards; any thread.
  [[nodiscard]] Queue& main_queue() { return main_queue_; }
  [[nodiscard]] Queue& auth_queue() { return auth_queue_ ? *auth_queue_ : main_queue_; }
  [[nodiscard]] Counters& counters() { return counters_; }
  [[nodiscard]] const std::string& instance_id() const { return instance_id_; }
  /// Null before start(). Any thread.
  [[nodiscard]] Housekeeping* housekeeping() { return housekeeping_.get(); }

 private:
  const std::string instance_id_;
  Counters counters_;
  Settings settings_;
  Queue main_queue_;
  std::unique_ptr<Queue> auth_queue_;
  std::unique_ptr<Writer> main_writer_, auth_writer_;
  std::unique_ptr<Housekeeping> housekeeping_;
};

}  // namespace athena::records

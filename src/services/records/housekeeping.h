#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "services/control/store.h"
#include "services/records/counters.h"
#include "services/records/settings.h"

namespace athena::records {

/// The thread that forgets idle connections, deletes what is too old, and rebuilds the statistics for those
/// who ask.
class Housekeeping {
 public:
  /// `auth` is the home of the auth log, which may be `main`. All outlive this.
  Housekeeping(control::Store& main, control::Store& auth, Counters& counters, std::string instance_id,
               const Settings& settings);
  ~Housekeeping();
  Housekeeping(const Housekeeping&) = delete;
  Housekeeping& operator=(const Housekeeping&) = delete;

  void start();
  /// Any thread.
  void configure(const Settings& settings);
  /// The thread is to end. Any thread; never waits.
  void begin_stop();
  /// Ends the thread; a call to the store that runs is waited for (5 s at most, a rebuild 60 s).
  void stop();

  struct Rebuilt {
    std::int64_t milliseconds = 0;
    bool too_slow = false;
  };
  using Answer = std::function<void(const control::StoreResult<Rebuilt>&)>;
  /// Rebuilds the statistics; who asks while one runs gets its result. `answer` is called once, on another
  /// thread. Any thread.
  void rebuild(Answer answer);

 private:
  using Clock = base::Clock;

  void run();
  void serve_rebuilds();
  void purge(const Settings& settings);
  void retain(const Settings& settings);
  void retain(const AgedTable& table, const Settings& settings);
  bool delete_all(control::Store& store, const struct Expired& expired, std::size_t index);
  bool lease();
  [[nodiscard]] bool stopping();
  /// False: it is to stop.
  bool pause(std::chrono::milliseconds time);

  control::Store& main_;
  control::Store& auth_;
  Counters& counters_;
  const std::string instance_id_;
  std::thread thread_;

  std::mutex mutex_;  // of what follows
  std::condition_variable wake_;
  Settings settings_;
  std::vector<Answer> waiting_;
  bool stopping_ = false;
};

}  // namespace athena::records

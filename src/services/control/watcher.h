#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "services/control/session.h"

namespace athena::control {

/// Follows one home on a thread of its own: opens it once, then looks for changes of others every
/// `poll_interval`, or at once when PostgreSQL tells of one. A home that is away is tried again each 0.5 to
/// 10 s.
class Watcher {
 public:
  struct Settings {
    StoreLocation location;
    std::string name;  ///< for the log: `the store`
    std::chrono::milliseconds poll_interval{500};
  };
  /// All are called on the watcher's thread, with a deadline of 5 s.
  struct Work {
    /// Once, before the first look; again until it succeeds.
    std::function<StoreResult<void>(Session&)> open;
    /// At every look, in order.
    std::vector<std::function<StoreResult<void>(Session&)>> look;
    /// After every look that succeeded.
    std::function<void()> confirmed;
    std::function<void(std::string_view)> info, warn;
  };

  Watcher(Settings settings, Work work);
  /// Ends the thread; a call that runs is waited for (at most its deadline).
  ~Watcher();
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  void start();
  /// Waits until the first look has succeeded or failed, at most `patience`. True when it has succeeded.
  bool wait_for_first(std::chrono::milliseconds patience);
  /// What the first attempt failed with; empty = it did not fail. After wait_for_first().
  [[nodiscard]] StoreError first_error() const;
  /// The last look succeeded. Any thread.
  [[nodiscard]] bool up() const { return up_.load(std::memory_order_relaxed); }

 private:
  void run();
  StoreResult<void> look(Session& session);
  void report(const StoreResult<void>& result);
  /// False when it is time to end.
  bool pause(Session& session, std::chrono::milliseconds duration, bool healthy);

  const Settings settings_;
  const Work work_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  bool tried_ = false;
  StoreError first_error_;
  std::atomic<bool> up_{false};
  bool opened_ = false;
  base::Clock::time_point warned_{};
  std::thread thread_;
};

}  // namespace athena::control

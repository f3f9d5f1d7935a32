#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/deadline.h"
#include "contract/error.h"
#include "contract/settings.h"
#include "engines/backend.h"

namespace athena::engines {

/// Circuit breaker of one client, one state for all shards. The closed path is a single atomic load;
/// everything else takes a mutex. Times come from `now`, so tests control the clock.
class Breaker {
 public:
  using Now = std::function<base::Clock::time_point()>;
  explicit Breaker(contract::SettingsView settings, Now now = base::Clock::now);

  /// May a request go to the backend? Otherwise circuit_open (with Retry-After = rest of the open time). In
  /// half_open exactly one caller gets through; it must report success() or failure().
  contract::Result<void> admit();
  /// The half-open caller did not touch the backend after all (its request was refused before): the next one
  /// may try.
  void probe_unused();
  /// A contact worked: closes, counters zero.
  void success();
  /// Closed and without failures: success() would change no more than the time of the last one. An atomic
  /// load.
  [[nodiscard]] bool clean() const { return fast_.load(std::memory_order_acquire); }
  /// A failure as the contract counts them (connect, TLS, authentication, lost connection, deadline of 1 s or
  /// more): `reason` ∈ refused, timeout, dns, tls, authentication, protocol, lost.
  void failure(std::string_view code, std::string_view reason);
  /// True while a background probe should run (open, not forced).
  [[nodiscard]] bool wants_probe() const;
  /// Delay before the next probe: 0.25 s doubling to 2 s, 10 s once the outage is older than 10 minutes.
  [[nodiscard]] std::chrono::milliseconds probe_delay() const;
  void probe_failed();

  void force_offline(std::chrono::seconds duration, std::string reason);
  void reset();
  /// Fills the health members of a status.
  void describe(BackendStatus& status) const;
  [[nodiscard]] bool ever_reached() const { return ever_reached_.load(std::memory_order_relaxed); }
  [[nodiscard]] HealthState state() const;

 private:
  enum : int { kClosed, kOpen, kHalfOpen, kForced };
  HealthState state_locked() const;
  void open_locked();
  contract::Error refusal_locked(base::Clock::time_point until) const;
  void settle_locked();
  void enter_locked(int mode);

  contract::SettingsView settings_;
  Now now_;
  std::atomic<bool> fast_{true};  // closed and without failures: admit() needs no lock
  std::atomic<bool> ever_reached_{false};
  mutable std::mutex mutex_;
  int mode_ = kClosed;
  bool probe_out_ = false;  // half_open: the one request is on its way
  std::deque<base::Clock::time_point>
      failure_times_;  // of the failures in a row, at most as many as the threshold
  base::Clock::time_point opened_{};
  base::Clock::time_point outage_began_{};
  base::Clock::time_point forced_until_{};
  std::string forced_reason_;
  int probes_ = 0;
  bool failing_ = false;  // the last contact failed
  BackendStatus::Transitions transitions_;
  std::optional<std::int64_t> last_success_ms_, last_failure_ms_;
  std::string last_code_, last_reason_;
};

/// Around an admitted request: half-open lets one through, and should that end without an answer of the
/// backend, the next one may try.
struct ProbeGuard {
  Breaker& breaker;
  ~ProbeGuard() { breaker.probe_unused(); }
};

}  // namespace athena::engines

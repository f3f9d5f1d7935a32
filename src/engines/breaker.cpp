#include "engines/breaker.h"

#include <algorithm>
#include <chrono>

#include "base/unix_time.h"

namespace athena::engines {
namespace {

using base::Clock;
using base::unix_ms;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kFirstProbe{250};
constexpr milliseconds kLongestProbe{2000};
constexpr milliseconds kOldOutageProbe{10000};
constexpr seconds kOldOutage{600};

}  // namespace

Breaker::Breaker(contract::SettingsView settings, Now now)
    : settings_(settings), now_(std::move(now)) {}

void Breaker::enter_locked(int mode) {
  if (mode_ == mode) return;
  mode_ = mode;
  ++(mode == kClosed     ? transitions_.closed
     : mode == kOpen     ? transitions_.open
     : mode == kHalfOpen ? transitions_.half_open
                         : transitions_.forced);
}

/// A forced time that is over leaves a half-open breaker behind; so does an open time.
void Breaker::settle_locked() {
  const auto now = now_();
  if (mode_ == kForced && now >= forced_until_) {
    enter_locked(kHalfOpen);
    probe_out_ = false;
    forced_reason_.clear();
  }
  if (mode_ == kOpen && now - opened_ >= seconds(settings_->breaker_open_seconds)) {
    enter_locked(kHalfOpen);
    probe_out_ = false;
  }
}

contract::Error Breaker::refusal_locked(Clock::time_point until) const {
  const auto left = std::chrono::ceil<seconds>(until - now_()).count();
  contract::Error error(contract::ErrorCode::circuit_open,
                        mode_ == kForced
                            ? "The client was taken offline by an administrator."
                            : "The client's backend failed repeatedly and is left alone for a while.");
  if (!last_reason_.empty() && mode_ != kForced) error.with("reason", last_reason_);
  if (mode_ == kForced) error.with("reason", "forced_offline");
  error.retry_after(static_cast<std::uint32_t>(std::max<std::int64_t>(left, 1)));
  return error;
}

contract::Result<void> Breaker::admit() {
  if (fast_.load(std::memory_order_acquire)) return {};
  const std::lock_guard lock(mutex_);
  settle_locked();
  switch (mode_) {
    case kForced:
      return refusal_locked(forced_until_);
    case kOpen:
      return refusal_locked(opened_ + seconds(settings_->breaker_open_seconds));
    case kHalfOpen:
      if (probe_out_) return refusal_locked(now_() + seconds(1));
      probe_out_ = true;
      return {};
    default:
      return {};
  }
}

void Breaker::probe_unused() {
  if (fast_.load(std::memory_order_acquire)) return;
  const std::lock_guard lock(mutex_);
  if (mode_ == kHalfOpen) probe_out_ = false;
}

void Breaker::success() {
  const std::lock_guard lock(mutex_);
  last_success_ms_ = unix_ms();
  ever_reached_.store(true, std::memory_order_relaxed);
  failing_ = false;
  probes_ = 0;
  failure_times_.clear();
  if (mode_ == kForced) return;
  enter_locked(kClosed);
  probe_out_ = false;
  fast_.store(true, std::memory_order_release);
}

void Breaker::open_locked() {
  enter_locked(kOpen);
  opened_ = now_();
  probe_out_ = false;
  failure_times_.clear();
}

void Breaker::failure(std::string_view code, std::string_view reason) {
  const std::lock_guard lock(mutex_);
  const auto now = now_();
  settle_locked();
  last_failure_ms_ = unix_ms();
  last_code_ = code;
  last_reason_ = reason;
  if (!failing_) {
    failing_ = true;
    outage_began_ = now;
    probes_ = 0;
  }
  fast_.store(false, std::memory_order_release);
  // Without health tracking only force opens it. A backend never reached since start answers
  // backend_unreachable by itself, without ever opening the circuit.
  if (!settings_->health_tracking || !ever_reached()) {
    if (mode_ == kHalfOpen) probe_out_ = false;
    return;
  }
  if (mode_ == kHalfOpen) return open_locked();
  if (mode_ != kClosed) return;
  // Failures in a row inside the window: older ones no longer count.
  failure_times_.push_back(now);
  const auto window = seconds(settings_->breaker_window_seconds);
  while (now - failure_times_.front() > window) failure_times_.pop_front();
  if (failure_times_.size() >= static_cast<std::size_t>(settings_->breaker_failure_threshold)) open_locked();
}

bool Breaker::wants_probe() const {
  if (fast_.load(std::memory_order_acquire)) return false;
  const std::lock_guard lock(mutex_);
  if (mode_ == kForced && now_() < forced_until_) return false;
  return mode_ == kOpen || mode_ == kHalfOpen || (failing_ && !ever_reached());
}

milliseconds Breaker::probe_delay() const {
  const std::lock_guard lock(mutex_);
  if (now_() - outage_began_ > kOldOutage) return kOldOutageProbe;
  return std::min(kFirstProbe * (1 << std::min(probes_, 3)), kLongestProbe);
}

void Breaker::probe_failed() {
  const std::lock_guard lock(mutex_);
  ++probes_;
  last_failure_ms_ = unix_ms();
}

void Breaker::force_offline(seconds duration, std::string reason) {
  const std::lock_guard lock(mutex_);
  enter_locked(kForced);
  forced_until_ = now_() + duration;
  forced_reason_ = std::move(reason);
  probe_out_ = false;
  fast_.store(false, std::memory_order_release);
}

void Breaker::reset() {
  const std::lock_guard lock(mutex_);
  enter_locked(kClosed);
  probe_out_ = false;
  failing_ = false;
  probes_ = 0;
  failure_times_.clear();
  forced_reason_.clear();
  last_code_.clear();
  last_reason_.clear();
  fast_.store(true, std::memory_order_release);
}

HealthState Breaker::state_locked() const {
  const auto now = now_();
  if (mode_ == kForced) return now < forced_until_ ? HealthState::forced_offline : HealthState::half_open;
  if (mode_ == kHalfOpen) return HealthState::half_open;
  if (mode_ == kOpen) {
    return now - opened_ >= seconds(settings_->breaker_open_seconds) ? HealthState::half_open
                                                                    : HealthState::open;
  }
  return failing_ && !ever_reached() ? HealthState::unreachable : HealthState::closed;
}

HealthState Breaker::state() const {
  if (fast_.load(std::memory_order_acquire)) return HealthState::closed;
  const std::lock_guard lock(mutex_);
  return state_locked();
}

void Breaker::describe(BackendStatus& status) const {
  const std::lock_guard lock(mutex_);
  const auto to_unix = [now = now_(), unix = unix_ms()](Clock::time_point at) {
    return unix + std::chrono::duration_cast<milliseconds>(at - now).count();
  };
  status.state = state_locked();
  status.reachable = ever_reached() && !failing_;
  status.failures_in_window = static_cast<int>(failure_times_.size());
  if (mode_ == kOpen || mode_ == kHalfOpen) status.opened_at_ms = to_unix(opened_);
  if (mode_ == kOpen) status.retry_at_ms = to_unix(opened_ + seconds(settings_->breaker_open_seconds));
  if (status.state == HealthState::forced_offline) {
    status.forced_until_ms = to_unix(forced_until_);
    if (!forced_reason_.empty()) status.forced_reason = forced_reason_;
  }
  status.last_success_at_ms = last_success_ms_;
  status.last_failure_at_ms = last_failure_ms_;
  status.last_error_code = last_code_;
  status.last_error_reason = last_reason_;
  status.transitions = transitions_;
}

}  // namespace athena::engines

#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/intrusive/list.hpp>
#include <functional>

#include "base/deadline.h"

namespace athena::base {

class TimerWheel;

/// One pending timeout. Cheap to arm again and again: arming and cancelling are list operations, and no
/// system timer is touched. Destroying an armed timer cancels it.
class Timer
    : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  /// `on_expiry` runs on the shard's thread; the timer is disarmed by then and may be armed again inside.
  explicit Timer(std::function<void()> on_expiry) : on_expiry_(std::move(on_expiry)) {}
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  [[nodiscard]] bool armed() const { return is_linked(); }
  void cancel() { unlink(); }

 private:
  friend class TimerWheel;
  std::function<void()> on_expiry_;
  Clock::time_point at_{};
};

/// A hashed timer wheel: 512 slots of 10 ms. A timer fires at most 20 ms late and never early. One system
/// timer per shard drives it, and that one sleeps while no timer is armed. Not thread-safe: belongs to its
/// shard.
class TimerWheel {
 public:
  explicit TimerWheel(boost::asio::io_context& context);
  ~TimerWheel();
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  /// Arms (or moves) the timer.
  void arm(Timer& timer, Clock::time_point at);
  void arm(Timer& timer, std::chrono::milliseconds after) { arm(timer, Clock::now() + after); }
  /// Disarms every timer and stops; called before the shard's thread ends.
  void stop();

 private:
  using List = boost::intrusive::list<Timer, boost::intrusive::constant_time_size<false>>;
  static constexpr std::size_t kSlots = 512;
  static constexpr std::chrono::milliseconds kTick{10};

  void schedule();
  void advance();
  [[nodiscard]] bool idle() const;

  boost::asio::steady_timer driver_;
  std::array<List, kSlots> slots_;
  Clock::time_point epoch_ = Clock::now();
  std::uint64_t tick_ = 0;  // last tick that was handled
  bool running_ = false;
  bool stopped_ = false;
};

}  // namespace athena::base

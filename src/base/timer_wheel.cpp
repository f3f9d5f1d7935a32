#include "base/timer_wheel.h"

namespace athena::base {

TimerWheel::TimerWheel(boost::asio::io_context& context) : driver_(context) {}

TimerWheel::~TimerWheel() {
  stop();
}

void TimerWheel::stop() {
  stopped_ = true;
  driver_.cancel();
  for (auto& slot : slots_) slot.clear();
}

void TimerWheel::arm(Timer& timer, Clock::time_point at) {
  timer.unlink();
  if (stopped_) return;
  timer.at_ = at;
  const auto now_tick = static_cast<std::uint64_t>((Clock::now() - epoch_) / kTick);
  if (!running_) tick_ = now_tick;
  const auto delta = at - epoch_;
  const auto wanted =
      delta.count() <= 0 ? 0 : static_cast<std::uint64_t>((delta + kTick - Clock::duration(1)) / kTick);
  const auto slot = std::max(wanted, tick_ + 1);
  slots_[slot % kSlots].push_back(timer);
  if (!running_) schedule();
}

bool TimerWheel::idle() const {
  for (const auto& slot : slots_) {
    if (!slot.empty()) return false;
  }
  return true;
}

void TimerWheel::schedule() {
  running_ = true;
  driver_.expires_at(epoch_ + (tick_ + 1) * kTick);
  driver_.async_wait([this](const boost::system::error_code& error) {
    if (!error && !stopped_) advance();
  });
}

void TimerWheel::advance() {
  const auto now = Clock::now();
  const auto now_tick = static_cast<std::uint64_t>((now - epoch_) / kTick);
  List due;
  while (tick_ < now_tick) {
    ++tick_;
    auto& slot = slots_[tick_ % kSlots];
    for (auto it = slot.begin(); it != slot.end();) {
      auto& timer = *it++;
      if (timer.at_ > now) continue;  // a later turn of the wheel
      timer.unlink();
      due.push_back(timer);
    }
    if (now_tick - tick_ >= kSlots) tick_ = now_tick - kSlots;  // after a long stall one whole turn is enough
  }
  while (!due.empty()) {
    auto& timer = due.front();
    due.pop_front();
    timer.on_expiry_();
  }
  if (idle()) {
    running_ = false;
  } else {
    schedule();
  }
}

}  // namespace athena::base

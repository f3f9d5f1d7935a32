#include "engines/postgres/timed_run.h"

#include <algorithm>

#include "engines/postgres/client.h"
#include "engines/postgres/pool.h"

namespace athena::postgres {
namespace {

using base::Clock;

// After a cancel at the deadline the server has 500 ms to answer, less a margin for closing the connection.
constexpr std::chrono::milliseconds kCancelGrace{450};

}  // namespace

TimedRun::TimedRun(Pool& pool, const engines::ExecutionContext& context, base::Deadline deadline,
                   bool may_leave)
    : pool_(pool),
      cancellation_(context.cancellation),
      trace_(context.trace),
      deadline_(deadline),
      may_leave_(may_leave),
      timer_([this] { on_timer(); }) {
  if (trace_ != nullptr) trace_->runner = this;
}

TimedRun::~TimedRun() {
  if (trace_ != nullptr && trace_->runner == this) trace_->runner = nullptr;
  if (cancellation_ != nullptr) cancellation_->on_request({});
}

base::Task<> TimedRun::run_pipelined() {
  auto resumed = co_await base::suspend<int>([this](base::Completion<int> completion) {
    done_ = std::move(completion);
    const auto patience =
        Clock::now() + std::chrono::seconds(pool_.client().limits().acquire_timeout_seconds);
    pool_.submit(*this);
    pool_.shard().timers().arm(timer_,
                               connection() == nullptr ? std::min(patience, deadline_.at()) : deadline_.at());
    watch_caller();
  });
  static_cast<void>(resumed);
}

base::Task<> TimedRun::run_exclusive(Connection& target) {
  exclusive_ = true;
  if (!target.open()) {
    outcome = Outcome::lost;
    co_return;
  }
  auto resumed = co_await base::suspend<int>([this, &target](base::Completion<int> completion) {
    done_ = std::move(completion);
    target.submit(*this);
    pool_.shard().timers().arm(timer_, deadline_.at());
    watch_caller();
  });
  static_cast<void>(resumed);
}

void TimedRun::watch_caller() {
  if (cancellation_ == nullptr) return;
  cancellation_->on_request([this] {
    if (!may_leave_ && !cancellation_->by_operator()) return;
    // By the timer: neither from inside the suspension nor from inside the one who tells.
    end = End::caller_left;
    check_now();
  });
}

void TimedRun::check_now() {
  pool_.shard().timers().arm(timer_, Clock::now());
}

/// Ends it now for the one who waits.
void TimedRun::leave(End how) {
  end = how;
  if (Connection* const on = connection(); on != nullptr) {
    on->abandon(*this, may_leave_);
  } else {
    pool_.withdraw(*this);
  }
  outcome = Outcome::pending;
  finish();
}

void TimedRun::cancel(End why) {
  cancelled_ = true;
  end = why;
  pool_.shard().timers().arm(timer_, kCancelGrace);
  Connection& on = *connection();
  if (on.paused()) on.resume();  // the answer to the cancel has to be read
  pool_.cancel(on);
}

void TimedRun::on_timer() {
  Connection* const on = connection();
  if (end == End::caller_left && (may_leave_ || on == nullptr)) return leave(End::caller_left);
  const auto now = Clock::now();
  if (on == nullptr) return leave(now >= deadline_.at() ? End::deadline : End::pool_timeout);
  if (cancelled_) return on->close(true);  // it did not even answer the cancel
  if (end == End::caller_left) return cancel(End::caller_left);
  if (overflowed()) return cancel(End::too_much);
  if (now < deadline_.at()) {  // it waited, and got its connection meanwhile
    pool_.shard().timers().arm(timer_, deadline_.at());
    return;
  }
  if (!exclusive_) return leave(End::deadline);
  cancel(End::deadline);
}

void TimedRun::resume() {
  if (Connection* const on = connection(); on != nullptr) on->resume();
}

int TimedRun::backend_pid() const {
  const Connection* const on = connection();
  return on == nullptr ? 0 : on->backend_pid();
}

void TimedRun::on_finished() {
  finish();
}

void TimedRun::finish() {
  timer_.cancel();
  if (cancellation_ != nullptr) cancellation_->on_request({});
  done_(0);
}

}  // namespace athena::postgres

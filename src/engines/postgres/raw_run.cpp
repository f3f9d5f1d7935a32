#include "engines/postgres/raw_run.h"

#include <algorithm>

#include "engines/postgres/client.h"
#include "engines/postgres/pool.h"

namespace athena::postgres {
namespace {

using base::Clock;
using query::RowFlow;

// After a cancel at the deadline the server has this long to answer; then the connection is closed.
constexpr std::chrono::milliseconds kCancelGrace{450};

}  // namespace

RawRun::RawRun(Pool& pool, RawResult& result, const engines::ExecutionContext& context, Options options)
    : pool_(pool), result_(result), context_(context), options_(options), timer_([this] { on_timer(); }) {
  result_.set_current(this);
}

RawRun::~RawRun() {
  result_.set_current(nullptr);
  if (context_.cancellation != nullptr) context_.cancellation->on_request({});
}

base::Task<> RawRun::run_pipelined() {
  auto resumed = co_await base::suspend<int>([this](base::Completion<int> completion) {
    done_ = std::move(completion);
    patience_ = Clock::now() + std::chrono::seconds(pool_.client().limits().acquire_timeout_seconds);
    pool_.submit(*this);
    const auto until =
        connection() == nullptr ? std::min(patience_, options_.deadline.at()) : options_.deadline.at();
    pool_.shard().timers().arm(timer_, until);
    watch_caller();
  });
  static_cast<void>(resumed);
}

base::Task<> RawRun::run_exclusive(Connection& target) {
  exclusive_ = true;
  if (!target.open()) {
    outcome = Outcome::lost;
    co_return;
  }
  auto resumed = co_await base::suspend<int>([this, &target](base::Completion<int> completion) {
    done_ = std::move(completion);
    target.submit(*this);
    pool_.shard().timers().arm(timer_, options_.deadline.at());
    watch_caller();
  });
  static_cast<void>(resumed);
}

void RawRun::watch_caller() {
  // What may write runs to its end whoever is still there to hear of it.
  if (context_.cancellation == nullptr || !options_.may_leave) return;
  context_.cancellation->on_request([this] {
    // By the timer: neither from inside the suspension nor from inside the one who tells.
    end = End::caller_left;
    pool_.shard().timers().arm(timer_, Clock::now());
  });
}

/// Ends it now for the one who waits.
void RawRun::leave(End how) {
  end = how;
  if (Connection* const on = connection(); on != nullptr) {
    on->abandon(*this, options_.may_leave);
  } else {
    pool_.withdraw(*this);
  }
  outcome = Outcome::pending;
  finish();
}

void RawRun::cancel(End why) {
  cancelled_ = true;
  end = why;
  pool_.shard().timers().arm(timer_, kCancelGrace);
  Connection& on = *connection();
  if (on.paused()) on.resume();  // the answer to the cancel has to be read
  pool_.cancel(on);
}

void RawRun::on_timer() {
  if (end == End::caller_left) return leave(End::caller_left);
  Connection* const on = connection();
  const auto now = Clock::now();
  if (on == nullptr) return leave(now >= options_.deadline.at() ? End::deadline : End::pool_timeout);
  if (cancelled_) return on->close(true);  // it did not even answer the cancel
  if (result_.overflowed()) return cancel(End::too_much);
  if (now < options_.deadline.at()) {  // it waited, and got its connection meanwhile
    pool_.shard().timers().arm(timer_, options_.deadline.at());
    return;
  }
  if (!exclusive_) return leave(End::deadline);
  cancel(End::deadline);
}

void RawRun::resume() {
  if (Connection* const on = connection(); on != nullptr) on->resume();
}

bool RawRun::on_columns(std::span<const query::ValueFormat* const> formats) {
  result_.begin(columns(), formats);
  return true;
}

RowFlow RawRun::on_row(std::string_view body) {
  if (cancelled_ || result_.overflowed()) return RowFlow::more;
  const auto flow = result_.row(body);
  if (result_.overflowed()) pool_.shard().timers().arm(timer_, Clock::now());
  return flow;
}

void RawRun::on_command(std::string_view word, std::int64_t count) {
  result_.command(word, count);
}

void RawRun::on_notice(const wire::ErrorFields& fields) {
  result_.notice(fields.severity, fields.message);
}

void RawRun::on_finished() {
  finish();
}

void RawRun::finish() {
  timer_.cancel();
  if (context_.cancellation != nullptr) context_.cancellation->on_request({});
  done_(0);
}

// ---- DescribeRun ----

DescribeRun::DescribeRun(Pool& pool, Connection& connection, std::string_view text)
    : pool_(pool), target_(connection), timer_([this] { target_.close(true); }) {
  protocol = Protocol::describe;
  sql = text;
}

base::Task<Operation::Outcome> DescribeRun::run(base::Deadline deadline) {
  if (!target_.open()) co_return Outcome::lost;
  auto resumed = co_await base::suspend<int>([this, deadline](base::Completion<int> completion) {
    done_ = std::move(completion);
    pool_.shard().timers().arm(timer_, deadline.at());
    target_.submit(*this);
  });
  static_cast<void>(resumed);
  co_return outcome;
}

void DescribeRun::on_parameters(std::string_view oids) {
  parameter_oids.clear();
  for (std::size_t at = 0; at + 4 <= oids.size(); at += 4)
    parameter_oids.push_back(wire::read_u32(oids.data() + at));
}

void DescribeRun::on_finished() {
  timer_.cancel();
  done_(0);
}

}  // namespace athena::postgres

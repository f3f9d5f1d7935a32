// Housekeeping of a pool: ageing, minimum size, health checks, probes while the backend is away.
#include <algorithm>
#include <utility>

#include "base/unix_time.h"
#include "engines/postgres/client.h"
#include "engines/postgres/pool.h"
#include "engines/postgres/simple_run.h"

namespace athena::postgres {
namespace {

using base::Clock;
using base::unix_ms;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kTick{1};
constexpr seconds kBuffersKept{10};
constexpr milliseconds kCheckLimit{5000};

}  // namespace

void Pool::start() {
  last_request_ = Clock::now();
  if (client_.connector() == nullptr || client_.started.exchange(true)) return;
  connect(Purpose::exclusive);
}

void Pool::tick() {
  const auto now = Clock::now();
  if (touched_) {
    touched_ = false;
    last_request_ = now;
    if (client_.breaker.clean()) client_.breaker.success();  // keeps last_success_at young
  }
  if (report_) report_();
  client_.pipeline_depth.add(std::exchange(depths_, {}));
  publish();
  retire_and_trim(now);
  keep_minimum();
  check_health(now);
  if (open_connections() != 0 && !shut_down_) shard_.timers().arm(tick_timer_, kTick);
}

void Pool::retire_and_trim(Clock::time_point now) {
  const auto& limits = client_.limits();
  const seconds idle_limit(limits.idle_timeout_seconds);
  const bool in_use = now - last_request_ < idle_limit;
  const int keep = in_use ? std::min(limits.min_connections, limits.max_connections) : 0;
  Connections due;
  int open = client_.open.load(std::memory_order_relaxed);
  for (auto* list : {&idle_, &pipelined_}) {
    for (const auto& connection : *list) {
      const auto last = std::max(connection->notes.last_used, connection->last_read());
      const bool unused = connection->depth() == 0 && now - last >= idle_limit && open > keep;
      if (unused) --open;
      if (unused || now >= connection->notes.retire_at) {
        due.push_back(connection);
      } else if (now - last >= kBuffersKept) {
        connection->trim();
      }
    }
  }
  for (const auto& connection : due) {
    if (connection->depth() == 0) {
      connection->close();
    } else if (take(pipelined_, *connection) != nullptr) {
      // No new work; on_free closes it by way of becomes_idle when the last answer is there.
      connection->notes.use = Connection::Notes::Use::releasing;
      releasing_.push_back(connection);
      publish();
    }
  }
}

void Pool::keep_minimum() {
  const auto& limits = client_.limits();
  const int wanted = std::min(limits.min_connections, limits.max_connections);
  const bool in_use = Clock::now() - last_request_ < seconds(limits.idle_timeout_seconds);
  if (!in_use || connecting_ != 0 || !client_.breaker.clean()) return;
  if (client_.open.load(std::memory_order_relaxed) < wanted) connect(Purpose::exclusive);
}

/// Runs an empty query. Its failure closes the connection, and that counts.
void Pool::check(Connection& connection, std::function<void(bool)> done) {
  const auto began = Clock::now();
  run_detached(shard_, connection, "", kCheckLimit,
               [this, began, done = std::move(done)](Operation::Outcome outcome) {
                 const bool proved = outcome == Operation::Outcome::done;
                 client_.last_check_ms.store(unix_ms(), std::memory_order_relaxed);
                 if (proved) {
                   const auto took =
                       std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - began).count();
                   client_.latency_us.store(took, std::memory_order_relaxed);
                   client_.breaker.success();
                 }
                 if (done) done(proved);
               });
}

void Pool::check_health(Clock::time_point now) {
  const seconds interval(client_.settings().health_check_interval_seconds);
  if (!client_.settings().health_tracking || now - last_request_ < interval) return;
  auto due = client_.next_check.load(std::memory_order_relaxed);
  if (now.time_since_epoch().count() < due) return;
  const auto next = (now + interval).time_since_epoch().count();
  if (!client_.next_check.compare_exchange_strong(due, next)) return;  // another shard does it
  for (auto* list : {&idle_, &pipelined_}) {
    for (const auto& connection : *list) {
      if (connection->takes_work()) return check(*connection, nullptr);
    }
  }
}

void Pool::watch_outage() {
  if (shut_down_ || probing_ || !client_.breaker.wants_probe() || client_.probing.exchange(true)) return;
  probing_ = true;
  shard_.timers().arm(probe_timer_, client_.breaker.probe_delay());
}

void Pool::probe() {
  if (!client_.breaker.wants_probe()) return end_probing();
  if (!connect(Purpose::probe)) shard_.timers().arm(probe_timer_, client_.breaker.probe_delay());
}

void Pool::probe_failed() {
  if (!probing_) return;
  client_.breaker.probe_failed();
  const auto delay = client_.breaker.probe_delay();
  if (!client_.breaker.ever_reached()) unreachable_until_ = Clock::now() + delay;
  shard_.timers().arm(probe_timer_, delay);
}

void Pool::end_probing() {
  probe_timer_.cancel();
  if (!probing_) return;
  probing_ = false;
  client_.probing = false;
  watch_outage();  // should it have failed again meanwhile
}

}  // namespace athena::postgres

#include "engines/postgres/pool.h"

#include <algorithm>

#include "engines/postgres/client.h"
#include "engines/postgres/errors.h"
#include "engines/postgres/simple_run.h"

namespace athena::postgres {
namespace {

using base::Clock;
using contract::Error;
using contract::ErrorCode;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Use = Connection::Notes::Use;

// Waiting pools look again on their own, should nobody wake them.
constexpr milliseconds kLookAgain{100};
// An exclusive connection that was idle for longer is proved alive before use.
constexpr seconds kTrustIdle{30};

}  // namespace

void Lease::give_back() {
  if (connection_ != nullptr) pool_->give_back(std::move(connection_));
  connection_ = nullptr;
}

Pool::Pool(base::Shard& shard, Client& client)
    : shard_(shard),
      client_(client),
      mailbox_(std::make_shared<Mailbox>(shard)),
      seat_(std::make_shared<Seat>(*this, client, mailbox_)),
      tick_timer_([this] { tick(); }),
      pump_timer_([this] { pump(); }),
      probe_timer_([this] { probe(); }) {
  ConnectionCeiling::process().enlist(seat_);
}

void Pool::close_all() {
  shutdown();
  for (auto* list : {&pipelined_, &leased_, &releasing_}) {
    while (!list->empty()) list->back()->close();
  }
  fail_waiters();
}

Pool::~Pool() {
  close_all();
  ConnectionCeiling::process().delist(*seat_);
  mailbox_->close();
  for (std::size_t open = connecting_; open > 0; --open) ConnectionCeiling::process().release(client_.open);
  connecting_ = 0;
  publish();
  client_.pipeline_depth.add(depths_);
}

void Pool::shutdown() {
  shut_down_ = true;
  if (probing_) end_probing();
  tick_timer_.cancel();
  pump_timer_.cancel();
  while (!idle_.empty()) idle_.back()->close();
  const Connections unused = pipelined_;
  for (const auto& connection : unused) {
    if (connection->depth() == 0) connection->close();
  }
}

bool Pool::transaction_pooler() const {
  return client_.transaction_pooler.load(std::memory_order_relaxed);
}

// ---- waiting ----

bool Pool::blocked_by_outage() const {
  return open_connections() == 0 && connecting_ == 0 && !client_.breaker.ever_reached() &&
         Clock::now() < unreachable_until_;
}

Error Pool::unreachable_error() const {
  auto error = shut_down_ ? Error(ErrorCode::backend_unreachable, "The client is being shut down.")
                          : connect_error(last_failure_.value_or(ConnectFailure{"timeout", {}}));
  const auto wait = std::chrono::ceil<seconds>(unreachable_until_ - Clock::now()).count();
  return std::move(error.retry_after(static_cast<std::uint32_t>(std::max<std::int64_t>(wait, 1))));
}

std::optional<Error> Pool::refusal() {
  if (shut_down_) return unreachable_error();
  if (client_.broken()) return client_.broken();
  if (reads_waiting_count_ + leases_waiting_count_ != 0 &&
      client_.waiting.load(std::memory_order_relaxed) >= client_.limits().max_waiting) {
    return Error(ErrorCode::overloaded, "Too many requests wait for a connection to the database.");
  }
  if (open_connections() == 0 && blocked_by_outage()) return unreachable_error();
  return std::nullopt;
}

Connection* Pool::shortest_queue() {
  Connection* best = nullptr;
  for (const auto& connection : pipelined_) {
    if (connection->takes_work() && (best == nullptr || connection->depth() < best->depth()))
      best = connection.get();
  }
  return best;
}

void Pool::submit(Operation& operation) {
  if (reads_waiting_count_ == 0) {
    if (Connection* const connection = shortest_queue(); connection != nullptr) {
      const bool busy = connection->depth() != 0;
      connection->submit(operation);
      depths_.observe(static_cast<double>(connection->depth()));
      if (busy && pipelined_.size() < static_cast<std::size_t>(client_.pipelined_per_shard())) grow();
      return;
    }
  }
  operation.queued_at = Clock::now();
  reads_waiting_.push_back(operation);
  ++reads_waiting_count_;
  ++published_.waiting;
  client_.waiting.fetch_add(1, std::memory_order_relaxed);
  // With connections at work on_free goes on from here. Otherwise later: never fail an operation from inside
  // its own submit.
  if (pipelined_.size() < static_cast<std::size_t>(client_.pipelined_per_shard())) post_pump();
}

void Pool::post_pump() {
  if (pump_posted_) return;
  pump_posted_ = true;
  mailbox_->post([this] {
    pump_posted_ = false;
    pump();
  });
}

void Pool::withdraw(Operation& operation) {
  if (!operation.is_linked()) return;
  operation.unlink();
  client_.pool_wait.observe(std::chrono::duration<double>(Clock::now() - operation.queued_at).count());
  --reads_waiting_count_;
  --published_.waiting;
  client_.waiting.fetch_sub(1, std::memory_order_relaxed);
}

base::Task<contract::Result<Lease>> Pool::acquire(base::Deadline deadline) {
  if (auto refused = refusal(); refused) co_return *refused;
  for (;;) {
    auto connection = leases_waiting_count_ == 0 ? take_idle() : nullptr;
    if (connection == nullptr) {
      const auto began = Clock::now();
      const auto patience = began + seconds(client_.limits().acquire_timeout_seconds);
      LeaseWaiter waiter;
      auto resumed =
          co_await base::suspend<int>([this, &waiter, deadline, patience](base::Completion<int> completion) {
            waiter.done = std::move(completion);
            shard_.timers().arm(waiter.timer, std::min(deadline.at(), patience));
            leases_waiting_.push_back(waiter);
            ++leases_waiting_count_;
            publish();
            post_pump();
          });
      static_cast<void>(resumed);
      --leases_waiting_count_;
      client_.pool_wait.observe(std::chrono::duration<double>(Clock::now() - began).count());
      publish();
      connection = std::move(waiter.connection);
      if (connection == nullptr) {
        if (waiter.unreachable || connecting_in_vain()) co_return unreachable_error();
        if (deadline.expired()) co_return deadline_error();
        client_.pool_timeouts.fetch_add(1, std::memory_order_relaxed);
        co_return Error(ErrorCode::pool_timeout, "No connection to the database became free in time.");
      }
    }
    Lease lease(*this, std::move(connection));
    const bool doubtful =
        client_.limits().test_before_acquire && Clock::now() - lease->notes.last_used > kTrustIdle;
    if (doubtful) {
      SimpleRun test(shard_, *lease, "");
      auto outcome = co_await test.run(deadline.capped(milliseconds(2000)));
      if (outcome != Operation::Outcome::done) {
        if (lease->open()) lease->close();
        if (deadline.expired()) co_return deadline_error();
        continue;
      }
    }
    co_return std::move(lease);
  }
}

std::shared_ptr<Connection> Pool::take_idle() {
  while (!idle_.empty()) {
    auto connection = std::move(idle_.back());
    idle_.pop_back();
    connection->notes.use = Use::leased;
    leased_.push_back(connection);
    publish();
    return connection;
  }
  return nullptr;
}

void Pool::serve_waiters() {
  while (!leases_waiting_.empty()) {
    auto connection = take_idle();
    if (connection == nullptr) break;
    LeaseWaiter& waiter = leases_waiting_.front();
    waiter.connection = std::move(connection);
    waiter.end();
  }
  while (!reads_waiting_.empty()) {
    Connection* const connection = shortest_queue();
    if (connection == nullptr) break;
    Operation& operation = reads_waiting_.front();
    withdraw(operation);
    connection->submit(operation);
    depths_.observe(static_cast<double>(connection->depth()));
  }
}

void Pool::fail_waiters() {
  while (!leases_waiting_.empty()) {
    LeaseWaiter& waiter = leases_waiting_.front();
    waiter.unreachable = true;
    waiter.end();
  }
  while (!reads_waiting_.empty()) {
    Operation& operation = reads_waiting_.front();
    withdraw(operation);
    operation.finish_unsent(Operation::Outcome::unreachable);
  }
}

void Pool::pump() {
  pump_timer_.cancel();
  if (shut_down_) return fail_waiters();
  serve_waiters();
  grow();
  const bool waits = !reads_waiting_.empty() || !leases_waiting_.empty();
  seat_->starving.store(waits, std::memory_order_relaxed);
  if (waits) shard_.timers().arm(pump_timer_, kLookAgain);
}

// ---- cancelling ----

/// A connection that can carry a short statement of Athena's own beside its work.
std::shared_ptr<Connection> Pool::spare_for(const Connection& other) {
  for (auto* list : {&idle_, &pipelined_}) {
    for (const auto& connection : *list) {
      if (connection.get() != &other && connection->takes_work()) return connection;
    }
  }
  return nullptr;
}

void Pool::cancel(Connection& connection) {
  if (!connection.open() || connection.cancelling() || connection.depth() == 0) return;
  if (!connection.encrypted()) return connection.cancel_oldest();
  // PQcancel would go unencrypted.
  const auto spare = spare_for(connection);
  if (spare == nullptr) return connection.close();
  connection.begin_cancel();
  run_detached(shard_, *spare,
               "SELECT pg_catalog.pg_cancel_backend(" + std::to_string(connection.backend_pid()) + ")",
               milliseconds(2000), [target = connection.weak_from_this()](Operation::Outcome outcome) {
                 const auto held = target.lock();
                 if (held == nullptr || !held->open()) return;
                 if (outcome == Operation::Outcome::done) return held->cancel_delivered();
                 held->close();
               });
}

void Pool::publish() {
  Published now;
  now.pipelined = static_cast<int>(pipelined_.size());
  now.idle = static_cast<int>(idle_.size());
  now.leased = static_cast<int>(leased_.size());
  now.connecting = static_cast<int>(connecting_);
  now.waiting = static_cast<int>(reads_waiting_count_ + leases_waiting_count_);
  now.busy = static_cast<int>(std::count_if(pipelined_.begin(), pipelined_.end(),
                                            [](const auto& connection) { return connection->depth() != 0; }));
  const auto add = [](std::atomic<int>& total, int before, int after) {
    if (before != after) total.fetch_add(after - before, std::memory_order_relaxed);
  };
  add(client_.pipelined, published_.pipelined, now.pipelined);
  add(client_.idle, published_.idle, now.idle);
  add(client_.leased, published_.leased, now.leased);
  add(client_.connecting, published_.connecting, now.connecting);
  add(client_.waiting, published_.waiting, now.waiting);
  add(client_.pipelined_active, published_.busy, now.busy);
  seat_->idle.store(now.idle + now.pipelined, std::memory_order_relaxed);
  published_ = now;
}

}  // namespace athena::postgres

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
constexpr milliseconds kCleanLimit{5000};
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

Pool::~Pool() {
  shutdown();
  for (auto* list : {&pipelined_, &leased_, &releasing_}) {
    while (!list->empty()) list->back()->close();
  }
  fail_waiters();
  ConnectionCeiling::process().delist(*seat_);
  mailbox_->close();
  for (std::size_t open = connecting_; open > 0; --open) ConnectionCeiling::process().release(client_.open);
  connecting_ = 0;
  publish();
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
      if (busy && pipelined_.size() < static_cast<std::size_t>(client_.pipelined_per_shard())) grow();
      return;
    }
  }
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

// ---- opening ----

void Pool::grow() {
  if (shut_down_ || client_.connector() == nullptr) return;
  // While nothing works yet one attempt is enough: all who wait share it.
  if (open_connections() == 0 && connecting_ != 0) return;
  const auto pipelined_limit = static_cast<std::size_t>(client_.pipelined_per_shard());
  const bool busy =
      std::ranges::all_of(pipelined_, [](const auto& connection) { return connection->depth() != 0; });
  if (connecting_pipelined_ == 0 && pipelined_.size() < pipelined_limit &&
      (!reads_waiting_.empty() || (busy && !pipelined_.empty()))) {
    if (!connect(Purpose::pipelined) && open_connections() == 0) return;
  }
  if (open_connections() == 0 && connecting_ != 0) return;
  std::size_t coming = connecting_ - connecting_pipelined_;
  while (coming < leases_waiting_.size()) {
    if (!connect(Purpose::exclusive)) return;
    ++coming;
    if (open_connections() == 0) return;
  }
}

bool Pool::connect(Purpose purpose) {
  auto& ceiling = ConnectionCeiling::process();
  const auto reserve = [&] {
    return ceiling.reserve(client_.open, client_.limits().max_connections,
                           client_.settings().process_max_connections,
                           *seat_) == ConnectionCeiling::Answer::granted;
  };
  if (!reserve()) {
    // Room may be found among one's own: an unused connection of the other kind.
    if (purpose == Purpose::pipelined && !idle_.empty()) {
      idle_.front()->close();
    } else if (purpose == Purpose::exclusive && pipelined_.size() > 1 && pipelined_.back()->depth() == 0) {
      pipelined_.back()->close();
    } else {
      return false;
    }
    if (!reserve()) return false;
  }
  ++connecting_;
  if (purpose == Purpose::pipelined) ++connecting_pipelined_;
  publish();
  client_.connector()->start(
      mailbox_, purpose == Purpose::pipelined,
      [this, purpose](Connector::Outcome outcome) { on_connected(purpose, std::move(outcome)); });
  return true;
}

void Pool::on_connected(Purpose purpose, Connector::Outcome outcome) {
  --connecting_;
  if (purpose == Purpose::pipelined) --connecting_pipelined_;
  publish();
  if (outcome.session == nullptr || shut_down_) {
    outcome.session.reset();
    ConnectionCeiling::process().release(client_.open);
    if (shut_down_) return fail_waiters();
    last_failure_ = outcome.failure;
    if (purpose == Purpose::probe) return probe_failed();
    return on_connect_failed(outcome.failure);
  }
  if (outcome.session->options_refused) client_.transaction_pooler = true;
  client_.latency_us.store(outcome.took.count(), std::memory_order_relaxed);
  if (lost_ > 0) {
    --lost_;
    client_.reconnects.fetch_add(1, std::memory_order_relaxed);
  }
  const auto& limits = client_.limits();
  Connection::Settings settings;
  settings.prepared_statements =
      transaction_pooler() ? 0 : static_cast<std::size_t>(std::max(limits.prepared_statements, 0));
  settings.depth =
      purpose == Purpose::pipelined ? static_cast<std::size_t>(std::clamp(limits.pipeline_depth, 1, 64)) : 64;
  settings.counters = &client_.prepared;
  auto connection =
      std::make_shared<Connection>(shard_, mailbox_, std::move(outcome.session), settings, *this);
  connection->start();
  const auto now = Clock::now();
  // ± 10 %, so that connections opened together do not go together.
  const auto lifetime =
      std::chrono::duration_cast<milliseconds>(seconds(std::max(limits.max_lifetime_seconds, 1)));
  const auto spread =
      lifetime.count() / 10 * (static_cast<std::int64_t>(connection->backend_pid() % 201) - 100) / 100;
  connection->notes.retire_at = now + lifetime + milliseconds(spread);
  connection->notes.last_used = now;
  if (!tick_timer_.armed()) shard_.timers().arm(tick_timer_, seconds(1));

  if (purpose == Purpose::probe) {
    connection->notes.use = Use::releasing;
    releasing_.push_back(connection);
    return check(*connection, [this](bool proved) { proved ? end_probing() : probe_failed(); });
  }
  client_.breaker.success();
  if (purpose == Purpose::pipelined) {
    connection->notes.use = Use::pipelined;
    pipelined_.push_back(std::move(connection));
  } else {
    idle_.push_back(std::move(connection));
  }
  publish();
  pump();
}

void Pool::on_connect_failed(const ConnectFailure& failure) {
  note_failure(failure.reason);
  if (!client_.breaker.ever_reached()) unreachable_until_ = Clock::now() + client_.breaker.probe_delay();
  if (open_connections() == 0 && connecting_ == 0) fail_waiters();
}

void Pool::note_failure(std::string_view reason) {
  client_.breaker.failure(contract::info(ErrorCode::backend_unreachable).name, reason);
  watch_outage();
}

// ---- giving back ----

std::shared_ptr<Connection> Pool::take(Connections& from, const Connection& connection) {
  const auto found = std::ranges::find(from, &connection, &std::shared_ptr<Connection>::get);
  if (found == from.end()) return nullptr;
  auto taken = std::move(*found);
  from.erase(found);
  return taken;
}

void Pool::give_back(std::shared_ptr<Connection> connection) {
  if (!connection->open()) return;
  take(leased_, *connection);
  connection->notes.use = Use::releasing;
  releasing_.push_back(connection);
  publish();
  if (connection->depth() == 0 && !connection->cancelling()) clean(*connection);
}

/// Brings the session back to its beginning, one statement at a time; then it is idle.
void Pool::clean(Connection& connection) {
  auto& notes = connection.notes;
  std::string next;
  if (connection.transaction_status() != 'I') {
    next = "ROLLBACK";
  } else if (notes.discard_all) {
    next = "DISCARD ALL";
    notes.discard_all = notes.reset_timeout = false;
    connection.prepared().forget_all();
  } else if (notes.reset_timeout) {
    next = "RESET statement_timeout";
    notes.reset_timeout = false;
  } else {
    return becomes_idle(connection);
  }
  run_detached(shard_, connection, next, kCleanLimit, [&connection](Operation::Outcome outcome) {
    if (outcome != Operation::Outcome::done && connection.open()) connection.close();
    // on_free goes on from here
  });
}

void Pool::becomes_idle(Connection& connection) {
  auto held = take(releasing_, connection);
  if (held == nullptr) return;
  const auto now = Clock::now();
  held->notes.use = Use::idle;
  held->notes.last_used = now;
  idle_.push_back(held);
  publish();
  if (shut_down_ || now >= held->notes.retire_at) return held->close();
  if (!leases_waiting_.empty()) serve_waiters();
}

void Pool::on_free(Connection& connection) {
  switch (connection.notes.use) {
    case Use::pipelined:
      if (reads_waiting_count_ != 0) return serve_waiters();
      if (shut_down_ && connection.depth() == 0) connection.close();
      return;
    case Use::releasing:
      if (connection.depth() == 0 && !connection.cancelling()) clean(connection);
      return;
    case Use::idle:
    case Use::leased:
      return;
  }
}

void Pool::on_closed(Connection& connection, bool broken, bool had_work) {
  for (auto* list : {&pipelined_, &idle_, &leased_, &releasing_}) take(*list, connection);
  publish();
  ConnectionCeiling::process().release(client_.open);
  if (broken) ++lost_;
  // Connections that break while nobody uses them say nothing yet: the next request finds out.
  if (broken && had_work) note_failure("lost");
  if (!shut_down_) post_pump();
}

void Pool::on_deserted(Connection& connection) {
  cancel(connection);
}

void Pool::give_up_idle() {
  if (!idle_.empty()) return idle_.front()->close();
  if (!reads_waiting_.empty()) return;
  for (const auto& connection : pipelined_) {
    if (connection->depth() == 0) return connection->close();
  }
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
  const auto add = [](std::atomic<int>& total, int before, int after) {
    if (before != after) total.fetch_add(after - before, std::memory_order_relaxed);
  };
  add(client_.pipelined, published_.pipelined, now.pipelined);
  add(client_.idle, published_.idle, now.idle);
  add(client_.leased, published_.leased, now.leased);
  add(client_.connecting, published_.connecting, now.connecting);
  add(client_.waiting, published_.waiting, now.waiting);
  seat_->idle.store(now.idle + now.pipelined, std::memory_order_relaxed);
  published_ = now;
}

}  // namespace athena::postgres

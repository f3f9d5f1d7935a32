// Connections of a pool come and go: opening, cleaning after use, closing.
#include <algorithm>

#include "engines/postgres/client.h"
#include "engines/postgres/pool.h"
#include "engines/postgres/simple_run.h"

namespace athena::postgres {
namespace {

using base::Clock;
using contract::ErrorCode;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Use = Connection::Notes::Use;

constexpr milliseconds kCleanLimit{5000};
// A caller's login that was refused is not tried again at once.
constexpr milliseconds kLoginAgain{250};

}  // namespace

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
  if (client_.has_callers_login()) settings.cancels = BlockingWork::callers_cancel;
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
  const bool only_the_login = client_.has_callers_login() && failure.reason == "authentication";
  if (!only_the_login) note_failure(failure.reason);
  if (!client_.breaker.ever_reached())
    unreachable_until_ = Clock::now() + (only_the_login ? kLoginAgain : client_.breaker.probe_delay());
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
  // Connections that break while nobody uses them say nothing yet: the next request finds out. Nor do those
  // that ran SQL of a caller, who may have ended the session himself.
  if (broken && had_work && !connection.notes.discard_all) note_failure("lost");
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

}  // namespace athena::postgres

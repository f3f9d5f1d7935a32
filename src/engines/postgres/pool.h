#pragma once

#include <boost/intrusive/list.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/coroutine.h"
#include "base/deadline.h"
#include "base/histogram.h"
#include "base/shard.h"
#include "contract/error.h"
#include "engines/postgres/ceiling.h"
#include "engines/postgres/connection.h"
#include "engines/postgres/text_query.h"

namespace athena::postgres {

class Client;
class Pool;

/// An exclusive connection on loan; goes back to its pool, cleaned, when this is destroyed. What is still
/// running on it then runs to its end first. Shard-local.
class Lease {
 public:
  Lease() = default;
  Lease(Pool& pool, std::shared_ptr<Connection> connection)
      : pool_(&pool), connection_(std::move(connection)) {}
  Lease(Lease&& other) noexcept : pool_(other.pool_), connection_(std::move(other.connection_)) {}
  Lease& operator=(Lease&& other) noexcept {
    give_back();
    pool_ = other.pool_;
    connection_ = std::move(other.connection_);
    return *this;
  }
  ~Lease() { give_back(); }
  Connection* operator->() const { return connection_.get(); }
  Connection& operator*() const { return *connection_; }
  explicit operator bool() const { return connection_ != nullptr; }

 private:
  void give_back();
  Pool* pool_ = nullptr;
  std::shared_ptr<Connection> connection_;
};

/// Somebody in a coroutine who waits for an exclusive connection.
struct LeaseWaiter
    : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
  LeaseWaiter() : timer([this] { end(); }) {}
  /// Only once the waiter is out of the list.
  void end() {
    unlink();
    timer.cancel();
    done(0);
  }
  base::Completion<int> done;
  base::Timer timer;
  std::shared_ptr<Connection> connection;
  bool unreachable = false;
};

/// One shard's connections of one client: a few pipelined ones for single reads, exclusive ones on loan for
/// everything else. All waiting is first come, first served, bounded in number and in time. Shard-local.
class Pool final : public ConnectionOwner, public TextQueryRunner {
 public:
  using FormatOf = const query::ValueFormat& (*)(void* context, std::uint32_t type_oid);
  Pool(base::Shard& shard, Client& client);
  ~Pool() override;
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// How cells of a type become JSON; before the first connection.
  void format_with(FormatOf format, void* context) { format_ = format, format_context_ = context; }
  /// Called once a second while there are connections, for what others report.
  void tick_with(std::function<void()> report) { report_ = std::move(report); }
  /// First contact in the background, once per client.
  void start();

  // ---- pipelined reads ----
  /// An error when a read would have to wait but may not: overloaded, or unreachable a moment ago.
  std::optional<contract::Error> refusal();
  /// Sends it on the pipelined connection with the shortest queue, or lets it wait for one. Ends by
  /// on_finished; `unreachable` when no connection can be opened.
  void submit(Operation& operation);
  /// Takes back one that still waits.
  void withdraw(Operation& operation);

  // ---- exclusive connections ----
  /// A connection for one's own use, proved alive when it was idle for long. Errors: overloaded,
  /// pool_timeout, deadline_exceeded, backend_unreachable, client_closed_request when `cancellation` asks.
  base::Task<contract::Result<Lease>> acquire(base::Deadline deadline);
  /// Asks the server to stop what runs on the connection (its oldest request), by PQcancel or over a spare
  /// connection; none to be had: the connection is closed.
  void cancel(Connection& connection);

  base::Task<contract::Result<std::vector<TextRow>>> query(std::string sql,
                                                           std::vector<std::optional<std::string>> parameters,
                                                           base::Deadline deadline) override;

  /// What to tell those who found no connection.
  [[nodiscard]] contract::Error unreachable_error() const;
  /// Nothing is open, and nobody got in yet: a wait that ends now ends because of the backend, not of the
  /// pool.
  [[nodiscard]] bool connecting_in_vain() const { return open_connections() == 0 && connecting_ != 0; }
  /// Limits go by SET LOCAL, statements are unnamed: a transaction pooler is between.
  [[nodiscard]] bool transaction_pooler() const;
  [[nodiscard]] base::Shard& shard() const { return shard_; }
  [[nodiscard]] Client& client() const { return client_; }

  /// Looks for work that can go on: connections for those who wait, new ones where allowed.
  void pump();
  /// Closes a connection that nobody uses, for a pool that needs the room.
  void give_up_idle();
  /// No new work; what runs may finish.
  void shutdown();
  /// Ends everything now: who runs or waits is told, inside this call.
  void close_all();
  /// The breaker opened or the client is unreachable: keep trying in the background.
  void watch_outage();
  /// A request came; for idle times and minimum size.
  void touch() { touched_ = true; }

  void on_free(Connection& connection) override;
  void on_closed(Connection& connection, bool broken, bool had_work) override;
  void on_deserted(Connection& connection) override;
  const query::ValueFormat& format(std::uint32_t type_oid) override {
    return format_(format_context_, type_oid);
  }

 private:
  friend class Lease;
  using Connections = std::vector<std::shared_ptr<Connection>>;
  enum class Purpose : std::uint8_t { pipelined, exclusive, probe };

  Connection* shortest_queue();
  void serve_waiters();
  void grow();
  bool connect(Purpose purpose);
  void on_connected(Purpose purpose, Connector::Outcome outcome);
  void on_connect_failed(const ConnectFailure& failure);
  void fail_waiters();
  void give_back(std::shared_ptr<Connection> connection);
  void clean(Connection& connection);
  void becomes_idle(Connection& connection);
  std::shared_ptr<Connection> take_idle();
  static std::shared_ptr<Connection> take(Connections& from, const Connection& connection);
  [[nodiscard]] std::size_t open_connections() const {
    return pipelined_.size() + idle_.size() + leased_.size() + releasing_.size();
  }
  [[nodiscard]] bool blocked_by_outage() const;
  void tick();
  void retire_and_trim(base::Clock::time_point now);
  void keep_minimum();
  void check_health(base::Clock::time_point now);
  std::shared_ptr<Connection> spare_for(const Connection& other);
  void probe();
  void probe_failed();
  void end_probing();
  void check(Connection& connection, std::function<void(bool)> done);
  void post_pump();
  void note_failure(std::string_view reason);
  void publish();

  base::Shard& shard_;
  Client& client_;
  std::shared_ptr<Mailbox> mailbox_;
  std::shared_ptr<Seat> seat_;
  FormatOf format_ = nullptr;
  void* format_context_ = nullptr;
  std::function<void()> report_;

  Connections pipelined_, idle_, leased_, releasing_;
  using Operations = boost::intrusive::list<Operation, boost::intrusive::constant_time_size<false>>;
  Operations reads_waiting_;
  boost::intrusive::list<LeaseWaiter, boost::intrusive::constant_time_size<false>> leases_waiting_;
  std::size_t reads_waiting_count_ = 0, leases_waiting_count_ = 0;
  std::size_t connecting_ = 0, connecting_pipelined_ = 0;
  std::optional<ConnectFailure> last_failure_;
  base::Clock::time_point unreachable_until_{};
  base::Timer tick_timer_, pump_timer_, probe_timer_;
  base::Clock::time_point last_request_{};
  struct Published {
    int pipelined = 0, idle = 0, leased = 0, connecting = 0, waiting = 0, busy = 0;
  } published_;
  base::CountHistogram depths_;  // since the last tick
  int lost_ = 0;                 // connections not made up for yet
  bool pump_posted_ = false;
  bool touched_ = false;
  bool shut_down_ = false;
  bool probing_ = false;
};

}  // namespace athena::postgres

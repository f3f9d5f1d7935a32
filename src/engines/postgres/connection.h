#pragma once

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/circular_buffer.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "base/buffer.h"
#include "base/coroutine.h"
#include "base/deadline.h"
#include "base/shard.h"
#include "engines/postgres/connect.h"
#include "engines/postgres/operation.h"
#include "engines/postgres/prepared.h"
#include "engines/postgres/transport.h"
#include "engines/postgres/wire.h"

namespace athena::postgres {

/// What a connection tells its pool. Called on the shard; none of it may destroy the connection's last
/// reference inside without keeping one.
class ConnectionOwner {
 public:
  virtual ~ConnectionOwner() = default;
  /// A request has ended, or reading goes on after a pause: it may take more work.
  virtual void on_free(Connection& connection) = 0;
  /// It is closed, and everything on it has been told. `broken`: it was lost, not closed on purpose;
  /// `had_work`: with requests on it.
  virtual void on_closed(Connection& connection, bool broken, bool had_work) = 0;
  /// The request it works on has nobody waiting any more, goes on for long, and may be cancelled.
  virtual void on_deserted(Connection& connection) = 0;
  /// How cells of a type become JSON.
  virtual const query::ValueFormat& format(std::uint32_t type_oid) = 0;
};

/// One connection after its start-up: sends requests in extended-query frames, one Sync each, and hands their
/// replies out in order. All that is submitted in one turn of the loop leaves in one write at its end.
/// Shard-local, held by shared pointer.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  struct Settings {
    std::size_t prepared_statements = 256;  ///< 0 = unnamed ones only
    std::size_t depth = 16;                 ///< requests outstanding at most
    PreparedCache::Counters* counters = nullptr;
    BlockingWork cancels = BlockingWork::cancel;  ///< where its cancels are sent from
  };
  Connection(base::Shard& shard, std::shared_ptr<Mailbox> mailbox, std::unique_ptr<Session> session,
             Settings settings, ConnectionOwner& owner);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Starts reading; once, right behind the constructor.
  void start();
  /// Sends the operation behind those already there. Needs open() and depth() < settings.depth.
  void submit(Operation& operation);
  /// The one who waits leaves: the operation is not touched any more, what comes for it is dropped.
  /// `may_cancel`: when that goes on for long, the owner is told (on_deserted).
  void abandon(Operation& operation, bool may_cancel);
  /// Rows flow again after an on_row that answered `pause`.
  void resume();
  /// Asks the server to stop what it runs now, which must be the oldest request. Nothing new is taken until
  /// both the cancel and that request's answer are through. After 2 s without them the connection closes.
  void cancel_oldest();
  /// The same where another connection carries the request (`SELECT pg_cancel_backend`): marks the beginning;
  /// `delivered` ends it.
  void begin_cancel();
  void cancel_delivered();
  /// Ends it now; operations on it get `lost`.
  void close(bool broken = false);

  [[nodiscard]] bool open() const { return open_; }
  [[nodiscard]] bool encrypted() const { return encrypted_; }
  [[nodiscard]] bool paused() const { return paused_; }
  [[nodiscard]] bool cancelling() const { return cancelling_; }
  [[nodiscard]] bool takes_work() const {
    return open_ && !paused_ && !cancelling_ && slots_.size() < settings_.depth;
  }
  [[nodiscard]] std::size_t depth() const { return slots_.size(); }
  [[nodiscard]] bool is_oldest(const Operation& operation) const {
    return operation.connection_ == this && operation.sequence_ == first_sequence_;
  }
  /// `I` idle, `T` in a transaction, `E` in a failed one; as of the last ReadyForQuery.
  [[nodiscard]] char transaction_status() const { return transaction_status_; }
  [[nodiscard]] int backend_pid() const { return backend_pid_; }
  /// A cancel meant for it may still hit what runs next.
  [[nodiscard]] bool recently_cancelled() const;
  [[nodiscard]] PreparedCache& prepared() { return prepared_; }
  /// Gives the receive buffer back when nothing is outstanding.
  void trim();
  [[nodiscard]] base::Clock::time_point last_read() const { return read_at_; }

  /// The pool's own notes.
  struct Notes {
    enum class Use : std::uint8_t { pipelined, idle, leased, releasing };
    Use use = Use::idle;
    bool discard_all = false;    ///< when it comes back: the session may have been changed
    bool reset_timeout = false;  ///< when it comes back: statement_timeout was set
    base::Clock::time_point retire_at{}, last_used{};
  };
  Notes notes;

 private:
  struct Slot {
    Operation* operation;  ///< null = nobody waits any more
    Prepared* prepared;    ///< null for simple queries whose rows are not wanted
    std::uint64_t begin;   ///< where its bytes start in the stream
    base::Clock::time_point submitted;
    bool parses;  ///< Parse and Describe were sent with it
    bool simple = false;
    bool parsed = false;   ///< ParseComplete came
    bool stopped = false;  ///< no more rows are wanted
    bool reply_seen = false;
    bool may_cancel = false;
    Operation::Outcome outcome = Operation::Outcome::pending;
  };

  void wait_readable();
  void on_readable();
  void process();
  bool dispatch(const wire::Frame& frame);
  void on_row(Slot& slot, std::string_view body);
  void on_row_description(Slot& slot, std::string_view body);
  void tell_columns(Slot& slot);
  void on_error(std::string_view body);
  void on_ready(char status);
  void lose_all(const wire::ErrorFields* last_words);
  void schedule_flush();
  void flush();
  void wait_writable();
  void end_cancel_if_through();
  void send_cancel();
  void repeat_cancel();
  void watch_deserted();
  void finish(Slot& slot, Operation::Outcome outcome);
  Slot& slot_of(const Operation& operation) { return slots_[operation.sequence_ - first_sequence_]; }

  base::Shard& shard_;
  std::shared_ptr<Mailbox> mailbox_;
  std::unique_ptr<Session> session_;
  Settings settings_;
  ConnectionOwner& owner_;
  boost::asio::posix::basic_stream_descriptor<base::Executor> descriptor_;
  Transport transport_;
  PreparedCache prepared_;

  boost::circular_buffer<Slot> slots_;
  std::uint64_t first_sequence_ = 0;

  base::Buffer in_;
  std::size_t in_begin_ = 0;
  base::Buffer out_;
  std::size_t out_begin_ = 0;          // bytes of out_ that are sent
  std::uint64_t appended_before_ = 0;  // stream position of out_'s first byte
  std::size_t read_chunk_;
  std::size_t frame_needs_ = 0;  // bytes of the frame whose beginning is there

  const bool encrypted_;
  const int backend_pid_;
  bool open_ = true;
  bool paused_ = false;
  bool processing_ = false;
  bool flush_scheduled_ = false;
  bool waits_readable_ = false;
  bool waits_writable_ = false;
  bool write_broken_ = false;
  bool had_work_ = false;  // when its last words came
  char transaction_status_ = 'I';
  base::Clock::time_point read_at_{}, previous_end_{};  // of the bytes in work; of the reply before

  bool cancelling_ = false;
  bool cancel_delivered_ = false;
  bool cancels_itself_ = false;  // by its own handle, not over another connection
  base::Clock::time_point cancel_began_{};
  std::uint64_t cancel_target_ = 0;
  base::Clock::time_point last_cancel_{};
  base::Timer cancel_timer_;
  base::Timer deserted_timer_;
};

}  // namespace athena::postgres

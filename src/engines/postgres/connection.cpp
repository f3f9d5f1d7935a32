#include "engines/postgres/connection.h"

#include <algorithm>

namespace athena::postgres {
namespace {

using Outcome = Operation::Outcome;
using base::Clock;
using std::chrono::milliseconds;

constexpr std::size_t kFirstChunk = 8U << 10;
// What one read asks for at most: more would only leave the processor's caches.
constexpr std::size_t kMaxChunk = 128U << 10;
constexpr std::size_t kKeptOut = 64U << 10;
// After so many reads in a row the other connections of the shard get their turn.
constexpr int kReadsPerTurn = 8;
// The contract's bounds: a cancel may hit a later statement for 1 s, and is given up after 2 s.
constexpr milliseconds kStrayWindow{1000};
constexpr milliseconds kCancelLimit{2000};
// The server forgets a cancel that comes between two messages, so what goes on running is told again.
constexpr milliseconds kCancelAgain{200};
// A reply that nobody waits for may end by itself before a cancel is worth its cost.
constexpr milliseconds kDesertedGrace{50};

}  // namespace

Connection::Connection(base::Shard& shard, std::shared_ptr<Mailbox> mailbox, std::unique_ptr<Session> session,
                       Settings settings, ConnectionOwner& owner)
    : shard_(shard),
      mailbox_(std::move(mailbox)),
      session_(std::move(session)),
      settings_(settings),
      owner_(owner),
      descriptor_(shard.context().get_executor(), session_->socket()),
      transport_(session_->socket(), session_->ssl()),
      prepared_(settings.prepared_statements, *settings.counters),
      slots_(settings.depth),
      read_chunk_(kFirstChunk),
      encrypted_(session_->ssl() != nullptr),
      backend_pid_(session_->backend_pid()),
      cancel_timer_([this] { repeat_cancel(); }),
      deserted_timer_([this] {
        if (open_ && !slots_.empty() && slots_.front().operation == nullptr && !cancelling_)
          owner_.on_deserted(*this);
      }) {}

Connection::~Connection() {
  if (open_) descriptor_.release();  // the session closes the socket
}

void Connection::start() {
  wait_readable();
}

void Connection::submit(Operation& operation) {
  operation.connection_ = this;
  operation.sequence_ = first_sequence_ + slots_.size();
  operation.outcome = Outcome::pending;
  operation.error.reset();
  operation.affected = 0;
  operation.sent = false;
  operation.reply_seen = false;

  Slot slot{&operation, nullptr, appended_before_ + out_.size(), Clock::now(), false};
  auto protocol = operation.protocol;
  if (protocol == Operation::Protocol::prepared && prepared_.capacity() == 0)
    protocol = Operation::Protocol::unnamed;
  switch (protocol) {
    case Operation::Protocol::simple:
      slot.simple = true;
      if (operation.wants_rows) slot.prepared = PreparedCache::unnamed();
      wire::append_query(out_, operation.sql);
      break;
    case Operation::Protocol::describe:
      slot.prepared = PreparedCache::unnamed();
      slot.parses = true;
      wire::append_parse(out_, {}, operation.sql, operation.binds);
      wire::append_describe_statement(out_, {});
      wire::append_sync(out_);
      break;
    case Operation::Protocol::prepared: {
      slot.prepared = prepared_.find(operation.sql, operation.binds);
      if (slot.prepared == nullptr) {
        slot.prepared = prepared_.add(operation.sql, operation.binds, out_);
        slot.parses = true;
        wire::append_parse(out_, slot.prepared->name, operation.sql, operation.binds);
        wire::append_describe_statement(out_, slot.prepared->name);
      }
      wire::append_bind(out_, slot.prepared->name, operation.binds);
      wire::append_execute(out_);
      wire::append_sync(out_);
      break;
    }
    case Operation::Protocol::unnamed:
      slot.prepared = PreparedCache::unnamed();
      slot.parses = true;
      wire::append_parse(out_, {}, operation.sql, operation.binds);
      wire::append_bind(out_, {}, operation.binds);
      wire::append_describe_portal(out_);
      wire::append_execute(out_);
      wire::append_sync(out_);
      break;
  }
  if (slot.prepared != nullptr) PreparedCache::acquire(*slot.prepared);
  slots_.push_back(slot);
  schedule_flush();
}

void Connection::abandon(Operation& operation, bool may_cancel) {
  Slot& slot = slot_of(operation);
  const bool oldest = is_oldest(operation);
  slot.operation = nullptr;
  slot.stopped = true;
  slot.may_cancel = may_cancel;
  operation.connection_ = nullptr;
  if (!oldest) return;
  resume();
  watch_deserted();
}

void Connection::watch_deserted() {
  if (slots_.empty() || slots_.front().operation != nullptr || !slots_.front().may_cancel || cancelling_)
    return;
  shard_.timers().arm(deserted_timer_, kDesertedGrace);
}

void Connection::resume() {
  if (!paused_) return;
  paused_ = false;
  shard_.post([self = shared_from_this()] {
    if (!self->open_ || self->paused_) return;
    self->process();
    if (!self->open_ || self->paused_) return;
    self->on_readable();
    if (self->takes_work()) self->owner_.on_free(*self);
  });
}

void Connection::begin_cancel() {
  cancelling_ = true;
  cancel_delivered_ = false;
  cancel_target_ = first_sequence_;
  cancels_itself_ = false;
  cancel_began_ = last_cancel_ = Clock::now();
  shard_.timers().arm(cancel_timer_, kCancelAgain);
}

void Connection::cancel_oldest() {
  if (cancelling_ || slots_.empty()) return;
  begin_cancel();
  cancels_itself_ = true;
  send_cancel();
}

void Connection::repeat_cancel() {
  if (Clock::now() - cancel_began_ >= kCancelLimit) return close(true);
  shard_.timers().arm(cancel_timer_, kCancelAgain);
  if (!cancels_itself_ || !cancel_delivered_) return;
  cancel_delivered_ = false;
  send_cancel();
}

void Connection::send_cancel() {
  const bool accepted = run_blocking(
      settings_.cancels, [handle = session_->cancel_handle(), mailbox = mailbox_, self = weak_from_this()] {
        const bool delivered = handle.send();
        mailbox->post([self, delivered] {
          const auto connection = self.lock();
          if (connection == nullptr || !connection->open_) return;
          if (delivered) return connection->cancel_delivered();
          connection->close();
        });
      });
  if (!accepted) close();
}

void Connection::cancel_delivered() {
  if (!cancelling_) return;
  last_cancel_ = Clock::now();
  cancel_delivered_ = true;
  end_cancel_if_through();
}

void Connection::end_cancel_if_through() {
  if (!cancelling_ || !cancel_delivered_ || first_sequence_ <= cancel_target_) return;
  cancelling_ = false;
  cancel_timer_.cancel();
  watch_deserted();
  owner_.on_free(*this);
}

bool Connection::recently_cancelled() const {
  return last_cancel_ != Clock::time_point{} && Clock::now() - last_cancel_ < kStrayWindow;
}

void Connection::close(bool broken) {
  if (!open_) return;
  const auto self = shared_from_this();
  open_ = false;
  paused_ = false;
  cancelling_ = false;
  cancel_timer_.cancel();
  deserted_timer_.cancel();
  descriptor_.release();
  // A read that nobody waits for would go on in the database: closing alone does not stop it.
  if (!slots_.empty() && slots_.front().operation == nullptr && slots_.front().may_cancel && !broken &&
      !encrypted_) {
    run_blocking(settings_.cancels, [handle = session_->cancel_handle()] { handle.send(); });
  }
  session_.reset();
  const bool had_work = had_work_ || !slots_.empty();
  lose_all(nullptr);
  owner_.on_closed(*this, broken, had_work);
}

/// Tells the one who waits, if any. The slot is out of the queue already.
void Connection::finish(Slot& slot, Outcome outcome) {
  if (Operation* const operation = slot.operation; operation != nullptr) {
    operation->connection_ = nullptr;
    operation->outcome = outcome;
    operation->on_finished();
  }
  if (slot.prepared != nullptr) PreparedCache::release(*slot.prepared);
}

void Connection::trim() {
  if (!slots_.empty() || in_begin_ != in_.size() || !out_.empty()) return;
  in_.release_above(0);
  in_begin_ = 0;
  out_.release_above(0);
  read_chunk_ = kFirstChunk;
}

// ---- bytes out ----

void Connection::schedule_flush() {
  if (flush_scheduled_) return;
  flush_scheduled_ = true;
  shard_.post([self = shared_from_this()] {
    self->flush_scheduled_ = false;
    if (self->open_) self->flush();
  });
}

void Connection::flush() {
  while (out_begin_ < out_.size()) {
    const auto result = transport_.write(out_.data() + out_begin_, out_.size() - out_begin_);
    switch (result.status) {
      case Transport::Result::Status::done:
        out_begin_ += result.bytes;
        continue;
      case Transport::Result::Status::would_block:
        return wait_writable();
      case Transport::Result::Status::wants_other:
        return;  // the next read brings it on
      case Transport::Result::Status::closed:
        if (!write_broken_) {
          write_broken_ = true;
          on_readable();  // the server may have said why
        }
        return close(true);
    }
  }
  appended_before_ += out_.size();
  out_begin_ = 0;
  out_.release_above(kKeptOut);
}

void Connection::wait_writable() {
  if (waits_writable_) return;
  waits_writable_ = true;
  descriptor_.async_wait(boost::asio::posix::descriptor_base::wait_write,
                         [self = shared_from_this()](const boost::system::error_code& error) {
                           self->waits_writable_ = false;
                           if (error || !self->open_) return;
                           self->flush();
                           if (self->open_ && self->encrypted_ && !self->paused_) self->on_readable();
                         });
}

// ---- bytes in ----

void Connection::wait_readable() {
  if (waits_readable_) return;
  waits_readable_ = true;
  descriptor_.async_wait(boost::asio::posix::descriptor_base::wait_read,
                         [self = shared_from_this()](const boost::system::error_code& error) {
                           self->waits_readable_ = false;
                           if (error || !self->open_ || self->paused_) return;
                           self->on_readable();
                         });
}

void Connection::on_readable() {
  const auto self = shared_from_this();
  bool all_taken = false;
  for (int turn = 0; turn < kReadsPerTurn && !paused_ && !all_taken; ++turn) {
    const std::size_t room = std::max(read_chunk_, frame_needs_ > in_.size() ? frame_needs_ - in_.size() : 0);
    const auto result = transport_.read(in_.reserve_tail(room), room);
    if (result.status == Transport::Result::Status::wants_other) {
      wait_writable();
      all_taken = true;
      break;
    }
    if (result.status == Transport::Result::Status::would_block) {
      all_taken = true;
      break;
    }
    if (result.status == Transport::Result::Status::closed) return close(true);
    in_.commit(result.bytes);
    read_at_ = Clock::now();
    process();
    if (!open_) return;
    if (result.bytes == room) {
      read_chunk_ = std::min(read_chunk_ * 2, kMaxChunk);
    } else if (transport_.short_read_is_all()) {
      all_taken = true;
    }
  }
  // OpenSSL may have taken something off the socket that a write was waiting for.
  if (encrypted_ && out_begin_ < out_.size() && !waits_writable_ && !write_broken_) flush();
  if (!open_ || paused_) return;
  if (all_taken || !encrypted_) return wait_readable();
  // OpenSSL may hold bytes that the socket does not show any more.
  shard_.post([self] {
    if (self->open_ && !self->paused_) self->on_readable();
  });
}

}  // namespace athena::postgres

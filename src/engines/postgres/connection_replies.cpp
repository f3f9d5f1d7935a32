// What a server sends, frame by frame.
#include <algorithm>

#include "engines/postgres/connection.h"

namespace athena::postgres {
namespace {

using Outcome = Operation::Outcome;

constexpr std::size_t kKeptWhenBusy = 1U << 20;

std::unique_ptr<ServerError> keep(const wire::ErrorFields& fields) {
  auto error = std::make_unique<ServerError>();
  error->severity = fields.severity;
  error->sql_state = fields.sql_state;
  error->message = fields.message;
  error->detail = fields.detail;
  error->hint = fields.hint;
  error->position = fields.position;
  error->schema = fields.schema;
  error->table = fields.table;
  error->column = fields.column;
  error->constraint = fields.constraint;
  error->routine = fields.routine;
  return error;
}

}  // namespace

/// Ends everything outstanding as lost.
void Connection::lose_all(const wire::ErrorFields* last_words) {
  const std::uint64_t sent = appended_before_ + out_begin_;
  while (!slots_.empty()) {
    Slot slot = slots_.front();
    slots_.pop_front();
    ++first_sequence_;
    if (slot.operation != nullptr) {
      slot.operation->sent = sent > slot.begin;
      slot.operation->reply_seen = slot.reply_seen;
      if (last_words != nullptr) slot.operation->error = keep(*last_words);
    }
    finish(slot, slot.outcome == Outcome::too_large ? slot.outcome : Outcome::lost);
  }
}

void Connection::process() {
  if (processing_) return;
  processing_ = true;
  frame_needs_ = 0;
  while (open_ && !paused_) {
    const auto frame = wire::next_frame(in_.view().substr(in_begin_));
    if (frame.status == wire::Frame::Status::incomplete) {
      frame_needs_ = frame.size;
      break;
    }
    if (frame.status != wire::Frame::Status::whole) {
      if (!slots_.empty() && frame.status == wire::Frame::Status::too_large)
        slots_.front().outcome = Outcome::too_large;
      close(frame.status == wire::Frame::Status::malformed);
      break;
    }
    in_begin_ += frame.size;
    if (frame.type == wire::backend::kDataRow && !slots_.empty()) {
      on_row(slots_.front(), frame.body);
    } else if (!dispatch(frame)) {
      close(true);
    }
  }
  processing_ = false;
  if (!open_) return;
  if (in_begin_ == in_.size()) {
    in_.release_above(kKeptWhenBusy);
    in_begin_ = 0;
  } else if (!paused_ && in_begin_ != 0) {
    in_.consume(in_begin_);
    in_begin_ = 0;
  }
}

void Connection::on_row(Slot& slot, std::string_view body) {
  slot.reply_seen = true;
  if (slot.stopped) return;
  switch (slot.operation->on_row(body)) {
    case query::RowFlow::more:
      return;
    case query::RowFlow::pause:
      paused_ = open_;
      return;
    case query::RowFlow::stop: {
      // It is over for the one who waits; the rest of the reply is dropped here.
      Operation& operation = *slot.operation;
      slot.operation = nullptr;
      slot.stopped = true;
      slot.may_cancel = true;
      watch_deserted();
      operation.connection_ = nullptr;
      operation.outcome = Outcome::stopped;
      operation.on_finished();
      return;
    }
  }
}

/// False when the frame has no place here: the two sides are out of step.
bool Connection::dispatch(const wire::Frame& frame) {
  namespace type = wire::backend;
  switch (frame.type) {
    case type::kNotice:
      if (!slots_.empty() && slots_.front().operation != nullptr)
        slots_.front().operation->on_notice(wire::read_error(frame.body));
      return true;
    case type::kParameterStatus:
    case type::kNotification:
    case type::kCloseComplete:
      return true;
    case type::kError:
      return on_error(frame.body), true;
    default:
      break;
  }
  if (slots_.empty()) return false;
  Slot& slot = slots_.front();
  if (frame.type != type::kReadyForQuery) slot.reply_seen = true;
  switch (frame.type) {
    case type::kParseComplete:
      slot.parsed = true;
      return slot.prepared != nullptr;
    case type::kParameterDescription:
      if (slot.operation != nullptr && slot.operation->protocol == Operation::Protocol::describe) {
        if (frame.body.size() < 2 || (frame.body.size() - 2) % 4 != 0) return false;
        slot.operation->on_parameters(frame.body.substr(2));
        slot.outcome = Outcome::done;
      }
      return true;
    case type::kRowDescription:
      on_row_description(slot, frame.body);
      return open_;
    case type::kNoData:
      if (slot.prepared == nullptr) return false;
      slot.prepared->described = true;
      return true;
    case type::kBindComplete:
      if (slot.prepared == nullptr) return false;
      if (slot.prepared->described) tell_columns(slot);
      return true;
    case type::kCommandComplete: {
      std::string_view command;
      const auto count = wire::read_command_tag(frame.body, command);
      if (slot.operation != nullptr) {
        slot.operation->affected = count;
        slot.operation->on_command(command, count);
      }
      if (slot.outcome == Outcome::pending) slot.outcome = Outcome::done;
      return true;
    }
    case type::kEmptyQuery:
      if (slot.outcome == Outcome::pending) slot.outcome = Outcome::done;
      return true;
    case type::kReadyForQuery:
      if (frame.body.size() != 1) return false;
      on_ready(frame.body[0]);
      return true;
    case type::kCopyInResponse:
      // While it copies the server skips a Sync, so what was sent with an extended query is gone: a new one.
      wire::append_copy_fail(out_, "COPY is not supported here");
      if (!slot.simple) wire::append_sync(out_);
      schedule_flush();
      slot.outcome = Outcome::copy;
      return true;
    case type::kCopyOutResponse:
    case type::kCopyBothResponse:
      slot.outcome = Outcome::copy;
      return true;
    case type::kCopyData:
    case type::kCopyDone:
      return slot.outcome == Outcome::copy;
    default:
      return false;
  }
}

void Connection::on_row_description(Slot& slot, std::string_view body) {
  if (slot.prepared == nullptr) {  // a simple query: its rows are dropped
    slot.stopped = true;
    return;
  }
  thread_local std::vector<wire::ColumnDescription> columns;
  if (!wire::read_row_description(body, columns)) return close(true);
  auto& formats = slot.prepared->formats;
  auto& kept = slot.prepared->columns;
  formats.clear();
  kept.clear();
  for (const auto& column : columns) {
    formats.push_back(&owner_.format(column.type_oid));
    kept.push_back({std::string(column.name), column.type_oid});
  }
  slot.prepared->described = true;
  if (slot.prepared->name.empty()) tell_columns(slot);
}

void Connection::tell_columns(Slot& slot) {
  if (slot.operation == nullptr || slot.stopped) return;
  slot.operation->columns_ = slot.prepared->columns;
  if (slot.operation->on_columns(slot.prepared->formats)) return;
  slot.stopped = true;
  slot.outcome = Outcome::prepare_again;
  if (slot.prepared->cached) {
    wire::append_close_statement(out_, slot.prepared->name);
    prepared_.forget(*slot.prepared);
    schedule_flush();
  }
}

void Connection::on_error(std::string_view body) {
  const auto fields = wire::read_error(body);
  if (fields.severity == "FATAL" || fields.severity == "PANIC") {
    const auto self = shared_from_this();
    open_ = false;  // nobody submits here while the outstanding ones are told
    had_work_ = !slots_.empty();
    lose_all(&fields);
    open_ = true;
    return close(true);
  }
  if (slots_.empty()) return;
  Slot& slot = slots_.front();
  const std::string_view state = fields.sql_state;
  const bool named = slot.prepared != nullptr && !slot.prepared->name.empty();
  if (named && ((slot.parses && !slot.parsed) || state == "26000" || state == "42P05" || state == "0A000")) {
    prepared_.forget(*slot.prepared);  // a failed Parse is never cached
  }
  if (slot.outcome == Outcome::copy || slot.outcome == Outcome::prepare_again) return;
  if (state == "57014" && !(cancelling_ && cancel_target_ == first_sequence_) && recently_cancelled()) {
    slot.outcome = Outcome::stray_cancel;
    return;
  }
  if (named && (state == "26000" || state == "42P05" ||
                (state == "0A000" && fields.routine == "RevalidateCachedQuery"))) {
    slot.outcome = Outcome::prepare_again;
  } else {
    slot.outcome = Outcome::error;
  }
  slot.stopped = true;
  if (slot.operation != nullptr) slot.operation->error = keep(fields);
}

void Connection::on_ready(char status) {
  Slot slot = slots_.front();
  slots_.pop_front();
  ++first_sequence_;
  transaction_status_ = status;
  if (slot.operation != nullptr) {
    slot.operation->service_time = std::chrono::duration_cast<std::chrono::microseconds>(
        read_at_ - std::max(slot.submitted, previous_end_));
  }
  previous_end_ = read_at_;
  deserted_timer_.cancel();
  finish(slot, slot.outcome == Outcome::pending ? Outcome::lost : slot.outcome);
  if (!open_) return;
  if (cancelling_) {
    end_cancel_if_through();
  } else {
    watch_deserted();
    owner_.on_free(*this);
  }
}

}  // namespace athena::postgres

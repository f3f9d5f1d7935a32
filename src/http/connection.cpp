#include "http/connection.h"

#include <poll.h>
#include <sys/socket.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <new>
#include <utility>

#include "http/shard_server.h"

namespace athena::http {
namespace {

using contract::Error;
using contract::ErrorCode;

// While a request is answered, this much of what follows it is taken from the socket; the rest waits in the
// kernel.
constexpr std::size_t kReadAhead = 16 * 1024;
constexpr int kReadsPerTurn = 4;  // so that one fast sender does not hold the shard

bool is_request_id(std::string_view text) {
  if (text.empty() || text.size() > 128) return false;
  for (const char c : text) {
    if (c < 0x21 || c > 0x7E) return false;
  }
  return true;
}

}  // namespace

ReaderLimits reader_limits(const ServerSettings& settings) {
  return {settings.max_header_bytes, settings.max_url_bytes, settings.max_header_lines,
          settings.max_body_bytes};
}

Connection::Connection(std::shared_ptr<ShardServer> server, Socket socket, Peer peer)
    : server_(std::move(server)),
      socket_(std::move(socket)),
      peer_(std::move(peer)),
      reader_(reader_limits(server_->settings()), server_->pools()),
      output_(server_->pools()),
      read_timer_([this] { on_read_timeout(); }),
      write_timer_([this] {
        const Pointer self(this);
        server_->application().rejected("timeout");
        close_now();
      }) {
  auto& request = reader_.request();
  request.peer = peer_.address;
  request.peer_is_loopback = peer_.loopback;
  request.local_port = peer_.local_port;
  request.tls = handshaking_ = peer_.tls;
}

Connection::~Connection() = default;

base::Shard& Connection::shard() {
  return server_->shard();
}

void Connection::wait_readable() {
  waiting_read_ = true;
  if (tls_ && !lingering_ && tls_->pending() > 0) {
    boost::asio::post(shard().context(), [self = Pointer(this)] {
      self->waiting_read_ = false;
      self->on_readable();
    });
    return;
  }
  socket_.async_wait(Socket::wait_read, [self = Pointer(this)](const boost::system::error_code& error) {
    self->waiting_read_ = false;
    if (!error) self->on_readable();
  });
}

void Connection::on_readable() {
  if (closed_) return;
  if (lingering_) {
    char waste[16384];
    const auto count = ::recv(descriptor(), waste, sizeof waste, MSG_DONTWAIT);
    if (count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR))) {
      wait_readable();
    } else {
      close_now();
    }
    return;
  }
  if (closing_ || (handshaking_ && !shake_hands())) return;
  if (receive() && (body_reader_ || discarding_)) wait_for(Wait::body, server_->settings().request_timeout);
  process();
}

/// Takes what the socket has, within bounds. True when there was something.
bool Connection::receive() {
  bool received = false;
  for (int turn = 0; turn < kReadsPerTurn && wants_to_read(); ++turn) {
    const auto room = reader_.prepare();
    const auto count = tls_ ? tls_->read(room.data(), room.size())
                            : ::recv(descriptor(), room.data(), room.size(), MSG_DONTWAIT);
    if (count > 0) {
      reader_.commit(static_cast<std::size_t>(count));
      received = true;
      // TLS gives one record at a time
      if (!tls_ && static_cast<std::size_t>(count) < room.size()) break;
      if (!body_reader_ && !discarding_) break;
      if (body_reader_ && reader_.body_remaining().value_or(0) == 0) break;
    } else if (count == 0) {
      on_end_of_stream();
      break;
    } else if (errno != EINTR) {
      if (errno == EPROTO) server_->application().rejected("framing");
      if (errno != EAGAIN && errno != EWOULDBLOCK) close_now();
      break;
    }
  }
  return received;
}

void Connection::on_end_of_stream() {
  eof_ = true;
  if (!active_) return;
  if (reader_.body_state() == RequestReader::Body::incomplete) {
    gone_ = true;
    body_failed(Error(ErrorCode::client_closed_request, "The connection ended before the body was complete."),
                "body");
    return;
  }
  pollfd state{descriptor(), POLLIN, 0};
  const bool both_sides = ::poll(&state, 1, 0) > 0 && (state.revents & (POLLHUP | POLLERR)) != 0;
  const bool may_be_half = peer_.local_port.empty() || !reader_.keep_alive() || request().minor_version == 0;
  if (both_sides || !may_be_half) caller_left();
}

void Connection::process() {
  if (processing_ || closed_) return;
  const Pointer self(this);
  processing_ = true;
  while (step()) {
  }
  processing_ = false;
  settle();
}

/// One step that needs no waiting; false when there is none.
bool Connection::step() {
  if (closed_) return false;
  if (active_) {
    if (!body_reader_) return false;
    const auto event = reader_.advance();
    if (event == RequestReader::Event::need_more) return false;
    if (event == RequestReader::Event::failed) {
      framing_lost_ = true;
      server_->application().rejected("body");
    }
    resume_body_reader();
    return true;
  }
  if (closing_ || pipeline_held()) return false;
  switch (reader_.advance()) {
    case RequestReader::Event::need_more:
      return false;
    case RequestReader::Event::head:
      start_request();
      return true;
    case RequestReader::Event::body:
      discarding_ = false;
      reader_.end_request();
      return true;
    case RequestReader::Event::failed:
      break;
  }
  if (discarding_) {
    server_->application().rejected("body");
    framing_lost_ = closing_ = true;
    return false;
  }
  const auto code = reader_.failure().code();
  refuse(reader_.failure(), code == ErrorCode::malformed_request   ? "framing"
                            : code == ErrorCode::payload_too_large ? "body"
                                                                   : "head");
  return false;
}

/// Arms what the connection waits for, or closes it.
void Connection::settle() {
  if (closed_ || lingering_) return;
  if (output_.pending() > 0 && !waiting_write_) send_pending();
  if (closed_) return;
  if (!active_) {
    if (eof_ && !pipeline_held()) closing_ = true;
    if (closing_) {
      wait_for(Wait::none, {});
      if (output_.pending() == 0) finish_close();
      return;
    }
  }
  if (!waiting_read_ && wants_to_read()) wait_readable();
  set_timer();
}

bool Connection::wants_to_read() const {
  if (eof_ || closed_) return false;
  if (active_) {
    if (reader_.body_state() == RequestReader::Body::incomplete) return reading_body_;
    return reader_.buffered() < kReadAhead;
  }
  return discarding_ || !pipeline_held();
}

void Connection::make_request_id() {
  const auto given = request().header("x-request-id");
  if (is_request_id(given)) {
    request_id_ = given;
  } else {
    made_id_ = base::uuid_v7();
    request_id_ = base::view(made_id_);
  }
}

void Connection::begin_exchange() {
  active_ = true;
  wait_ = Wait::none;  // the timer may still be armed; it does nothing then
  set_busy(true);
  received_at_ = last_activity_ = base::Clock::now();
  make_request_id();
  route = -1;
  client_label = "unknown";
  error_code = {};
  counted_in_flight = false;
  notes = nullptr;
  counted_ = streaming_ = dropped_ = aborted_ = keep_alive_ = close_after_reply_ = continue_sent_ = false;
  response_bytes_ = 0;
  response_.status = 200;
  response_.content_type = "application/json; charset=utf-8";
  response_.cache_control = "no-store";
  response_.extra_headers.clear();
  response_.trailers.clear();
  response_.body = server_->pools().bodies.take();
}

void Connection::start_request() {
  begin_exchange();
  auto& application = server_->application();
  auto& in_flight = server_->common().in_flight;
  if (in_flight.fetch_add(1, std::memory_order_relaxed) >= server_->settings().max_in_flight) {
    in_flight.fetch_sub(1, std::memory_order_relaxed);
    application.rejected("shed");
    application.fail(*this, Error(ErrorCode::overloaded, "The gateway runs as many requests as it may."));
    complete_reply();
    return;
  }
  counted_ = true;
  bool done = true;
  try {
    done = application.handle_now(*this);
    if (!done) {
      boost::asio::co_spawn(
          shard().context().get_executor(), application.handle(*this),
          [self = Pointer(this)](std::exception_ptr error) { self->handler_done(std::move(error)); });
    }
  } catch (...) {
    done = true;
    fail_with(std::current_exception());
  }
  if (done) complete_reply();
}

/// The reply of a request that got no further than its head.
void Connection::refuse(const contract::Error& error, std::string_view reason) {
  framing_lost_ = true;
  begin_exchange();
  server_->application().rejected(reason);
  server_->application().fail(*this, error);
  complete_reply();
}

void Connection::handler_done(std::exception_ptr error) {
  if (error) fail_with(std::move(error));
  complete_reply();
  process();
}

void Connection::fail_with(std::exception_ptr error) {
  if (streaming_) {
    if (!aborted_) server_->application().stream_aborted("cancelled");
    abort_stream("cancelled");
    return;
  }
  auto code = ErrorCode::internal_error;
  try {
    std::rethrow_exception(std::move(error));
  } catch (const std::bad_alloc&) {
    code = ErrorCode::overloaded;
  } catch (...) {
  }
  response_.extra_headers.clear();
  response_.body.clear();
  try {
    server_->application().fail(*this, Error(code));
  } catch (...) {
    response_.status = 500;
    response_.body.clear();
  }
}

bool Connection::body_complete() const {
  return reader_.body_state() == RequestReader::Body::complete && !reader_.media_error();
}

base::Task<contract::Result<void>> Connection::read_body() {
  if (reader_.media_error()) {
    close_after_reply_ = true;
    co_return *reader_.media_error();
  }
  if (reader_.body_state() == RequestReader::Body::incomplete && !gone_ && !closed_) {
    if (reader_.expects_continue() && !continue_sent_) {
      continue_sent_ = true;
      output_.append("HTTP/1.1 100 Continue\r\n\r\n");
      send_pending();
    }
    if (!closed_) {
      reading_body_ = true;
      wait_for(Wait::body, server_->settings().request_timeout);
      if (!waiting_read_) wait_readable();
      const bool complete = co_await base::suspend<bool>(
          [this](base::Completion<bool> reader) { body_reader_ = std::move(reader); });
      reading_body_ = false;
      if (complete) co_return contract::Result<void>{};
    }
  }
  switch (reader_.body_state()) {
    case RequestReader::Body::complete:
      co_return contract::Result<void>{};
    case RequestReader::Body::failed:
      framing_lost_ = true;
      co_return reader_.failure();
    case RequestReader::Body::incomplete:
      break;
  }
  close_after_reply_ = true;
  co_return Error(ErrorCode::client_closed_request, "The connection ended before the body was complete.");
}

void Connection::body_failed(const contract::Error& error, std::string_view reason) {
  reader_.fail_body(error);
  framing_lost_ = true;
  server_->application().rejected(reason);
  resume_body_reader();
}

void Connection::resume_body_reader() {
  if (!body_reader_) return;
  if (wait_ == Wait::body) wait_for(Wait::none, {});
  auto reader = std::move(body_reader_);
  std::move(reader)(reader_.body_state() == RequestReader::Body::complete);
}

}  // namespace athena::http

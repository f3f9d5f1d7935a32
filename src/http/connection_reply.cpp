#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <charconv>

#include "http/connection.h"
#include "http/shard_server.h"

namespace athena::http {
namespace {

// The rest of an unread body up to this size is cheaper to read than a new connection.
constexpr std::uint64_t kDiscardUpTo = 64 * 1024;
// Replies of pipelined requests are gathered up to this size before they are sent.
constexpr std::size_t kGatherUpTo = 64 * 1024;
// Larger bodies that are sent as a whole (to HTTP/1.0) would hold the shard too long.
constexpr std::size_t kCompressUpTo = 1024UL * 1024;
// The size of a stream is not known; one that begins with this much is compressed however large
// compression_min_bytes is.
constexpr std::size_t kCompressStreamFrom = 64UL * 1024;
constexpr std::chrono::milliseconds kLinger{1000};
constexpr std::chrono::milliseconds kLingerWhenDraining{250};

}  // namespace

bool Connection::can_stream() const {
  return request().minor_version >= 1 && request().method != Method::head;
}

bool Connection::pipeline_held() const {
  return output_.pending() >= server_->settings().write_window_bytes / 2;
}

bool Connection::can_discard_body() const {
  if (reader_.expects_continue() && !continue_sent_) return false;  // nobody knows whether it will come
  const auto remaining = reader_.body_remaining();
  return reader_.method_ignores_body() || (remaining && *remaining <= kDiscardUpTo);
}

bool Connection::may_keep_alive() const {
  if (close_after_reply_ || aborted_ || framing_lost_ || gone_ || eof_ || server_->draining()) return false;
  if (!reader_.keep_alive()) return false;
  switch (reader_.body_state()) {
    case RequestReader::Body::complete:
      return true;
    case RequestReader::Body::incomplete:
      return can_discard_body();
    case RequestReader::Body::failed:
      break;
  }
  return false;
}

void Connection::complete_reply() {
  if (!closed_) {
    if (streaming_) {
      end_stream();
    } else if (!gone_ || response_.status != 499) {
      write_reply();
    }
  }
  end_exchange();
}

void Connection::write_head(std::optional<std::uint64_t> content_length) {
  keep_alive_ = may_keep_alive();
  const ReplyHead head{request().minor_version, keep_alive_, content_length, request_id_};
  output_.write(
      [&](base::Buffer& out) { append_reply_head(out, response_, head, server_->common_headers()); });
}

/// Whether the reply's body, or the stream that begins with it, is compressed; says so in the head. The head
/// of HEAD is that of GET.
bool Connection::choose_coding(bool stream) {
  const auto configured = server_->settings().compression_min_bytes;
  const auto least = stream ? std::min(configured, kCompressStreamFrom) : configured;
  if (least == 0 || response_.body.size() < least || has_no_body(response_.status)) return false;
  if (!is_compressible(response_.content_type)) return false;
  if (response_.extra_headers.view().find("Content-Encoding: ") != std::string_view::npos) return false;
  response_.add_header("Vary", "Accept-Encoding");
  if (!accepts_gzip(request())) return false;
  response_.add_header("Content-Encoding", "gzip");
  return true;
}

/// Of a reply that is sent as a whole.
void Connection::compress_body() {
  if (response_.body.size() > kCompressUpTo || !choose_coding(false)) return;
  auto stream = server_->gzips().take();
  auto packed = server_->pools().bodies.take();
  stream->write(response_.body.view(), GzipStream::Flush::finish, packed);
  response_.body.swap(packed);
  server_->pools().bodies.give(std::move(packed));
  server_->gzips().give(std::move(stream));
}

void Connection::write_reply() {
  if (!dropped_) compress_body();
  const auto before = output_.pending();
  write_head(dropped_ ? std::nullopt : std::optional<std::uint64_t>(response_.body.size()));
  if (request().method != Method::head && !has_no_body(response_.status)) output_.append(response_.body);
  response_bytes_ += output_.pending() - before;
}

void Connection::append_chunk(GzipStream::Flush flush) {
  if (gzip_ && (!response_.body.empty() || flush == GzipStream::Flush::finish)) {
    auto packed = server_->pools().bodies.take();
    gzip_->write(response_.body.view(), flush, packed);
    response_.body.swap(packed);
    server_->pools().bodies.give(std::move(packed));
  }
  if (response_.body.empty()) return;
  std::array<char, 20> size;
  char* end = std::to_chars(size.data(), size.data() + 16, response_.body.size(), 16).ptr;
  *end++ = '\r';
  *end++ = '\n';
  output_.append({size.data(), static_cast<std::size_t>(end - size.data())});
  output_.append(response_.body);
  output_.append("\r\n");
}

Flow Connection::flush() {
  if (gone_ || closed_) return Flow::gone;
  if (request().method == Method::head && request().minor_version >= 1) {
    if (!dropped_) choose_coding(true);
    dropped_ = true;
    response_.body.clear();
    return Flow::more;
  }
  if (!can_stream() || aborted_) return Flow::more;
  const auto before = output_.pending();
  if (!streaming_) {
    if (choose_coding(true)) gzip_ = server_->gzips().take();
    streaming_ = true;
    write_head(std::nullopt);
  }
  append_chunk(GzipStream::Flush::sync);
  response_bytes_ += output_.pending() - before;
  send_pending();
  if (closed_) return Flow::gone;
  return output_.pending() >= server_->settings().write_window_bytes ? Flow::pause : Flow::more;
}

/// The final chunk, unless the stream broke.
void Connection::end_stream() {
  if (aborted_ || gone_) {
    keep_alive_ = false;
    return;
  }
  const auto before = output_.pending();
  append_chunk(GzipStream::Flush::finish);
  output_.append("0\r\n");
  output_.append(response_.trailers.view());
  output_.append("\r\n");
  response_bytes_ += output_.pending() - before;
  if (server_->closing()) keep_alive_ = false;
}

void Connection::abort_stream(std::string_view) {
  aborted_ = true;
  response_.body.clear();
}

void Connection::end_exchange() {
  if (!closed_ && (reader_.buffered() == 0 || output_.pending() > kGatherUpTo) && !waiting_write_)
    send_pending();
  if (streaming_ && !aborted_ && (gone_ || closed_))
    server_->application().stream_aborted(server_->common().something_cut.load() ? "drain" : "client_gone");
  try {
    server_->application().finished(*this, reader_.request_bytes(), response_bytes_);
  } catch (...) {
    // counting must not change a reply
  }
  if (counted_) server_->common().in_flight.fetch_sub(1, std::memory_order_relaxed);
  active_ = counted_ = streaming_ = false;
  on_gone_ = nullptr;
  on_drained_ = nullptr;
  server_->pools().bodies.give(std::move(response_.body));
  if (gzip_) server_->gzips().give(std::move(gzip_));
  arena_.release();
  if (closed_) return;
  if (!keep_alive_) {
    closing_ = true;
  } else if (reader_.body_state() == RequestReader::Body::incomplete) {
    discarding_ = true;
    reader_.discard_body();
  } else {
    reader_.end_request();
  }
}

ssize_t Connection::write_some() {
  std::array<iovec, 16> pieces;
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = output_.gather(pieces);
  if (tls_) {
    return tls_->write(static_cast<const char*>(pieces[0].iov_base), pieces[0].iov_len,
                       message.msg_iovlen > 1);
  }
  return message.msg_iovlen == 1
             ? ::send(descriptor(), pieces[0].iov_base, pieces[0].iov_len, MSG_NOSIGNAL | MSG_DONTWAIT)
             : ::sendmsg(descriptor(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void Connection::send_pending() {
  bool progress = false;
  while (output_.pending() > 0) {
    const auto count = write_some();
    if (count >= 0) {
      output_.sent(static_cast<std::size_t>(count));
      progress = true;
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (progress || !write_timer_.armed()) {
        server_->shard().timers().arm(write_timer_, server_->settings().disconnect_timeout);
      }
      if (!waiting_write_) wait_writable();
      return;
    } else if (errno != EINTR) {
      close_now();
      return;
    }
  }
  write_timer_.cancel();
}

void Connection::wait_writable() {
  waiting_write_ = true;
  socket_.async_wait(Socket::wait_write, [self = Pointer(this)](const boost::system::error_code& error) {
    self->waiting_write_ = false;
    if (!error) self->on_writable();
  });
}

void Connection::on_writable() {
  if (closed_ || (handshaking_ && !shake_hands())) return;
  send_pending();
  if (output_.pending() < server_->settings().write_window_bytes / 2) fire_drained();
  process();
}

void Connection::on_drained(std::function<void()> callback) {
  on_drained_ = std::move(callback);
  if (gone_ || closed_ || output_.pending() < server_->settings().write_window_bytes / 2) {
    boost::asio::post(shard().context(), [self = Pointer(this)] { self->fire_drained(); });
  }
}

void Connection::fire_drained() {
  if (!on_drained_) return;
  const auto callback = std::move(on_drained_);
  on_drained_ = nullptr;
  callback();
}

void Connection::on_client_gone(std::function<void()> callback) {
  on_gone_ = std::move(callback);
  if (gone_ && on_gone_) caller_left();
}

/// Tells the handler, from a fresh turn of the loop: it may be the handler that found out.
void Connection::caller_left() {
  gone_ = true;
  boost::asio::post(shard().context(), [self = Pointer(this)] { self->notify_gone(); });
}

void Connection::notify_gone() {
  if (!active_) return;
  if (reader_.body_state() == RequestReader::Body::incomplete) resume_body_reader();
  if (on_gone_) {
    const auto callback = std::move(on_gone_);
    on_gone_ = nullptr;
    callback();
  }
  fire_drained();
}

/// Everything is sent. Closing with unread input would make the kernel reset the connection, and the peer
/// might lose the reply; then the peer is given a moment to close first.
void Connection::finish_close() {
  // A broken stream ends without close_notify, as it ends without its final chunk.
  if (tls_ && !handshaking_ && !aborted_ && !tls_->send_close()) {
    if (!write_timer_.armed()) server_->shard().timers().arm(write_timer_, kLinger);
    if (!waiting_write_) wait_writable();
    return;
  }
  char byte = 0;
  const bool unread = framing_lost_ || discarding_ || reader_.buffered() > 0 ||
                      reader_.body_state() != RequestReader::Body::complete ||
                      ::recv(descriptor(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
  if (eof_ || !unread) {
    close_now();
    return;
  }
  lingering_ = true;
  set_busy(false);
  ::shutdown(descriptor(), SHUT_WR);
  wait_for(Wait::linger, server_->closing() ? kLingerWhenDraining : kLinger);
  if (!waiting_read_) wait_readable();
}

void Connection::close_now() {
  if (closed_) return;
  const Pointer self(this);
  closed_ = true;
  read_timer_.cancel();
  write_timer_.cancel();
  if (tls_ && !handshaking_ && !active_ && !aborted_ && output_.pending() == 0) tls_->send_close();
  boost::system::error_code ignored;
  socket_.close(ignored);
  output_.clear();
  set_busy(false);
  if (active_) caller_left();
  server_->left(*this);
}

}  // namespace athena::http

#pragma once

#include <array>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/intrusive/list.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <memory_resource>
#include <string>

#include "base/timer_wheel.h"
#include "base/uuid.h"
#include "http/exchange.h"
#include "http/gzip.h"
#include "http/output_queue.h"
#include "http/request_reader.h"
#include "http/tls.h"

namespace athena::http {

class ShardServer;

/// Where a connection comes from.
struct Peer {
  std::string address;  ///< text, or `unix`
  bool loopback = false;
  bool tls = false;  ///< the listener speaks TLS
  std::string local_port;
};

/// One connection: reads requests, has them answered one after the other, writes the replies. The state
/// machine is process(), which goes on until it must wait, and settle(), which then arms what it waits for.
/// All on the shard's thread. Lives as long as a wait, a handler or the list of its server refers to it.
///
/// When the peer closes its side while a handler runs: a reset, and on a unix socket a full close, mean that
/// the caller has left. A plain end of stream is a half-close for HTTP/1.0 and for requests with `Connection:
/// close` (nothing more could follow, so their senders may shut down early); otherwise it counts as leaving.
/// A reply that is made nevertheless is still sent unless its status is 499.
class Connection final
    : public Exchange,
      public boost::intrusive_ref_counter<Connection, boost::thread_unsafe_counter>,
      public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  using Socket = boost::asio::basic_stream_socket<boost::asio::generic::stream_protocol, base::Executor>;

  Connection(std::shared_ptr<ShardServer> server, Socket socket, Peer peer);
  ~Connection() override;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void start();
  /// The server drains: an idle connection closes, now or when a request that may be on its way has had time
  /// to arrive.
  void drain();
  /// Closes at once; the server is told when that breaks off a request or its reply.
  void cut();
  /// Lets go what a handler waits for, without running it; see ShardServer::abandon.
  void abandon();
  /// The server has other settings.
  void settings_changed();

  [[nodiscard]] const Request& request() const override { return reader_.request(); }
  [[nodiscard]] Response& response() override { return response_; }
  [[nodiscard]] std::pmr::memory_resource& memory() override { return arena_; }
  [[nodiscard]] std::string_view request_id() const override { return request_id_; }
  [[nodiscard]] base::Shard& shard() override;
  [[nodiscard]] base::Clock::time_point received_at() const override { return received_at_; }
  [[nodiscard]] bool body_complete() const override;
  [[nodiscard]] std::string_view body() const override { return reader_.body(); }
  base::Task<contract::Result<void>> read_body() override;
  [[nodiscard]] bool can_stream() const override;
  [[nodiscard]] bool streaming() const override { return streaming_; }
  Flow flush() override;
  void on_drained(std::function<void()> callback) override;
  void abort_stream(std::string_view reason) override;
  [[nodiscard]] bool client_gone() const override { return gone_; }
  void on_client_gone(std::function<void()> callback) override;
  void close_after_reply() override { close_after_reply_ = true; }

 private:
  using Pointer = boost::intrusive_ptr<Connection>;
  /// What read_timer_ measures.
  enum class Wait : std::uint8_t { none, first_byte, idle, head, body, drain, linger };

  // connection.cpp: the socket's events and the requests; connection_life.cpp: time, drain, cut
  void wait_readable();
  void on_readable();
  bool receive();
  void on_end_of_stream();
  void process();
  bool step();
  void settle();
  bool wants_to_read() const;
  void set_timer();
  void wait_for(Wait what, std::chrono::milliseconds time);
  void on_read_timeout();
  void set_busy(bool busy);
  void begin_exchange();
  void start_request();
  void refuse(const contract::Error& error, std::string_view reason);
  void handler_done(std::exception_ptr error);
  void fail_with(std::exception_ptr error);
  void body_failed(const contract::Error& error, std::string_view reason);
  void resume_body_reader();
  void make_request_id();

  // connection_tls.cpp
  bool shake_hands();

  // connection_reply.cpp: replies, sending, closing
  void complete_reply();
  void write_reply();
  void end_stream();
  bool choose_coding(bool stream);
  void compress_body();
  void write_head(std::optional<std::uint64_t> content_length);
  void end_exchange();
  bool may_keep_alive() const;
  bool can_discard_body() const;
  void append_chunk(GzipStream::Flush flush);
  void send_pending();
  ssize_t write_some();
  void wait_writable();
  void on_writable();
  void fire_drained();
  void post_drained();
  void finish_close();
  void close_now();
  void caller_left();
  void notify_gone();
  [[nodiscard]] int descriptor() { return socket_.native_handle(); }
  [[nodiscard]] bool pipeline_held() const;

  std::shared_ptr<ShardServer> server_;
  Socket socket_;
  std::unique_ptr<TlsChannel> tls_;
  Peer peer_;
  RequestReader reader_;
  OutputQueue output_;
  base::Timer read_timer_;
  base::Timer write_timer_;
  Wait wait_ = Wait::none;

  // the connection
  bool handshaking_ = false;  // TLS; tls_ is made when the first byte is there
  bool waiting_read_ = false;
  bool waiting_write_ = false;
  bool processing_ = false;
  bool busy_ = false;       // counted as active
  bool eof_ = false;        // the peer sends nothing more
  bool closing_ = false;    // closes when the output is sent
  bool lingering_ = false;  // our side is shut down, waiting for the peer's
  bool closed_ = false;
  bool discarding_ = false;  // answered; the rest of the body is read and dropped
  bool framing_lost_ = false;
  bool released_ = false;  // left the server's list
  base::Clock::time_point last_activity_ = base::Clock::now();

  // the exchange
  bool active_ = false;
  bool counted_ = false;  // in the server's in-flight count
  bool streaming_ = false;
  bool dropped_ = false;  // part of the body of a HEAD was not kept
  bool aborted_ = false;
  bool keep_alive_ = false;  // what the head of the reply said
  bool close_after_reply_ = false;
  bool gone_ = false;
  bool continue_sent_ = false;
  bool reading_body_ = false;
  Response response_;
  std::unique_ptr<GzipStream> gzip_;  // of a streamed reply
  std::uint64_t response_bytes_ = 0;
  std::string_view request_id_;
  base::UuidText made_id_{};
  base::Clock::time_point received_at_{};
  base::Completion<bool> body_reader_;
  std::function<void()> on_drained_;
  std::function<void()> on_gone_;
  std::array<std::byte, 4096> arena_block_;
  std::pmr::monotonic_buffer_resource arena_{arena_block_.data(), arena_block_.size()};
};

}  // namespace athena::http

#pragma once

// A small application and a blocking client for the tests of this folder.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <charconv>
#include <cstring>
#include <map>
#include <mutex>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "contract/envelope.h"
#include "http/server.h"

namespace athena::http::testing {

inline long number_in(std::string_view query) {
  long value = 0;
  const auto at = query.find('=');
  if (at != std::string_view::npos)
    std::from_chars(query.data() + at + 1, query.data() + query.size(), value);
  return value;
}

/// Answers a few paths; what the tests want to know is in the atomics. One object serves all shards.
class TestApplication : public Application {
 public:
  std::atomic<int> finished_count{0};
  std::atomic<int> started{0};
  std::atomic<int> gone_seen{0};
  std::atomic<std::uint64_t> produced{0};
  std::atomic<std::uint64_t> request_bytes{0};
  std::atomic<std::uint64_t> response_bytes{0};
  std::mutex mutex;
  std::map<std::string, int> rejections;

  int rejected_for(const std::string& reason) {
    const std::lock_guard lock(mutex);
    return rejections[reason];
  }

  bool handle_now(Exchange& exchange) override {
    ++started;
    const auto& request = exchange.request();
    auto& response = exchange.response();
    if (request.path == "/pong") {
      response.content_type = "text/plain";
      response.body.append("pong");
      return true;
    }
    if (request.path == "/throw-now") throw std::runtime_error("secret");
    if (request.path == "/no-memory") throw std::bad_alloc();
    if (request.path == "/no-content") {
      response.status = 204;
      return true;
    }
    if (request.path == "/what") {  // what arrived
      response.body.append(name(request.method));
      response.body.push_back(' ');
      response.body.append(request.path);
      response.body.push_back('?');
      response.body.append(request.query);
      for (const auto& header : request.headers) {
        response.body.push_back('|');
        response.body.append(header.name);
        response.body.push_back('=');
        response.body.append(header.value);
      }
      return true;
    }
    if (request.path == "/flushed") {  // in chunks, of HEAD too
      for (int piece = 0; piece < 3; ++piece) {
        response.body.append(std::string(static_cast<std::size_t>(number_in(request.query)), 'f'));
        exchange.flush();
      }
      return true;
    }
    if (request.path == "/size") {
      response.body.append(std::string(static_cast<std::size_t>(number_in(request.query)), 'x'));
      return true;
    }
    return false;
  }

  base::Task<void> handle(Exchange& exchange) override {
    const std::string path(exchange.request().path);
    const auto number = number_in(exchange.request().query);
    auto& response = exchange.response();
    if (path == "/echo") {
      auto read = co_await exchange.read_body();
      if (!read) {
        fail(exchange, read.error());
      } else {
        response.body.append(exchange.body());
      }
    } else if (path == "/later") {
      co_await wait(exchange, 0);
      response.body.append("later");
    } else if (path == "/sleep") {
      co_await wait(exchange, number);
      response.body.append("slept");
    } else if (path == "/throw") {
      co_await wait(exchange, 0);
      throw std::runtime_error("secret");
    } else if (path == "/stream") {
      co_await stream(exchange, number, false);
    } else if (path == "/abort") {
      co_await stream(exchange, number, true);
    } else if (path == "/stream-throw") {
      response.body.append("begun");
      exchange.flush();
      throw std::runtime_error("secret");
    } else if (path == "/until-gone") {
      bool gone = false;
      exchange.on_client_gone([&] { gone = true; });
      for (int turn = 0; turn < 300 && !gone; ++turn) co_await wait(exchange, 10);
      exchange.on_client_gone({});
      if (gone) {
        ++gone_seen;
        fail(exchange, contract::Error(contract::ErrorCode::client_closed_request));
      } else {
        response.body.append("stayed");
      }
    } else {
      fail(exchange, contract::Error(contract::ErrorCode::not_found));
    }
  }

  void fail(Exchange& exchange, const contract::Error& error) override {
    auto& response = exchange.response();
    response.status = contract::info(error.code()).status;
    response.body.clear();
    contract::append_error(response.body, error, {exchange.request_id(), "", false, false});
  }

  void finished(Exchange&, std::uint64_t request, std::uint64_t reply) override {
    request_bytes += request;
    response_bytes += reply;
    ++finished_count;
  }

  void rejected(std::string_view reason) override {
    const std::lock_guard lock(mutex);
    ++rejections[std::string(reason)];
  }

 private:
  using Timer =
      boost::asio::basic_waitable_timer<base::Clock, boost::asio::wait_traits<base::Clock>, base::Executor>;

  static base::Task<void> wait(Exchange& exchange, long milliseconds) {
    Timer timer(exchange.shard().context().get_executor(), std::chrono::milliseconds(milliseconds));
    co_await timer.async_wait(base::use_task);
  }

  base::Task<void> stream(Exchange& exchange, long total, bool abort) {
    const std::string piece(16 * 1024, 's');
    for (long left = total; left > 0;) {
      const auto bytes = std::min<std::size_t>(piece.size(), static_cast<std::size_t>(left));
      exchange.response().body.append(std::string_view(piece).substr(0, bytes));
      left -= static_cast<long>(bytes);
      produced += bytes;
      if (!exchange.can_stream()) continue;
      const auto flow = exchange.flush();
      if (flow == Flow::gone) {
        ++gone_seen;
        co_return;
      }
      if (flow == Flow::pause) {
        co_await base::suspend<bool>([&](base::Completion<bool> done) {
          auto shared = std::make_shared<base::Completion<bool>>(std::move(done));
          exchange.on_drained([shared] { std::move (*shared)(true); });
        });
      }
    }
    if (abort) exchange.abort_stream("database");
  }
};

struct Reply {
  int status = 0;
  std::string version;
  std::multimap<std::string, std::string> headers;  ///< names in lower case
  std::string body;
  bool complete = false;  ///< framing was whole

  [[nodiscard]] std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? std::string() : found->second;
  }
};

/// A blocking client; every wait ends after five seconds.
class Client {
 public:
  explicit Client(std::uint16_t port, int receive_buffer = 0) {
    descriptor_ = ::socket(AF_INET, SOCK_STREAM, 0);
    if (receive_buffer > 0)
      ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  explicit Client(const std::string& path) {
    descriptor_ = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    connected_ = ::connect(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  Client(Client&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)),
        connected_(other.connected_),
        buffer_(other.buffer_) {}
  Client& operator=(Client&&) = delete;
  virtual ~Client() { close(); }

  [[nodiscard]] bool connected() const { return connected_; }
  void close() {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
  }
  void reset() {
    const linger now{1, 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
  }
  void half_close() { ::shutdown(descriptor_, SHUT_WR); }

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto count = transmit(bytes);
      if (count <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }

  /// More bytes into the buffer; false at the end of the stream or after the time limit.
  bool more(std::size_t most = 65536, int milliseconds = 5000) {
    std::string piece(most, '\0');
    const auto count = receive(piece, milliseconds);
    if (count < 0) return false;
    if (count <= 0) {
      at_end_ = true;
      return false;
    }
    buffer_.append(piece, 0, static_cast<std::size_t>(count));
    return true;
  }

  Reply read(bool head_only = false) {
    Reply reply;
    std::size_t end = 0;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
      if (!more()) return reply;
    }
    std::string head = buffer_.substr(0, end + 2);
    buffer_.erase(0, end + 4);
    reply.version = head.substr(0, 8);
    reply.status = std::stoi(head.substr(9, 3));
    std::size_t at = head.find("\r\n") + 2;
    while (at < head.size()) {
      const auto stop = head.find("\r\n", at);
      const auto line = head.substr(at, stop - at);
      const auto colon = line.find(':');
      auto name = line.substr(0, colon);
      for (auto& c : name) c = static_cast<char>(std::tolower(c));
      reply.headers.emplace(name, line.substr(colon + 2));
      at = stop + 2;
    }
    if (head_only || reply.status == 204 || reply.status == 304 || reply.status == 100) {
      reply.complete = true;
    } else if (reply.header("transfer-encoding") == "chunked") {
      read_chunks(reply);
    } else {
      const auto length = std::stoul(reply.header("content-length"));
      while (buffer_.size() < length && more()) {
      }
      reply.complete = buffer_.size() >= length;
      reply.body = buffer_.substr(0, length);
      buffer_.erase(0, length);
    }
    return reply;
  }

  Reply ask(std::string_view bytes, bool head_only = false) {
    send(bytes);
    return read(head_only);
  }

  /// True when the server ends the connection within the time.
  bool ends(int milliseconds = 5000) {
    while (more(65536, milliseconds)) {
    }
    return at_end_;
  }
  [[nodiscard]] const std::string& unread() const { return buffer_; }
  void drop_unread() { buffer_.clear(); }

 protected:
  [[nodiscard]] int descriptor() const { return descriptor_; }
  virtual ssize_t transmit(std::string_view bytes) {
    return ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  /// Bytes; 0 at the end of the stream, also by a reset; −1 when nothing came in time.
  virtual ssize_t receive(std::string& piece, int milliseconds) {
    pollfd state{descriptor_, POLLIN, 0};
    if (::poll(&state, 1, milliseconds) <= 0) return -1;
    return std::max<ssize_t>(0, ::recv(descriptor_, piece.data(), piece.size(), 0));
  }

 private:
  void read_chunks(Reply& reply) {
    for (;;) {
      std::size_t end = 0;
      while ((end = buffer_.find("\r\n")) == std::string::npos) {
        if (!more()) return;
      }
      const auto size = std::stoul(buffer_.substr(0, end), nullptr, 16);
      while (buffer_.size() < end + 2 + size + 2) {
        if (!more()) return;
      }
      reply.body.append(buffer_, end + 2, size);
      buffer_.erase(0, end + 2 + size + 2);
      if (size == 0) {
        reply.complete = true;
        return;
      }
    }
  }

  int descriptor_ = -1;
  bool connected_ = false;
  bool at_end_ = false;
  std::string buffer_;
};

/// A server with two shards on a free port of the loopback.
class TestServer {
 public:
  explicit TestServer(ServerSettings settings = {}, unsigned shards = 2) : shards_(shards) {
    if (settings.port == 4052) settings.port = 0;
    server_.emplace(shards_, std::move(settings),
                    [this](base::Shard&) -> Application& { return application; });
    const auto listening = server_->listen();
    if (!listening) throw std::runtime_error(listening.error());
    shards_.start();
  }
  ~TestServer() {
    shards_.stop();
    server_.reset();
  }

  [[nodiscard]] std::uint16_t port() const { return server_->port(); }
  Server& server() { return *server_; }
  Client client(int receive_buffer = 0) { return Client(port(), receive_buffer); }
  Reply ask(std::string_view bytes) { return client().ask(bytes); }

  /// Waits up to five seconds.
  template <class Condition>
  static bool eventually(Condition condition) {
    for (int turn = 0; turn < 500; ++turn) {
      if (condition()) return true;
      ::usleep(10000);
    }
    return false;
  }

  TestApplication application;

 private:
  base::ShardGroup shards_;
  std::optional<Server> server_;
};

inline std::string get(std::string_view path, std::string_view more_headers = "") {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\n" + std::string(more_headers) + "\r\n";
}
inline std::string post(std::string_view path, std::string_view body, std::string_view more_headers = "") {
  return "POST " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\n" + std::string(more_headers) +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

}  // namespace athena::http::testing

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/shard.h"
#include "contract/error.h"
#include "http/exchange.h"

namespace athena::http {

struct ServerSettings {
  std::vector<std::string> bind{"127.0.0.1"};  ///< 127.0.0.1, 0.0.0.0, [::1], [::], localhost
  std::uint16_t port = 4052;                   ///< 0 = any free one
  std::string unix_socket;                     ///< path; empty = none
  /// Listening sockets the process was started with (socket activation): they take the place of bind, port
  /// and unix_socket. listen() takes them over.
  std::vector<int> inherited;
  int backlog = 2048;
  std::size_t max_connections = 10000;  ///< whole process; accepting pauses at it
  std::size_t max_in_flight = 20000;    ///< running requests of the process; above it 503 overloaded
  std::size_t max_body_bytes = 10485760;
  std::size_t max_header_bytes = 32768;
  std::size_t max_url_bytes = 8192;
  std::size_t max_header_lines = 100;
  std::size_t write_window_bytes = 1048576;
  std::chrono::milliseconds keep_alive{15000};
  std::chrono::milliseconds request_timeout{60000};     ///< head, and each body read
  std::chrono::milliseconds disconnect_timeout{60000};  ///< a reader that takes nothing for this long is cut
  std::chrono::seconds tcp_keepalive{75};
  std::chrono::milliseconds drain_delay{0};
  std::chrono::milliseconds drain_timeout{30000};
  std::size_t compression_min_bytes = 4096;  ///< smaller bodies are never compressed; 0 = none is
  std::string tls_cert_file;                 ///< PEM, with the chain; empty = plain HTTP
  std::string tls_key_file;
};

struct ConnectionCounts {
  std::uint64_t active = 0;  ///< with a request being read or answered
  std::uint64_t idle = 0;
};

/// HTTP/1.1 and 1.0 listeners on every shard (SO_REUSEPORT) and their connections.
class Server {
 public:
  /// `application(shard)` returns the application of that shard; it must outlive the server.
  Server(base::ShardGroup& shards, ServerSettings settings,
         std::function<Application&(base::Shard&)> application);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Proves by a plain bind and listen that nobody else has the port, then opens the listeners of all shards.
  /// Call before or after the shards run, from a thread that is none of them. The error's text is ready for
  /// the operator.
  base::Result<void, std::string> listen();
  /// The port in use (after listen()).
  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] bool listening() const;
  [[nodiscard]] bool draining() const;
  [[nodiscard]] ConnectionCounts connections() const;
  /// Other settings for what begins from now on, on every shard and without closing anything: limits,
  /// timeouts, keep-alive, write window, drain, compression, certificate. Those of the listeners (bind, port,
  /// unix_socket, inherited, backlog), max_connections and max_in_flight stay as they are. The certificate is
  /// read anew, also when its path is the same, and new connections get it; when that fails nothing changes,
  /// and the error's text is ready for the operator. Any thread that may block on two small files; not before
  /// listen(). Every shard has the settings once its loop has come to them.
  base::Result<void, std::string> apply(ServerSettings settings);
  /// apply() with the settings in use: for a certificate that was renewed in place.
  base::Result<void, std::string> reload_certificate();
  /// Running requests of the process; any thread.
  [[nodiscard]] std::uint64_t in_flight() const;

  /// Begins a drain: draining() is true at once; after drain_delay every listener takes what the kernel has
  /// queued and closes, idle connections close, running requests finish with `Connection: close`; what is
  /// left at drain_timeout is cut. `done(nothing_was_cut)` is called once, on some shard. Any thread.
  void drain(std::function<void(bool)> done);
  /// Cuts everything now. Any thread.
  void cut();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace athena::http

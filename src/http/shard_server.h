#pragma once

#include <atomic>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/intrusive/list.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/coroutine.h"
#include "base/shard.h"
#include "http/buffer_pool.h"
#include "http/connection.h"
#include "http/gzip.h"
#include "http/reply_head.h"
#include "http/server.h"
#include "http/tls.h"

namespace athena::http {

class ShardServer;

/// The settings with what is made of them. Immutable.
struct LiveSettings {
  ServerSettings settings;
  std::shared_ptr<const TlsContext> tls;  ///< null = plain HTTP
};

/// What the reader of a connection needs of the settings.
ReaderLimits reader_limits(const ServerSettings& settings);

/// What all shards of one server share. No sockets, so it may outlive the shards.
struct ServerCommon {
  explicit ServerCommon(ServerSettings given)
      : socket_file(given.unix_socket),
        live(std::make_shared<LiveSettings>(LiveSettings{std::move(given), nullptr})) {}
  ~ServerCommon() { remove_socket_file(); }

  const std::string socket_file;
  std::atomic<std::uint16_t> port{0};
  std::atomic<bool> listening{false};
  std::atomic<bool> draining{false};
  std::atomic<bool> something_cut{false};
  std::atomic<std::uint64_t> open{0};
  std::atomic<std::uint64_t> active{0};
  std::atomic<std::uint64_t> in_flight{0};
  std::atomic<unsigned> shards_left{0};  ///< whose listeners are open
  std::atomic<bool> has_socket_file{false};

  std::mutex mutex;                          ///< of what follows
  std::shared_ptr<const LiveSettings> live;  ///< the newest; shards have pointers of their own
  std::function<void(bool)> drained;

  /// A shard closed its listeners, or a connection closed: ends the drain when it was the last.
  void check_drained(base::Shard& here);
  void remove_socket_file();
};

struct ListenerOrigin {
  std::string port;        ///< text; empty = a unix socket
  bool inherited = false;  ///< others have it too: it must not be changed, only closed
};

/// The listeners and connections of one shard. Everything but the constructor runs on the shard's thread.
class ShardServer : public std::enable_shared_from_this<ShardServer> {
 public:
  ShardServer(base::Shard& shard, std::shared_ptr<ServerCommon> common, Application& application);
  ~ShardServer();
  ShardServer(const ShardServer&) = delete;
  ShardServer& operator=(const ShardServer&) = delete;

  /// Takes over a listening descriptor. `share` gives the shard for the next connection; null = always this
  /// one.
  void add_listener(int descriptor, ListenerOrigin origin, std::function<ShardServer&()> share);
  /// Other settings, for requests and connections that begin from now on.
  void apply(std::shared_ptr<const LiveSettings> live);
  /// A connection that was accepted, on any shard, and is counted in ServerCommon::open.
  void adopt(int descriptor, Peer peer);
  /// Waits for drain_delay, empties the accept queues, closes listeners and idle connections; cuts at
  /// drain_timeout.
  void begin_drain();
  /// Closes listeners and all connections now.
  void cut();
  /// The loop is being destroyed: requests that wait for their caller would keep themselves alive.
  void abandon();

  // for Connection
  void left(Connection& connection);
  [[nodiscard]] base::Shard& shard() { return shard_; }
  [[nodiscard]] Application& application() { return application_; }
  [[nodiscard]] ServerCommon& common() { return *common_; }
  [[nodiscard]] const ServerSettings& settings() const { return live_->settings; }
  /// Null = plain HTTP.
  [[nodiscard]] const TlsContext* tls() const { return live_->tls.get(); }
  [[nodiscard]] BufferPools& pools() { return pools_; }
  [[nodiscard]] GzipPool& gzips() { return gzips_; }
  [[nodiscard]] CommonHeaders& common_headers() { return common_headers_; }
  /// Idle connections close.
  [[nodiscard]] bool closing() const { return closing_; }
  /// Replies say `Connection: close`: already while the drain waits with its listeners open.
  [[nodiscard]] bool draining() const {
    return closing_ || common_->draining.load(std::memory_order_relaxed);
  }

 private:
  struct Listener;

  void wait(const std::shared_ptr<Listener>& listener);
  void on_acceptable(const std::shared_ptr<Listener>& listener);
  /// Accepts up to `most`; what to wait before the next attempt, or zero for the next event.
  std::chrono::milliseconds accept_some(Listener& listener, int most);
  std::chrono::milliseconds pause(Listener& listener, std::chrono::milliseconds time);
  void on_drain_timer();
  void close_listeners();

  base::Shard& shard_;
  std::shared_ptr<ServerCommon> common_;
  std::shared_ptr<const LiveSettings> live_;
  Application& application_;
  BufferPools pools_;
  GzipPool gzips_;
  CommonHeaders common_headers_;
  boost::intrusive::list<Connection, boost::intrusive::constant_time_size<false>> connections_;
  std::vector<std::shared_ptr<Listener>> listeners_;
  bool closing_ = false;
  bool cut_ = false;
  bool listeners_closed_ = false;
  base::Timer drain_timer_;
};

}  // namespace athena::http

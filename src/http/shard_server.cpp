#include "http/shard_server.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "http/listen.h"

namespace athena::http {
namespace {

constexpr int kAcceptsPerTurn = 32;  // then requests of open connections get their turn
constexpr std::chrono::milliseconds kHandshakesEnd{50};
constexpr std::chrono::milliseconds kPauseAtLimit{20};
constexpr std::chrono::milliseconds kPauseWithoutDescriptors{100};

Peer describe(const sockaddr_storage& address, const std::string& local_port) {
  Peer peer;
  peer.local_port = local_port;
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address).sin_addr;
    inet_ntop(AF_INET, &v4, text.data(), text.size());
    peer.loopback = (ntohl(v4.s_addr) >> 24) == 127;
    peer.address = text.data();
  } else if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
    const bool mapped = IN6_IS_ADDR_V4MAPPED(&v6);
    if (mapped) {
      inet_ntop(AF_INET, &v6.s6_addr[12], text.data(), text.size());
      peer.loopback = v6.s6_addr[12] == 127;
    } else {
      inet_ntop(AF_INET6, &v6, text.data(), text.size());
      peer.loopback = IN6_IS_ADDR_LOOPBACK(&v6);
    }
    peer.address = text.data();
  } else {
    peer.address = "unix";
    peer.loopback = true;
    peer.local_port.clear();
  }
  return peer;
}

/// Makes the kernel drop connection requests to a listening TCP socket, but nothing of connections that exist
/// or are being set up: a packet filter on SYN without ACK. On other sockets, and where filters are not
/// allowed, it does nothing.
void refuse_new_callers(int descriptor) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) != 0) return;
  if (address.ss_family != AF_INET && address.ss_family != AF_INET6) return;
  constexpr std::uint32_t kFlags = 13;  // their place in the TCP header
  constexpr std::uint32_t kSyn = 0x02;
  constexpr std::uint32_t kAck = 0x10;
  std::array<sock_filter, 5> program{{
      {BPF_LD | BPF_B | BPF_ABS, 0, 0, kFlags},
      {BPF_ALU | BPF_AND | BPF_K, 0, 0, kSyn | kAck},
      {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, kSyn},
      {BPF_RET | BPF_K, 0, 0, 0},
      {BPF_RET | BPF_K, 0, 0, 0xFFFFFFFF},
  }};
  const sock_fprog filter{program.size(), program.data()};
  ::setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter);
}

/// An accepted descriptor on its way to another shard, closed when it never gets there.
struct Parcel {
  explicit Parcel(int given) : descriptor(given) {}
  Parcel(Parcel&& other) noexcept : descriptor(std::exchange(other.descriptor, -1)) {}
  Parcel(const Parcel&) = delete;
  Parcel& operator=(const Parcel&) = delete;
  ~Parcel() {
    if (descriptor >= 0) ::close(descriptor);
  }
  int descriptor;
};

}  // namespace

void ServerCommon::check_drained(base::Shard& here) {
  if (shards_left.load() != 0 || open.load() != 0) return;
  listening.store(false);
  remove_socket_file();
  std::function<void(bool)> callback;
  {
    const std::lock_guard lock(mutex);
    callback = std::move(drained);
    drained = nullptr;
  }
  if (callback) {
    here.post([callback = std::move(callback), whole = !something_cut.load()] { callback(whole); });
  }
}

void ServerCommon::remove_socket_file() {
  if (has_socket_file.exchange(false)) ::unlink(socket_file.c_str());
}

struct ShardServer::Listener {
  Listener(boost::asio::io_context& context, int descriptor) : socket(context.get_executor(), descriptor) {}

  boost::asio::posix::basic_stream_descriptor<base::Executor> socket;
  ListenerOrigin origin;
  std::function<ShardServer&()> share;
  std::unique_ptr<base::Timer> pause;
  bool paused = false;
};

ShardServer::ShardServer(base::Shard& shard, std::shared_ptr<ServerCommon> common, Application& application)
    : shard_(shard),
      common_(std::move(common)),
      live_(common_->live),
      application_(application),
      drain_timer_([this] { on_drain_timer(); }) {}

ShardServer::~ShardServer() = default;

void ShardServer::add_listener(int descriptor, ListenerOrigin origin, std::function<ShardServer&()> share) {
  if (closing_ || cut_) {
    ::close(descriptor);
    return;
  }
  auto listener = std::make_shared<Listener>(shard_.context(), descriptor);
  listener->origin = std::move(origin);
  listener->share = std::move(share);
  listener->pause = std::make_unique<base::Timer>([this, weak = std::weak_ptr(listener)] {
    if (const auto held = weak.lock()) on_acceptable(held);
  });
  listeners_.push_back(listener);
  wait(listener);
}

void ShardServer::wait(const std::shared_ptr<Listener>& listener) {
  listener->socket.async_wait(boost::asio::posix::descriptor_base::wait_read,
                              [weak = weak_from_this(), listener](const boost::system::error_code& error) {
                                const auto self = weak.lock();
                                if (self && !error) self->on_acceptable(listener);
                              });
}

void ShardServer::on_acceptable(const std::shared_ptr<Listener>& listener) {
  if (!listener->socket.is_open()) return;
  const auto pause = accept_some(*listener, kAcceptsPerTurn);
  if (pause.count() > 0) {
    shard_.timers().arm(*listener->pause, pause);
  } else {
    wait(listener);
  }
}

std::chrono::milliseconds ShardServer::accept_some(Listener& listener, int most) {
  for (int count = 0; count < most; ++count) {
    // what the kernel has accepted when a drain begins is served in any case
    if (common_->open.fetch_add(1) >= settings().max_connections && !closing_) {
      common_->open.fetch_sub(1);
      pollfd queue{listener.socket.native_handle(), POLLIN, 0};
      if (::poll(&queue, 1, 0) <= 0) return {};
      return pause(listener, kPauseAtLimit);
    }
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    const int descriptor = ::accept4(listener.socket.native_handle(), reinterpret_cast<sockaddr*>(&address),
                                     &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor < 0) {
      const int error = errno;
      common_->open.fetch_sub(1);
      if (error == EAGAIN || error == EWOULDBLOCK) break;
      if (error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM) {
        return pause(listener, kPauseWithoutDescriptors);
      }
      continue;  // this connection is gone already, or was interrupted; the next may be fine
    }
    listener.paused = false;
    auto peer = describe(address, listener.origin.port);
    peer.tls = !peer.local_port.empty() && tls() != nullptr;
    auto& target = listener.share ? listener.share() : *this;
    if (&target == this) {
      adopt(descriptor, std::move(peer));
    } else {
      target.shard_.post([server = target.shared_from_this(), parcel = Parcel(descriptor),
                          peer = std::move(peer)]() mutable {
        server->adopt(std::exchange(parcel.descriptor, -1), std::move(peer));
      });
    }
  }
  return {};
}

std::chrono::milliseconds ShardServer::pause(Listener& listener, std::chrono::milliseconds time) {
  if (!listener.paused) application_.rejected("limit");  // once for a pause, not for each attempt to end it
  listener.paused = true;
  return time;
}

void ShardServer::adopt(int descriptor, Peer peer) {
  const int family = peer.local_port.empty() ? AF_UNIX : AF_INET;
  Connection::Socket socket(shard_.context().get_executor());
  boost::system::error_code error;
  if (!cut_) socket.assign(boost::asio::generic::stream_protocol(family, 0), descriptor, error);
  if (cut_ || error) {
    ::close(descriptor);
    common_->open.fetch_sub(1);
    common_->check_drained(shard_);
    return;
  }
  const boost::intrusive_ptr<Connection> connection(
      new Connection(shared_from_this(), std::move(socket), std::move(peer)));
  connections_.push_back(*connection);
  connection->start();
}

void ShardServer::apply(std::shared_ptr<const LiveSettings> live) {
  live_ = std::move(live);
  for (const auto& listener : listeners_) {
    if (!listener->origin.port.empty())
      set_keepalive(listener->socket.native_handle(), settings().tcp_keepalive);
  }
  for (auto& connection : connections_) connection.settings_changed();
}

void ShardServer::left(Connection& connection) {
  connections_.erase(connections_.iterator_to(connection));
  common_->open.fetch_sub(1);
  if (listeners_closed_) common_->check_drained(shard_);
}

void ShardServer::begin_drain() {
  if (closing_ || cut_) return;
  if (settings().drain_delay.count() > 0) {
    shard_.timers().arm(drain_timer_, settings().drain_delay);
  } else {
    on_drain_timer();
  }
}

void ShardServer::on_drain_timer() {
  const auto self = shared_from_this();
  if (listeners_closed_) {
    cut();
    return;
  }
  if (!closing_) {
    // Closing a listener resets the callers the kernel has accepted already. So first no new one gets to it,
    // then those that were on their way are taken, then it closes.
    closing_ = true;
    common_->remove_socket_file();
    for (const auto& listener : listeners_) {
      if (!listener->origin.inherited) refuse_new_callers(listener->socket.native_handle());
    }
    shard_.timers().arm(drain_timer_, kHandshakesEnd);
    std::vector<boost::intrusive_ptr<Connection>> all;
    for (auto& connection : connections_) all.emplace_back(&connection);
    for (const auto& connection : all) connection->drain();
    return;
  }
  for (const auto& listener : listeners_) accept_some(*listener, 2 * settings().backlog);
  shard_.timers().arm(drain_timer_, settings().drain_timeout);
  close_listeners();
}

void ShardServer::close_listeners() {
  for (const auto& listener : listeners_) {
    listener->pause->cancel();
    boost::system::error_code ignored;
    listener->socket.close(ignored);
  }
  listeners_.clear();
  if (listeners_closed_) return;
  listeners_closed_ = true;
  common_->shards_left.fetch_sub(1);
  common_->check_drained(shard_);
}

void ShardServer::abandon() {
  std::vector<boost::intrusive_ptr<Connection>> all;
  for (auto& connection : connections_) all.emplace_back(&connection);
  for (const auto& connection : all) connection->abandon();
}

void ShardServer::cut() {
  const auto self = shared_from_this();
  cut_ = closing_ = true;
  drain_timer_.cancel();
  std::vector<boost::intrusive_ptr<Connection>> all;
  for (auto& connection : connections_) all.emplace_back(&connection);
  for (const auto& connection : all) connection->cut();
  close_listeners();
}

}  // namespace athena::http

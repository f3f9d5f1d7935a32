#include "http/listen.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace athena::http {
namespace {

struct Address {
  Address() = default;

  std::string text;
  sockaddr_storage storage{};
  socklen_t size = 0;

  [[nodiscard]] int family() const { return storage.ss_family; }
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  void set_port(std::uint16_t port) {
    if (family() == AF_INET6) {
      reinterpret_cast<sockaddr_in6*>(&storage)->sin6_port = htons(port);
    } else {
      reinterpret_cast<sockaddr_in*>(&storage)->sin_port = htons(port);
    }
  }
};

struct OpenError {
  int number;  ///< errno
};

enum class Sharing : std::uint8_t { none, between_shards };

std::string error_text(int error) {
  return std::strerror(error);
}

std::string in_use(std::uint16_t port) {
  return "Address already in use (port " + std::to_string(port) +
         "). Stop the process using this port or choose a different one (e.g. --port).";
}

base::Result<Address, std::string> parse(const std::string& text) {
  Address address;
  address.text = text;
  auto bare = text == "localhost" ? std::string("127.0.0.1") : text;
  if (bare.size() > 2 && bare.front() == '[' && bare.back() == ']') bare = bare.substr(1, bare.size() - 2);
  if (auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
      inet_pton(AF_INET, bare.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    address.size = sizeof(sockaddr_in);
    return address;
  }
  if (auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
      inet_pton(AF_INET6, bare.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    address.size = sizeof(sockaddr_in6);
    return address;
  }
  return "\"" + text + "\" is not an address to listen on; use one like 127.0.0.1, 0.0.0.0 or [::].";
}

bool set(int descriptor, int level, int name, int value) {
  return ::setsockopt(descriptor, level, name, &value, sizeof value) == 0;
}

/// Options set here are inherited by the accepted connections.
base::Result<ListenDescriptor, OpenError> open(const Address& address, const ServerSettings& settings,
                                               Sharing sharing, bool v6_only) {
  ListenDescriptor listener(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int descriptor = listener.get();
  if (descriptor < 0) return OpenError{errno};
  set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1);
  if (sharing == Sharing::between_shards && !set(descriptor, SOL_SOCKET, SO_REUSEPORT, 1))
    return OpenError{errno};
  if (address.family() == AF_INET6) set(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, v6_only ? 1 : 0);
  set(descriptor, IPPROTO_TCP, TCP_NODELAY, 1);
  set_keepalive(descriptor, settings.tcp_keepalive);
  if (::bind(descriptor, address.get(), address.size) != 0) return OpenError{errno};
  if (::listen(descriptor, settings.backlog) != 0) return OpenError{errno};
  return listener;
}

std::uint16_t local_port(int descriptor) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return 0;
  return ntohs(storage.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&storage)->sin6_port
                                             : reinterpret_cast<sockaddr_in*>(&storage)->sin_port);
}

}  // namespace

void set_keepalive(int descriptor, std::chrono::seconds time) {
  if (time.count() <= 0) return;
  const auto idle = static_cast<int>(time.count());
  set(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1);
  set(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, idle);
  set(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, std::max(1, idle / 5));
  set(descriptor, IPPROTO_TCP, TCP_KEEPCNT, 5);
}

base::Result<Inherited, std::string> take_inherited(const std::vector<int>& descriptors,
                                                    const ServerSettings& settings) {
  Inherited result;
  for (const int descriptor : descriptors) result.listeners.emplace_back(descriptor);
  for (auto& listener : result.listeners) {
    const auto number = std::to_string(listener.get());
    int listens = 0;
    socklen_t size = sizeof listens;
    if (::getsockopt(listener.get(), SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens == 0) {
      return "Descriptor " + number + " of LISTEN_FDS is not a listening socket.";
    }
    sockaddr_storage address{};
    size = sizeof address;
    if (::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      return "Descriptor " + number + " of LISTEN_FDS has no address: " + error_text(errno) + ".";
    }
    const bool tcp = address.ss_family == AF_INET || address.ss_family == AF_INET6;
    if (!tcp && address.ss_family != AF_UNIX) {
      return "Descriptor " + number + " of LISTEN_FDS is neither TCP nor a unix socket.";
    }
    const int flags = ::fcntl(listener.get(), F_GETFL);
    if (flags < 0 || ::fcntl(listener.get(), F_SETFL, flags | O_NONBLOCK) != 0 ||
        ::fcntl(listener.get(), F_SETFD, FD_CLOEXEC) != 0) {
      return "Descriptor " + number + " of LISTEN_FDS cannot be used: " + error_text(errno) + ".";
    }
    std::uint16_t port = 0;
    if (tcp) {
      port = local_port(listener.get());
      set(listener.get(), IPPROTO_TCP, TCP_NODELAY, 1);
      set_keepalive(listener.get(), settings.tcp_keepalive);
      if (result.port == 0) result.port = port;
    }
    result.ports.push_back(port);
  }
  return result;
}

ListenDescriptor::~ListenDescriptor() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

base::Result<TcpListeners, std::string> open_tcp(const ServerSettings& settings, unsigned shards) {
  std::vector<Address> addresses;
  for (const auto& text : settings.bind) {
    auto address = parse(text);
    if (!address) return address.error();
    addresses.push_back(std::move(*address));
  }
  const bool v6_only =
      std::any_of(addresses.begin(), addresses.end(), [](const Address& a) { return a.family() == AF_INET; });

  TcpListeners result;
  result.port = settings.port;
  const auto sentence = [&](const Address& address, int error) {
    if (error == EADDRINUSE) return in_use(result.port);
    return "Cannot listen on " + address.text + " port " + std::to_string(result.port) + ": " +
           error_text(error) + ".";
  };
  {
    // With SO_REUSEPORT alone a second process would start silently and take half the connections.
    std::vector<ListenDescriptor> probes;
    for (auto& address : addresses) {
      address.set_port(result.port);
      auto probe = open(address, settings, Sharing::none, v6_only);
      if (!probe) return sentence(address, probe.error().number);
      if (result.port == 0) result.port = local_port(probe->get());
      address.set_port(result.port);
      probes.push_back(std::move(*probe));
    }
  }
  for (unsigned shard = 0; shard < shards; ++shard) {
    auto& listeners = result.per_shard.emplace_back();
    for (const auto& address : addresses) {
      auto listener = open(address, settings, Sharing::between_shards, v6_only);
      if (!listener) return sentence(address, listener.error().number);
      listeners.push_back(std::move(*listener));
    }
  }
  return result;
}

base::Result<ListenDescriptor, std::string> open_unix(const ServerSettings& settings) {
  const auto& path = settings.unix_socket;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return "The path of the unix socket is longer than " + std::to_string(sizeof address.sun_path - 1) +
           " bytes.";
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);

  struct stat info{};
  if (::lstat(path.c_str(), &info) == 0) {
    if (!S_ISSOCK(info.st_mode)) return path + " exists and is not a socket.";
    const ListenDescriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (probe.get() < 0) return "Cannot open a unix socket: " + error_text(errno) + ".";
    // EAGAIN: somebody listens, and the queue is full
    if (::connect(probe.get(), generic, sizeof address) == 0 || errno == EAGAIN) {
      return "Address already in use (" + path + "). Another process answers on this socket.";
    }
    if (errno != ECONNREFUSED) return "Cannot listen on " + path + ": " + error_text(errno) + ".";
    ::unlink(path.c_str());
  }
  ListenDescriptor listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (listener.get() < 0) return "Cannot open a unix socket: " + error_text(errno) + ".";
  if (::bind(listener.get(), generic, sizeof address) != 0 ||
      ::listen(listener.get(), settings.backlog) != 0) {
    return "Cannot listen on " + path + ": " + error_text(errno) + ".";
  }
  return listener;
}

}  // namespace athena::http

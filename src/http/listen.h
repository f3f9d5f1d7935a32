#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "http/server.h"

namespace athena::http {

/// A listening descriptor. Closes it unless it was released.
class ListenDescriptor {
 public:
  explicit ListenDescriptor(int descriptor) : descriptor_(descriptor) {}
  ListenDescriptor(ListenDescriptor&& other) noexcept : descriptor_(other.release()) {}
  ListenDescriptor& operator=(ListenDescriptor&&) = delete;
  ~ListenDescriptor();
  int release() {
    const int descriptor = descriptor_;
    descriptor_ = -1;
    return descriptor;
  }
  [[nodiscard]] int get() const { return descriptor_; }

 private:
  int descriptor_;
};

struct TcpListeners {
  std::uint16_t port = 0;
  std::vector<std::vector<ListenDescriptor>> per_shard;
};

/// Proves that nobody listens on the addresses, then opens each of them once per shard. The error is a
/// sentence for the operator. Any thread.
base::Result<TcpListeners, std::string> open_tcp(const ServerSettings& settings, unsigned shards);
/// Listening sockets that the process was started with.
struct Inherited {
  std::uint16_t port = 0;  ///< of the first TCP socket
  std::vector<ListenDescriptor> listeners;
  std::vector<std::uint16_t> ports;  ///< of each; 0 = a unix socket
};
/// Takes over the descriptors, also when it fails: each must listen on TCP or on a unix socket.
base::Result<Inherited, std::string> take_inherited(const std::vector<int>& descriptors,
                                                    const ServerSettings& settings);
/// TCP keep-alive of a socket, or of what a listener accepts from now on.
void set_keepalive(int descriptor, std::chrono::seconds time);
/// Opens the socket file; one that nobody answers on is replaced.
base::Result<ListenDescriptor, std::string> open_unix(const ServerSettings& settings);

}  // namespace athena::http

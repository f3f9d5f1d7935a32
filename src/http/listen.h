#pragma once

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
/// Opens the socket file; one that nobody answers on is replaced.
base::Result<ListenDescriptor, std::string> open_unix(const ServerSettings& settings);

}  // namespace athena::http

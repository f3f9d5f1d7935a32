#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace athena::app {

/// Tells the service manager how the process is doing (systemd's sd_notify protocol, own few lines): one
/// datagram per call to the socket in NOTIFY_SOCKET, a path or `@abstract`. Without that variable it does
/// nothing, and a manager that does not listen never holds up or fails the process. Any thread.
class ServiceManager {
 public:
  explicit ServiceManager(std::string socket) : socket_(std::move(socket)) {}

  /// The listeners are open, or a reload has ended.
  void ready() const { send("READY=1"); }
  /// A reload begins; `ready()` follows, also when it fails.
  void reloading() const;
  /// A drain has begun.
  void stopping() const { send("STOPPING=1"); }

 private:
  void send(std::string_view state) const;
  std::string socket_;
};

/// The listening sockets that the process was started with: descriptors 3 … of LISTEN_FDS, when LISTEN_PID is
/// this process. Empty without them; they close on exec. The error is ready for the operator.
base::Result<std::vector<int>, std::string> listen_descriptors(const std::string& listen_pid,
                                                               const std::string& listen_fds);

}  // namespace athena::app

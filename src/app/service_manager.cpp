#include "app/service_manager.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstring>
#include <ctime>

namespace athena::app {
namespace {

constexpr int kFirstDescriptor = 3;
constexpr int kMostDescriptors = 256;

template <class Number>
bool read_number(const std::string& text, Number& value) {
  const auto* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value);
  return read.ec == std::errc() && read.ptr == end;
}

}  // namespace

void ServiceManager::reloading() const {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const auto microseconds = static_cast<long long>(now.tv_sec) * 1000000 + now.tv_nsec / 1000;
  send("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(microseconds));
}

void ServiceManager::send(std::string_view state) const {
  sockaddr_un address{};
  if (socket_.size() < 2 || socket_.size() > sizeof address.sun_path) return;
  if (socket_.front() != '/' && socket_.front() != '@') return;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, socket_.data(), socket_.size());
  if (socket_.front() == '@') address.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
  const int descriptor = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return;
  ::sendto(descriptor, state.data(), state.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
           reinterpret_cast<const sockaddr*>(&address), size);
  ::close(descriptor);
}

base::Result<std::vector<int>, std::string> listen_descriptors(const std::string& listen_pid,
                                                               const std::string& listen_fds) {
  if (listen_pid.empty() || listen_fds.empty()) return std::vector<int>{};
  pid_t pid = 0;
  if (!read_number(listen_pid, pid)) return "LISTEN_PID must be a process id, not \"" + listen_pid + "\".";
  if (pid != ::getpid()) return std::vector<int>{};  // meant for another process
  int count = 0;
  if (!read_number(listen_fds, count) || count < 0 || count > kMostDescriptors) {
    return "LISTEN_FDS must be a number of sockets, not \"" + listen_fds + "\".";
  }
  std::vector<int> result;
  for (int descriptor = kFirstDescriptor; descriptor < kFirstDescriptor + count; ++descriptor) {
    if (::fcntl(descriptor, F_SETFD, FD_CLOEXEC) != 0) {
      return "LISTEN_FDS says " + std::to_string(count) + ", but descriptor " + std::to_string(descriptor) +
             " is not open.";
    }
    result.push_back(descriptor);
  }
  return result;
}

}  // namespace athena::app

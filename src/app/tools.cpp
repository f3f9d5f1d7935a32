#include "app/tools.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>

namespace athena::app {
namespace {

constexpr std::chrono::seconds kPatience{5};

/// `program --version` while it runs, and what it says.
class Running {
 public:
  explicit Running(const std::string& program) {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) return;
    output_ = ends[0];
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    const char* path = std::getenv("PATH");
    std::string path_variable = "PATH=" + std::string(path == nullptr ? "/usr/bin:/bin" : path);
    std::string name = program;
    std::string flag = "--version";
    std::array<char*, 3> arguments{name.data(), flag.data(), nullptr};
    std::array<char*, 2> environment{path_variable.data(), nullptr};
    if (posix_spawnp(&process_, name.c_str(), &actions, nullptr, arguments.data(), environment.data()) != 0)
      process_ = -1;
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
  }
  ~Running() {
    if (output_ >= 0) close(output_);
    if (process_ > 0) {
      kill(process_, SIGKILL);
      waitpid(process_, nullptr, 0);
    }
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  /// What it wrote until its end; empty unless it ended well in time.
  std::string text() {
    if (process_ <= 0) return {};
    std::string written;
    const auto end = std::chrono::steady_clock::now() + kPatience;
    for (;;) {
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
      pollfd wait{output_, POLLIN, 0};
      if (left.count() <= 0 || poll(&wait, 1, static_cast<int>(left.count())) == 0 || written.size() > 4096)
        return {};
      std::array<char, 256> part{};
      const auto count = read(output_, part.data(), part.size());
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) break;
      written.append(part.data(), static_cast<std::size_t>(count));
    }
    int status = 0;
    while (waitpid(process_, &status, WNOHANG) == 0) {
      if (std::chrono::steady_clock::now() > end) return {};
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    process_ = -1;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? written : std::string();
  }

 private:
  int output_ = -1;
  pid_t process_ = -1;
};

std::string number_in(const std::string& text) {
  const auto start = text.find_first_of("0123456789");
  if (start == std::string::npos) return {};
  return text.substr(start, text.find_first_not_of("0123456789.", start) - start);
}

}  // namespace

std::string tool_version(const std::string& program) {
  Running running(program);
  return number_in(running.text());
}

void ToolLookup::start() {
  // Not before the first request is answered, but beside the start: Debian's wrapper alone takes a tenth of a
  // second.
  thread_ = std::thread([this] {
    found_.pg_dump = tool_version("pg_dump");
    found_.pg_restore = tool_version("pg_restore");
    known_.store(&found_, std::memory_order_release);
  });
}

ToolLookup::~ToolLookup() {
  if (thread_.joinable()) thread_.join();
}

}  // namespace athena::app

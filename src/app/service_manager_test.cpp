#include "app/service_manager.h"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace athena::app {
namespace {

/// The service manager's end.
class Manager {
 public:
  explicit Manager(const std::string& name) : descriptor_(::socket(AF_UNIX, SOCK_DGRAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name.front() == '@') address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    EXPECT_EQ(::bind(descriptor_, reinterpret_cast<sockaddr*>(&address), size), 0);
  }
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;
  ~Manager() { ::close(descriptor_); }
  std::string next() {
    pollfd state{descriptor_, POLLIN, 0};
    if (::poll(&state, 1, 1000) <= 0) return {};
    char text[256];
    const auto size = ::recv(descriptor_, text, sizeof text, 0);
    return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : std::string();
  }

 private:
  int descriptor_;
};

TEST(ServiceManager, IsToldOverAPathAndAnAbstractSocket) {
  char folder[] = "/tmp/athena-notify-XXXXXX";
  const std::string path = ::mkdtemp(folder);
  for (const auto& name : {path + "/notify", "@athena-test-" + std::to_string(::getpid())}) {
    Manager manager(name);
    const ServiceManager told(name);
    told.ready();
    EXPECT_EQ(manager.next(), "READY=1");
    told.reloading();
    const auto reload = manager.next();
    EXPECT_EQ(reload.rfind("RELOADING=1\nMONOTONIC_USEC=", 0), 0U) << reload;
    EXPECT_GT(std::stoll(reload.substr(reload.rfind('=') + 1)), 0);
    told.stopping();
    EXPECT_EQ(manager.next(), "STOPPING=1");
  }
  std::filesystem::remove_all(path);
}

TEST(ServiceManager, NobodyThereOrNonsenseIsNoTrouble) {
  for (const std::string name : {"", "/", "@", "/nowhere/notify", "relative", "vsock:2:1"})
    ServiceManager(name).ready();
  ServiceManager("/" + std::string(5000, 'x')).stopping();
  // a manager that reads nothing
  const std::string name = "@athena-full-" + std::to_string(::getpid());
  Manager deaf(name);
  for (int turn = 0; turn < 2000; ++turn) ServiceManager(name).ready();
}

TEST(ListenDescriptors, AreTakenOnlyWhenTheyAreForThisProcess) {
  const auto own = std::to_string(::getpid());
  EXPECT_TRUE(listen_descriptors("", "1")->empty());
  EXPECT_TRUE(listen_descriptors(own, "")->empty());
  EXPECT_TRUE(listen_descriptors(own, "0")->empty());
  EXPECT_TRUE(listen_descriptors("1", "3")->empty());
}

TEST(ListenDescriptors, CloseOnExec) {
  const bool had = ::fcntl(3, F_GETFD) >= 0;
  if (!had) ASSERT_EQ(::dup2(0, 3), 3);
  ::fcntl(3, F_SETFD, 0);
  const auto found = listen_descriptors(std::to_string(::getpid()), "1");
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(*found, std::vector<int>{3});
  EXPECT_EQ(::fcntl(3, F_GETFD), FD_CLOEXEC);
  if (!had) ::close(3);
}

TEST(ListenDescriptors, MistakesAreNamed) {
  const auto own = std::to_string(::getpid());
  for (const std::string bad : {"x", "-1", "1x", "99999999999", "257", " 1"}) {
    const auto found = listen_descriptors(own, bad);
    ASSERT_FALSE(found.has_value()) << bad;
    EXPECT_NE(found.error().find("LISTEN_FDS"), std::string::npos);
  }
  EXPECT_FALSE(listen_descriptors("me", "1").has_value());
  const auto missing = listen_descriptors(own, "250");
  ASSERT_FALSE(missing.has_value());
  EXPECT_NE(missing.error().find("is not open"), std::string::npos);
}

}  // namespace
}  // namespace athena::app

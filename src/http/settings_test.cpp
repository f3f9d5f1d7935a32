// Settings that change while the server runs, and listening sockets it was started with.
#include <gtest/gtest.h>

#include <fcntl.h>

#include <filesystem>
#include <future>
#include <thread>

#include "http/test_application.h"

namespace athena::http {
namespace {

using namespace testing;
using std::chrono::milliseconds;

TEST(Apply, LimitsHoldForTheNextRequestOfAnOpenConnection) {
  TestServer server;
  auto client = server.client();
  EXPECT_EQ(client.ask(post("/echo", std::string(2000, 'x'))).status, 200);
  ServerSettings settings;
  settings.max_body_bytes = 1000;
  ASSERT_TRUE(server.server().apply(settings).has_value());
  EXPECT_EQ(client.ask(post("/echo", std::string(900, 'x'))).status, 200);
  EXPECT_EQ(client.ask(post("/echo", std::string(2000, 'x'))).status, 413);
  auto other = server.client();
  EXPECT_EQ(other.ask(post("/echo", std::string(2000, 'x'))).status, 413);
  settings.max_body_bytes = 5000;
  settings.max_header_bytes = 300;
  ASSERT_TRUE(server.server().apply(settings).has_value());
  EXPECT_EQ(server.ask(post("/echo", std::string(2000, 'x'))).status, 200);
  EXPECT_EQ(server.ask(get("/pong", "X: " + std::string(400, 'y') + "\r\n")).status, 431);
}

TEST(Apply, ARequestThatHasBegunKeepsItsLimits) {
  TestServer server;
  auto client = server.client();
  const auto whole = post("/echo", std::string(2000, 'x'));
  client.send(std::string_view(whole).substr(0, 500));
  std::this_thread::sleep_for(milliseconds(50));
  auto head = server.client();
  const auto long_head = get("/pong", "X: " + std::string(400, 'y') + "\r\n");
  head.send(std::string_view(long_head).substr(0, 100));
  std::this_thread::sleep_for(milliseconds(50));
  ServerSettings settings;
  settings.max_body_bytes = 1000;
  settings.max_header_bytes = 300;
  ASSERT_TRUE(server.server().apply(settings).has_value());
  std::this_thread::sleep_for(milliseconds(50));
  client.send(std::string_view(whole).substr(500));
  EXPECT_EQ(client.read().status, 200);
  head.send(std::string_view(long_head).substr(100));
  EXPECT_EQ(head.read().status, 200);
}

TEST(Apply, TimesHoldForWhatBegins) {
  TestServer server;
  auto client = server.client();
  EXPECT_EQ(client.ask(get("/pong")).status, 200);
  ServerSettings settings;
  settings.keep_alive = milliseconds(200);
  ASSERT_TRUE(server.server().apply(settings).has_value());
  EXPECT_EQ(client.ask(get("/pong")).status, 200);
  const auto start = base::Clock::now();
  EXPECT_TRUE(client.ends());
  EXPECT_LT(base::Clock::now() - start, std::chrono::seconds(2));
}

TEST(Apply, WhatBelongsToTheListenersStays) {
  TestServer server;
  const auto port = server.port();
  ServerSettings settings;
  settings.port = 1;
  settings.bind = {"203.0.113.1"};
  settings.unix_socket = "/nowhere/a.sock";
  settings.max_connections = 0;
  settings.max_in_flight = 0;
  ASSERT_TRUE(server.server().apply(settings).has_value());
  EXPECT_EQ(server.port(), port);
  for (int turn = 0; turn < 8; ++turn) EXPECT_EQ(server.ask(get("/pong")).status, 200);
}

TEST(Apply, DropsNoRequestUnderLoad) {
  TestServer server;
  std::atomic<bool> stop{false};
  std::atomic<int> failed{0};
  std::vector<std::thread> callers;
  for (int index = 0; index < 4; ++index) {
    callers.emplace_back([&] {
      auto client = server.client();
      while (!stop.load()) {
        if (client.ask(get("/pong")).status != 200) ++failed;
        if (client.ask(post("/echo", "some text")).body != "some text") ++failed;
      }
    });
  }
  for (int turn = 0; turn < 200; ++turn) {
    ServerSettings settings;
    settings.max_body_bytes = 1000 + static_cast<std::size_t>(turn);
    settings.write_window_bytes = 65536U + static_cast<std::size_t>(turn);
    ASSERT_TRUE(server.server().apply(settings).has_value());
    std::this_thread::sleep_for(milliseconds(2));
  }
  stop.store(true);
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(failed.load(), 0);
}

TEST(Apply, ABadCertificateChangesNothing) {
  TestServer server;
  ServerSettings settings;
  settings.max_body_bytes = 10;
  settings.tls_cert_file = "/nowhere/cert.pem";
  settings.tls_key_file = "/nowhere/key.pem";
  const auto applied = server.server().apply(settings);
  ASSERT_FALSE(applied.has_value());
  EXPECT_NE(applied.error().find("/nowhere/cert.pem"), std::string::npos);
  EXPECT_EQ(server.ask(post("/echo", std::string(100, 'x'))).status, 200);
}

int listening_tcp(std::uint16_t& port) {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ::bind(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address);
  ::listen(descriptor, 16);
  socklen_t size = sizeof address;
  ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size);
  port = ntohs(address.sin_port);
  return descriptor;
}

int listening_unix(const std::string& path) {
  const int descriptor = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  ::bind(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address);
  ::listen(descriptor, 16);
  return descriptor;
}

TEST(Inherited, SocketsTakeThePlaceOfThePort) {
  char name[] = "/tmp/athena-inherit-XXXXXX";
  const std::string folder = ::mkdtemp(name);
  std::uint16_t port = 0;
  const int held = listening_tcp(port);  // as a service manager holds it
  ServerSettings settings;
  settings.inherited = {::dup(held), listening_unix(folder + "/a.sock")};
  settings.bind = {"203.0.113.1"};
  settings.unix_socket = folder + "/not-made.sock";
  {
    TestServer server(settings);
    EXPECT_EQ(server.port(), port);
    for (int turn = 0; turn < 8; ++turn) EXPECT_EQ(Client(port).ask(get("/pong")).status, 200);
    EXPECT_EQ(Client(folder + "/a.sock").ask(get("/pong")).status, 200);
    EXPECT_FALSE(std::filesystem::exists(folder + "/not-made.sock"));
    std::promise<bool> done;
    server.server().drain([&](bool whole) { done.set_value(whole); });
    auto future = done.get_future();
    ASSERT_EQ(future.wait_for(std::chrono::seconds(8)), std::future_status::ready);
    EXPECT_TRUE(future.get());
  }
  EXPECT_TRUE(std::filesystem::exists(folder + "/a.sock"));  // not ours to remove
  {
    // whoever comes next with the same socket is reached by callers
    Client waiting(port);
    EXPECT_TRUE(waiting.connected());
    ServerSettings next;
    next.inherited = {::dup(held)};
    TestServer server(next);
    EXPECT_EQ(waiting.ask(get("/pong")).status, 200);
  }
  ::close(held);
  std::filesystem::remove_all(folder);
}

TEST(Inherited, RefusesWhatDoesNotListen) {
  const auto error = [](int descriptor) -> std::string {
    ServerSettings settings;
    settings.inherited = {descriptor};
    try {
      const TestServer server(settings);
    } catch (const std::runtime_error& thrown) {
      return thrown.what();
    }
    return {};
  };
  const int file = ::open("/dev/null", O_RDONLY);
  EXPECT_EQ(error(file), "Descriptor " + std::to_string(file) + " of LISTEN_FDS is not a listening socket.");
  const int idle = ::socket(AF_INET, SOCK_STREAM, 0);
  EXPECT_EQ(error(idle), "Descriptor " + std::to_string(idle) + " of LISTEN_FDS is not a listening socket.");
  EXPECT_EQ(error(900), "Descriptor 900 of LISTEN_FDS is not a listening socket.");
}

}  // namespace
}  // namespace athena::http

// Listening, limits of the process, timeouts and the drain.
#include <gtest/gtest.h>

#include <sys/stat.h>

#include <filesystem>
#include <future>
#include <thread>

#include "http/test_application.h"

namespace athena::http {
namespace {

using namespace testing;
using std::chrono::milliseconds;

/// Seconds that `work` takes.
template <class Work>
double time_of(Work work) {
  const auto start = base::Clock::now();
  work();
  return std::chrono::duration<double>(base::Clock::now() - start).count();
}

struct SocketFolder {
  SocketFolder() {
    char name[] = "/tmp/athena-http-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~SocketFolder() { std::filesystem::remove_all(path); }
  std::string path;
};

bool drain(TestServer& server) {
  std::promise<bool> done;
  server.server().drain([&](bool whole) { done.set_value(whole); });
  EXPECT_TRUE(server.server().draining());
  auto future = done.get_future();
  EXPECT_EQ(future.wait_for(std::chrono::seconds(8)), std::future_status::ready);
  return future.get();
}

TEST(Listen, RefusesAPortInUse) {
  TestServer first;
  ServerSettings settings;
  settings.port = first.port();
  base::ShardGroup shards(2);
  TestApplication application;
  Server second(shards, settings, [&](base::Shard&) -> Application& { return application; });
  const auto result = second.listen();
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error(),
            "Address already in use (port " + std::to_string(first.port()) +
                "). Stop the process using this port or choose a different one (e.g. --port).");
  EXPECT_FALSE(second.listening());
  EXPECT_EQ(first.ask(get("/pong")).status, 200);
}

TEST(Listen, TakesSeveralAddresses) {
  ServerSettings settings;
  settings.bind = {"127.0.0.1", "[::1]"};
  TestServer server(settings);
  EXPECT_TRUE(server.server().listening());
  EXPECT_EQ(server.ask(get("/pong")).status, 200);
  const int descriptor = ::socket(AF_INET6, SOCK_STREAM, 0);
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(server.port());
  address.sin6_addr = in6addr_loopback;
  EXPECT_EQ(::connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ::close(descriptor);
}

TEST(Listen, LocalhostIsTheLoopbackAddress) {
  ServerSettings settings;
  settings.bind = {"localhost"};
  TestServer server(settings);
  EXPECT_EQ(server.ask(get("/pong")).status, 200);
}

TEST(Listen, RefusesWhatIsNoAddress) {
  ServerSettings settings;
  settings.bind = {"example.com"};
  EXPECT_THROW(TestServer{settings}, std::runtime_error);
}

TEST(Listen, ServesAUnixSocket) {
  const SocketFolder folder;
  ServerSettings settings;
  settings.unix_socket = folder.path + "/a.sock";
  {
    TestServer server(settings);
    std::vector<Client> clients;
    for (int index = 0; index < 8; ++index) clients.emplace_back(settings.unix_socket);
    for (auto& client : clients) EXPECT_EQ(client.ask(get("/pong")).body, "pong");
    EXPECT_EQ(server.ask(get("/pong")).status, 200);
    // somebody answers on it
    ServerSettings other = settings;
    EXPECT_THROW(TestServer{other}, std::runtime_error);
    EXPECT_EQ(clients[0].ask(get("/later")).status, 200);
  }
  EXPECT_FALSE(std::filesystem::exists(settings.unix_socket));
}

TEST(Listen, ReplacesAStaleSocketFileButNoOther) {
  const SocketFolder folder;
  ServerSettings settings;
  settings.unix_socket = folder.path + "/a.sock";
  {
    const int descriptor = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, settings.unix_socket.data(), settings.unix_socket.size());
    ASSERT_EQ(::bind(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ::close(descriptor);
  }
  {
    TestServer server(settings);
    EXPECT_EQ(Client(settings.unix_socket).ask(get("/pong")).status, 200);
  }
  std::FILE* file = std::fopen(settings.unix_socket.c_str(), "w");
  std::fclose(file);
  EXPECT_THROW(TestServer{settings}, std::runtime_error);
  EXPECT_TRUE(std::filesystem::exists(settings.unix_socket));
}

TEST(Limits, AcceptingPausesAtMaxConnections) {
  ServerSettings settings;
  settings.max_connections = 3;
  TestServer server(settings);
  std::vector<Client> held;
  for (int index = 0; index < 3; ++index) {
    held.push_back(server.client());
    EXPECT_EQ(held.back().ask(get("/pong")).status, 200);
  }
  auto waiting = server.client();
  waiting.send(get("/pong"));
  EXPECT_FALSE(waiting.more(1000, 200));
  held.pop_back();
  EXPECT_EQ(waiting.read().status, 200);
  EXPECT_EQ(server.application.rejected_for("limit"), 1);
}

TEST(Limits, RefusesAboveMaxInFlight) {
  ServerSettings settings;
  settings.max_in_flight = 2;
  TestServer server(settings);
  auto a = server.client();
  auto b = server.client();
  a.send(get("/sleep?ms=500"));
  b.send(get("/sleep?ms=500"));
  EXPECT_TRUE(TestServer::eventually([&] { return server.server().in_flight() == 2; }));
  auto c = server.client();
  const auto refused = c.ask(get("/pong"));
  EXPECT_EQ(refused.status, 503);
  EXPECT_NE(refused.body.find("overloaded"), std::string::npos);
  EXPECT_EQ(server.application.rejected_for("shed"), 1);
  EXPECT_EQ(a.read().body, "slept");
  EXPECT_EQ(b.read().body, "slept");
  EXPECT_TRUE(TestServer::eventually([&] { return server.server().in_flight() == 0; }));
  EXPECT_EQ(c.ask(get("/pong")).status, 200);
}

TEST(Limits, CountsConnections) {
  TestServer server;
  auto idle = server.client();
  EXPECT_EQ(idle.ask(get("/pong")).status, 200);
  auto busy = server.client();
  busy.send(get("/sleep?ms=400"));
  auto half = server.client();
  half.send("GET /pong");
  EXPECT_TRUE(TestServer::eventually([&] {
    const auto counts = server.server().connections();
    return counts.active == 2 && counts.idle == 1;
  }));
  busy.read();
  half.close();
  EXPECT_TRUE(TestServer::eventually([&] {
    const auto counts = server.server().connections();
    return counts.active == 0 && counts.idle == 2;
  }));
}

ServerSettings short_times() {
  ServerSettings settings;
  settings.request_timeout = milliseconds(300);
  settings.keep_alive = milliseconds(200);
  return settings;
}

TEST(Timeouts, CloseIdleConnections) {
  TestServer server(short_times());
  auto client = server.client();
  client.ask(get("/pong"));
  const auto seconds = time_of([&] { EXPECT_TRUE(client.ends()); });
  EXPECT_GE(seconds, 0.15);
  EXPECT_LT(seconds, 0.7);
  EXPECT_TRUE(client.unread().empty());
}

TEST(Timeouts, EndASlowHead) {
  TestServer server(short_times());
  auto client = server.client();
  const auto seconds = time_of([&] {
    for (int index = 0; index < 40; ++index) {  // a byte now and then does not help
      if (!client.send("G") || client.more(1000, 20)) break;
    }
  });
  EXPECT_GE(seconds, 0.25);
  EXPECT_LT(seconds, 0.8);
  EXPECT_EQ(client.read().status, 400);
  EXPECT_EQ(server.application.rejected_for("timeout"), 1);
}

TEST(Timeouts, EndABodyThatStops) {
  TestServer server(short_times());
  auto client = server.client();
  client.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n");
  for (int index = 0; index < 5; ++index) {  // each read has its own time
    ::usleep(100000);
    client.send("a");
  }
  const auto seconds = time_of([&] { EXPECT_EQ(client.read().status, 400); });
  EXPECT_GE(seconds, 0.25);
  EXPECT_LT(seconds, 0.8);
  EXPECT_TRUE(client.ends());
}

TEST(Timeouts, ManySlowSendersDoNotHoldUpOthers) {
  TestServer server;
  std::vector<Client> slow;
  for (int index = 0; index < 200; ++index) {
    slow.push_back(server.client());
    slow.back().send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\na");
  }
  auto client = server.client();
  const auto seconds = time_of([&] {
    for (int index = 0; index < 200; ++index) ASSERT_EQ(client.ask(get("/pong")).status, 200);
  });
  EXPECT_LT(seconds, 2.0);
}

TEST(Drain, EndsWhenNothingRuns) {
  TestServer server;
  auto used = server.client();
  used.ask(get("/pong"));
  ::usleep(550000);
  const auto seconds = time_of([&] { EXPECT_TRUE(drain(server)); });
  EXPECT_LT(seconds, 0.5);
  EXPECT_TRUE(used.ends());
  EXPECT_FALSE(server.client().connected());
  EXPECT_FALSE(server.server().listening());
}

TEST(Drain, FinishesRunningRequests) {
  TestServer server;
  auto running = server.client();
  running.send(get("/sleep?ms=400"));
  auto reading = server.client();
  reading.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n");
  auto fresh = server.client();
  EXPECT_TRUE(TestServer::eventually([&] { return server.application.started == 2; }));
  std::thread late([&] {
    ::usleep(100000);
    fresh.send(get("/pong"));  // connected before the drain, asks after it
    reading.send("abc");
  });
  EXPECT_TRUE(drain(server));
  late.join();
  for (auto* client : {&running, &reading, &fresh}) {
    const auto reply = client->read();
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.header("connection"), "close");
    EXPECT_TRUE(client->ends());
  }
}

TEST(Drain, CutsAtTheLimit) {
  ServerSettings settings;
  settings.drain_timeout = milliseconds(300);
  TestServer server(settings);
  auto running = server.client();
  running.send(get("/until-gone"));
  EXPECT_TRUE(TestServer::eventually([&] { return server.application.started == 1; }));
  const auto seconds = time_of([&] { EXPECT_FALSE(drain(server)); });
  EXPECT_GE(seconds, 0.25);
  EXPECT_LT(seconds, 0.8);
  EXPECT_TRUE(TestServer::eventually([&] { return server.application.gone_seen == 1; }));
  EXPECT_TRUE(running.ends());
}

TEST(Drain, WaitsForTheDelayAndServesMeanwhile) {
  ServerSettings settings;
  settings.drain_delay = milliseconds(300);
  TestServer server(settings);
  std::promise<bool> done;
  server.server().drain([&](bool whole) { done.set_value(whole); });
  const auto reply = server.ask(get("/pong"));
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.header("connection"), "close");
  EXPECT_TRUE(done.get_future().get());
}

TEST(Drain, CutEndsEverythingAtOnce) {
  TestServer server;
  auto running = server.client();
  running.send(get("/sleep?ms=5000"));
  EXPECT_TRUE(TestServer::eventually([&] { return server.application.started == 1; }));
  std::promise<bool> done;
  server.server().drain([&](bool whole) { done.set_value(whole); });
  const auto seconds = time_of([&] {
    server.server().cut();
    EXPECT_FALSE(done.get_future().get());
  });
  EXPECT_LT(seconds, 0.5);
  EXPECT_TRUE(running.ends());
}

TEST(Drain, LosesNoRequestUnderLoad) {
  for (int round = 0; round < 3; ++round) {
    TestServer server;
    std::atomic<bool> refused{false};
    std::atomic<int> lost{0};
    std::atomic<int> answered{0};
    std::vector<std::thread> callers;
    for (int index = 0; index < 8; ++index) {
      callers.emplace_back([&, index] {
        while (!refused) {
          auto client = server.client();
          if (!client.connected()) {
            refused = true;
            return;
          }
          for (int turn = 0; turn < 20; ++turn) {
            const auto reply = client.ask(get(index % 2 == 0 ? "/pong" : "/sleep?ms=2"));
            if (reply.status != 200) {
              ++lost;
              ADD_FAILURE() << "request " << turn << " of a connection got " << reply.status;
              return;
            }
            ++answered;
            if (reply.header("connection") == "close") break;
          }
        }
      });
    }
    ::usleep(200000);
    EXPECT_TRUE(drain(server));
    for (auto& caller : callers) caller.join();
    EXPECT_GT(answered, 100);
    EXPECT_EQ(lost, 0);
  }
}

}  // namespace
}  // namespace athena::http

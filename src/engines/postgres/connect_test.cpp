// Connecting to servers that the test plays: refusals, broken handshakes, and what must never be sent.
#include "engines/postgres/connect.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <thread>
#include <vector>

namespace athena::postgres {
namespace {

using namespace std::string_literals;
using namespace std::chrono_literals;

std::string u32(std::size_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
          static_cast<char>(value)};
}
std::string frame(char type, const std::string& body) {
  return type + u32(body.size() + 4) + body;
}
const std::string kWelcome = frame('R', u32(0)) + frame('S', "server_version\0"s + "15.0\0"s) +
                             frame('S', "client_encoding\0"s + "UTF8\0"s) + frame('K', u32(4711) + u32(1)) +
                             frame('Z', "I");

/// Accepts connections on a loopback port and lets `serve` play each of them.
class FakeServer {
 public:
  /// One accepted connection, for the test's part.
  struct Peer {
    int socket;
    std::string read(std::size_t most = 4096) const {
      pollfd entry{socket, POLLIN, 0};
      if (::poll(&entry, 1, 3000) != 1) return "<timeout>";
      std::string bytes(most, '\0');
      const auto got = ::recv(socket, bytes.data(), most, 0);
      bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
      return bytes;
    }
    void write(const std::string& bytes) const {
      std::ignore = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    }
  };
  explicit FakeServer(std::function<void(const Peer&, int nth)> serve) : serve_(std::move(serve)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    std::ignore = ::bind(listener_, reinterpret_cast<const sockaddr*>(&address), size);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    ::listen(listener_, 8);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] {
      for (int nth = 0;; ++nth) {
        const Peer peer{::accept(listener_, nullptr, nullptr)};
        if (peer.socket < 0) return;
        serve_(peer, nth);
        ::close(peer.socket);
      }
    });
  }
  ~FakeServer() {
    ::shutdown(listener_, SHUT_RDWR);
    ::close(listener_);
    thread_.join();
  }
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;
  [[nodiscard]] std::string uri(const std::string& rest = "") const {
    return "postgresql://ada@127.0.0.1:" + std::to_string(port_) + "/shop" + rest;
  }

 private:
  std::function<void(const Peer&, int)> serve_;
  int listener_ = -1;
  int port_ = 0;
  std::thread thread_;
};

Connector::Outcome connect(const std::string& uri, std::chrono::milliseconds timeout = 3000ms) {
  contract::PostgresConnection connection;
  connection.uri = uri;
  auto target = parse_target(connection);
  EXPECT_TRUE(target);
  auto connector = std::make_shared<Connector>(
      Connector::Parameters{*target, "shop", StartupOptions().set("DateStyle", "ISO").text(),
                            StartupOptions().set("lock_timeout", "100").text(), timeout});
  base::ShardGroup shards(1);
  shards.start();
  std::promise<Connector::Outcome> promise;
  auto future = promise.get_future();
  auto mailbox = std::make_shared<Mailbox>(shards[0]);
  connector->start(mailbox, true,
                   [&promise](Connector::Outcome outcome) { promise.set_value(std::move(outcome)); });
  auto outcome = future.get();
  shards.run_on_all([&mailbox](base::Shard&) { mailbox->close(); });
  shards.stop();
  return outcome;
}

TEST(Connect, WhatTheStartUpHolds) {
  std::string startup;
  FakeServer server([&](const FakeServer::Peer& peer, int) {
    startup = peer.read();
    peer.write(kWelcome);
    peer.read();
  });
  const auto outcome = connect(server.uri("?sslmode=disable&options=-c%20geqo%3Doff"));
  ASSERT_NE(outcome.session, nullptr) << outcome.failure.reason;
  EXPECT_EQ(outcome.session->backend_pid(), 4711);
  EXPECT_FALSE(outcome.session->options_refused);
  for (const auto& part :
       {"user\0ada"s, "database\0shop"s, "client_encoding\0UTF8"s, "application_name\0athena/shop"s,
        "options\0-c geqo=off -c DateStyle=ISO -c lock_timeout=100\0"s}) {
    EXPECT_NE(startup.find(part), std::string::npos) << part;
  }
}

TEST(Connect, APoolerThatRefusesOptions) {
  std::vector<std::string> startups;
  FakeServer server([&](const FakeServer::Peer& peer, int) {
    startups.push_back(peer.read());
    if (startups.back().find("options") != std::string::npos) {
      peer.write(frame('E', "SFATAL\0VFATAL\0C08P01\0Munsupported startup parameter: options\0\0"s));
      return;
    }
    peer.write(kWelcome);
    peer.read();
  });
  const auto outcome = connect(server.uri("?sslmode=disable"));
  ASSERT_NE(outcome.session, nullptr) << outcome.failure.reason << outcome.failure.sql_state;
  EXPECT_TRUE(outcome.session->options_refused);
  EXPECT_EQ(startups.size(), 2U);
}

TEST(Connect, PreferDoesNotFallBackToPlainText) {
  std::vector<std::string> seen;
  FakeServer server([&](const FakeServer::Peer& peer, int) {
    seen.push_back(peer.read(8));
    peer.write("S");
    if (seen.size() > 1) {
      peer.read();  // ClientHello
      peer.write("this is not TLS");
    }
  });
  const auto outcome = connect(server.uri("?sslmode=prefer"));
  EXPECT_EQ(outcome.session, nullptr);
  EXPECT_EQ(outcome.failure.reason, "tls");
  ASSERT_GE(seen.size(), 2U);
  for (const auto& first : seen)
    EXPECT_EQ(first, u32(8) + u32(80877103));  // an SSLRequest each time, never a start-up in plain text
}

TEST(Connect, PreferGoesPlainOnlyWhereTheServerDeclines) {
  int requests = 0;
  FakeServer server([&](const FakeServer::Peer& peer, int) {
    const auto first = peer.read();
    if (first == u32(8) + u32(80877103)) {
      ++requests;
      peer.write("N");
      return;
    }
    peer.write(kWelcome);
    peer.read();
  });
  const auto outcome = connect(server.uri("?sslmode=prefer"));
  EXPECT_NE(outcome.session, nullptr) << outcome.failure.reason;
  EXPECT_EQ(requests, 1);
}

TEST(Connect, NothingOfTheAccountIsSent) {
  char folder[] = "/tmp/athena_home_XXXXXX";
  ASSERT_NE(mkdtemp(folder), nullptr);
  std::ofstream(std::string(folder) + "/.pgpass") << "*:*:*:*:from-pgpass\n";
  ::chmod((std::string(folder) + "/.pgpass").c_str(), 0600);
  const std::string home = getenv("HOME") != nullptr ? getenv("HOME") : "";
  setenv("HOME", folder, 1);
  std::string answer = "nothing yet";
  FakeServer server([&](const FakeServer::Peer& peer, int) {
    peer.read();
    peer.write(frame('R', u32(3)));  // the password, in clear text
    answer = peer.read();
  });
  const auto outcome = connect(server.uri("?sslmode=disable"));
  setenv("HOME", home.c_str(), 1);
  std::filesystem::remove_all(folder);
  EXPECT_EQ(outcome.session, nullptr);
  EXPECT_EQ(outcome.failure.reason, "authentication");
  EXPECT_EQ(answer.find("from-pgpass"), std::string::npos);
}

TEST(Connect, Failures) {
  FakeServer silent([](const FakeServer::Peer& peer, int) {
    peer.read();
    peer.read();
  });
  const auto began = base::Clock::now();
  EXPECT_EQ(connect(silent.uri("?sslmode=disable"), 400ms).failure.reason, "timeout");
  EXPECT_LE(base::Clock::now() - began, 1500ms);
  FakeServer nonsense([](const FakeServer::Peer& peer, int) {
    peer.read();
    peer.write("HTTP/1.1 400 Bad Request\r\n\r\n");
  });
  EXPECT_EQ(connect(nonsense.uri("?sslmode=disable")).failure.reason, "protocol");
  FakeServer full([](const FakeServer::Peer& peer, int) {
    peer.read();
    peer.write(frame('E', "SFATAL\0VFATAL\0C53300\0Mtoo many\0\0"s));
  });
  const auto refused = connect(full.uri("?sslmode=disable"));
  EXPECT_EQ(refused.failure.reason, "refused");
  EXPECT_EQ(refused.failure.sql_state, "53300");
  EXPECT_EQ(connect("postgresql://u@127.0.0.1:1/d").failure.reason, "refused");
  EXPECT_EQ(connect("postgresql://u@/d?host=/nonexistent").failure.reason, "refused");
}

}  // namespace
}  // namespace athena::postgres

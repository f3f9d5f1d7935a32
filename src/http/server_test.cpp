#include <gtest/gtest.h>

#include "http/test_application.h"

namespace athena::http {
namespace {

using namespace testing;
using ::testing::Test;

TEST(Server, AnswersWithTheHeadersEveryReplyHas) {
  TestServer server;
  const auto reply = server.ask(get("/pong"));
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.version, "HTTP/1.1");
  EXPECT_EQ(reply.body, "pong");
  EXPECT_EQ(reply.header("server"), "Athena");
  EXPECT_EQ(reply.header("x-content-type-options"), "nosniff");
  EXPECT_EQ(reply.header("cache-control"), "no-store");
  EXPECT_EQ(reply.header("content-type"), "text/plain");
  EXPECT_EQ(reply.header("content-length"), "4");
  EXPECT_EQ(reply.header("connection"), "");
  EXPECT_EQ(reply.header("date").size(), 29U);
  EXPECT_EQ(reply.header("date").substr(25), " GMT");
  EXPECT_EQ(reply.header("x-request-id").size(), 36U);
  EXPECT_EQ(reply.header("x-request-id")[14], '7');
}

TEST(Server, EchoesGoodRequestIdsAndIgnoresOthers) {
  TestServer server;
  const std::string longest(128, 'a');
  EXPECT_EQ(server.ask(get("/pong", "X-Request-Id: abc~!1\r\n")).header("x-request-id"), "abc~!1");
  EXPECT_EQ(server.ask(get("/pong", "x-request-id: " + longest + "\r\n")).header("x-request-id"), longest);
  for (const std::string& bad : {longest + "a", std::string("a b"), std::string("\xC3\xA4"), std::string()}) {
    const auto id = server.ask(get("/pong", "X-Request-Id: " + bad + "\r\n")).header("x-request-id");
    EXPECT_EQ(id.size(), 36U) << bad;
  }
}

TEST(Server, KeepsConnectionsAndAnswersPipelinedRequestsInOrder) {
  TestServer server;
  auto client = server.client();
  std::string requests;
  for (int index = 0; index < 200; ++index) {
    const auto id = "X-Request-Id: n" + std::to_string(index) + "\r\n";
    switch (index % 4) {
      case 0:
        requests += get("/pong", id);
        break;
      case 1:
        requests += get("/later", id);
        break;
      case 2:
        requests += post("/echo", "body " + std::to_string(index), id);
        break;
      case 3:
        requests += get("/sleep?ms=1", id);
        break;
    }
  }
  client.send(requests);
  for (int index = 0; index < 200; ++index) {
    const auto reply = client.read();
    ASSERT_EQ(reply.status, 200) << index;
    ASSERT_EQ(reply.header("x-request-id"), "n" + std::to_string(index));
    const std::string bodies[] = {"pong", "later", "body " + std::to_string(index), "slept"};
    ASSERT_EQ(reply.body, bodies[index % 4]);
  }
  EXPECT_TRUE(TestServer::eventually([&] { return server.application.finished_count == 200; }));
  EXPECT_EQ(server.application.request_bytes, requests.size());
}

TEST(Server, SplitsTarget) {
  TestServer server;
  EXPECT_EQ(server.ask(get("/what/?a=/b/")).body.substr(0, 16), "GET /what?a=/b/|");
  EXPECT_EQ(server.ask("GET http://other:1/what?x HTTP/1.1\r\nHost: h\r\n\r\n").body, "GET /what?x|Host=h");
  EXPECT_EQ(server.ask("PURGE /what HTTP/1.1\r\nHost:\t h \t\r\nE:\r\n\r\n").body, "OTHER /what?|Host=h|E=");
  EXPECT_EQ(server.ask(get("//")).status, 404);
}

TEST(Server, AnswersHeadWithoutBody) {
  TestServer server;
  auto client = server.client();
  client.send("HEAD /pong HTTP/1.1\r\nHost: h\r\n\r\nHEAD /stream?bytes=50000 HTTP/1.1\r\nHost: h\r\n\r\n" +
              get("/pong"));
  EXPECT_EQ(client.read(true).header("content-length"), "4");
  const auto streamed = client.read(true);
  EXPECT_EQ(streamed.header("content-length"), "50000");
  EXPECT_EQ(streamed.header("transfer-encoding"), "");
  EXPECT_EQ(client.read().body, "pong");
}

TEST(Server, SpeaksHttp10) {
  TestServer server;
  auto client = server.client();
  auto reply = client.ask("GET /stream?bytes=40000 HTTP/1.0\r\n\r\n");
  EXPECT_EQ(reply.header("content-length"), "40000");
  EXPECT_EQ(reply.header("connection"), "close");
  EXPECT_EQ(reply.body.size(), 40000U);
  EXPECT_TRUE(client.ends());

  auto kept = server.client();
  reply = kept.ask("GET /pong HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(reply.header("connection"), "keep-alive");
  EXPECT_EQ(kept.ask("GET /pong HTTP/1.0\r\n\r\n").header("connection"), "close");
  EXPECT_TRUE(kept.ends());
}

TEST(Server, ClosesWhenAsked) {
  TestServer server;
  auto client = server.client();
  const auto reply = client.ask(get("/pong", "Connection: close\r\n"));
  EXPECT_EQ(reply.header("connection"), "close");
  EXPECT_TRUE(client.ends());
}

TEST(Server, SendsNoBodyWith204) {
  TestServer server;
  auto client = server.client();
  const auto reply = client.ask(get("/no-content"));
  EXPECT_EQ(reply.status, 204);
  EXPECT_EQ(reply.header("content-length"), "");
  EXPECT_EQ(client.ask(get("/pong")).body, "pong");
}

TEST(Server, TurnsExceptionsIntoOne500) {
  TestServer server;
  auto client = server.client();
  for (const std::string& path : std::vector<std::string>{"/throw", "/throw-now"}) {
    const auto reply = client.ask(get(path));
    EXPECT_EQ(reply.status, 500) << path;
    EXPECT_NE(reply.body.find("internal_error"), std::string::npos);
    EXPECT_EQ(reply.body.find("secret"), std::string::npos);
  }
  EXPECT_EQ(client.ask(get("/no-memory")).status, 503);
  EXPECT_EQ(client.ask(get("/pong")).status, 200);
}

TEST(Server, StreamsInChunks) {
  TestServer server;
  auto client = server.client();
  const auto reply = client.ask(get("/stream?bytes=3000000"));
  EXPECT_EQ(reply.header("transfer-encoding"), "chunked");
  EXPECT_EQ(reply.body.size(), 3000000U);
  EXPECT_TRUE(reply.complete);
  EXPECT_EQ(client.ask(get("/pong")).body, "pong");
}

TEST(Server, SendsLargeRepliesWhole) {
  TestServer server;
  auto client = server.client();
  for (const std::size_t size : {0UL, 1UL, 16384UL, 16385UL, 1000000UL, 20000000UL}) {
    const auto reply = client.ask(get("/size?bytes=" + std::to_string(size)));
    EXPECT_EQ(reply.body.size(), size);
  }
}

TEST(Server, BrokenStreamsHaveNoFinalChunk) {
  TestServer server;
  for (const std::string& path : std::vector<std::string>{"/abort?bytes=100000", "/stream-throw"}) {
    auto client = server.client();
    client.send(get(path));
    EXPECT_TRUE(client.ends());
    EXPECT_NE(client.unread().find("Transfer-Encoding: chunked"), std::string::npos) << path;
    EXPECT_EQ(client.unread().find("\r\n0\r\n"), std::string::npos) << path;
  }
}

TEST(Server, PausesTheProducerForASlowReader) {
  ServerSettings settings;
  settings.write_window_bytes = 256 * 1024;
  TestServer server(settings);
  auto client = server.client(64 * 1024);
  constexpr std::uint64_t kTotal = 40000000;
  client.send(get("/stream?bytes=" + std::to_string(kTotal)));
  ASSERT_TRUE(client.more(100));
  std::uint64_t stopped = 0;
  EXPECT_TRUE(TestServer::eventually([&] {
    const auto now = server.application.produced.load();
    const bool same = now == stopped && now > 0;
    stopped = now;
    ::usleep(50000);
    return same;
  }));
  // The window, what the kernel takes on both sides, and no more.
  EXPECT_LT(stopped, 12000000U);
  const auto reply = client.read();
  EXPECT_EQ(reply.body.size(), kTotal);
  EXPECT_TRUE(reply.complete);
}

TEST(Server, CutsAReaderThatTakesNothing) {
  ServerSettings settings;
  settings.disconnect_timeout = std::chrono::milliseconds(300);
  TestServer server(settings);
  auto client = server.client(16 * 1024);
  client.send(get("/stream?bytes=100000000"));
  EXPECT_TRUE(TestServer::eventually([&] { return server.application.gone_seen == 1; }));
  EXPECT_EQ(server.application.rejected_for("timeout"), 1);
  EXPECT_TRUE(TestServer::eventually([&] { return server.application.finished_count == 1; }));
}

TEST(Server, ReadsBodiesInAnyForm) {
  TestServer server;
  auto client = server.client();
  EXPECT_EQ(client.ask(post("/echo", "")).body, "");
  EXPECT_EQ(client.ask(post("/echo", "abc")).body, "abc");
  const std::string large(5000000, 'b');
  EXPECT_EQ(client.ask(post("/echo", large)).body, large);
  EXPECT_EQ(client
                .ask("POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                     "3\r\nabc\r\n4;name=value;q=\"x y\"\r\ndefg\r\n0\r\nTrailer: x\r\n\r\n")
                .body,
            "abcdefg");
  std::string chunked = "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n";
  for (int index = 0; index < 1000; ++index) chunked += "1F4\r\n" + std::string(500, 'c') + "\r\n";
  EXPECT_EQ(client.ask(chunked + "0\r\n\r\n").body, std::string(500000, 'c'));
  EXPECT_EQ(client.ask(get("/pong")).body, "pong");
}

TEST(Server, AnswersExpectBeforeReading) {
  TestServer server;
  auto client = server.client();
  const std::string head =
      "POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
  EXPECT_EQ(client.ask(head).status, 100);
  EXPECT_EQ(client.ask("abc").body, "abc");
  // refused without reading: whether the body comes is not known, so the connection ends
  auto refused = server.client();
  const auto reply =
      refused.ask("POST /nowhere HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  EXPECT_EQ(reply.status, 404);
  EXPECT_EQ(reply.header("connection"), "close");
  EXPECT_TRUE(refused.ends());
}

TEST(Server, DropsUnreadBodiesWithoutLosingItsPlace) {
  TestServer server;
  auto client = server.client();
  // of GET, also chunked and in pieces; of a refused POST when it is small
  EXPECT_EQ(
      client.ask("GET /pong HTTP/1.1\r\nHost: h\r\nContent-Length: 26\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n")
          .body,
      "pong");
  EXPECT_EQ(client.ask("GET /pong HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab").body,
            "pong");
  EXPECT_EQ(client.ask("cde\r\n0\r\n\r\n" + get("/later")).body, "later");
  EXPECT_EQ(client.ask("GET /pong HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n").body, "pong");
  client.send(std::string(1000000, 'x'));
  EXPECT_EQ(client.ask(get("/pong")).body, "pong");
  EXPECT_EQ(client.ask("POST /nowhere HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n").status, 404);
  client.send("abcde");
  EXPECT_EQ(client.ask(get("/pong")).body, "pong");
  EXPECT_EQ(server.application.started, 7);
  // a large one is not worth reading
  const auto reply = client.ask("POST /nowhere HTTP/1.1\r\nHost: h\r\nContent-Length: 500000\r\n\r\n");
  EXPECT_EQ(reply.header("connection"), "close");
  EXPECT_TRUE(client.ends());
}

TEST(Server, SeesThatTheCallerLeft) {
  TestServer server;
  auto closed = server.client();
  closed.send(get("/until-gone"));
  EXPECT_TRUE(TestServer::eventually([&] { return server.application.started == 1; }));
  closed.close();
  EXPECT_TRUE(TestServer::eventually([&] { return server.application.gone_seen == 1; }));
  auto reset = server.client();
  reset.send("GET /until-gone HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(TestServer::eventually([&] { return server.application.started == 2; }));
  reset.reset();
  EXPECT_TRUE(TestServer::eventually([&] { return server.application.gone_seen == 2; }));
  EXPECT_TRUE(TestServer::eventually([&] { return server.application.finished_count == 2; }));
}

TEST(Server, AnswersAHalfClosedCaller) {
  TestServer server;
  for (const std::string& request : {get("/pong"), std::string("GET /sleep?ms=50 HTTP/1.0\r\n\r\n"),
                                     get("/sleep?ms=50", "Connection: close\r\n"), get("/sleep?ms=50")}) {
    auto client = server.client();
    client.send(request);
    client.half_close();
    EXPECT_EQ(client.read().status, 200) << request;
    EXPECT_TRUE(client.ends());
  }
}

TEST(Server, ReadsAheadWithinBounds) {
  TestServer server;
  auto client = server.client();
  client.send(get("/sleep?ms=300"));
  std::string many;
  for (int index = 0; index < 2000; ++index) many += get("/pong");
  client.send(many);
  EXPECT_EQ(client.read().body, "slept");
  for (int index = 0; index < 2000; ++index) ASSERT_EQ(client.read().body, "pong") << index;
}

TEST(Server, UnsentRepliesHoldUpPipelinedRequests) {
  ServerSettings settings;
  settings.write_window_bytes = 64 * 1024;
  TestServer server(settings);
  auto client = server.client(32 * 1024);
  std::string many;
  for (int index = 0; index < 100; ++index) many += get("/size?bytes=500000");
  client.send(many);
  ::usleep(300000);
  EXPECT_LT(server.application.started, 40);
  for (int index = 0; index < 100; ++index) ASSERT_EQ(client.read().body.size(), 500000U) << index;
}

}  // namespace
}  // namespace athena::http

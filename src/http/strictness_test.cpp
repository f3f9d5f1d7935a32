// Raw requests and what they must get. Whatever is refused here ends the connection, so nothing behind it is
// ever read as a second request.
#include <gtest/gtest.h>

#include "http/test_application.h"

namespace athena::http {
namespace {

using namespace testing;

struct Case {
  std::string name;
  std::string bytes;
  int status;
  std::string code = "malformed_request";
};

const std::string kHead = "POST /echo HTTP/1.1\r\nHost: h\r\n";
const std::string kChunked = kHead + "Transfer-Encoding: chunked\r\n\r\n";
const std::string kSmuggled = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n";

std::vector<Case> refusals() {
  using namespace std::string_literals;
  return {
      {"length and coding", kHead + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"coding and length", kHead + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", 400},
      {"two lengths", kHead + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400},
      {"list of lengths", kHead + "Content-Length: 3, 4\r\n\r\nabcd", 400},
      {"length plus", kHead + "Content-Length: +5\r\n\r\nabcde", 400},
      {"length minus", kHead + "Content-Length: -1\r\n\r\n", 400},
      {"length hex", kHead + "Content-Length: 0x5\r\n\r\nabcde", 400},
      {"length text", kHead + "Content-Length: five\r\n\r\n", 400},
      {"length empty", kHead + "Content-Length:\r\n\r\n", 400},
      {"length overflow", kHead + "Content-Length: 18446744073709551617\r\n\r\na", 400},
      {"length with blank", kHead + "Content-Length: 1 1\r\n\r\na", 400},
      {"bare line feed in the request line", "GET /pong HTTP/1.1\nHost: h\r\n\r\n", 400},
      {"bare line feed behind a header", "GET /pong HTTP/1.1\r\nHost: h\nX: y\r\n\r\n", 400},
      {"bare line feed as the end", "GET /pong HTTP/1.1\r\nHost: h\r\n\n", 400},
      {"bare line feed first", "\nGET /pong HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"bare carriage return", "GET /pong HTTP/1.1\r\nHost: h\rX: y\r\n\r\n", 400},
      {"folded header", "GET /pong HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n", 400},
      {"folded with tab", "GET /pong HTTP/1.1\r\nHost: h\r\nX: a\r\n\tb\r\n\r\n", 400},
      {"folded empty", "GET /pong HTTP/1.1\r\nHost: h\r\nX:\r\n b\r\n\r\n", 400},
      {"folded first header", "GET /pong HTTP/1.1\r\n Host: h\r\n\r\n", 400},
      {"space before the colon", "GET /pong HTTP/1.1\r\nHost : h\r\n\r\n", 400},
      {"tab before the colon", "GET /pong HTTP/1.1\r\nHost\t: h\r\n\r\n", 400},
      {"space in a name", "GET /pong HTTP/1.1\r\nHost: h\r\nA B: c\r\n\r\n", 400},
      {"empty name", "GET /pong HTTP/1.1\r\nHost: h\r\n: c\r\n\r\n", 400},
      {"no colon", "GET /pong HTTP/1.1\r\nHost: h\r\nabc\r\n\r\n", 400},
      {"coding gzip", kHead + "Transfer-Encoding: gzip\r\n\r\n", 400},
      {"coding gzip, chunked", kHead + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400},
      {"coding chunked, gzip", kHead + "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", 400},
      {"coding chunked twice", kHead + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400},
      {"coding in two lines",
       kHead + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"coding xchunked", kHead + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400},
      {"coding identity", kHead + "Transfer-Encoding: identity\r\n\r\n", 400},
      {"coding empty", kHead + "Transfer-Encoding:\r\n\r\n", 400},
      {"coding with vertical tab", kHead + "Transfer-Encoding: \vchunked\r\n\r\n", 400},
      {"coding in 1.0", "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"NUL in a value", "GET /pong HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n"s, 400},
      {"NUL in a name", "GET /pong HTTP/1.1\r\nHost: h\r\nX\0: a\r\n\r\n"s, 400},
      {"control character in a value", "GET /pong HTTP/1.1\r\nHost: h\r\nX: a\x01\r\n\r\n", 400},
      {"delete in a value", "GET /pong HTTP/1.1\r\nHost: h\r\nX: a\x7f\r\n\r\n", 400},
      {"control character in the target", "GET /po\x01ng HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"space in the target", "GET /po ng HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"no Host", "GET /pong HTTP/1.1\r\n\r\n", 400},
      {"two Hosts", "GET /pong HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"other expectation", kHead + "Expect: magic\r\nContent-Length: 0\r\n\r\n", 400},
      {"version 2.0", "GET /pong HTTP/2.0\r\nHost: h\r\n\r\n", 400},
      {"version 1.2", "GET /pong HTTP/1.2\r\nHost: h\r\n\r\n", 400},
      {"version 0.9", "GET /pong\r\n\r\n", 400},
      {"lower-case protocol", "GET /pong http/1.1\r\nHost: h\r\n\r\n", 400},
      {"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400},
      {"empty lines without end", "\r\n\r\n\r\n\r\n", 400},
      {"chunk size text", kChunked + "xyz\r\n\r\n", 400},
      {"chunk size empty", kChunked + "\r\nabc\r\n0\r\n\r\n", 400},
      {"chunk size plus", kChunked + "+3\r\nabc\r\n0\r\n\r\n", 400},
      {"chunk size minus", kChunked + "-3\r\nabc\r\n0\r\n\r\n", 400},
      {"chunk size 0x", kChunked + "0x3\r\nabc\r\n0\r\n\r\n", 400},
      {"chunk size overflow", kChunked + "10000000000000003\r\nabc\r\n0\r\n\r\n", 400},
      {"chunk with bare line feed", kChunked + "3\nabc\r\n0\r\n\r\n", 400},
      {"chunk data longer than said", kChunked + "3\r\nabcd\r\n0\r\n\r\n", 400},
      {"chunk data ends with bare line feed", kChunked + "3\r\nabc\n0\r\n\r\n", 400},
      {"chunk extension garbage", kChunked + "3;\x01\r\nabc\r\n0\r\n\r\n", 400},
      {"chunk extension without name", kChunked + "3;=\r\nabc\r\n0\r\n\r\n", 400},
      {"chunk extension with line feed", kChunked + "3;a=\"x\ny\"\r\nabc\r\n0\r\n\r\n", 400},
      {"chunk extension endless", kChunked + "3;" + std::string(9000, 'a') + "\r\nabc\r\n0\r\n\r\n", 400},
      {"trailer folded", kChunked + "0\r\nA: b\r\n c\r\n\r\n", 400},
      {"trailer with length", kChunked + "0\r\nContent-Length: 3\r\n\r\n", 400},
      {"trailers endless", kChunked + "0\r\n" + "A: " + std::string(9000, 'b') + "\r\n\r\n", 400},
      {"target too long", "GET /" + std::string(8192, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n", 414,
       "uri_too_long"},
      {"request line without end", "GET /" + std::string(40000, 'a'), 414, "uri_too_long"},
      {"head too large", "GET /pong HTTP/1.1\r\nHost: h\r\nX: " + std::string(33000, 'a') + "\r\n\r\n", 431,
       "header_fields_too_large"},
      {"head without end", "GET /pong HTTP/1.1\r\nHost: h\r\nX: " + std::string(33000, 'a'), 431,
       "header_fields_too_large"},
      {"body too large by length", kHead + "Content-Length: 10485761\r\n\r\n", 413, "payload_too_large"},
      {"body too large, awaited", kHead + "Expect: 100-continue\r\nContent-Length: 10485761\r\n\r\n", 413,
       "payload_too_large"},
      {"chunk too large", kChunked + "A00001\r\n", 413, "payload_too_large"},
      {"GET body too large", "GET /pong HTTP/1.1\r\nHost: h\r\nContent-Length: 10485761\r\n\r\n", 413,
       "payload_too_large"},
  };
}

TEST(Strictness, RefusesAndCloses) {
  TestServer server;
  for (const auto& item : refusals()) {
    SCOPED_TRACE(item.name);
    auto client = server.client();
    client.send(item.bytes + kSmuggled);
    const auto reply = client.read();
    EXPECT_EQ(reply.status, item.status);
    EXPECT_NE(reply.body.find("\"code\":\"" + item.code + "\""), std::string::npos) << reply.body;
    EXPECT_EQ(reply.header("connection"), "close");
    EXPECT_FALSE(reply.header("x-request-id").empty());
    EXPECT_FALSE(reply.header("date").empty());
    EXPECT_EQ(reply.header("server"), "Athena");
    EXPECT_TRUE(client.ends());
    EXPECT_TRUE(client.unread().empty()) << client.unread();
  }
}

TEST(Strictness, TakesWhatIsRight) {
  TestServer server;
  const std::string longest_target = "/what?" + std::string(8192 - 6, 'a');
  std::string lines = "GET /pong HTTP/1.1\r\nHost: h\r\n";
  for (int index = 0; index < 99; ++index) lines += "X: y\r\n";
  const Case cases[] = {
      {"equal lengths", kHead + "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 200},
      {"empty line first", "\r\n" + get("/pong"), 200},
      {"empty Host", "GET /pong HTTP/1.1\r\nHost:\r\n\r\n", 200},
      {"tab in a value", get("/pong", "X: a\tb\r\n"), 200},
      {"bytes above 127", get("/pong", "X: \xC3\xA4\r\n"), 200},
      {"longest target", "GET " + longest_target + " HTTP/1.1\r\nHost: h\r\n\r\n", 200},
      {"100 header lines", lines + "\r\n", 200},
      {"identity", post("/echo", "abc", "Content-Encoding: identity\r\n"), 200},
      {"expectation of 1.0", "POST /echo HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\na",
       200},
      {"multipart on GET", get("/pong", "Content-Type: multipart/form-data\r\n"), 200},
      {"options star", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", 404},
  };
  for (const auto& item : cases) {
    SCOPED_TRACE(item.name);
    EXPECT_EQ(server.ask(item.bytes).status, item.status);
  }
  EXPECT_EQ(server.ask(lines + "X: y\r\n\r\n").status, 431);
}

TEST(Strictness, RefusesMediaTypes) {
  TestServer server;
  EXPECT_EQ(server.ask(post("/echo", "abc", "Content-Type: Multipart/Form-Data; boundary=x\r\n")).status,
            415);
  EXPECT_EQ(server.ask(post("/echo", "abc", "Content-Encoding: gzip\r\n")).status, 415);
  EXPECT_EQ(server.ask("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Encoding: br\r\nContent-Length: 9\r\n\r\n")
                .status,
            415);
}

TEST(Strictness, RefusesABodyOneByteOver) {
  ServerSettings settings;
  settings.max_body_bytes = 100000;
  TestServer server(settings);
  auto client = server.client();
  EXPECT_EQ(client.ask(post("/echo", std::string(100000, 'a'))).body.size(), 100000U);
  const auto chunked = [](std::size_t size) {
    std::string bytes = kChunked;
    for (std::size_t index = 0; index < size; ++index) bytes += "1\r\na\r\n";
    return bytes + "0\r\n\r\n";
  };
  EXPECT_EQ(client.ask(chunked(100000)).body.size(), 100000U);
  EXPECT_EQ(server.ask(post("/echo", std::string(100001, 'a'))).status, 413);
  EXPECT_EQ(server.ask(chunked(100001)).status, 413);
  EXPECT_GE(server.application.rejected_for("body"), 2);
}

TEST(Strictness, CountsWhyItRefused) {
  TestServer server;
  server.ask("GET /pong HTTP/1.1\r\n\r\n");
  server.ask("GET /" + std::string(9000, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(server.application.rejected_for("framing"), 1);
  EXPECT_EQ(server.application.rejected_for("head"), 1);
  EXPECT_TRUE(TestServer::eventually([&] { return server.application.finished_count == 2; }));
  EXPECT_EQ(server.application.started, 0);
}

}  // namespace
}  // namespace athena::http

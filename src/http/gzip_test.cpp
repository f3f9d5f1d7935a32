// gzip of replies: when, and that what arrives is what was sent.
#include "http/gzip.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include "http/test_application.h"

namespace athena::http {
namespace {

using namespace testing;

/// What gzip text unpacks to; `whole` says whether it ended as it should.
std::string unpack(const std::string& packed, bool* whole = nullptr) {
  z_stream state{};
  inflateInit2(&state, 15 + 16);
  state.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  state.avail_in = static_cast<uInt>(packed.size());
  std::string result;
  std::string piece(65536, '\0');
  int code = Z_OK;
  while (code == Z_OK) {
    state.next_out = reinterpret_cast<Bytef*>(piece.data());
    state.avail_out = static_cast<uInt>(piece.size());
    code = inflate(&state, Z_SYNC_FLUSH);
    result.append(piece, 0, piece.size() - state.avail_out);
    if (state.avail_in == 0 && state.avail_out != 0) break;
  }
  if (whole != nullptr) *whole = code == Z_STREAM_END;
  inflateEnd(&state);
  return result;
}

bool accepts(std::initializer_list<std::string_view> values) {
  std::vector<Header> headers;
  for (const auto value : values) headers.push_back({"accept-encoding", value});
  Request request;
  request.headers = headers;
  return accepts_gzip(request);
}

TEST(AcceptEncoding, QualitiesAreHonoured) {
  for (const char* yes :
       {"gzip", "GZIP", "x-gzip", "deflate, gzip", "gzip;q=0.001", "br;q=1.0, gzip;q=0.5", "*",
        "identity;q=0.5, gzip", "gzip ; q=1", "*;q=0, gzip;q=0.2", "identity;q=0, *"}) {
    EXPECT_TRUE(accepts({yes})) << yes;
  }
  for (const char* no : {"", "identity", "br", "gzip;q=0", "gzip;q=0.000", "*;q=0", "*, gzip;q=0", "gzip;q=x",
                         "identity, gzip;q=0.5", "gzipped", "gzip;q=2", "gzip;q=-1", ",,;,", ";q=1"}) {
    EXPECT_FALSE(accepts({no})) << no;
  }
  EXPECT_TRUE(accepts({"br", "gzip"}));
  EXPECT_FALSE(accepts({"gzip", "gzip;q=0"}));
  EXPECT_FALSE(accepts({}));
}

TEST(Compressible, TextOnly) {
  for (const char* yes :
       {"application/json; charset=utf-8", "text/csv; charset=utf-8", "application/x-ndjson",
        "application/yaml", "text/html", "image/svg+xml", "text/javascript"}) {
    EXPECT_TRUE(is_compressible(yes)) << yes;
  }
  for (const char* no : {"", "image/png", "application/octet-stream", "font/woff2", "application/gzip"}) {
    EXPECT_FALSE(is_compressible(no)) << no;
  }
}

TEST(GzipStream, EveryFlushCanBeUnpackedAndStreamsAreReused) {
  GzipPool pool;
  for (int turn = 0; turn < 3; ++turn) {
    auto stream = pool.take();
    base::Buffer out;
    std::string given;
    for (int index = 0; index < 50; ++index) {
      std::string piece;
      for (int at = 0; at < index * 37; ++at)
        piece.push_back(static_cast<char>('a' + (at * at + index) % 23));
      given += piece;
      stream->write(piece, GzipStream::Flush::sync, out);
      bool whole = true;
      EXPECT_EQ(unpack(std::string(out.view()), &whole), given);
      EXPECT_FALSE(whole);
    }
    stream->write({}, GzipStream::Flush::finish, out);
    bool whole = false;
    EXPECT_EQ(unpack(std::string(out.view()), &whole), given);
    EXPECT_TRUE(whole);
    pool.give(std::move(stream));
  }
}

constexpr std::string_view kAccept = "Accept-Encoding: gzip\r\n";

TEST(Compression, OfRepliesAboveTheLeastSize) {
  TestServer server;
  auto client = server.client();
  const auto packed = client.ask(get("/size?n=50000", kAccept));
  EXPECT_EQ(packed.header("content-encoding"), "gzip");
  EXPECT_EQ(packed.header("vary"), "Accept-Encoding");
  EXPECT_LT(packed.body.size(), 5000U);
  bool whole = false;
  EXPECT_EQ(unpack(packed.body, &whole), std::string(50000, 'x'));
  EXPECT_TRUE(whole);

  const auto small = client.ask(get("/size?n=4095", kAccept));
  EXPECT_EQ(small.header("content-encoding"), "");
  EXPECT_EQ(small.header("vary"), "");
  EXPECT_EQ(small.body.size(), 4095U);
  EXPECT_EQ(client.ask(get("/size?n=4096", kAccept)).header("content-encoding"), "gzip");

  const auto unwanted = client.ask(get("/size?n=50000"));
  EXPECT_EQ(unwanted.header("content-encoding"), "");
  EXPECT_EQ(unwanted.header("vary"), "Accept-Encoding");
  EXPECT_EQ(unwanted.body.size(), 50000U);
}

TEST(Compression, CanBeSwitchedOff) {
  ServerSettings settings;
  settings.compression_min_bytes = 0;
  TestServer server(settings);
  const auto reply = server.ask(get("/size?n=50000", kAccept));
  EXPECT_EQ(reply.header("content-encoding"), "");
  EXPECT_EQ(reply.header("vary"), "");
  EXPECT_EQ(server.ask(get("/stream?n=200000", kAccept)).body.size(), 200000U);
}

TEST(Compression, HeadHasTheHeadersOfGet) {
  TestServer server;
  auto client = server.client();
  for (const std::string path : {"/size?n=50000", "/flushed?n=5000"}) {
    const auto got = client.ask(get(path, kAccept));
    const auto head =
        client.ask("HEAD " + path + " HTTP/1.1\r\nHost: localhost\r\n" + std::string(kAccept) + "\r\n", true);
    for (const char* name :
         {"content-encoding", "content-length", "transfer-encoding", "vary", "content-type"}) {
      EXPECT_EQ(head.header(name), got.header(name)) << path << " " << name;
    }
    EXPECT_EQ(got.header("content-encoding"), "gzip");
  }
  EXPECT_EQ(client.ask(get("/pong")).body, "pong");
}

TEST(Compression, Http10GetsALength) {
  TestServer server;
  const std::string end = " HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n";
  const auto reply = server.ask("GET /size?n=50000" + end);
  EXPECT_EQ(reply.header("content-encoding"), "gzip");
  EXPECT_EQ(reply.header("content-length"), std::to_string(reply.body.size()));
  EXPECT_EQ(unpack(reply.body).size(), 50000U);
  // so large that others would wait for it
  const auto large = server.ask("GET /size?n=3000000" + end);
  EXPECT_EQ(large.header("content-encoding"), "");
  EXPECT_EQ(large.body.size(), 3000000U);
}

TEST(Compression, OfStreams) {
  TestServer server;
  auto client = server.client();
  for (int turn = 0; turn < 3; ++turn) {
    const auto reply = client.ask(get("/stream?n=5000000", kAccept));
    EXPECT_TRUE(reply.complete);
    EXPECT_EQ(reply.header("content-encoding"), "gzip");
    bool whole = false;
    EXPECT_EQ(unpack(reply.body, &whole).size(), 5000000U);
    EXPECT_TRUE(whole);
  }
  EXPECT_EQ(client.ask(get("/stream?n=4000", kAccept)).header("content-encoding"), "");
}

TEST(Compression, ABrokenStreamStaysBroken) {
  TestServer server;
  auto client = server.client();
  const auto reply = client.ask(get("/abort?n=200000", kAccept));
  EXPECT_FALSE(reply.complete);
  EXPECT_EQ(reply.header("content-encoding"), "gzip");
  bool whole = true;
  unpack(reply.body, &whole);
  EXPECT_FALSE(whole);
  EXPECT_TRUE(client.ends());
}

TEST(Compression, ManyStreamsAtOnceDoNotMix) {
  TestServer server;
  std::vector<Client> clients;
  for (int index = 0; index < 40; ++index) {
    clients.push_back(server.client(16 * 1024));
    clients.back().send(get("/stream?n=" + std::to_string(2000000 + index), kAccept));
  }
  for (std::size_t index = 0; index < clients.size(); ++index) {
    EXPECT_EQ(unpack(clients[index].read().body).size(), 2000000 + index);
  }
}

}  // namespace
}  // namespace athena::http

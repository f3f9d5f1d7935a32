// The result of reading depends on the bytes alone: every stream is fed whole, in two pieces cut at every
// place, byte by byte, and in random pieces.
#include "http/request_reader.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

namespace athena::http {
namespace {

/// Everything a stream gives, as text.
class Feed {
 public:
  explicit Feed(ReaderLimits limits = {}) : reader_(limits, pools_) {}

  void put(std::string_view bytes) {
    while (!bytes.empty() && !failed_) {
      const auto room = reader_.prepare();
      const auto count = std::min(room.size(), bytes.size());
      std::memcpy(room.data(), bytes.data(), count);
      reader_.commit(count);
      bytes.remove_prefix(count);
      run();
    }
  }
  [[nodiscard]] const std::string& result() const { return result_; }

 private:
  void run() {
    for (;;) {
      switch (reader_.advance()) {
        case RequestReader::Event::need_more:
          return;
        case RequestReader::Event::failed:
          fail();
          return;
        case RequestReader::Event::head:
          describe();
          if (reader_.body_state() == RequestReader::Body::failed) {
            fail();
            return;
          }
          if (reader_.body_state() == RequestReader::Body::incomplete) break;
          [[fallthrough]];
        case RequestReader::Event::body:
          result_.append(" [").append(reader_.body()).append("]");
          if (reader_.media_error()) result_ += " media";
          result_ +=
              (reader_.keep_alive() ? " keep " : " close ") + std::to_string(reader_.request_bytes()) + "\n";
          reader_.end_request();
          break;
      }
    }
  }
  void describe() {
    const auto& request = reader_.request();
    result_.append(name(request.method)).append(" ").append(request.target);
    result_.append(" ").append(request.path).append(" ").append(request.query);
    result_ += " 1." + std::to_string(request.minor_version);
    for (const auto& header : request.headers)
      result_.append(" ").append(header.name).append("=").append(header.value);
  }
  void fail() {
    failed_ = true;
    result_.append("failed ").append(contract::info(reader_.failure().code()).name).append(" ");
    result_.append(reader_.failure().text());
  }

  BufferPools pools_;
  RequestReader reader_;
  std::string result_;
  bool failed_ = false;
};

std::string whole(std::string_view bytes, ReaderLimits limits = {}) {
  Feed feed(limits);
  feed.put(bytes);
  return feed.result();
}

std::vector<std::string> streams() {
  const std::string get = "GET /a/?b=c HTTP/1.1\r\nHost: h\r\nX-Request-Id: 7\r\n\r\n";
  const std::string post = "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\nhello world";
  const std::string chunked =
      "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=\"y;z\"\r\n "
      "world\r\n0\r\nT: r\r\n\r\n";
  const std::string get_with_body = "GET /g HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nGET ";
  const std::string head_chunked =
      "HEAD /g HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
  return {
      get + post + chunked + get_with_body + head_chunked + "\r\n" + get,
      post + post + "GET / HTTP/1.0\r\n\r\n",
      get + "GET / HTTP/1.1\nHost: h\r\n\r\n" + get,
      post + "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n" + get,
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcX\r\n" + get,
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3;\r\nabc\r\n0\r\n\r\n" + get,
      "GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n" + get,
      "POST /m HTTP/1.1\r\nHost: h\r\nContent-Type: multipart/x\r\nContent-Length: 2\r\n\r\nab" + get,
      "\r\n\r\n\r\n" + get,
      "POST /big HTTP/1.1\r\nHost: h\r\nContent-Length: 201\r\n\r\n" + get,
      "POST /big HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n" + std::string(100, 'a') +
          "\r\n65\r\n" + std::string(101, 'b') + "\r\n0\r\n\r\n" + get,
      "GET /" + std::string(600, 'x') + " HTTP/1.1\r\nHost: h\r\n\r\n" + get,
      "GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(1200, 'x') + "\r\n\r\n" + get,
      "GET /" + std::string(1200, 'x'),
      std::string("GET / HTTP/1.1\r\nHost: h\r\nX: ") + '\0' + "\r\n\r\n" + get,
  };
}

const ReaderLimits kSmall{1024, 512, 10, 200};

TEST(RequestReader, GivesTheSameForEverySplitInTwo) {
  for (const auto& stream : streams()) {
    const auto expected = whole(stream, kSmall);
    ASSERT_FALSE(expected.empty());
    for (std::size_t cut = 1; cut < stream.size(); ++cut) {
      Feed feed(kSmall);
      feed.put(std::string_view(stream).substr(0, cut));
      feed.put(std::string_view(stream).substr(cut));
      ASSERT_EQ(feed.result(), expected) << "cut at " << cut;
    }
  }
}

TEST(RequestReader, GivesTheSameByteByByteAndInRandomPieces) {
  std::mt19937 random(20240607);
  for (const auto& stream : streams()) {
    const auto expected = whole(stream, kSmall);
    for (int round = 0; round < 200; ++round) {
      Feed feed(kSmall);
      std::string_view rest = stream;
      const auto largest = round == 0 ? 1U : 1U + random() % 200;
      while (!rest.empty()) {
        const auto size = std::min<std::size_t>(rest.size(), 1 + random() % largest);
        feed.put(rest.substr(0, size));
        rest.remove_prefix(size);
      }
      ASSERT_EQ(feed.result(), expected);
    }
  }
}

TEST(RequestReader, ReadsWhatItShould) {
  const auto all = streams();
  EXPECT_EQ(whole(all[1], kSmall),
            "POST /p /p  1.1 Host=h Content-Length=11 [hello world] keep 60\n"
            "POST /p /p  1.1 Host=h Content-Length=11 [hello world] keep 60\n"
            "GET / /  1.0 [] close 18\n");
  EXPECT_EQ(whole(all[0], kSmall).substr(0, 63),
            "GET /a/?b=c /a b=c 1.1 Host=h X-Request-Id=7 [] keep 50\nPOST /p");
  EXPECT_EQ(whole(all[9], kSmall).substr(0, 24), "failed payload_too_large");
}

TEST(RequestReader, KeepsViewsWhileReadingOn) {
  BufferPools pools;
  RequestReader reader({}, pools);
  const auto put = [&](std::string_view bytes) {
    while (!bytes.empty()) {
      const auto room = reader.prepare();
      const auto count = std::min(room.size(), bytes.size());
      std::memcpy(room.data(), bytes.data(), count);
      reader.commit(count);
      bytes.remove_prefix(count);
    }
  };
  put("POST /first HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello");
  ASSERT_EQ(reader.advance(), RequestReader::Event::head);
  const auto path = reader.request().path;
  const auto body = reader.body();
  for (int index = 0; index < 1000; ++index) put("GET /next HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(reader.advance(), RequestReader::Event::need_more);
  EXPECT_EQ(path, "/first");
  EXPECT_EQ(body, "hello");
  for (int index = 0; index < 1000; ++index) {
    reader.end_request();
    ASSERT_EQ(reader.advance(), RequestReader::Event::head) << index;
    ASSERT_EQ(reader.request().path, "/next");
  }
  reader.end_request();
  EXPECT_EQ(reader.advance(), RequestReader::Event::need_more);
  EXPECT_EQ(reader.buffered(), 0U);
}

TEST(RequestReader, TakesMemoryForWhatArrivedNotForWhatWasPromised) {
  BufferPools pools;
  RequestReader reader({}, pools);
  const std::string_view head = "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 10000000\r\n\r\n";
  const auto room = reader.prepare();
  std::memcpy(room.data(), head.data(), head.size());
  reader.commit(head.size());
  ASSERT_EQ(reader.advance(), RequestReader::Event::head);
  EXPECT_LE(reader.prepare().size(), 65536U);
  EXPECT_EQ(reader.body_remaining(), 10000000U);
}

}  // namespace
}  // namespace athena::http

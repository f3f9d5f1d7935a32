// link: athena_http
// Arbitrary bytes as an HTTP connection, cut into arbitrary reads. Besides not crashing: the requests found
// are the same as when the bytes come in one read, views stay valid, and buffers stay within their limits.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "http/request_reader.h"

namespace {

using athena::http::BufferPools;
using athena::http::ReaderLimits;
using athena::http::RequestReader;

void check(bool holds) {
  if (!holds) std::abort();
}

struct Splitter {
  std::uint32_t state;
  std::size_t next() {
    if (state == 0) return SIZE_MAX;
    state = state * 1664525U + 1013904223U;
    return 1 + (state >> 16) % 97;
  }
};

class Feed {
 public:
  Feed() : reader_(kLimits, pools_) {}

  void put(std::string_view bytes, Splitter splitter) {
    while (!bytes.empty() && !failed_) {
      const auto room = reader_.prepare();
      check(!room.empty());
      const auto count = std::min({room.size(), bytes.size(), splitter.next()});
      std::memcpy(room.data(), bytes.data(), count);
      reader_.commit(count);
      bytes.remove_prefix(count);
      run();
    }
  }
  [[nodiscard]] const std::string& result() const { return result_; }

 private:
  static constexpr ReaderLimits kLimits{512, 128, 8, 300};

  void run() {
    for (;;) {
      switch (reader_.advance()) {
        case RequestReader::Event::need_more:
          return;
        case RequestReader::Event::failed:
          fail();
          return;
        case RequestReader::Event::head:
          head_ = describe();
          check(head_.size() < 4096);
          if (reader_.body_state() == RequestReader::Body::failed) {
            fail();
            return;
          }
          if (reader_.body_state() == RequestReader::Body::incomplete) break;
          [[fallthrough]];
        case RequestReader::Event::body:
          check(head_ == describe());
          check(reader_.body().size() <= kLimits.max_body_bytes);
          result_.append(head_).append("[").append(reader_.body()).append("]");
          result_ += std::to_string(reader_.request_bytes()) + (reader_.keep_alive() ? "k" : "c") + "\n";
          reader_.end_request();
          reader_.release_idle();
          break;
      }
    }
  }
  std::string describe() {
    const auto& request = reader_.request();
    std::string text(athena::http::name(request.method));
    text.append(" ")
        .append(request.target)
        .append(" ")
        .append(request.path)
        .append("?")
        .append(request.query);
    for (const auto& header : request.headers)
      text.append("|").append(header.name).append("=").append(header.value);
    return text;
  }
  void fail() {
    failed_ = true;
    result_.append("failed ").append(reader_.failure().text());
    check(!reader_.keep_alive());
    check(reader_.advance() == RequestReader::Event::failed);
  }

  BufferPools pools_;
  RequestReader reader_;
  std::string head_;
  std::string result_;
  bool failed_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::uint32_t seed = 1U + data[0] + 256U * data[1];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  Feed whole;
  whole.put(bytes, {0});
  Feed pieces;
  pieces.put(bytes, {seed});
  check(whole.result() == pieces.result());
  return 0;
}

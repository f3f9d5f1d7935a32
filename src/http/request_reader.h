#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "contract/error.h"
#include "http/buffer_pool.h"
#include "http/message.h"

namespace athena::http {

struct ReaderLimits {
  std::size_t max_head_bytes = 32768;
  std::size_t max_target_bytes = 8192;
  std::size_t max_header_lines = 100;
  std::size_t max_body_bytes = 10485760;
};

/// The protocol without the socket: bytes in, requests out, one at a time. The result depends on the bytes
/// alone, never on how they were cut into reads.
///
///     auto room = reader.prepare();  n = recv(room);  reader.commit(n);
///     switch (reader.advance()) { … }
///
/// Strict where leniency would let two parties disagree about where a request ends: see request_reader.cpp. A
/// failure is final: the connection must end.
class RequestReader {
 public:
  enum class Event : std::uint8_t {
    need_more,  ///< nothing to report before more bytes arrive
    head,       ///< a request head is complete, and body_state() says how much of the body is there
    body,       ///< the body, that was incomplete, is complete now
    failed,     ///< failure() says why; of the head, or of the body after its head was reported
  };
  enum class Body : std::uint8_t { incomplete, complete, failed };

  RequestReader(const ReaderLimits& limits, BufferPools& pools);
  ~RequestReader();
  RequestReader(const RequestReader&) = delete;
  RequestReader& operator=(const RequestReader&) = delete;

  /// Where to put the next bytes; never empty. Views into the request stay valid. Invalidated by every other
  /// call.
  std::span<char> prepare();
  /// The first `bytes` of what prepare() gave are filled.
  void commit(std::size_t bytes);
  /// Goes on as far as the bytes allow. Between Event::head and end_request() it works on the body only.
  Event advance();
  /// The request is answered and its body was read: views into it end, the next request may be parsed.
  void end_request();
  /// What still comes of the body is dropped as it arrives.
  void discard_body() { discard_ = true; }
  /// Other limits, from the next request on.
  void set_limits(const ReaderLimits& limits);
  /// Gives all memory back when nothing is buffered.
  void release_idle();

  /// Path, headers … of the current request; after a failed head what was understood until then. Peer and
  /// port are set by the owner once.
  [[nodiscard]] Request& request() { return request_; }
  [[nodiscard]] const Request& request() const { return request_; }
  [[nodiscard]] Body body_state() const { return body_state_; }
  /// The whole body once it is complete; empty for GET, HEAD and OPTIONS, whose bodies are dropped.
  [[nodiscard]] std::string_view body() const { return body_view_; }
  /// Bytes of the body that are still to come; nothing when it is chunked.
  [[nodiscard]] std::optional<std::uint64_t> body_remaining() const;
  /// multipart/* or a content coding.
  [[nodiscard]] const std::optional<contract::Error>& media_error() const { return media_error_; }
  [[nodiscard]] const contract::Error& failure() const { return *failure_; }
  /// The body will not come (timeout, peer gone): it is failed from now on.
  void fail_body(contract::Error error);
  /// The caller wants the connection kept.
  [[nodiscard]] bool keep_alive() const { return keep_alive_; }
  [[nodiscard]] bool expects_continue() const { return expects_continue_; }
  [[nodiscard]] bool method_ignores_body() const;
  /// Bytes of the current request read so far, framing included.
  [[nodiscard]] std::uint64_t request_bytes() const { return request_bytes_; }
  /// Bytes that arrived and belong to no reported request.
  [[nodiscard]] std::size_t buffered() const { return in_.size() - begin_; }

 private:
  class Parser;
  enum class State : std::uint8_t { head, length_body, chunked_body, done, failed };

  Event read_head();
  Event parse_head(std::size_t size);
  void split_target();
  std::optional<contract::Error> check_head() const;
  void start_body();
  Event read_length_body();
  Event read_chunked_body();
  void complete_body();
  Event fail(contract::Error error);
  Event fail_malformed(std::string_view text);

  ReaderLimits limits_;
  ReaderLimits next_limits_;
  BufferPools& pools_;
  std::unique_ptr<Parser> parser_;

  base::Buffer in_;  // what the socket gives; [begin_, size()) is not consumed
  std::size_t begin_ = 0;
  bool views_in_ = false;  // the current request has views into in_: it must not move
  base::Buffer views_;     // an earlier in_ that views of the current request point into

  State state_ = State::head;
  std::size_t scanned_ = 0;     // of the head, behind begin_
  std::size_t line_start_ = 0;  // same
  std::size_t lines_ = 0;
  std::size_t blank_lines_ = 0;

  Request request_;
  std::vector<Header> headers_;
  bool keep_alive_ = false;
  bool expects_continue_ = false;
  bool bad_expectation_ = false;
  bool bad_coding_ = false;
  unsigned hosts_ = 0;
  std::optional<contract::Error> media_error_;

  Body body_state_ = Body::complete;
  std::uint64_t remaining_ = 0;
  base::Buffer body_;
  std::string_view body_view_;
  bool discard_ = false;
  std::optional<contract::Error> failure_;
  std::uint64_t request_bytes_ = 0;
};

}  // namespace athena::http

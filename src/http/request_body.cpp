// Bodies by length and in chunks.
#include <algorithm>

#include "http/request_parser.h"

namespace athena::http {
namespace {

using contract::Error;
using contract::ErrorCode;

enum class Line : std::uint8_t { unfinished, whole, wrong };

/// The line with size and extensions of a chunk. Beast would look for the end of a quoted extension beyond
/// the line, and take line feeds within it.
Line check_chunk_line(std::string_view bytes, bool behind_chunk) {
  if (behind_chunk) {
    if (bytes[0] != '\r') return Line::wrong;
    if (bytes.size() == 1) return Line::unfinished;
    if (bytes[1] != '\n') return Line::wrong;
    bytes.remove_prefix(2);
  }
  bool quoted = false;
  bool escaped = false;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    const char c = bytes[at];
    if (c == '\r') {
      if (quoted) return Line::wrong;
      if (at + 1 == bytes.size()) return Line::unfinished;
      return bytes[at + 1] == '\n' ? Line::whole : Line::wrong;
    }
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F) return Line::wrong;
    if (escaped) {
      escaped = false;
    } else if (quoted && c == '\\') {
      escaped = true;
    } else if (c == '"') {
      quoted = !quoted;
    }
  }
  return Line::unfinished;
}

}  // namespace

void RequestReader::start_body() {
  if (request_.minor_version == 0) expects_continue_ = false;
  if (method_ignores_body()) {
    discard_ = true;
    media_error_.reset();
  }
  const auto& parser = *parser_->impl;
  if (parser.chunked()) {
    state_ = State::chunked_body;
    body_state_ = Body::incomplete;
    if (buffered() > 0) read_chunked_body();
    return;
  }
  remaining_ = parser.content_length().value_or(0);
  if (remaining_ <= buffered()) {
    const auto size = static_cast<std::size_t>(remaining_);
    if (!discard_) body_view_ = in_.view().substr(begin_, size);
    begin_ += size;
    request_bytes_ += remaining_;
    remaining_ = 0;
    state_ = State::done;
    body_state_ = Body::complete;
    return;
  }
  body_state_ = Body::incomplete;
  state_ = State::length_body;
  if (!discard_) {
    body_ = pools_.bodies.take();
    const auto arrived = buffered();
    body_.append(in_.view().substr(begin_));
    begin_ += arrived;
    remaining_ -= arrived;
    request_bytes_ += arrived;
  }
}

RequestReader::Event RequestReader::read_length_body() {
  // discarded bodies go through in_, and so does what had arrived before discard_body() was called
  const auto dropped = std::min<std::uint64_t>(remaining_, buffered());
  begin_ += static_cast<std::size_t>(dropped);
  remaining_ -= dropped;
  request_bytes_ += dropped;
  if (remaining_ > 0) return Event::need_more;
  complete_body();
  return Event::body;
}

RequestReader::Event RequestReader::read_chunked_body() {
  if (body_.capacity() == 0 && !discard_) body_ = pools_.bodies.take();
  auto& parser = *parser_->impl;
  while (buffered() > 0) {
    auto bytes = in_.view().substr(begin_);
    const bool at_head = parser.chunk_left == 0;
    if (at_head) {
      bytes = bytes.substr(0, kMaxChunkLine);
      const auto line = check_chunk_line(bytes, parser.behind_chunk);
      if (line == Line::wrong) return fail_malformed("The head of a chunk is not valid.");
      if (line == Line::unfinished) {
        if (bytes.size() == kMaxChunkLine) return fail_malformed("The head of a chunk is too long.");
        return Event::need_more;
      }
    }
    boost::beast::error_code code;
    const auto used = parser_->put(bytes, code);
    if (code == beast_http::error::need_more) {
      if (at_head && bytes.size() == kMaxChunkLine) return fail_malformed("The trailers are too long.");
      return Event::need_more;
    }
    if (code == beast_http::error::body_limit) {
      return fail(Error(ErrorCode::payload_too_large)
                      .with("limit", static_cast<std::int64_t>(limits_.max_body_bytes)));
    }
    if (code) return fail_malformed(describe(code));
    begin_ += used;
    request_bytes_ += used;
    if (parser.is_done()) {
      complete_body();
      return Event::body;
    }
  }
  return Event::need_more;
}

void RequestReader::complete_body() {
  state_ = State::done;
  body_state_ = Body::complete;
  if (!discard_) body_view_ = body_.view();
}

}  // namespace athena::http

// What Beast's parser lets pass and this reader does not: a head is handed over only as a whole, after a scan
// for bare line feeds and folded lines; a transfer coding other than one plain `chunked`; a second Host; long
// or odd heads of chunks. Beast itself refuses Content-Length with Transfer-Encoding, differing lengths,
// signs, overflow, blanks before the colon and control characters.
#include "http/request_reader.h"

#include <algorithm>
#include <cstring>

#include "http/request_parser.h"

namespace athena::http {
namespace {

using contract::Error;
using contract::ErrorCode;

constexpr std::size_t kBlock = 8192;
constexpr std::size_t kMinRoom = 1024;
constexpr std::size_t kMaxRead = 256 * 1024;
constexpr std::size_t kMaxBlankLines = 2;  // tolerated in front of a request line (RFC 9112, 2.2)

bool is_token_char(char c) {
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return true;
  return c != '\0' && std::strchr("!#$%&'*+-.^_`|~", c) != nullptr;
}

Error malformed(std::string_view text) {
  return Error(ErrorCode::malformed_request, std::string(text));
}

}  // namespace

RequestReader::RequestReader(const ReaderLimits& limits, BufferPools& pools)
    : limits_(limits), next_limits_(limits), pools_(pools), parser_(std::make_unique<Parser>()) {
  headers_.reserve(16);
}

RequestReader::~RequestReader() {
  pools_.blocks.give(std::move(in_));
  pools_.blocks.give(std::move(views_));
  pools_.bodies.give(std::move(body_));
}

std::span<char> RequestReader::prepare() {
  if (state_ == State::length_body && !discard_) {
    // grown with what has arrived, not with what was promised
    const auto room = std::max(kMaxRead / 4, body_.size());
    const auto bytes = static_cast<std::size_t>(std::min<std::uint64_t>({remaining_, room, kMaxRead}));
    return {body_.reserve_tail(bytes), bytes};
  }
  if (in_.capacity() == 0) {
    in_ = pools_.blocks.take();
    in_.reserve_tail(kBlock);
  }
  if (!views_in_ && begin_ == in_.size()) {
    in_.clear();
    begin_ = 0;
  }
  if (in_.capacity() - in_.size() < kMinRoom) {
    if (views_in_) {
      auto next = pools_.blocks.take();
      next.reserve_tail(buffered() + kBlock);
      next.append(in_.view().substr(begin_));
      views_ = std::move(in_);
      in_ = std::move(next);
      views_in_ = false;
      begin_ = 0;
    } else {
      in_.consume(begin_);
      begin_ = 0;
      if (in_.capacity() - in_.size() < kMinRoom) in_.reserve_tail(kBlock);
    }
  }
  return {in_.data() + in_.size(), std::min(in_.capacity() - in_.size(), kMaxRead)};
}

void RequestReader::commit(std::size_t bytes) {
  if (state_ == State::length_body && !discard_) {
    body_.commit(bytes);
    remaining_ -= bytes;
    request_bytes_ += bytes;
  } else {
    in_.commit(bytes);
  }
}

RequestReader::Event RequestReader::advance() {
  switch (state_) {
    case State::head:
      return read_head();
    case State::length_body:
      return read_length_body();
    case State::chunked_body:
      return read_chunked_body();
    case State::done:
      return Event::need_more;
    case State::failed:
      break;
  }
  return Event::failed;
}

RequestReader::Event RequestReader::read_head() {
  const char* data = in_.data() + begin_;
  auto available = buffered();
  while (lines_ == 0 && line_start_ == 0 && available > 0 && data[0] == '\r') {
    if (available < 2) return Event::need_more;
    if (data[1] != '\n' || ++blank_lines_ > kMaxBlankLines)
      return fail_malformed("There is no request line.");
    data += 2;
    begin_ += 2;
    available -= 2;
    scanned_ = 0;
  }
  if (available == 0) return Event::need_more;
  if (scanned_ == 0 && !is_token_char(data[0]))
    return fail_malformed("The request line has no valid method.");

  const auto limit = std::min(available, limits_.max_head_bytes);
  while (scanned_ < limit) {
    const auto* found = static_cast<const char*>(std::memchr(data + scanned_, '\n', limit - scanned_));
    if (found == nullptr) {
      scanned_ = limit;
      break;
    }
    const auto at = static_cast<std::size_t>(found - data);
    if (data[at - 1] != '\r') return fail_malformed("A line of the request head ends with a bare line feed.");
    if (at - line_start_ == 1) return parse_head(at + 1);
    if (lines_ > 0 && (data[line_start_] == ' ' || data[line_start_] == '\t')) {
      return fail_malformed("A header is folded over several lines.");
    }
    if (++lines_ > limits_.max_header_lines + 1) {
      return fail(
          Error(ErrorCode::header_fields_too_large,
                "The request has more than " + std::to_string(limits_.max_header_lines) + " header lines."));
    }
    line_start_ = scanned_ = at + 1;
  }
  if (available < limits_.max_head_bytes) return Event::need_more;
  if (lines_ == 0) {
    return fail(Error(ErrorCode::uri_too_long, "The request target is longer than " +
                                                   std::to_string(limits_.max_target_bytes) + " bytes."));
  }
  return fail(Error(ErrorCode::header_fields_too_large,
                    "The request head is longer than " + std::to_string(limits_.max_head_bytes) + " bytes."));
}

RequestReader::Event RequestReader::parse_head(std::size_t size) {
  views_in_ = true;
  request_bytes_ = size;
  auto& parser = parser_->impl.emplace(*this);
  boost::beast::error_code code;
  const auto used = parser_->put({in_.data() + begin_, size}, code);
  request_.headers = headers_;
  split_target();
  if (code == beast_http::error::body_limit) {
    return fail(
        Error(ErrorCode::payload_too_large).with("limit", static_cast<std::int64_t>(limits_.max_body_bytes)));
  }
  if (code) return fail_malformed(describe(code));
  if (used != size || !parser.is_header_done()) return fail_malformed("The request head is not valid.");
  if (auto error = check_head()) return fail(std::move(*error));
  begin_ += size;
  keep_alive_ = parser.keep_alive();
  start_body();
  return Event::head;
}

/// What Beast does not ask for.
std::optional<Error> RequestReader::check_head() const {
  if (request_.target.size() > limits_.max_target_bytes) {
    return Error(ErrorCode::uri_too_long,
                 "The request target is longer than " + std::to_string(limits_.max_target_bytes) + " bytes.");
  }
  if (bad_coding_ || (parser_->impl->chunked() && request_.minor_version == 0)) {
    return malformed("Transfer-Encoding must be chunked, in HTTP/1.1.");
  }
  if (hosts_ > 1) return malformed("Host is given twice.");
  if (hosts_ == 0 && request_.minor_version == 1)
    return malformed("An HTTP/1.1 request needs the header Host.");
  if (bad_expectation_) return malformed("The only expectation that can be met is 100-continue.");
  return std::nullopt;
}

void RequestReader::split_target() {
  auto rest = request_.target;
  if (!rest.empty() && rest.front() != '/' && rest != "*") {
    // absolute form: scheme and authority are left out, as the Host header says the same
    const auto scheme = rest.find("://");
    if (scheme != std::string_view::npos && rest.find_first_of("/?") == scheme + 1) {
      const auto path = rest.find_first_of("/?", scheme + 3);
      rest = path == std::string_view::npos ? std::string_view("/") : rest.substr(path);
    }
  }
  const auto mark = rest.find('?');
  request_.query = mark == std::string_view::npos ? std::string_view() : rest.substr(mark + 1);
  auto path = rest.substr(0, mark);
  if (path.empty() && !rest.empty()) path = "/";
  const bool keeps_slash = path.starts_with("/docs/") || path.starts_with("/explorer/") ||
                           path.starts_with("/db/docs/") || path.starts_with("/db/explorer/");
  if (path.size() > 1 && path.back() == '/' && !keeps_slash) path.remove_suffix(1);
  request_.path = path;
}

bool RequestReader::method_ignores_body() const {
  return request_.method == Method::get || request_.method == Method::head ||
         request_.method == Method::options;
}

std::optional<std::uint64_t> RequestReader::body_remaining() const {
  if (state_ == State::chunked_body) return std::nullopt;
  return remaining_;
}

RequestReader::Event RequestReader::fail_malformed(std::string_view text) {
  return fail(malformed(text));
}

RequestReader::Event RequestReader::fail(Error error) {
  if (body_state_ == Body::incomplete) body_state_ = Body::failed;
  state_ = State::failed;
  keep_alive_ = false;
  failure_ = std::move(error);
  return Event::failed;
}

void RequestReader::fail_body(Error error) {
  fail(std::move(error));
}

void RequestReader::end_request() {
  if (state_ == State::failed) return;
  state_ = State::head;
  views_in_ = false;
  pools_.blocks.give(std::move(views_));
  pools_.bodies.give(std::move(body_));
  scanned_ = line_start_ = lines_ = blank_lines_ = 0;
  headers_.clear();
  request_.method = Method::other;
  request_.target = request_.path = request_.query = {};
  request_.headers = {};
  request_.minor_version = 1;
  keep_alive_ = expects_continue_ = bad_expectation_ = bad_coding_ = discard_ = false;
  hosts_ = 0;
  limits_ = next_limits_;
  media_error_.reset();
  body_state_ = Body::complete;
  body_view_ = {};
  remaining_ = 0;
  request_bytes_ = 0;
}

void RequestReader::set_limits(const ReaderLimits& limits) {
  next_limits_ = limits;
  if (state_ == State::head && buffered() == 0) limits_ = limits;
}

void RequestReader::release_idle() {
  if (state_ != State::head || buffered() > 0) return;
  begin_ = 0;
  pools_.blocks.give(std::move(in_));
}

}  // namespace athena::http

#pragma once

#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>

#include "base/buffer.h"
#include "http/message.h"

namespace athena::http {

/// The reason phrase of a status; `Unknown` when it has none here.
std::string_view reason_phrase(unsigned status);
/// True for 1xx, 204 and 304, which have no body.
bool has_no_body(unsigned status);

/// The header lines that are the same for all replies of a second. One object per shard.
class CommonHeaders {
 public:
  /// `Date: …\r\nServer: Athena\r\nX-Content-Type-Options: nosniff\r\n`
  std::string_view lines();

 private:
  std::time_t second_ = 0;
  std::string text_;
};

struct ReplyHead {
  unsigned minor_version = 1;  ///< of the request
  bool keep_alive = true;
  std::optional<std::uint64_t> content_length;  ///< nothing = chunked
  std::string_view request_id;
};

/// Appends status line and header fields of `response`, with the empty line behind them.
void append_reply_head(base::Buffer& out, const Response& response, const ReplyHead& head,
                       CommonHeaders& common);

}  // namespace athena::http

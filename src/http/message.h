#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/ascii.h"
#include "base/buffer.h"

namespace athena::http {

enum class Method : std::uint8_t { get, head, post, put, patch, delete_, options, other };
/// `GET` …; `OTHER` for anything that is none of the seven.
std::string_view name(Method method);

struct Header {
  std::string_view name;
  std::string_view value;  ///< without surrounding blanks
};

/// One request head. All views point into the connection's memory and live until the exchange ends.
struct Request {
  Method method = Method::other;
  std::string_view target;  ///< as received
  std::string_view
      path;  ///< before `?`, still percent-encoded, one trailing `/` removed (but for `/` itself)
  std::string_view query;  ///< behind `?`
  unsigned minor_version = 1;
  std::span<const Header> headers;
  std::string_view peer;          ///< address text of the peer, `unix` for the socket file
  bool peer_is_loopback = false;  ///< 127.0.0.0/8, ::1 or a unix socket
  std::string_view local_port;    ///< decimal; empty on a unix socket
  bool tls = false;               ///< the connection is encrypted

  /// First non-empty value of that header (name in any case), or an empty text.
  [[nodiscard]] std::string_view header(std::string_view header_name) const;
};

/// What a handler fills in. The connection adds Date, Server, x-request-id, X-Content-Type-Options,
/// Cache-Control, Content-Length or Transfer-Encoding, and Connection.
struct Response {
  std::uint16_t status = 200;
  std::string_view content_type = "application/json; charset=utf-8";  ///< static text
  std::string_view cache_control = "no-store";  ///< static text; empty = header left out
  base::Buffer extra_headers;                   ///< complete lines `Name: value\r\n`
  base::Buffer trailers;                        ///< the same, behind the final chunk of a streamed reply
  base::Buffer body;

  /// Appends a header line. Bytes that would end the line are dropped from `value`.
  void add_header(std::string_view header_name, std::string_view value);
  /// The same for a trailer. Its name must have stood in a `Trailer` header; only streamed replies send it.
  void add_trailer(std::string_view header_name, std::string_view value);
};

/// True for `true 1 yes on` in any case: how boolean headers are read.
bool header_is_true(std::string_view value);
using base::equals_ignoring_case;

}  // namespace athena::http

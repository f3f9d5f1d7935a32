#include "http/request_parser.h"

#include <cstring>

namespace athena::http {
namespace {

using contract::ErrorCode;

std::string_view text_of(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

Method to_method(beast_http::verb verb) {
  switch (verb) {
    case beast_http::verb::get:
      return Method::get;
    case beast_http::verb::head:
      return Method::head;
    case beast_http::verb::post:
      return Method::post;
    case beast_http::verb::put:
      return Method::put;
    case beast_http::verb::patch:
      return Method::patch;
    case beast_http::verb::delete_:
      return Method::delete_;
    case beast_http::verb::options:
      return Method::options;
    default:
      return Method::other;
  }
}

}  // namespace

std::string_view describe(const boost::beast::error_code& code) {
  using beast_http::error;
  switch (static_cast<error>(code.value())) {
    case error::bad_method:
      return "The request line has no valid method.";
    case error::bad_target:
      return "The request line has no valid target.";
    case error::bad_version:
      return "The HTTP version must be 1.0 or 1.1.";
    case error::bad_field:
      return "The name of a header is not valid.";
    case error::bad_value:
      return "The value of a header is not valid.";
    case error::bad_line_ending:
      return "A line of the request head does not end with CRLF.";
    case error::bad_content_length:
      return "Content-Length is not valid.";
    case error::multiple_content_length:
      return "Content-Length is given with different values.";
    case error::bad_transfer_encoding:
      return "Transfer-Encoding is not valid here.";
    case error::bad_chunk:
      return "The size of a chunk is not valid.";
    case error::bad_chunk_extension:
      return "The extension of a chunk is not valid.";
    default:
      return "The request is not valid HTTP.";
  }
}

void RequestReader::Parser::Impl::on_request_impl(beast_http::verb verb, Text, Text target, int version,
                                                  Code&) {
  reader_.request_.method = to_method(verb);
  reader_.request_.target = text_of(target);
  reader_.request_.minor_version = static_cast<unsigned>(version % 10);
}

void RequestReader::Parser::Impl::on_field_impl(beast_http::field field, Text name_text, Text value_text,
                                                Code& code) {
  const auto name = text_of(name_text);
  const auto value = text_of(value_text);
  // A folded value lies in a buffer of the parser, or a line end lies between the name and it.
  if (const char* gap = name.data() + name.size();
      !value.empty() && (value.data() < gap || value.data() > end ||
                         std::memchr(gap, '\n', static_cast<std::size_t>(value.data() - gap)) != nullptr)) {
    code = beast_http::error::bad_value;
    return;
  }
  if (is_header_done()) return;  // a trailer
  reader_.headers_.push_back({name, value});
  switch (field) {
    case beast_http::field::host:
      ++reader_.hosts_;
      break;
    case beast_http::field::transfer_encoding:
      if (!equals_ignoring_case(value, "chunked")) reader_.bad_coding_ = true;
      break;
    case beast_http::field::expect:
      if (equals_ignoring_case(value, "100-continue")) {
        reader_.expects_continue_ = true;
      } else if (!value.empty()) {
        reader_.bad_expectation_ = true;
      }
      break;
    case beast_http::field::content_type:
      if (value.size() >= 10 && equals_ignoring_case(value.substr(0, 10), "multipart/")) {
        reader_.media_error_.emplace(ErrorCode::unsupported_media_type,
                                     "Bodies of multipart/* are not accepted.");
      }
      break;
    case beast_http::field::content_encoding:
      if (!value.empty() && !equals_ignoring_case(value, "identity")) {
        reader_.media_error_.emplace(ErrorCode::unsupported_media_type,
                                     "Content-Encoding must be identity or absent.");
      }
      break;
    default:
      break;
  }
}

}  // namespace athena::http

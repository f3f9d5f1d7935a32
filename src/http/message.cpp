#include "http/message.h"

#include <algorithm>

namespace athena::http {
namespace {

void append_line(base::Buffer& out, std::string_view name, std::string_view value) {
  out.append(name);
  out.append(": ");
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte == '\t' || (byte >= 0x20 && byte != 0x7F)) out.push_back(c);
  }
  out.append("\r\n");
}

}  // namespace

std::string_view name(Method method) {
  switch (method) {
    case Method::get:
      return "GET";
    case Method::head:
      return "HEAD";
    case Method::post:
      return "POST";
    case Method::put:
      return "PUT";
    case Method::patch:
      return "PATCH";
    case Method::delete_:
      return "DELETE";
    case Method::options:
      return "OPTIONS";
    case Method::other:
      break;
  }
  return "OTHER";
}

std::string_view Request::header(std::string_view header_name) const {
  for (const auto& header : headers) {
    if (!header.value.empty() && equals_ignoring_case(header.name, header_name)) return header.value;
  }
  return {};
}

void Response::add_header(std::string_view header_name, std::string_view value) {
  append_line(extra_headers, header_name, value);
}

void Response::add_trailer(std::string_view header_name, std::string_view value) {
  append_line(trailers, header_name, value);
}

bool header_is_true(std::string_view value) {
  for (const std::string_view word : {"true", "1", "yes", "on"}) {
    if (equals_ignoring_case(value, word)) return true;
  }
  return false;
}

}  // namespace athena::http

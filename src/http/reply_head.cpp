#include "http/reply_head.h"

#include <charconv>
#include <cstring>

namespace athena::http {
namespace {

void append_number(base::Buffer& out, std::uint64_t number) {
  char* place = out.reserve_tail(20);
  out.commit(static_cast<std::size_t>(std::to_chars(place, place + 20, number).ptr - place));
}

void append_header(base::Buffer& out, std::string_view name, std::string_view value) {
  out.append(name);
  out.append(value);
  out.append("\r\n");
}

}  // namespace

bool has_no_body(unsigned status) {
  return status < 200 || status == 204 || status == 304;
}

std::string_view reason_phrase(unsigned status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 207:
      return "Multi-Status";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Payload Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 422:
      return "Unprocessable Content";
    case 423:
      return "Locked";
    case 426:
      return "Upgrade Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 499:
      return "Client Closed Request";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return "Unknown";
  }
}

std::string_view CommonHeaders::lines() {
  const auto now = std::time(nullptr);
  if (now != second_) {
    static constexpr std::string_view kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr std::string_view kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    second_ = now;
    std::tm utc{};
    gmtime_r(&now, &utc);
    char rest[40];
    std::strftime(rest, sizeof rest, " %Y %H:%M:%S GMT\r\n", &utc);
    char day[8];
    std::strftime(day, sizeof day, ", %d ", &utc);
    text_ = "Date: ";
    text_.append(kDays[utc.tm_wday]).append(day).append(kMonths[utc.tm_mon]).append(rest);
    text_ += "Server: Athena\r\nX-Content-Type-Options: nosniff\r\n";
  }
  return text_;
}

void append_reply_head(base::Buffer& out, const Response& response, const ReplyHead& head,
                       CommonHeaders& common) {
  if (response.status == 200) {
    out.append("HTTP/1.1 200 OK\r\n");
  } else {
    out.append("HTTP/1.1 ");
    append_number(out, response.status);
    out.push_back(' ');
    out.append(reason_phrase(response.status));
    out.append("\r\n");
  }
  out.append(common.lines());
  append_header(out, "x-request-id: ", head.request_id);
  if (!response.cache_control.empty()) append_header(out, "Cache-Control: ", response.cache_control);
  if (!has_no_body(response.status)) {
    if (!response.content_type.empty()) append_header(out, "Content-Type: ", response.content_type);
    if (head.content_length) {
      out.append("Content-Length: ");
      append_number(out, *head.content_length);
      out.append("\r\n");
    } else {
      out.append("Transfer-Encoding: chunked\r\n");
    }
  }
  out.append(response.extra_headers.view());
  if (!head.keep_alive) {
    out.append("Connection: close\r\n");
  } else if (head.minor_version == 0) {
    out.append("Connection: keep-alive\r\n");
  }
  out.append("\r\n");
}

}  // namespace athena::http

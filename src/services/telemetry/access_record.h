#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/deadline.h"
#include "http/message.h"

namespace athena::telemetry {

/// One answered request for the access log. What came from the caller stands in one text, so that a record
/// costs one allocation; it is escaped when it is written. Neither the query nor a header is part of it.
struct AccessRecord {
  std::chrono::system_clock::time_point at;
  http::Method method = http::Method::other;
  std::uint16_t status = 0;
  std::string_view route;  ///< static text
  std::string_view code;   ///< static text; empty = no failure
  std::uint64_t request_bytes = 0, response_bytes = 0;
  base::Clock::duration duration{};

  /// Cut to 1 KiB, 128, 64 and 64 bytes.
  void set_texts(std::string_view path, std::string_view request_id, std::string_view client,
                 std::string_view address);
  [[nodiscard]] std::string_view path() const { return part(0, ends_[0]); }
  [[nodiscard]] std::string_view request_id() const { return part(ends_[0], ends_[1]); }
  [[nodiscard]] std::string_view client() const { return part(ends_[1], ends_[2]); }
  [[nodiscard]] std::string_view address() const { return part(ends_[2], ends_[3]); }

 private:
  [[nodiscard]] std::string_view part(std::size_t begin, std::size_t end) const {
    return std::string_view(texts_).substr(begin, end - begin);
  }
  std::string texts_;
  std::uint16_t ends_[4] = {};
};

/// A line of the access log: words `name=value`, or the members of a JSON object with its braces. Every byte
/// that is not visible ASCII, and what would end a value, is escaped.
std::string access_text(const AccessRecord& record);
std::string access_json(const AccessRecord& record);
/// `text` with `\xNN` for blanks, control characters, quotes, backslashes and bytes above 0x7E.
std::string escaped_word(std::string_view text);

}  // namespace athena::telemetry

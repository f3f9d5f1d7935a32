#include "services/telemetry/access_record.h"

#include <array>
#include <cstdio>

#include "base/json_writer.h"

namespace athena::telemetry {
namespace {

std::string milliseconds(base::Clock::duration duration) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", std::chrono::duration<double, std::milli>(duration).count());
  return text;
}

}  // namespace

void AccessRecord::set_texts(std::string_view path, std::string_view request_id, std::string_view client,
                             std::string_view address) {
  const std::array<std::string_view, 4> parts{path.substr(0, 1024), request_id.substr(0, 128),
                                              client.substr(0, 64), address.substr(0, 64)};
  texts_.clear();
  texts_.reserve(parts[0].size() + parts[1].size() + parts[2].size() + parts[3].size());
  for (std::size_t i = 0; i < parts.size(); ++i) {
    texts_.append(parts[i]);
    ends_[i] = static_cast<std::uint16_t>(texts_.size());
  }
}

std::string escaped_word(std::string_view text) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  std::string word;
  word.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte < 0x7F && c != '"' && c != '\\') {
      word.push_back(c);
    } else {
      word.append("\\x").append(1, kHex[byte >> 4]).append(1, kHex[byte & 15]);
    }
  }
  return word;
}

std::string access_text(const AccessRecord& record) {
  std::string line = "request id=" + escaped_word(record.request_id());
  line.append(" address=").append(escaped_word(record.address()));
  line.append(" method=").append(http::name(record.method));
  line.append(" route=").append(record.route);
  line.append(" path=").append(escaped_word(record.path()));
  line.append(" client=").append(escaped_word(record.client()));
  line.append(" status=").append(std::to_string(record.status));
  if (!record.code.empty()) line.append(" code=").append(record.code);
  line.append(" bytes_in=").append(std::to_string(record.request_bytes));
  line.append(" bytes_out=").append(std::to_string(record.response_bytes));
  line.append(" duration_ms=").append(milliseconds(record.duration));
  return line;
}

std::string access_json(const AccessRecord& record) {
  std::string line = R"({"request_id":)" + base::json_string(escaped_word(record.request_id()));
  const auto text = [&line](std::string_view name, std::string_view value) {
    line.append(",\"").append(name).append("\":").append(base::json_string(value));
  };
  const auto number = [&line](std::string_view name, const std::string& value) {
    line.append(",\"").append(name).append("\":").append(value);
  };
  text("address", escaped_word(record.address()));
  text("method", http::name(record.method));
  text("route", record.route);
  text("path", escaped_word(record.path()));
  text("client", escaped_word(record.client()));
  number("status", std::to_string(record.status));
  if (!record.code.empty()) text("code", record.code);
  number("bytes_in", std::to_string(record.request_bytes));
  number("bytes_out", std::to_string(record.response_bytes));
  number("duration_ms", milliseconds(record.duration));
  line.push_back('}');
  return line;
}

}  // namespace athena::telemetry

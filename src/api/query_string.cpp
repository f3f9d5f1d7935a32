#include "api/query_string.h"

#include <charconv>

#include "base/utf8.h"

namespace athena::api {
namespace {

using contract::Error;
using contract::ErrorCode;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      decoded += ' ';
    } else if (text[i] != '%') {
      decoded += text[i];
    } else {
      const int high = text.size() - i > 2 ? hex_digit(text[i + 1]) : -1;
      const int low = text.size() - i > 2 ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0) return std::nullopt;
      decoded += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return decoded;
}

contract::Result<QueryString> QueryString::parse(std::string_view query) {
  QueryString result;
  while (!query.empty()) {
    const auto end = query.find('&');
    const auto pair = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view{} : query.substr(end + 1);
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    auto name = percent_decode(pair.substr(0, equals), true);
    auto value =
        percent_decode(equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1), true);
    if (!name || !value)
      return Error(ErrorCode::invalid_value, "The query string has a broken percent escape.");
    if (!base::is_utf8(*name) || !base::is_utf8(*value))
      return Error(ErrorCode::invalid_value, "The query string is not UTF-8.");
    result.pairs_.emplace_back(std::move(*name), std::move(*value));
  }
  return result;
}

std::optional<std::string_view> QueryString::find(std::string_view name) const {
  for (const auto& [key, value] : pairs_) {
    if (key == name && !value.empty()) return value;
  }
  return std::nullopt;
}

contract::Result<std::int64_t> QueryString::integer(std::string_view name, std::int64_t fallback,
                                                    std::int64_t minimum, std::int64_t maximum) const {
  const auto text = find(name);
  if (!text) return fallback;
  std::int64_t value = 0;
  const auto parsed = std::from_chars(text->data(), text->data() + text->size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != text->data() + text->size() || value < minimum ||
      value > maximum) {
    return Error(ErrorCode::invalid_value, "The parameter " + std::string(name) +
                                               " must be a whole number from " + std::to_string(minimum) +
                                               " to " + std::to_string(maximum) + ".")
        .with("member", name);
  }
  return value;
}

}  // namespace athena::api

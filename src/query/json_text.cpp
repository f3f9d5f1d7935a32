#include "query/json_text.h"

#include <charconv>
#include <cstdint>

namespace athena::query {
namespace {

std::uint32_t hex4(std::string_view text) {
  std::uint32_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, 16);
  return value;
}

void append_utf8(std::string& out, std::uint32_t code) {
  const auto put = [&out](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) return put(code);
  if (code < 0x800) {
    put(0xC0 | code >> 6);
  } else {
    if (code < 0x10000) {
      put(0xE0 | code >> 12);
    } else {
      put(0xF0 | code >> 18);
      put(0x80 | (code >> 12 & 0x3F));
    }
    put(0x80 | (code >> 6 & 0x3F));
  }
  put(0x80 | (code & 0x3F));
}

constexpr std::uint32_t kReplacement = 0xFFFD;
bool is_high(std::uint32_t code) {
  return code >= 0xD800 && code < 0xDC00;
}
bool is_low(std::uint32_t code) {
  return code >= 0xDC00 && code < 0xE000;
}

/// The character of `\uXXXX` at the start of `text`, with the second half of a pair; halves alone are
/// U+FFFD. `text` moves behind it.
std::uint32_t take_unicode(std::string_view& text) {
  std::uint32_t code = hex4(text.substr(2, 4));
  text.remove_prefix(text.size() < 6 ? text.size() : 6);
  if (is_low(code)) return kReplacement;
  if (!is_high(code)) return code;
  if (!text.starts_with("\\u")) return kReplacement;
  const std::uint32_t low = hex4(text.substr(2, 4));
  if (!is_low(low)) return kReplacement;
  text.remove_prefix(text.size() < 6 ? text.size() : 6);
  return 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
}

char escaped(char c) {
  switch (c) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return c;
  }
}

}  // namespace

std::string_view json_string_text(std::string_view json, std::string& scratch) {
  if (json.size() < 2) return {};
  std::string_view text = json.substr(1, json.size() - 2);
  std::size_t escape = text.find('\\');
  if (escape == std::string_view::npos) return text;
  scratch.clear();
  while (escape != std::string_view::npos) {
    scratch.append(text.substr(0, escape));
    text.remove_prefix(escape);
    if (text.size() < 2) break;
    if (text[1] == 'u') {
      append_utf8(scratch, take_unicode(text));
    } else {
      scratch.push_back(escaped(text[1]));
      text.remove_prefix(2);
    }
    escape = text.find('\\');
  }
  scratch.append(text);
  return scratch;
}

void append_compact_json(std::string& out, std::string_view json) {
  bool in_string = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (!in_string && (c == ' ' || c == '\n' || c == '\r' || c == '\t')) continue;
    out.push_back(c);
    if (c == '"') in_string = !in_string;
    if (in_string && c == '\\' && i + 1 < json.size()) out.push_back(json[++i]);
  }
}

}  // namespace athena::query

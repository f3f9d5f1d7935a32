#include "engines/sqlite/statement_text.h"

#include <algorithm>

namespace athena::sqlite {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c;
}
bool is_name(char c) {
  return is_digit(c) || (upper(c) >= 'A' && upper(c) <= 'Z') || c == '_' || c == '$' ||
         static_cast<unsigned char>(c) >= 0x80;
}

/// Bytes of white space or of one comment in front; 0 when a token begins.
std::size_t blank_size(std::string_view text) {
  if (text.empty()) return 0;
  if (is_space(text.front())) {
    const auto end = std::find_if_not(text.begin(), text.end(), is_space);
    return static_cast<std::size_t>(end - text.begin());
  }
  if (text.starts_with("--")) return std::min(text.find('\n'), text.size());
  if (text.starts_with("/*") && text.size() > 2) {
    const auto end = text.find("*/", 2);
    return end == std::string_view::npos ? text.size() : end + 2;
  }
  if (text.starts_with("\xEF\xBB\xBF")) return 3;
  return 0;
}

/// Bytes up to and with the closing quote; a doubled one stands for itself.
std::size_t quoted_size(std::string_view text, char close) {
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] != close) continue;
    if (close == ']' || i + 1 >= text.size() || text[i + 1] != close) return i + 1;
    ++i;
  }
  return text.size();
}

std::size_t name_size(std::string_view text) {
  return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_name) - text.begin());
}

/// The kind of the token in front, and its size.
std::pair<Token::Kind, std::size_t> measure(std::string_view text) {
  using K = Token::Kind;
  const char c = text.front();
  switch (c) {
    case '(':
      return {K::open, 1};
    case ')':
      return {K::close, 1};
    case ',':
      return {K::comma, 1};
    case ';':
      return {K::semicolon, 1};
    case '\'':
      return {K::string, quoted_size(text, '\'')};
    case '"':
    case '`':
      return {K::quoted_name, quoted_size(text, c)};
    case '[':
      return {K::quoted_name, quoted_size(text, ']')};
    case '?':
    case '$':
    case ':':
    case '@':
      return {K::parameter, 1 + name_size(text.substr(1))};
    default:
      break;
  }
  if (is_digit(c)) {
    const auto end =
        std::find_if_not(text.begin(), text.end(), [](char at) { return is_name(at) || at == '.'; });
    return {K::number, static_cast<std::size_t>(end - text.begin())};
  }
  if (is_name(c)) return {K::word, name_size(text)};
  return {K::other, 1};
}

}  // namespace

bool Token::is(std::string_view wanted) const {
  return kind == Kind::word && text.size() == wanted.size() &&
         std::equal(text.begin(), text.end(), wanted.begin(), [](char a, char b) { return upper(a) == b; });
}

std::string Token::name() const {
  if (kind != Kind::quoted_name && kind != Kind::string) return std::string(text);
  if (text.size() < 2) return {};
  const std::string_view inner = text.substr(1, text.size() - 2);
  const char quote = text.front();
  if (quote == '[') return std::string(inner);
  std::string name;
  for (std::size_t i = 0; i < inner.size(); ++i) {
    name.push_back(inner[i]);
    if (inner[i] == quote && i + 1 < inner.size() && inner[i + 1] == quote) ++i;
  }
  return name;
}

Token next_token(std::string_view& text) {
  while (const std::size_t blank = blank_size(text)) text.remove_prefix(blank);
  if (text.empty()) return {};
  const auto [kind, size] = measure(text);
  const Token token{kind, text.substr(0, size)};
  text.remove_prefix(size);
  return token;
}

std::string_view skip_blank(std::string_view text) {
  while (!text.empty()) {
    const std::size_t blank = text.front() == ';' ? 1 : blank_size(text);
    if (blank == 0) break;
    text.remove_prefix(blank);
  }
  return text;
}

std::size_t character_position(std::string_view text, std::size_t offset) {
  const auto before = text.substr(0, std::min(offset, text.size()));
  return 1 + static_cast<std::size_t>(std::count_if(before.begin(), before.end(), [](char c) {
           return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
         }));
}

}  // namespace athena::sqlite

#include "engines/postgres/type_name.h"

namespace athena::postgres {

namespace {

constexpr std::size_t kMaxName = 63;  // NAMEDATALEN − 1

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

void skip_space(std::string_view text, std::size_t& at) {
  while (at < text.size() && is_space(text[at])) ++at;
}

bool is_word_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
         (static_cast<unsigned char>(c) & 0x80U) != 0;
}

char fold(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool read_quoted(std::string_view text, std::size_t& at, std::string& part) {
  ++at;
  while (at < text.size()) {
    const char c = text[at++];
    if (c == '\0') return false;
    if (c == '"') {
      if (at == text.size() || text[at] != '"') return true;
      ++at;
    }
    part.push_back(c);
  }
  return false;
}

/// Words up to a dot, a bracket or the end, joined by single spaces.
bool read_words(std::string_view text, std::size_t& at, std::string& part) {
  while (at < text.size() && is_word_byte(text[at])) {
    if (!part.empty()) part.push_back(' ');
    while (at < text.size() && is_word_byte(text[at])) part.push_back(fold(text[at++]));
    skip_space(text, at);
  }
  return !part.empty();
}

bool read_part(std::string_view text, std::size_t& at, std::string& part, bool& quoted) {
  quoted = at < text.size() && text[at] == '"';
  const bool read = quoted ? read_quoted(text, at, part) : read_words(text, at, part);
  skip_space(text, at);
  return read && !part.empty() && part.size() <= kMaxName;
}

}  // namespace

std::optional<TypeName> parse_type_name(std::string_view text) {
  TypeName result;
  std::size_t at = 0;
  skip_space(text, at);
  if (!read_part(text, at, result.name, result.quoted)) return std::nullopt;
  if (at < text.size() && text[at] == '.') {
    ++at;
    skip_space(text, at);
    result.schema = std::move(result.name);
    result.name.clear();
    if (!read_part(text, at, result.name, result.quoted)) return std::nullopt;
  }
  while (at < text.size()) {
    if (text[at] != '[') return std::nullopt;
    ++at;
    skip_space(text, at);
    if (at == text.size() || text[at] != ']') return std::nullopt;
    ++at;
    skip_space(text, at);
    result.array = true;
  }
  return result;
}

}  // namespace athena::postgres

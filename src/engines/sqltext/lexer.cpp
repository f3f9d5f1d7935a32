#include "engines/sqltext/lexer.h"

#include <algorithm>
#include <vector>

namespace athena::sqltext {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool starts_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool in_name(char c) {
  return starts_name(c) || is_digit(c) || c == '$';
}
char lower_of(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

bool is_word(const Token& token, std::string_view lower) {
  return token.kind == Token::Kind::word && std::ranges::equal(token.text, lower, {}, lower_of);
}

/// At `--` or `/*`: skips it.
bool Lexer::skip_comment() {
  if (text_.substr(at_, 2) == "--") {
    while (at_ < text_.size() && text_[at_] != '\n' && text_[at_] != '\r') ++at_;
    return true;
  }
  if (text_.substr(at_, 2) != "/*") return false;
  std::size_t depth = 0;
  while (at_ < text_.size()) {
    const auto two = text_.substr(at_, 2);
    if (two == "/*") {
      ++depth;
      at_ += 2;
    } else if (two == "*/") {
      at_ += 2;
      if (--depth == 0) break;
    } else {
      ++at_;
    }
  }
  return true;
}

void Lexer::skip_blank() {
  while (at_ < text_.size()) {
    if (is_space(text_[at_])) {
      ++at_;
    } else if (!skip_comment()) {
      return;
    }
  }
}

/// A string goes on behind white space with a line break (and `--` comments) in it.
bool Lexer::continues(std::size_t& at) const {
  bool line_break = false;
  std::size_t next = at;
  while (next < text_.size()) {
    if (is_space(text_[next])) {
      line_break = line_break || text_[next] == '\n' || text_[next] == '\r';
      ++next;
    } else if (text_.substr(next, 2) == "--") {
      while (next < text_.size() && text_[next] != '\n' && text_[next] != '\r') ++next;
    } else {
      break;
    }
  }
  if (!line_break || next >= text_.size() || text_[next] != '\'') return false;
  at = next;
  return true;
}

/// Behind the opening quote: to behind the closing one.
void Lexer::skip_quoted(char quote, bool escapes) {
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == '\\' && escapes) {
      at_ = std::min(at_ + 2, text_.size());
    } else if (c != quote) {
      ++at_;
    } else if (text_.substr(at_ + 1, 1) == std::string_view(&quote, 1)) {
      at_ += 2;
    } else {
      ++at_;
      if (!escapes || !continues(at_)) return;
      ++at_;
    }
  }
}

/// At `$`: skips `$tag$…$tag$`; false when it begins none.
bool Lexer::skip_dollar_quoted() {
  std::size_t end = at_ + 1;
  if (end < text_.size() && starts_name(text_[end])) {
    while (end < text_.size() && (starts_name(text_[end]) || is_digit(text_[end]))) ++end;
  }
  if (end >= text_.size() || text_[end] != '$') return false;
  const auto tag = text_.substr(at_, end + 1 - at_);
  const auto close = text_.find(tag, end + 1);
  at_ = close == std::string_view::npos ? text_.size() : close + tag.size();
  return true;
}

bool Lexer::next(Token& token) {
  skip_blank();
  if (at_ >= text_.size()) return false;
  token.begin = at_;
  const char c = text_[at_];
  if ((c == 'e' || c == 'E') && text_.substr(at_ + 1, 1) == "'") {
    at_ += 2;
    skip_quoted('\'', true);
    token.kind = Token::Kind::string;
  } else if (starts_name(c)) {
    while (at_ < text_.size() && in_name(text_[at_])) ++at_;
    token.kind = Token::Kind::word;
  } else if (is_digit(c)) {
    while (at_ < text_.size() && (is_digit(text_[at_]) || text_[at_] == '.')) ++at_;
    token.kind = Token::Kind::number;
  } else if (c == '\'') {
    ++at_;
    skip_quoted('\'', false);
    token.kind = Token::Kind::string;
  } else if (c == '"') {
    ++at_;
    skip_quoted('"', false);
    token.kind = Token::Kind::name;
  } else if (c == '$' && at_ + 1 < text_.size() && is_digit(text_[at_ + 1])) {
    ++at_;
    while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
    token.kind = Token::Kind::parameter;
  } else if (c == '$' && skip_dollar_quoted()) {
    token.kind = Token::Kind::string;
  } else {
    ++at_;
    token.kind = Token::Kind::symbol;
  }
  token.text = text_.substr(token.begin, at_ - token.begin);
  return true;
}

std::size_t depth_bound(std::string_view text) {
  struct Level {
    std::size_t kept = 0;     // set operations: lists stand beside each other below them, yet they nest
    std::size_t current = 0;  // since the last comma
  };
  std::vector<Level> levels(1);
  std::size_t sum = 0, most = 0;
  Lexer lexer(text);
  Token token;
  const auto leave = [&](const Level& level) { sum -= level.kept + level.current; };
  while (lexer.next(token)) {
    const char symbol = token.kind == Token::Kind::symbol ? token.text[0] : '\0';
    if (symbol == '(' || symbol == '[') {
      levels.emplace_back();
      ++levels.back().kept;
      ++sum;
    } else if (symbol == ')' || symbol == ']') {
      leave(levels.back());
      levels.pop_back();
      if (levels.empty()) levels.emplace_back();
      ++levels.back().current;  // a call, a subscript: one more on top of what stands before it
      ++sum;
    } else if (symbol == ',') {
      sum -= levels.back().current;
      levels.back().current = 0;
    } else if (symbol == ';') {
      leave(levels.back());
      levels.back() = {};
    } else if (is_word(token, "union") || is_word(token, "intersect") || is_word(token, "except")) {
      ++levels.back().kept;
      ++sum;
    } else {
      ++levels.back().current;
      ++sum;
    }
    most = std::max(most, sum);
  }
  return most;
}

}  // namespace athena::sqltext

#include <cstdint>
#include <vector>

#include "base/utf8.h"
#include "engines/postgres/values.h"

namespace athena::postgres {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/// Length of the number that `text` starts with, 0 = none.
std::size_t number_length(std::string_view text) {
  std::size_t at = 0;
  const auto digits = [&] {
    const std::size_t from = at;
    while (at < text.size() && is_digit(text[at])) ++at;
    return at > from;
  };
  if (at < text.size() && text[at] == '-') ++at;
  if (at < text.size() && text[at] == '0') {
    ++at;
  } else if (!digits()) {
    return 0;
  }
  if (at < text.size() && text[at] == '.') {
    ++at;
    if (!digits()) return 0;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (!digits()) return 0;
  }
  return at;
}

/// A checker without recursion: PostgreSQL stores documents of thousands of levels.
class Checker {
 public:
  explicit Checker(std::string_view text) : text_(text) {}

  bool run() {
    do {
      if (!value()) return false;
      // Close what ends here; stop at a separator, which is followed by the next value.
      while (!levels_.empty()) {
        skip_space();
        if (at_ == text_.size()) return false;
        const char c = text_[at_++];
        if (c == (levels_.back() ? '}' : ']')) {
          levels_.pop_back();
        } else if (c == ',') {
          if (levels_.back() && !key()) return false;
          break;
        } else {
          return false;
        }
      }
    } while (!levels_.empty());
    skip_space();
    return at_ == text_.size();
  }

 private:
  void skip_space() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r'))
      ++at_;
  }
  bool peek(char c) const { return at_ < text_.size() && text_[at_] == c; }
  bool word(std::string_view expected) {
    if (text_.substr(at_, expected.size()) != expected) return false;
    at_ += expected.size();
    return true;
  }

  /// Opening brackets down to the first scalar or empty container, and that.
  bool value() {
    for (;;) {
      skip_space();
      if (at_ == text_.size()) return false;
      const char c = text_[at_];
      if (c == '"') return string();
      if (c == 't') return word("true");
      if (c == 'f') return word("false");
      if (c == 'n') return word("null");
      if (c != '[' && c != '{') {
        const std::size_t length = number_length(text_.substr(at_));
        at_ += length;
        return length != 0;
      }
      ++at_;
      skip_space();
      if (peek(c == '{' ? '}' : ']')) return ++at_, true;
      levels_.push_back(c == '{');
      if (c == '{' && !key()) return false;
    }
  }

  bool key() {
    skip_space();
    if (!peek('"') || !string()) return false;
    skip_space();
    if (!peek(':')) return false;
    ++at_;
    return true;
  }

  bool string() {
    ++at_;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"') return ++at_, true;
      if (static_cast<std::uint8_t>(c) < 0x20) return false;
      if (c == '\\') {
        if (++at_ == text_.size()) return false;
        const char escaped = text_[at_++];
        if (escaped == 'u') {
          for (int i = 0; i < 4; ++i, ++at_) {
            if (at_ == text_.size() || !is_hex(text_[at_])) return false;
          }
        } else if (std::string_view("\"\\/bfnrt").find(escaped) == std::string_view::npos) {
          return false;
        }
        continue;
      }
      const base::Utf8Sequence sequence = base::utf8_sequence(text_.substr(at_));
      if (!sequence.valid) return false;
      at_ += sequence.length;
    }
    return false;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<bool> levels_;  // true = object
};

}  // namespace

bool is_json_number(std::string_view text) {
  return !text.empty() && number_length(text) == text.size();
}

bool is_json(std::string_view text) {
  return Checker(text).run();
}

}  // namespace athena::postgres

#pragma once

#include <pg_query.h>

#include <string_view>

namespace athena::sqltext {

/// PostgreSQL's own grammar on a text. Any thread.
class ParsedText {
 public:
  /// `text` holds no NUL byte and is not longer than kMostParsed; its depth_bound() is at most kDeepest.
  explicit ParsedText(std::string_view text, std::size_t depth);
  ~ParsedText();
  ParsedText(const ParsedText&) = delete;
  ParsedText& operator=(const ParsedText&) = delete;

  /// The parse tree as JSON; empty when the text can't be parsed.
  [[nodiscard]] std::string_view json() const;
  /// It was not even tried: the system has no thread to spare.
  [[nodiscard]] bool failed() const { return result_.error == nullptr && result_.parse_tree == nullptr; }

  static constexpr std::size_t kMostParsed = 256U << 10;
  static constexpr std::size_t kDeepest = 200'000;

 private:
  PgQueryParseResult result_{};
};

}  // namespace athena::sqltext

#include "engines/sqltext/keywords.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "engines/sqltext/lexer.h"

namespace athena::sqltext {
namespace {

using enum StatementClass;

struct First {
  std::string_view word;
  StatementClass kind;
  std::string_view command = {};
};

constexpr auto kFirst = std::to_array<First>({
    {"select", read},
    {"values", read},
    {"table", read},
    {"with", read},
    {"show", read},
    {"explain", read},
    {"insert", write},
    {"update", write},
    {"delete", write},
    {"merge", write},
    {"set", session},
    {"reset", session},
    {"prepare", session},
    {"execute", session},
    {"deallocate", session},
    {"declare", session},
    {"fetch", session},
    {"move", session},
    {"close", session},
    {"lock", session},
    {"notify", session},
    {"begin", session},
    {"start", session},
    {"commit", session},
    {"end", session},
    {"rollback", session},
    {"abort", session},
    {"savepoint", session},
    {"release", session},
    {"discard", session},
    {"checkpoint", session},
    {"copy", refused, "COPY"},
    {"listen", refused, "LISTEN"},
    {"unlisten", refused, "UNLISTEN"},
    {"load", refused, "LOAD"},
});

// Any of these in a read, and it may be more than that.
constexpr auto kNotOfReads = std::to_array<std::string_view>(
    {"insert", "update", "delete", "merge", "into", "for", "analyze", "analyse"});

class Reader {
 public:
  explicit Reader(TextClass& result) : result_(result) {}

  void take(const Token& token) {
    if (token.kind == Token::Kind::symbol && token.text[0] == ';') return end();
    if (token.kind == Token::Kind::parameter) parameter(token.text.substr(1));
    if (words_ == 0) {
      if (token.kind == Token::Kind::symbol && token.text[0] == '(' && !open_) {
        begin_at(token.begin);
        return;
      }
      if (!open_) begin_at(token.begin);
      first(token);
    } else if (words_ == 1 && statement().kind == ddl && is_alter_ && is_word(token, "system")) {
      statement().kind = refused;
      statement().command = "ALTER SYSTEM";
    }
    ++words_;
    if (statement().kind != read || token.kind != Token::Kind::word) return;
    if (std::ranges::any_of(kNotOfReads, [&](std::string_view word) { return is_word(token, word); }))
      statement().kind = write;
  }

  void end() {
    if (open_) result_.kind = std::max(result_.kind, statement().kind);
    open_ = false;
    words_ = 0;
    is_alter_ = false;
  }

 private:
  StatementText& statement() { return result_.statements.back(); }
  void begin_at(std::size_t at) {
    result_.statements.push_back({read, at, {}});
    open_ = true;
  }
  void first(const Token& token) {
    const auto* const known =
        std::ranges::find_if(kFirst, [&](const First& entry) { return is_word(token, entry.word); });
    is_alter_ = is_word(token, "alter");
    if (known == kFirst.end()) {
      const bool bracket = token.kind == Token::Kind::symbol && token.text[0] == '(';
      if (bracket) {
        --words_;  // still nothing but brackets
      } else {
        statement().kind = ddl;
      }
      return;
    }
    statement().kind = known->kind;
    statement().command = known->command;
  }
  void parameter(std::string_view digits) {
    int value = 0;
    const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (failed != std::errc()) value = std::numeric_limits<int>::max();
    result_.parameters = std::max(result_.parameters, value);
  }

  TextClass& result_;
  bool open_ = false;
  bool is_alter_ = false;
  std::size_t words_ = 0;
};

}  // namespace

TextClass classify_by_keywords(std::string_view text) {
  TextClass result;
  Reader reader(result);
  Lexer lexer(text);
  Token token;
  while (lexer.next(token)) {
    reader.take(token);
    if (result.statements.size() > kMostStatements) {
      result.too_complex = true;
      break;
    }
  }
  reader.end();
  return result;
}

}  // namespace athena::sqltext

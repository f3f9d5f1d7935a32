#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace athena::sqltext {

/// A token of PostgreSQL's SQL, a view into the text.
struct Token {
  enum class Kind : std::uint8_t {
    word,    ///< keyword or name, unquoted
    name,    ///< "quoted"
    string,  ///< '…', E'…', $tag$…$tag$
    number,
    parameter,  ///< $1
    symbol,     ///< one character of anything else
  };
  Kind kind = Kind::symbol;
  std::string_view text;
  std::size_t begin = 0;
};

/// Takes text apart as PostgreSQL's scanner does (standard_conforming_strings on), comments left out. Knows
/// no grammar, needs no memory, is linear in time and safe on any bytes.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}
  /// False at the end. What is not closed (a string, a comment) ends with the text.
  bool next(Token& token);

 private:
  void skip_blank();
  bool skip_comment();
  void skip_quoted(char quote, bool escapes);
  bool skip_dollar_quoted();
  bool continues(std::size_t& at) const;

  std::string_view text_;
  std::size_t at_ = 0;
};

/// Whether a word is that keyword, in any case. `lower` is lower-case ASCII.
bool is_word(const Token& token, std::string_view lower);

/// No parse tree of this text is nested deeper than a small multiple of this: the tokens that may stand above
/// each other, commas and the ends of brackets and statements beginning anew.
std::size_t depth_bound(std::string_view text);

}  // namespace athena::sqltext

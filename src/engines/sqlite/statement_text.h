#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

/// SQL text as SQLite cuts it into tokens, for the little that has to be known of a text before or beside
/// SQLite's own parser. Any thread; linear in the text; never fails: what SQLite would refuse comes out as
/// some token.
namespace athena::sqlite {

struct Token {
  enum class Kind : std::uint8_t {
    end,
    word,         ///< name or keyword, bare
    quoted_name,  ///< "…", […], `…`
    string,       ///< '…'
    number,
    parameter,  ///< ?, ?1, $1, :name, @name
    open,       ///< (
    close,      ///< )
    comma,
    semicolon,
    other,
  };
  Kind kind = Kind::end;
  std::string_view text;  ///< with its quotes

  /// A bare word, whatever its case; `upper` in capitals.
  [[nodiscard]] bool is(std::string_view upper) const;
  /// A name without its quotes.
  [[nodiscard]] std::string name() const;
};

/// Takes the next token off the front of `text`, with the white space and comments before it.
Token next_token(std::string_view& text);

/// `text` without the white space, comments and semicolons in front.
std::string_view skip_blank(std::string_view text);

/// The number of the character (from 1) that begins at byte `offset` of UTF-8 text.
std::size_t character_position(std::string_view text, std::size_t offset);

}  // namespace athena::sqlite

#include "engines/sqlite/statement_text.h"

#include <gtest/gtest.h>

namespace athena::sqlite {
namespace {

std::string tokens(std::string_view text) {
  std::string all;
  for (Token token = next_token(text); token.kind != Token::Kind::end; token = next_token(text)) {
    all.append("<").append(token.text).append(">");
  }
  return all;
}

TEST(StatementText, Tokens) {
  EXPECT_EQ(tokens("SELECT a.b, 'x''y' -- c\n/* d */FROM \"t\"\"u\" [v w] `z`"),
            "<SELECT><a><.><b><,><'x''y'><FROM><\"t\"\"u\"><[v w]><`z`>");
  EXPECT_EQ(tokens("?12 $1::x @a :b 1.5e3 ä1"), "<?12><$1><:><:x><@a><:b><1.5e3><ä1>");
  EXPECT_EQ(tokens("'open"), "<'open>");
  EXPECT_EQ(tokens("[open"), "<[open>");
  EXPECT_EQ(tokens("/* open"), "");
  EXPECT_EQ(tokens("/*"), "</><*>");
  EXPECT_EQ(tokens("-- to the end"), "");
  EXPECT_EQ(tokens("\xEF\xBB\xBFSELECT"), "<SELECT>");
  EXPECT_EQ(tokens(""), "");
}

TEST(StatementText, Names) {
  const auto name = [](std::string_view text) { return next_token(text).name(); };
  EXPECT_EQ(name("\"a\"\"b\""), "a\"b");
  EXPECT_EQ(name("[a]]"), "a");
  EXPECT_EQ(name("`a``b`"), "a`b");
  EXPECT_EQ(name("'a''b'"), "a'b");
  EXPECT_EQ(name("plain"), "plain");
  EXPECT_EQ(name("\""), "");
}

TEST(StatementText, BlanksInFront) {
  EXPECT_EQ(skip_blank(" ;\n-- x\n/* y */;z "), "z ");
  EXPECT_EQ(skip_blank(";;"), "");
  EXPECT_EQ(skip_blank("/* open ; x"), "");
  EXPECT_EQ(skip_blank("a;"), "a;");
}

TEST(StatementText, WordsMindNoCase) {
  std::string_view text = "VaCuuM \"VACUUM\"";
  EXPECT_TRUE(next_token(text).is("VACUUM"));
  EXPECT_FALSE(next_token(text).is("VACUUM"));
}

TEST(StatementText, PositionsCountCharacters) {
  EXPECT_EQ(character_position("äöx", 4), 3U);
  EXPECT_EQ(character_position("abc", 0), 1U);
  EXPECT_EQ(character_position("abc", 99), 4U);
}

}  // namespace
}  // namespace athena::sqlite

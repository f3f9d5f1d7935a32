#include "services/records/text.h"

#include <gtest/gtest.h>

namespace athena::records {
namespace {

TEST(CleanText, TakesWhatEveryDatabaseTakes) {
  EXPECT_EQ(clean("plain"), "plain");
  EXPECT_EQ(clean(std::string_view("a\0b", 3)), "ab");
  EXPECT_EQ(clean("a\xFF"
                  "b"),
            "a\xEF\xBF\xBD"
            "b");
  EXPECT_EQ(clean("gr\xC3\xBC\xC3\x9F", 4), "gr\xC3\xBC") << "cut behind a whole character";
  EXPECT_EQ(clean(std::string(5000, 'x')).size(), kMostText);
}

TEST(SecretNames, AreFoundInAnySpelling) {
  for (const char* name : {"Authorization", "X-Api-Key", "x_api_key", "apikey", "X-Athena-Key",
                           "X-Athena-Admin-Key", "Set-Cookie", "accessToken", "client_secret", "PassWord",
                           "passwd", "JWT", "X-JDBC-URL", "x-athena-jdbc-url", "x-pg-uri", "aws-credential",
                           "X-Amz-Signature", "proxy-authorization", "supabase_key"}) {
    EXPECT_TRUE(is_secret_name(name)) << name;
  }
  for (const char* name : {"Host", "X-Athena-Client", "User-Agent", "key", "author", "X-Request-Id"})
    EXPECT_FALSE(is_secret_name(name)) << name;
}

TEST(Uris, LoseTheirPasswords) {
  EXPECT_EQ(mask_uris("postgres://u:pw@h:5432/d"), "postgres://u:***@h:5432/d");
  EXPECT_EQ(mask_uris("see postgres://u:p@w@h/d and http://a:b@c/"),
            "see postgres://u:***@h/d and http://a:***@c/");
  EXPECT_EQ(mask_uris("postgres://u:p/w?x@h/d"), "postgres://u:***@h/d")
      << "a password with unescaped characters";
  EXPECT_EQ(mask_uris("http://h:80/a@b"), "http://h:80/a@b") << "a port is no password";
  EXPECT_EQ(mask_uris("jdbc:postgresql://h/d?user=u&password=pw&ssl=true"),
            "jdbc:postgresql://h/d?user=u&password=[REDACTED]&ssl=true");
  EXPECT_EQ(mask_uris("nothing: here"), "nothing: here");
}

TEST(Queries, LoseSecretParameters) {
  EXPECT_EQ(redact_query("a=1&api_key=abc&b=2"), "a=1&api_key=[REDACTED]&b=2");
  EXPECT_EQ(redact_query("api%5Fkey=abc"), "api%5Fkey=[REDACTED]") << "an escaped name is the same name";
  EXPECT_EQ(redact_query("to=postgres%3A%2F%2Fu%3Apw%40h%2Fd"), "to=[REDACTED]");
  EXPECT_EQ(redact_query("to=postgres://u:pw@h/d&x"), "to=[REDACTED]&x");
  EXPECT_EQ(redact_query(""), "");
}

TEST(Statements, LoseTheirLiterals) {
  EXPECT_EQ(mask_literals("select a1, 'it''s', 3.5e7 from t2 where \"x'1\" = $1 and b > -7"),
            "select a1, ?, ? from t2 where \"x'1\" = $1 and b > -?");
  EXPECT_EQ(mask_literals("select e'a\\'b', E'x', $$a 'b'$$, $q$ $$ $q$, x'1f' -- secret"),
            "select ?, ?, ?, ?, ?  ");
  EXPECT_EQ(mask_literals("select /* secret */ 1"), "select   ?");
  EXPECT_EQ(mask_literals("select 'never ends"), "select ?");
  EXPECT_EQ(mask_literals("select col'x'"), "select col?");
}

TEST(Documents, LoseSecretMembers) {
  EXPECT_EQ(
      redact_json(R"({"a":1.10,"password":"x","deep":[{"api_key":{"y":1}}],"uri":"redis://u:p@h"})", false),
      R"({"a":1.10,"password":"[REDACTED]","deep":[{"api_key":"[REDACTED]"}],"uri":"redis://u:***@h"})");
  EXPECT_EQ(redact_json("not json", false), "{}");
  EXPECT_EQ(redact_json("3", false), "{}");
  EXPECT_EQ(redact_json(R"({"query":"select 'x'"})", false), R"({"query":"[SQL]"})");
  EXPECT_EQ(redact_json(R"({"query":"select 'x'"})", true), R"({"query":"select ?"})");
  EXPECT_EQ(redact_json(R"({"a":")" + std::string(5000, 'x') + "\"}", false), R"({"truncated":true})");
  EXPECT_EQ(redact_json(R"({"a\u0000":"b\u0000c"})", false), R"({"a":"bc"})") << "PostgreSQL takes no NUL";
}

}  // namespace
}  // namespace athena::records

#include <gtest/gtest.h>

#include "query/parse_test_support.h"

namespace athena::query {
namespace {

using test::dump;

class ParseTarget : public testing::Test {
 protected:
  std::string target(std::string_view body) {
    auto result = parser_.select(body);
    return result ? dump(result->target) : dump(result.error());
  }
  test::Parser parser_;
};

TEST_F(ParseTarget, Forms) {
  EXPECT_EQ(target(R"({"table_name":"users"})"), "users");
  EXPECT_EQ(target(R"({"table_name":"private.users"})"), "private|users");
  EXPECT_EQ(target(R"({"table_name":"\"odd.name\""})"), "odd.name");
  EXPECT_EQ(target(R"({"table_name":"\"a\"\"b\".\"c d\""})"), "a\"b|c d");
  EXPECT_EQ(target(R"({"table_name":"s.\"t\""})"), "s|t");
  EXPECT_EQ(target(R"({"table_name":"a\"b"})"), "a\"b") << "a quote counts at the start of a part only";
  EXPECT_EQ(target(R"({"table_name":"select; --"})"), "select; --");
  EXPECT_EQ(target(R"({"table_name":" users "})"), " users ");
  EXPECT_EQ(target(R"({"view_name":"v"})"), "v");
  EXPECT_EQ(target(R"({"table_name":null,"view_name":"v"})"), "v");
  EXPECT_EQ(target(R"({"table_name":"v","view_name":"v"})"), "v");
  EXPECT_EQ(target(R"({"table_name":"t","schema_name":"s"})"), "s|t");
  EXPECT_EQ(target(R"({"table_name":"s.t","schema_name":"s"})"), "s|t");
  EXPECT_EQ(target(R"({"table_name":"t","schema_name":"a.b"})"), "a.b|t");
  EXPECT_EQ(target(R"({"table_name":"рeople"})"), "рeople");
}

TEST_F(ParseTarget, Refusals) {
  EXPECT_EQ(target("{}"), R"(missing_field member="table_name": Missing table_name)");
  EXPECT_EQ(target(R"({"table_name":null})"), R"(missing_field member="table_name": Missing table_name)");
  EXPECT_EQ(target(R"({"table_name":" \t"})"), R"(missing_field member="table_name": Missing table_name)");
  EXPECT_EQ(target(R"({"table_name":5})"),
            R"(invalid_payload member="table_name": table_name must be a string.)");
  EXPECT_EQ(target(R"({"view_name":[]})"),
            R"(invalid_payload member="view_name": view_name must be a string.)");
  EXPECT_EQ(target(R"({"table_name":"t","view_name":"v"})"),
            R"(invalid_payload member="view_name": view_name names something else than table_name.)");
  EXPECT_EQ(target(R"({"table_name":"t","schema_name":7})"),
            R"(invalid_payload member="schema_name": schema_name must be a string.)");
  EXPECT_EQ(target(R"({"table_name":"s.t","schema_name":"u"})"),
            R"(invalid_payload member="schema_name": schema_name contradicts the schema of table_name.)");
}

TEST_F(ParseTarget, Identifiers) {
  const std::string longest(63, 'a');
  EXPECT_EQ(target(R"({"table_name":")" + longest + R"("})"), longest);
  EXPECT_EQ(target(R"({"table_name":")" + longest + "." + longest + R"("})"), longest + "|" + longest);
  EXPECT_EQ(
      target(R"({"table_name":")" + longest + R"(a"})"),
      R"(invalid_identifier member="table_name": table_name has a name of 64 bytes; at most 63 are allowed.)");
  const auto refused = [this](std::string_view name) {
    const std::string text = target(R"({"table_name":")" + std::string(name) + R"("})");
    return text.substr(0, text.find(' '));
  };
  EXPECT_EQ(refused("ééééééééééééééééééééééééééééééééé"), "invalid_identifier");
  for (const char* name : {"a.b.c", ".t", "s.", ".", "s..t", "\\\"\\\"", "\\\"t", "\\\"t\\\"x",
                           "s.\\\"t\\\"x", "t\\u0000", "t\\n", "t\\u007f", "\\\"a\\u0001\\\""}) {
    EXPECT_EQ(refused(name), "invalid_identifier") << name;
  }
  EXPECT_EQ(target(R"({"table_name":"t","schema_name":""})"),
            R"(invalid_identifier member="schema_name": schema_name has an empty name.)");
  EXPECT_EQ(target(R"({"table_name":"t","schema_name":"a\u0000"})"),
            R"(invalid_identifier member="schema_name": schema_name has a name with a control character.)");
}

TEST_F(ParseTarget, DottedNamesCanBeForbidden) {
  parser_.settings.allow_schema_names_prefixed_as_table_name = false;
  EXPECT_EQ(target(R"({"table_name":"t"})"), "t");
  EXPECT_EQ(target(R"({"table_name":"\"a.b\""})"), "a.b");
  EXPECT_EQ(target(R"({"table_name":"t","schema_name":"s"})"), "s|t");
  EXPECT_EQ(target(R"({"table_name":"s.t"})"),
            "invalid_identifier member=\"table_name\": table_name must not name a schema; this gateway "
            "allows none there.");
}

TEST(ParseBody, ReadsObjectsOnly) {
  std::pmr::monotonic_buffer_resource memory;
  const auto outcome = [&memory](std::string_view text) {
    auto result = parse_body(text, memory);
    return result ? test::json(**result) : dump(result.error());
  };
  EXPECT_EQ(outcome(""), "{}");
  EXPECT_EQ(outcome("\xEF\xBB\xBF{}"), "{}");
  EXPECT_EQ(outcome(R"( {"a":1} )"), R"({"a":1})");
  EXPECT_EQ(outcome("[1]"), "invalid_payload: The body must be a JSON object.");
  EXPECT_EQ(outcome("null"), "invalid_payload: The body must be a JSON object.");
  EXPECT_EQ(outcome("{\"a\":\n x}"),
            "invalid_json column=2: Invalid JSON at line 2, column 2: unexpected character \"x\".");
  EXPECT_EQ(outcome(" "),
            "invalid_json column=2: Invalid JSON at line 1, column 2: unexpected end of the text.");
}

TEST(SnakeCase, Rule) {
  std::pmr::monotonic_buffer_resource memory;
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"userId", "user_id"},
      {"userID", "user_id"},
      {"HTTPResponse", "http_response"},
      {"line1Total", "line1_total"},
      {"CreatedAt", "created_at"},
      {"parseHTTPUrl2Go", "parse_http_url2_go"},
      {"*", "*"},
      {"", ""},
      {"already_snake", "already_snake"},
      {"_X", "_x"},
      {"A", "a"},
      {"ABC", "abc"},
      {"éA", "éa"},
      {"Ünit", "Ünit"},
      {"a B", "a b"},
      {"aB1C", "a_b1_c"},
  };
  for (const auto& [from, to] : cases) EXPECT_EQ(to_snake_case(from, memory), to);
  const std::string_view same = "plain";
  EXPECT_EQ(to_snake_case(same, memory).data(), same.data());
}

TEST(ParseMembers, TheLastCountsAndOthersAreIgnored) {
  test::Parser parser;
  auto result =
      parser.select(R"({"table_name":"a","table_name":"b","colour":1,"offset":null,"total_pages":"x"})");
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(dump(result->target), "b");
  EXPECT_EQ(dump(result->page), "limit 100 offset 0 default");
}

TEST(ParseMembers, AMillionUnknownMembersAreSkipped) {
  std::string text = R"({"table_name":"t")";
  for (int i = 0; i < 200000; ++i) text += ",\"m" + std::to_string(i) + "\":0";
  test::Parser parser;
  auto result = parser.select(text + "}");
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(dump(result->target), "t");
}

}  // namespace
}  // namespace athena::query

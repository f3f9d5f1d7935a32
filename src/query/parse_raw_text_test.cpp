#include <gtest/gtest.h>

#include "query/parse_test_support.h"

namespace athena::query {
namespace {

class ParseRawText : public testing::Test {
 protected:
  contract::Result<RawText> parse(const std::string& body) {
    return parse_raw_text(parser_.body(body), parser_.context());
  }
  std::string text(const std::string& query) {
    auto result = parse(R"({"query":")" + query + "\"}");
    return result ? std::string(result->text) : test::dump(result.error());
  }
  std::string outcome(const std::string& members) {
    auto result = parse(R"({"query":"SELECT 1",)" + members + "}");
    return result ? "accepted" : test::dump(result.error());
  }
  test::Parser parser_;
};

TEST_F(ParseRawText, Text) {
  EXPECT_EQ(text("SELECT 1"), "SELECT 1");
  EXPECT_EQ(text("  SELECT 1 ;; \\n ; "), "  SELECT 1");
  EXPECT_EQ(text("BEGIN; SELECT 1; COMMIT;"), "BEGIN; SELECT 1; COMMIT");
  EXPECT_EQ(text("SELECT 1 -- done"), "SELECT 1 -- done");
  EXPECT_EQ(text("/* a */ SELECT 1"), "/* a */ SELECT 1");
  EXPECT_EQ(text("-- a\\nSELECT 1"), "-- a\nSELECT 1");
  EXPECT_EQ(text("/* open"), "/* open") << "for the database to complain about";
  EXPECT_EQ(text("/"), "/");
}

TEST_F(ParseRawText, NothingToRun) {
  for (const char* query : {"", " ", ";", " ; ;\\n", "-- a", "-- a\\n", "/* a */", "/* /* a */ */ ; -- b",
                            "/**/;/*;*/", "--\\n/* x\\n */--"}) {
    EXPECT_EQ(text(query), "missing_field member=\"query\": Missing query") << query;
  }
  EXPECT_EQ(test::dump(parse("{}").error()), "missing_field member=\"query\": Missing query");
  EXPECT_EQ(test::dump(parse(R"({"query":null})").error()), "missing_field member=\"query\": Missing query");
  EXPECT_EQ(test::dump(parse(R"({"query":5})").error()),
            "invalid_payload member=\"query\": query must be a string.");
  EXPECT_EQ(text("SELECT 1\\u0000; DROP TABLE t"),
            "invalid_payload member=\"query\": query must not contain the character \\u0000.");
}

TEST_F(ParseRawText, Defaults) {
  auto raw = parse(R"({"query":"SELECT 1"})");
  ASSERT_TRUE(raw.has_value());
  EXPECT_FALSE(raw->has_params);
  EXPECT_FALSE(raw->read_only);
  EXPECT_FALSE(raw->count_only);
  EXPECT_FALSE(raw->timeout.has_value());
  EXPECT_EQ(raw->max_rows, 10000);
  EXPECT_EQ(raw->schema_name, "");
}

TEST_F(ParseRawText, Members) {
  auto raw = parse(
      R"({"query":"SELECT $1","params":["7",1.10,null,[1]],"read_only":true,"timeout_ms":300000,"max_rows":5,"schema_name":"Odd x"})");
  ASSERT_TRUE(raw.has_value()) << test::dump(raw.error());
  EXPECT_TRUE(raw->has_params);
  ASSERT_EQ(raw->params.size(), 4U);
  EXPECT_EQ(raw->params[1]->text, "1.10");
  EXPECT_TRUE(raw->read_only);
  EXPECT_EQ(raw->timeout, std::chrono::milliseconds(300000));
  EXPECT_EQ(raw->max_rows, 5);
  EXPECT_EQ(raw->schema_name, "Odd x");
  EXPECT_TRUE(parse(R"({"query":"x","params":[]})")->has_params);
  parser_.max_rows = 1000000;
  parser_.stream = true;
  EXPECT_EQ(parse(R"({"query":"x"})")->max_rows, 1000000);
  EXPECT_EQ(parse(R"({"query":"x","max_rows":1000000})")->max_rows, 1000000);
}

TEST_F(ParseRawText, Refusals) {
  EXPECT_EQ(outcome(R"("params":{})"), "invalid_payload member=\"params\": params must be an array.");
  EXPECT_EQ(outcome(R"("read_only":"yes")"),
            "invalid_payload member=\"read_only\": read_only must be true or false.");
  EXPECT_EQ(outcome(R"("timeout_ms":0)"),
            "invalid_value member=\"timeout_ms\": timeout_ms must be from 1 to 300000.");
  EXPECT_EQ(outcome(R"("timeout_ms":300001)").substr(0, 14), "invalid_value ");
  EXPECT_EQ(outcome(R"("timeout_ms":99999999999999999999)").substr(0, 14), "invalid_value ");
  EXPECT_EQ(outcome(R"("timeout_ms":1.5)").substr(0, 16), "invalid_payload ");
  EXPECT_EQ(outcome(R"("timeout_ms":"5")").substr(0, 16), "invalid_payload ");
  EXPECT_EQ(outcome(R"("max_rows":10001)"),
            "limit_too_large member=\"max_rows\" limit=10001 max=10000: max_rows is larger than 10000.");
  EXPECT_EQ(outcome(R"("max_rows":-1)").substr(0, 16), "invalid_payload ");
  EXPECT_EQ(outcome(R"("schema_name":"")").substr(0, 19), "invalid_identifier ");
  EXPECT_EQ(outcome(R"("schema_name":5)").substr(0, 16), "invalid_payload ");
  std::string params = "0";
  for (int i = 1; i < 65535; ++i) params += ",0";
  EXPECT_EQ(outcome("\"params\":[" + params + "]"), "accepted");
  EXPECT_EQ(outcome("\"params\":[" + params + ",0]").substr(0, 16), "limit_too_large ");
}

}  // namespace
}  // namespace athena::query

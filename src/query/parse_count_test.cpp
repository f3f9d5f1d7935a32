#include <gtest/gtest.h>

#include "query/parse_test_support.h"

namespace athena::query {
namespace {

class ParseCount : public testing::Test {
 protected:
  std::string outcome(const std::string& body) {
    auto count = parse_count(parser_.body(body), parser_.context());
    if (!count) return test::dump(count.error());
    constexpr const char* kModes[] = {"none", "exact", "planned", "estimated"};
    return std::string(kModes[static_cast<std::size_t>(count->mode)]) + " " + test::dump(count->target) +
           (count->conditions.empty() ? "" : " where " + test::dump(count->conditions));
  }
  test::Parser parser_;
};

TEST_F(ParseCount, Forms) {
  EXPECT_EQ(outcome(R"({"table_name":"t"})"), "exact t");
  EXPECT_EQ(outcome(R"({"view_name":"t","count":"planned"})"), "planned t");
  EXPECT_EQ(outcome(R"({"table_name":"t","table_schema":"s","count":"estimated"})"), "estimated s|t");
  EXPECT_EQ(outcome(R"({"table_name":"s.t","table_schema":"s","schema_name":"s","query":null})"),
            "exact s|t");
  EXPECT_EQ(
      outcome(
          R"({"table_name":"t","conditions":[{"op":"or","value":"a.eq.1,b.is.null"}],"where":{"c":{"gt":2}}})"),
      "exact t where (a eq \"1\" or b is null) and c gt 2");
}

TEST_F(ParseCount, Refusals) {
  EXPECT_EQ(outcome("{}"),
            "invalid_payload member=\"table_name\": table_name or query must say what is counted.");
  EXPECT_EQ(outcome(R"({"table_name":"t","query":"select count(*) from t"})"),
            "invalid_payload member=\"query\": query cannot be used with table_name.");
  EXPECT_EQ(outcome(R"({"table_name":"s.t","table_schema":"x"})"),
            "invalid_payload member=\"table_schema\": table_schema contradicts the schema of table_name.");
  EXPECT_EQ(outcome(R"({"table_name":"t","table_schema":"a","schema_name":"b"})").substr(0, 16),
            "invalid_payload ");
  EXPECT_EQ(outcome(R"({"table_name":"t","table_schema":5})").substr(0, 16), "invalid_payload ");
  EXPECT_EQ(outcome(R"({"table_name":"t","count":"none"})").substr(0, 16), "invalid_payload ");
  EXPECT_EQ(outcome(R"({"table_name":"t","conditions":[{"column":"a"}]})").substr(0, 14), "missing_field ");
}

}  // namespace
}  // namespace athena::query

#include <gtest/gtest.h>

#include "query/parse_test_support.h"

namespace athena::query {
namespace {

class ParseDataParameters : public testing::Test {
 protected:
  std::string outcome(std::vector<UrlParameter> parameters) {
    auto body = parse_data_parameters(parameters, parser_.memory());
    return body ? test::json(**body) : test::dump(body.error());
  }
  test::Parser parser_;
};

TEST_F(ParseDataParameters, BecomeABody) {
  EXPECT_EQ(outcome({}), "{}");
  EXPECT_EQ(outcome({{"view", "s.t"}, {"columns", "a,b"}, {"limit", "5"}, {"offset", "2"}, {"x", "y"}}),
            R"({"columns":"a,b","limit":5,"offset":2,"table_name":"s.t"})");
  EXPECT_EQ(outcome({{"table_name", "t"}, {"view", "t"}}), R"({"table_name":"t"})");
  EXPECT_EQ(outcome({{"view_name", "t"}, {"page_size", "5"}, {"current_page", "2"}, {"total_pages", "x"}}),
            R"({"view_name":"t","page_size":5,"current_page":2})");
  EXPECT_EQ(outcome({{"eq_column", "a"}, {"eq_column", "b"}, {"eq_value", "1"}, {"eq_value", "x,y"}}),
            R"({"conditions":[{"eq_column":"a","eq_value":"1"},{"eq_column":"b","eq_value":"x,y"}]})");
  EXPECT_EQ(outcome({{"sort_by", "a"}, {"strip_nulls", "true"}, {"count", "exact"}, {"schema_name", "s"}}),
            R"({"strip_nulls":true,"count":"exact","schema_name":"s","sort_by":"a"})");
  EXPECT_EQ(outcome({{"sort_direction", "desc"}, {"sort_by", "a"}}),
            R"({"sort_by":{"field":"a","direction":"desc"}})");
  EXPECT_EQ(outcome({{"sort_direction", "desc"}}), "{}");
  EXPECT_EQ(
      outcome({{"group_by", "a"},
               {"time_granularity", "day"},
               {"aggregation_column", "b"},
               {"aggregation_strategy", "sum"},
               {"aggregation_dedup", "false"}}),
      R"({"group_by":"a","time_granularity":"day","aggregation_column":"b","aggregation_strategy":"sum","aggregation_dedup":false})");
  EXPECT_EQ(outcome({{"limit", "5"}, {"limit", "6"}}), R"({"limit":6})");
}

TEST_F(ParseDataParameters, GiveTheSameRequestAsABody) {
  const std::vector<UrlParameter> parameters = {{"view", "t"},        {"eq_column", "a"},
                                                {"eq_value", "null"}, {"sort_by", "b,c"},
                                                {"page_size", "7"},   {"current_page", "3"}};
  auto body = parse_data_parameters(parameters, parser_.memory());
  ASSERT_TRUE(body.has_value());
  auto select = parse_select(**body, parser_.context(), parser_.options);
  ASSERT_TRUE(select.has_value());
  EXPECT_EQ(test::dump(select->conditions), "a eq \"null\"");
  EXPECT_EQ(test::dump(select->sort), "b asc, c asc");
  EXPECT_EQ(test::dump(select->page), "limit 7 offset 14 stable");
}

TEST_F(ParseDataParameters, Refusals) {
  EXPECT_EQ(outcome({{"eq_column", "a"}}), "missing_field member=\"eq_value\": Missing eq_value");
  EXPECT_EQ(outcome({{"eq_value", "a"}}), "missing_field member=\"eq_column\": Missing eq_column");
  EXPECT_EQ(outcome({{"view", "a"}, {"table_name", "b"}}),
            "invalid_payload member=\"view\": view names something else than table_name.");
  for (const char* number : {"limit", "offset", "current_page", "page_size"}) {
    for (const char* text : {"", "x", "1.5", "1e3", " 1", "+1", "-", "0x1"}) {
      EXPECT_EQ(outcome({{number, text}}), "invalid_payload member=\"" + std::string(number) +
                                               "\": " + number + " must be a whole number.");
    }
  }
  for (const char* flag : {"strip_nulls", "aggregation_dedup"}) {
    EXPECT_EQ(outcome({{flag, "yes"}}),
              "invalid_payload member=\"" + std::string(flag) + "\": " + flag + " must be true or false.");
  }
}

}  // namespace
}  // namespace athena::query

#include <gtest/gtest.h>

#include "query/parse_test_support.h"

namespace athena::query {
namespace {

class ParseGrouping : public testing::Test {
 protected:
  static std::string dump(const std::optional<Grouping>& grouping) {
    if (!grouping) return "none";
    constexpr const char* kGranularities[] = {"", " by day", " by hour", " by minute"};
    constexpr const char* kStrategies[] = {" nothing", " cumulative_sum", " sum", " avg", " min",
                                           " max",     " count"};
    return "[" + std::string(grouping->group_by) + "]" +
           kGranularities[static_cast<std::size_t>(grouping->granularity)] +
           kStrategies[static_cast<std::size_t>(grouping->strategy)] + " of [" +
           std::string(grouping->aggregation_column) + "]" + (grouping->dedup ? " dedup" : "");
  }
  std::string fetch(const std::string& members) {
    parser_.options = {};
    auto result = parser_.select(R"({"table_name":"t",)" + members + "}");
    return result ? dump(parser_.options.grouping) : test::dump(result.error());
  }
  std::string update(const std::string& members) {
    parser_.options = {};
    auto result =
        parser_.update(R"({"table_name":"t","set":{"a":1},"allow_unfiltered":true,)" + members + "}");
    return result ? dump(parser_.options.grouping) : test::dump(result.error());
  }
  test::Parser parser_;
};

TEST_F(ParseGrouping, Members) {
  EXPECT_EQ(fetch(R"("group_by":null)"), "none");
  EXPECT_EQ(fetch(R"("aggregation_dedup":false)"), "none");
  EXPECT_EQ(fetch(R"("group_by":"a")"), "[a] nothing of []");
  EXPECT_EQ(fetch(R"("group_by":"a","time_granularity":"Day","aggregation_column":"b")"),
            "[a] by day sum of [b]");
  EXPECT_EQ(fetch(R"("group_by":"a","time_granularity":"HOUR")"), "[a] by hour nothing of []");
  EXPECT_EQ(fetch(R"("group_by":"a","time_granularity":"minute","aggregation_dedup":true)"),
            "[a] by minute nothing of [] dedup");
  EXPECT_EQ(fetch(R"("aggregation_column":"b")"), "[] sum of [b]");
  EXPECT_EQ(fetch(R"("aggregation_strategy":"count")"), "[] count of []");
  EXPECT_EQ(fetch(R"("aggregation_dedup":true)"), "[] nothing of [] dedup");
  for (const char* strategy : {"cumulative_sum", "sum", "avg", "min", "max", "count"}) {
    EXPECT_EQ(fetch(R"("aggregation_column":"b","aggregation_strategy":")" + std::string(strategy) + "\""),
              "[] " + std::string(strategy) + " of [b]");
  }
}

TEST_F(ParseGrouping, SelectedColumns) {
  EXPECT_EQ(fetch(R"("columns":"a,x:b,m->k,m->>l","group_by":"x","aggregation_column":"k")"),
            "[x] sum of [k]");
  EXPECT_EQ(fetch(R"("columns":"a,*","group_by":"z")"), "[z] nothing of []") << "the rows will tell";
  EXPECT_EQ(
      fetch(R"("columns":["a","x:b"],"group_by":"b")"),
      "invalid_post_processing member=\"group_by\": group_by is \"b\", which no selected column is called.");
  EXPECT_EQ(fetch(R"("select":{"a":true},"group_by":"a","aggregation_column":"A")").substr(0, 54),
            "invalid_post_processing member=\"aggregation_column\": a");
  parser_.settings.force_camel_case_to_snake_case = true;
  EXPECT_EQ(fetch(R"("columns":"userId","group_by":"userId")"), "[user_id] nothing of []");
  EXPECT_EQ(fetch(R"("columns":"user_id","group_by":"userId")"), "[user_id] nothing of []");
  EXPECT_EQ(fetch(R"("columns":"userId:x","group_by":"user_id")"), "[user_id] nothing of []");
}

TEST_F(ParseGrouping, Refusals) {
  const std::pair<const char*, const char*> cases[] = {
      {R"("group_by":5)", "group_by"},
      {R"("group_by":"")", "group_by"},
      {R"("group_by":["a"])", "group_by"},
      {R"("group_by":"a","time_granularity":"week")", "time_granularity"},
      {R"("group_by":"a","time_granularity":1)", "time_granularity"},
      {R"("time_granularity":"day")", "time_granularity"},
      {R"("aggregation_column":{})", "aggregation_column"},
      {R"("aggregation_strategy":"median","aggregation_column":"a")", "aggregation_strategy"},
      {R"("aggregation_strategy":"SUM","aggregation_column":"a")", "aggregation_strategy"},
      {R"("aggregation_strategy":"sum")", "aggregation_strategy"},
      {R"("aggregation_strategy":"cumulative_sum","group_by":"a")", "aggregation_strategy"},
      {R"("aggregation_dedup":"yes")", "aggregation_dedup"},
  };
  for (const auto& [members, member] : cases) {
    EXPECT_EQ(fetch(members).substr(0, 34 + std::string(member).size()),
              "invalid_post_processing member=\"" + std::string(member) + "\":")
        << members;
  }
}

TEST_F(ParseGrouping, OfUpdates) {
  EXPECT_EQ(update(R"("group_by":"a")"), "[a] nothing of []");
  EXPECT_EQ(update(R"("columns":"b","group_by":"b","aggregation_strategy":"count")"), "[b] count of []");
  EXPECT_EQ(update(R"("columns":"b","group_by":"a")").substr(0, 24), "invalid_post_processing ");
  EXPECT_EQ(
      update(R"("columns":[],"group_by":"a")"),
      "invalid_post_processing member=\"group_by\": group_by needs a returned column, and columns is empty.");
  EXPECT_EQ(update(R"("columns":[],"aggregation_strategy":"count")"), "[] count of []");
  EXPECT_EQ(update(R"("head":true,"columns":"b","group_by":"b")"), "[b] nothing of []");
}

}  // namespace
}  // namespace athena::query

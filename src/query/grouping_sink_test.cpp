#include "query/grouping_sink.h"

#include <map>
#include <random>

#include "base/json_validator.h"
#include "query/sink_test_support.h"

namespace athena::query {
namespace {

using Granularity = Grouping::Granularity;
using Strategy = Grouping::Strategy;
using Rows = std::vector<std::vector<Cell>>;

class GroupingTest : public SinkTest {
 protected:
  /// The grouped value of a page, or `refused: ` and the error's text.
  std::string group(const Grouping& grouping, const std::vector<std::string_view>& columns, const Rows& rows,
                    JsonRowOptions options = {}) {
    base::Buffer out;
    out.append(R"({"data":[)");
    JsonRowSink json(out, options);
    GroupingSink sink(json, out, grouping, options.snake_case_keys);
    begin(sink, columns);
    for (const auto& cells : rows) sink.row(cells);
    notice_ = sink.notice();
    failure_ = sink.failure();
    const std::size_t before = out.size();
    sink.append_grouped(out);
    if (failure_) {
      EXPECT_EQ(out.size(), before);
      return "refused: " + failure_->text();
    }
    const std::string result(out.view().substr(before));
    EXPECT_TRUE(base::is_json(result)) << result;
    return result;
  }
  /// Labels and aggregates alone: `a=12.10 b=5`.
  std::string brief(const Grouping& grouping, const std::vector<std::string_view>& columns,
                    const Rows& rows) {
    const std::string all = group(grouping, columns, rows);
    if (failure_) return all;
    std::string result;
    for (std::size_t at = 0; (at = all.find(R"({"label":")", at)) != std::string::npos;) {
      at += 10;
      if (!result.empty()) result += ' ';
      const std::size_t end = all.find(R"(","rows":[)", at);
      result += all.substr(at, end - at) + '=';
      const std::size_t value = all.find(R"(],"aggregation":)", end) + 16;
      result += all.substr(value, all.find('}', value) - value);
      at = value;
    }
    return result;
  }
  /// The aggregates of one bucket without a column to group by.
  std::string all_of(Strategy strategy, const std::vector<Cell>& values, bool dedup = false) {
    Rows rows;
    for (const auto& value : values) rows.push_back({value});
    return brief({.aggregation_column = "v", .strategy = strategy, .dedup = dedup}, {"v"}, rows);
  }

  std::string notice_;
  std::optional<contract::Error> failure_;
};

Cell time(std::string_view text) {
  return {text, &kTimeCell};
}
Cell numeric(std::string_view text) {
  return {text, &kNumericCell};
}

TEST_F(GroupingTest, RunningTotalByDay) {
  const Grouping grouping{.group_by = "created_at",
                          .granularity = Granularity::day,
                          .aggregation_column = "amount",
                          .strategy = Strategy::cumulative_sum};
  EXPECT_EQ(group(grouping, {"amount:numeric", "created_at:timestamptz"},
                  {{numeric("10.50"), time("2026-03-01 08:00:00+00:00")},
                   {numeric("2.25"), time("2026-03-01 23:30:00+00:00")},
                   {numeric("4.00"), time("2026-03-02 00:00:00+00:00")}}),
            R"({"grouped":[{"label":"2026-03-01","rows":[)"
            R"({"amount":10.50,"created_at":"2026-03-01T08:00:00+00:00"},)"
            R"({"amount":2.25,"created_at":"2026-03-01T23:30:00+00:00"}],"aggregation":12.75},)"
            R"({"label":"2026-03-02","rows":[{"amount":4.00,"created_at":"2026-03-02T00:00:00+00:00"}],)"
            R"("aggregation":16.75}]})");
  EXPECT_EQ(notice_, "");
}

TEST_F(GroupingTest, EqualValuesCountOnce) {
  const Rows rows = {{string("a"), number("5")},
                     {string("a"), number("5.0")},
                     {string("b"), number("5")},
                     {string("a"), number("7.10")}};
  const auto with = [&](Strategy strategy) {
    return brief({.group_by = "status", .aggregation_column = "v", .strategy = strategy, .dedup = true},
                 {"status", "v"}, rows);
  };
  EXPECT_EQ(group({.group_by = "status", .aggregation_column = "v", .strategy = Strategy::sum, .dedup = true},
                  {"status", "v"}, rows),
            R"({"grouped":[{"label":"a","rows":[{"status":"a","v":5},{"status":"a","v":5.0},)"
            R"({"status":"a","v":7.10}],"aggregation":12.10},)"
            R"({"label":"b","rows":[{"status":"b","v":5}],"aggregation":5}]})");
  EXPECT_EQ(with(Strategy::none), "a=12.10 b=5") << "a column alone means the sum";
  EXPECT_EQ(with(Strategy::cumulative_sum), "a=12.10 b=17.10");
  EXPECT_EQ(with(Strategy::count), "a=2 b=1");
  EXPECT_EQ(with(Strategy::avg), "a=6.05 b=5");
}

TEST_F(GroupingTest, NumericLabelsAndTheNullBucket) {
  EXPECT_EQ(
      group({.group_by = "level"}, {"level"}, {{number("9")}, {number("10")}, {kSqlNullCell}, {number("9")}}),
      R"({"grouped":[{"label":"9","rows":[{"level":9},{"level":9}],"aggregation":null},)"
      R"({"label":"10","rows":[{"level":10}],"aggregation":null},)"
      R"({"label":"null","rows":[{"level":null}],"aggregation":null}]})");
}

TEST_F(GroupingTest, NoRowsNoBuckets) {
  EXPECT_EQ(group({.group_by = "a"}, {"a"}, {}), R"({"grouped":[]})");
  EXPECT_EQ(group({.strategy = Strategy::count}, {"a"}, {}), R"({"grouped":[]})");
}

TEST_F(GroupingTest, WithoutAColumnToGroupByThereIsOneBucket) {
  EXPECT_EQ(group({.strategy = Strategy::count}, {"a"}, {{number("1")}, {kSqlNullCell}}),
            R"({"grouped":[{"label":"all","rows":[{"a":1},{"a":null}],"aggregation":2}]})");
}

TEST_F(GroupingTest, StrategiesThatNeedAColumnHaveNoEffectWithoutOne) {
  for (const auto strategy : {Strategy::sum, Strategy::avg, Strategy::min, Strategy::max,
                              Strategy::cumulative_sum, Strategy::none}) {
    EXPECT_EQ(brief({.group_by = "g", .strategy = strategy}, {"g"}, {{number("1")}}), "1=null");
  }
}

TEST_F(GroupingTest, OrderOfLabels) {
  const auto order = [&](const std::vector<Cell>& cells) {
    Rows rows;
    for (const auto& cell : cells) rows.push_back({cell});
    return brief({.group_by = "g", .strategy = Strategy::count}, {"g"}, rows);
  };
  EXPECT_EQ(order({number("10"), number("-3"), number("9.5"), number("1e1"), number("9")}),
            "-3=1 9=1 9.5=1 10=1 1e1=1");
  EXPECT_EQ(order({string("10"), string("9"), string("a")}), "10=1 9=1 a=1") << "one is no number: bytes";
  EXPECT_EQ(order({string("10"), string("9")}), "9=1 10=1") << "numeric texts";
  EXPECT_EQ(order({string("b"), string("B"), string("ab"), string(""), string("é"), string("a")}),
            "=1 B=1 a=1 ab=1 b=1 é=1");
  EXPECT_EQ(order({string("prefix-equal-b"), string("prefix-equal-a"), string("prefix-equal")}),
            "prefix-equal=1 prefix-equal-a=1 prefix-equal-b=1");
  EXPECT_EQ(order({number("99999999999999999999999"), number("99999999999999999999998"), number("1")}),
            "1=1 99999999999999999999998=1 99999999999999999999999=1");
  EXPECT_EQ(order({kSqlNullCell, number("2"), {"", &kNullCell}, json("null"), number("1")}),
            "1=1 2=1 null=3");
  EXPECT_EQ(order({string("null"), kSqlNullCell, string("zebra")}), "null=1 zebra=1 null=1")
      << "the text is a label of its own, and NULL comes last";
  EXPECT_EQ(order({{"t", &kBooleanCell}, {"f", &kBooleanCell}}), "false=1 true=1");
  EXPECT_EQ(order({string(std::string(1, '\0')), string("")}), "=1 \\u0000=1");
  EXPECT_EQ(order({string("5.0"), number("5"), string("5")}), "5=2 5.0=1") << "one label, one bucket";
}

TEST_F(GroupingTest, LabelsOfNestedValues) {
  const auto labels = [&](const std::vector<Cell>& cells) {
    Rows rows;
    for (const auto& cell : cells) rows.push_back({cell});
    return brief({.group_by = "g", .strategy = Strategy::count}, {"g"}, rows);
  };
  EXPECT_EQ(labels({json("{\"a\": 1}"), json(" {\"a\" :1}\n")}), R"({\"a\":1}=2)");
  EXPECT_EQ(labels({json("\"x\\u0041\""), json("\"xA\""), string("xA")}), "xA=3");
  EXPECT_EQ(labels({json("true"), {"t", &kBooleanCell}}), "true=2");
  EXPECT_EQ(labels({json(" 10 "), number("10")}), "10=2");
  EXPECT_EQ(labels({{"[1, 2]", &kNestedCell}}), "[1,2]=1");
  EXPECT_EQ(labels({{"6869", &kBytesCell}}), R"(\\x6869=1)");
  EXPECT_EQ(labels({string("a\"b\n")}), R"(a\"b\n=1)");
}

TEST_F(GroupingTest, RowsKeepTheirOrderAndTheirNullsInTheLabel) {
  EXPECT_EQ(group({.group_by = "g"}, {"g", "n"},
                  {{string("b"), number("1")},
                   {kSqlNullCell, number("2")},
                   {string("a"), number("3")},
                   {string("b"), number("4")},
                   {string("b"), number("5")},
                   {kSqlNullCell, number("6")}},
                  {.strip_nulls = true}),
            R"({"grouped":[{"label":"a","rows":[{"g":"a","n":3}],"aggregation":null},)"
            R"({"label":"b","rows":[{"g":"b","n":1},{"g":"b","n":4},{"g":"b","n":5}],"aggregation":null},)"
            R"({"label":"null","rows":[{"n":2},{"n":6}],"aggregation":null}]})");
}

TEST_F(GroupingTest, TimesOfEveryColumnThatHoldsThem) {
  const Rows texts = {{string("2026-03-02T00:30:00+01:00")},
                      {kSqlNullCell},
                      {string("2026-03-01")},
                      {string("2026-03-01 07:59:59")}};
  Grouping grouping{.group_by = "at", .granularity = Granularity::hour, .strategy = Strategy::count};
  for (const std::string_view column : {"at", "at:text", "at:varchar", "at:TEXT", "at:DATETIME", "at:date"}) {
    EXPECT_EQ(brief(grouping, {column}, texts),
              "2026-03-01 00:00=1 2026-03-01 07:00=1 2026-03-01 23:00=1 null=1");
    EXPECT_EQ(notice_, "");
  }
  grouping.granularity = Granularity::minute;
  EXPECT_EQ(brief(grouping, {"at"}, texts),
            "2026-03-01 00:00=1 2026-03-01 07:59=1 2026-03-01 23:30=1 null=1");
  grouping.granularity = Granularity::day;
  EXPECT_EQ(brief(grouping, {"at"}, texts), "2026-03-01=3 null=1");
  EXPECT_EQ(brief(grouping, {"at:timestamptz"},
                  {{time("infinity")},
                   {time("2026-03-01 08:00:00+00:00")},
                   {time("-infinity")},
                   {time("0044-03-15 00:00:00+00:00 BC")},
                   {time("10000-01-01 00:00:00+00:00")}}),
            "-infinity=1 0044-03-15 BC=1 2026-03-01=1 10000-01-01=1 infinity=1");
}

TEST_F(GroupingTest, NeighboursOfOneUnitShareItsLabel) {
  Grouping grouping{.group_by = "at", .granularity = Granularity::day, .strategy = Strategy::count};
  EXPECT_EQ(brief(grouping, {"at:timestamptz"},
                  {{time("2026-03-01 00:00:00+00")},
                   {time("2026-03-01 23:59:59.5+00")},
                   {time("infinity")},
                   {time("2026-03-01 08:00:00+00")},
                   {time("2026-03-01 08:00:00+00 BC")},
                   {time("2026-03-01 23:00:00-05")},
                   {time("2026-03-01 23:00:00-05:30")},
                   {time("2026-03-02 08:00:00+00")}}),
            "2026-03-01 BC=1 2026-03-01=3 2026-03-02=3 infinity=1");
  EXPECT_EQ(brief(grouping, {"at:timestamp"},
                  {{time("2026-03-01 00:00:00")},
                   {time("-infinity")},
                   {time("2026-03-01 08:00:00.25")},
                   {time("12026-03-01 08:00:00")},
                   {time("2026-03-01 09:00:00")}}),
            "-infinity=1 2026-03-01=3 12026-03-01=1");
  grouping.granularity = Granularity::hour;
  EXPECT_EQ(
      brief(grouping, {"at:timestamp"},
            {{time("2026-03-01 08:00:00")}, {time("2026-03-01 08:59:59")}, {time("2026-03-01 09:00:00")}}),
      "2026-03-01 08:00=2 2026-03-01 09:00=1");
  grouping.granularity = Granularity::minute;
  EXPECT_EQ(
      brief(grouping, {"at:timestamp"},
            {{time("2026-03-01 08:00:00")}, {time("2026-03-01 08:00:59")}, {time("2026-03-01 08:01:00")}}),
      "2026-03-01 08:00=2 2026-03-01 08:01=1");
}

TEST_F(GroupingTest, GranularityWithoutEffectIsNoticed) {
  const Grouping grouping{.group_by = "g", .granularity = Granularity::day, .strategy = Strategy::count};
  constexpr std::string_view kNotice = "time_granularity has no effect: \"g\" is no time column.";
  EXPECT_EQ(brief(grouping, {"g:int4"}, {{number("10")}, {number("9")}}), "9=1 10=1");
  EXPECT_EQ(notice_, kNotice);
  // One text that is no time is enough.
  EXPECT_EQ(brief(grouping, {"g:text"}, {{string("2026-03-01")}, {string("soon")}, {string("2026-03-01")}}),
            "2026-03-01=2 soon=1");
  EXPECT_EQ(notice_, kNotice);
  EXPECT_EQ(brief(grouping, {"g:text"}, {{string("infinity")}}), "infinity=1");
  EXPECT_EQ(notice_, kNotice);
  EXPECT_EQ(brief(grouping, {"g"}, {{string("2026-03-01")}, {number("20260301")}}),
            "2026-03-01=1 20260301=1");
  EXPECT_EQ(notice_, kNotice);
  EXPECT_EQ(brief(grouping, {"g:jsonb"}, {{json("\"2026-03-01T08:00:00\"")}}), "2026-03-01T08:00:00=1");
  EXPECT_EQ(notice_, kNotice);
  EXPECT_EQ(brief(grouping, {"g:bytea"}, {{{"2026-03-01", &kBytesCell}}}), R"(\\x2026-03-01=1)");
  EXPECT_EQ(notice_, kNotice);
  // Without values the type alone decides.
  EXPECT_EQ(brief(grouping, {"g:int4"}, {{kSqlNullCell}}), "null=1");
  EXPECT_EQ(notice_, kNotice);
  EXPECT_EQ(brief(grouping, {"g:timestamptz[]"}, {}), "");
  EXPECT_EQ(notice_, kNotice);
  for (const std::string_view column : {"g", "g:text", "g:timestamp", "g:date"}) {
    EXPECT_EQ(brief(grouping, {column}, {{kSqlNullCell}}), "null=1");
    EXPECT_EQ(notice_, "");
  }
}

TEST_F(GroupingTest, WhatIsNoTimeInATimeColumnKeepsItsText) {
  const Grouping grouping{.group_by = "g", .granularity = Granularity::day, .strategy = Strategy::count};
  EXPECT_EQ(brief(grouping, {"g:DATETIME"},
                  {{string("soon")},
                   {number("10")},
                   {string("2026-03-01 08:00:00")},
                   {kSqlNullCell},
                   {string("2026-03-01")},
                   {string("")}}),
            "2026-03-01=2 =1 10=1 soon=1 null=1");
  EXPECT_EQ(notice_, "");
  EXPECT_EQ(brief(grouping, {"g:DATETIME"}, {{number("10")}, {number("9")}, {kSqlNullCell}}),
            "9=1 10=1 null=1");
  EXPECT_EQ(notice_, "time_granularity has no effect: \"g\" is no time column.");
  // The raw bytes of another format are not its value.
  EXPECT_EQ(brief(grouping, {"g:TIMESTAMP"}, {{{"2026-03-01", &kBytesCell}}}), R"(\\x2026-03-01=1)");
}

TEST_F(GroupingTest, WithoutGranularityATimeIsItsText) {
  EXPECT_EQ(brief({.group_by = "at", .strategy = Strategy::count}, {"at:timestamp"},
                  {{time("2026-03-01 08:00")}, {time("2026-03-01 08:00")}}),
            "2026-03-01T08:00=2");
  EXPECT_EQ(notice_, "");
}

TEST_F(GroupingTest, Aggregates) {
  const std::vector<Cell> values = {number("1.50"), string("2"), kSqlNullCell, numeric("-0.250"), json("10")};
  EXPECT_EQ(all_of(Strategy::sum, values), "all=13.250");
  EXPECT_EQ(all_of(Strategy::cumulative_sum, values), "all=13.250");
  EXPECT_EQ(all_of(Strategy::avg, values), "all=3.3125");
  EXPECT_EQ(all_of(Strategy::min, values), "all=-0.250");
  EXPECT_EQ(all_of(Strategy::max, values), "all=10");
  EXPECT_EQ(all_of(Strategy::count, values), "all=4");
  EXPECT_EQ(all_of(Strategy::sum, {number("0.1"), number("0.2")}), "all=0.3");
  EXPECT_EQ(all_of(Strategy::sum, {number("9007199254740993"), number("1e-7")}),
            "all=9007199254740993.0000001");
}

TEST_F(GroupingTest, MinAndMaxKeepTheDigits) {
  EXPECT_EQ(all_of(Strategy::min, {number("7.10"), number("7.1"), number("8")}), "all=7.10") << "the first";
  EXPECT_EQ(all_of(Strategy::max, {number("7.1"), number("7.10")}), "all=7.1");
  EXPECT_EQ(all_of(Strategy::max, {number("1e+20"), number("5")}), "all=1e+20");
  EXPECT_EQ(all_of(Strategy::min, {number("-0.0"), number("5")}), "all=-0.0");
  EXPECT_EQ(all_of(Strategy::min, {string("007"), string("+8")}), "all=7");
  EXPECT_EQ(all_of(Strategy::max, {string("007"), string("+8")}), "all=8");
  EXPECT_EQ(all_of(Strategy::max, {string("01e2")}), "all=100") << "JSON knows no leading zeros";
  EXPECT_EQ(all_of(Strategy::max, {string(".5"), string(" 0.25 ")}), "all=0.5");
}

TEST_F(GroupingTest, NullsAreSkipped) {
  const Rows rows = {{string("a"), kSqlNullCell},
                     {string("b"), number("2.0")},
                     {string("c"), json("null")},
                     {string("d"), number("1")}};
  const auto with = [&](Strategy strategy) {
    return brief({.group_by = "g", .aggregation_column = "v", .strategy = strategy}, {"g", "v"}, rows);
  };
  EXPECT_EQ(with(Strategy::sum), "a=null b=2.0 c=null d=1");
  EXPECT_EQ(with(Strategy::avg), "a=null b=2 c=null d=1");
  EXPECT_EQ(with(Strategy::min), "a=null b=2.0 c=null d=1");
  EXPECT_EQ(with(Strategy::count), "a=0 b=1 c=0 d=1");
  EXPECT_EQ(with(Strategy::cumulative_sum), "a=0 b=2.0 c=2.0 d=3.0");
  EXPECT_EQ(brief({.group_by = "g", .strategy = Strategy::count}, {"g", "v"}, rows), "a=1 b=1 c=1 d=1");
}

TEST_F(GroupingTest, DedupHoldsWithinABucket) {
  EXPECT_EQ(all_of(Strategy::sum, {number("5"), string("5.0"), json("\"5\""), number("0.5e1")}, true),
            "all=5");
  EXPECT_EQ(all_of(Strategy::sum, {number("0"), string("-0.00"), number("100"), number("1e2")}, true),
            "all=100");
  EXPECT_EQ(all_of(Strategy::count, {kSqlNullCell, number("1"), number("1.0"), number("10")}, true), "all=2");
  EXPECT_EQ(all_of(Strategy::sum, {number("5"), number("5")}, false), "all=10");
}

TEST_F(GroupingTest, ValuesThatAreNoNumbersAreRefused) {
  const auto refused = [&](const Cell& cell, Strategy strategy) {
    const std::string result = all_of(strategy, {number("1"), cell});
    EXPECT_TRUE(failure_) << result;
    if (!failure_) return std::string();
    EXPECT_EQ(failure_->code(), contract::ErrorCode::invalid_post_processing);
    EXPECT_EQ(failure_->details().at(0).name, "member");
    EXPECT_EQ(failure_->details().at(0).json, "\"aggregation_column\"");
    return failure_->text();
  };
  constexpr std::string_view kNoNumber =
      "aggregation_column \"v\" holds a value that is no number in row 2 of the page.";
  for (const auto strategy : {Strategy::sum, Strategy::avg, Strategy::min, Strategy::max, Strategy::count,
                              Strategy::cumulative_sum}) {
    for (const Cell& cell : {string("abc"), string(""), numeric("NaN"), numeric("Infinity"), string("NaN"),
                             Cell{"t", &kBooleanCell}, json("[5]"), json("{}"), json("true"), json("\"x\""),
                             Cell{"5", &kBytesCell}, time("2026-03-01")}) {
      EXPECT_EQ(refused(cell, strategy), kNoNumber) << cell.text;
    }
    EXPECT_EQ(refused(string("1e999999"), strategy),
              "aggregation_column \"v\" holds a number of more than 1000 digits in row 2 of the page.");
  }
}

TEST_F(GroupingTest, ARefusalStopsTheRows) {
  base::Buffer out;
  JsonRowSink json(out, {});
  const Grouping grouping{.aggregation_column = "v", .strategy = Strategy::sum};
  GroupingSink sink(json, out, grouping, false);
  begin(sink, {"v"});
  EXPECT_EQ(row(sink, {number("1")}), RowFlow::more);
  EXPECT_EQ(row(sink, {string("x")}), RowFlow::stop);
  EXPECT_EQ(row(sink, {number("1")}), RowFlow::stop);
  EXPECT_EQ(json.rows_written(), 2);
}

TEST_F(GroupingTest, ColumnsThatAreNotSelectedAreRefused) {
  EXPECT_EQ(group({.group_by = "statsu"}, {"status", "-hidden"}, {}),
            "refused: group_by names \"statsu\", which is no output key of the selected columns.");
  ASSERT_TRUE(failure_);
  EXPECT_EQ(failure_->code(), contract::ErrorCode::invalid_post_processing);
  EXPECT_EQ(failure_->hint(), "Did you mean \"status\"?");
  EXPECT_EQ(failure_->details().at(0).json, "\"group_by\"");
  EXPECT_EQ(group({.group_by = "hidden"}, {"status", "-hidden"}, {{string("a"), number("1")}}),
            "refused: group_by names \"hidden\", which is no output key of the selected columns.");
  EXPECT_EQ(
      group({.group_by = "status", .aggregation_column = "v", .strategy = Strategy::sum}, {"status"}, {}),
      "refused: aggregation_column names \"v\", which is no output key of the selected columns.");
  EXPECT_EQ(failure_->details().at(0).json, "\"aggregation_column\"");
}

TEST_F(GroupingTest, KeysInSnakeCase) {
  const Rows rows = {{string("a"), number("1")}};
  const Grouping grouping{
      .group_by = "user_id", .aggregation_column = "line_total", .strategy = Strategy::sum};
  EXPECT_EQ(group(grouping, {"userId", "lineTotal"}, rows, {.snake_case_keys = true}),
            R"({"grouped":[{"label":"a","rows":[{"user_id":"a","line_total":1}],"aggregation":1}]})");
  group(grouping, {"userId", "lineTotal"}, rows);
  EXPECT_TRUE(failure_) << "without that the spelling counts";
}

TEST_F(GroupingTest, RowsBeyondTheLimitAreNotGrouped) {
  base::Buffer out;
  JsonRowSink json(out, {});
  json.limit_rows(2);
  const Grouping grouping{.strategy = Strategy::count};
  GroupingSink sink(json, out, grouping, false);
  begin(sink, {"v"});
  for (const char* n : {"1", "2", "3"}) EXPECT_EQ(row(sink, {number(n)}), RowFlow::more);
  base::Buffer grouped;
  sink.append_grouped(grouped);
  EXPECT_EQ(grouped.view(), R"({"grouped":[{"label":"all","rows":[{"v":1},{"v":2}],"aggregation":2}]})");
  EXPECT_EQ(out.view(), R"({"v":1},{"v":2})");
}

TEST_F(GroupingTest, AnOverflowStops) {
  base::Buffer out;
  JsonRowSink json(out, {});
  json.limit_bytes(8);
  const Grouping grouping{.strategy = Strategy::count};
  GroupingSink sink(json, out, grouping, false);
  begin(sink, {"v"});
  EXPECT_EQ(row(sink, {number("1")}), RowFlow::more);
  EXPECT_EQ(row(sink, {number("2")}), RowFlow::stop);
  EXPECT_TRUE(json.overflowed());
}

TEST_F(GroupingTest, RestartForgets) {
  base::Buffer out;
  out.append("[");
  JsonRowSink json(out, {});
  const Grouping grouping{
      .group_by = "g", .granularity = Granularity::day, .aggregation_column = "v", .strategy = Strategy::sum};
  GroupingSink sink(json, out, grouping, false);
  begin(sink, {"g", "v"});
  row(sink, {string("no time"), number("1")});
  row(sink, {string("x"), string("no number")});
  EXPECT_TRUE(sink.failure());
  EXPECT_NE(sink.notice(), "");
  EXPECT_TRUE(sink.restart());
  EXPECT_FALSE(sink.failure());
  begin(sink, {"g", "v"});
  row(sink, {string("2026-03-01"), number("2")});
  EXPECT_EQ(sink.notice(), "");
  base::Buffer grouped;
  sink.append_grouped(grouped);
  EXPECT_EQ(grouped.view(),
            R"({"grouped":[{"label":"2026-03-01","rows":[{"g":"2026-03-01","v":2}],"aggregation":2}]})");
}

TEST_F(GroupingTest, StreamedRowsAreRefused) {
  base::Buffer out;
  JsonRowSink json(out, {});
  json.stream_with([&] { return out.clear(), RowFlow::more; }, 1, 1);
  const Grouping grouping{.strategy = Strategy::count};
  GroupingSink sink(json, out, grouping, false);
  begin(sink, {"v"});
  EXPECT_EQ(row(sink, {number("1")}), RowFlow::stop);
  ASSERT_TRUE(sink.failure());
  EXPECT_EQ(sink.failure()->code(), contract::ErrorCode::internal_error);
  sink.append_grouped(out);
  EXPECT_TRUE(out.empty());
}

/// Random pages against a plain implementation over maps of integers.
TEST_F(GroupingTest, RandomPagesAgreeWithAPlainImplementation) {
  std::mt19937 random(4);
  for (int round = 0; round < 500; ++round) {
    const auto labels = 1 + random() % 40;
    const auto count = random() % 200;
    std::vector<std::string> texts;
    std::map<int, std::pair<std::string, long>> expected;  // rows and sum per label, numeric order
    std::vector<std::pair<int, long>> page;
    for (unsigned i = 0; i < count; ++i) {
      const int label = static_cast<int>(random() % labels) - 5;
      const long value = static_cast<long>(random() % 2000) - 1000;
      page.emplace_back(label, value);
      auto& bucket = expected[label];
      if (!bucket.first.empty()) bucket.first += ',';
      bucket.first += "{\"g\":" + std::to_string(label) + ",\"v\":" + std::to_string(value) + "}";
      bucket.second += value;
    }
    texts.reserve(page.size() * 2);
    Rows rows;
    for (const auto& [label, value] : page) {
      texts.push_back(std::to_string(label));
      texts.push_back(std::to_string(value));
      rows.push_back({number(texts[texts.size() - 2]), number(texts.back())});
    }
    std::string want = R"({"grouped":[)";
    long total = 0;
    const bool cumulative = round % 2 == 0;
    for (const auto& [label, bucket] : expected) {
      if (want.back() != '[') want += ',';
      total += bucket.second;
      want += R"({"label":")" + std::to_string(label) + R"(","rows":[)" + bucket.first +
              R"(],"aggregation":)" + std::to_string(cumulative ? total : bucket.second) + "}";
    }
    ASSERT_EQ(group({.group_by = "g",
                     .aggregation_column = "v",
                     .strategy = cumulative ? Strategy::cumulative_sum : Strategy::sum},
                    {"g", "v"}, rows),
              want + "]}");
  }
}

}  // namespace
}  // namespace athena::query

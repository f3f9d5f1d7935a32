#include "query/json_sink.h"
#include "query/sink_test_support.h"

namespace athena::query {
namespace {

class JsonForms : public SinkTest {};

TEST_F(JsonForms, LinesEndEachRow) {
  JsonRowSink sink(out_, {.lines = true});
  begin(sink, {"id", "name", "-key"});
  EXPECT_EQ(row(sink, {number("1"), string("a\nb\r"), number("9")}), RowFlow::more);
  EXPECT_EQ(row(sink, {number("2"), kSqlNullCell, number("9")}), RowFlow::more);
  EXPECT_EQ(text(), "{\"id\":1,\"name\":\"a\\nb\\r\"}\n{\"id\":2,\"name\":null}\n");
  EXPECT_EQ(sink.rows_written(), 2);
}

TEST_F(JsonForms, LineBreaksOfJsonBecomeSpacesOnLinesOnly) {
  const std::string stored = "{\n\t\"a\":\r\n[1,\n\"x\\ny\"]\n}";
  {
    JsonRowSink sink(out_, {.lines = true});
    begin(sink, {"j", "nested", "s"});
    row(sink, {json(stored), {"[\n1]", &kNestedCell}, {"a\nb", &kBytesCell}});
    EXPECT_EQ(text(), "{\"j\":{ \t\"a\":  [1, \"x\\ny\"] },\"nested\":[ 1],\"s\":\"\\\\xa\\nb\"}\n");
  }
  base::Buffer out;
  JsonRowSink plain(out, {});
  begin(plain, {"j"});
  row(plain, {json(stored)});
  EXPECT_EQ(out.view(), "{\"j\":" + stored + "}");
}

TEST_F(JsonForms, LinesWithoutNullsAndWithoutColumns) {
  JsonRowSink sink(out_, {.strip_nulls = true, .lines = true});
  begin(sink, {"a", "b"});
  row(sink, {kSqlNullCell, json("null")});
  row(sink, {kSqlNullCell, number("1")});
  EXPECT_EQ(text(), "{}\n{\"b\":1}\n");
}

TEST_F(JsonForms, RestartDropsLines) {
  JsonRowSink sink(out_, {.lines = true});
  begin(sink, {"a"});
  row(sink, {number("1")});
  EXPECT_TRUE(sink.restart());
  begin(sink, {"a"});
  row(sink, {number("2")});
  EXPECT_EQ(text(), "{\"a\":2}\n");
}

TEST_F(JsonForms, LinesStream) {
  std::string sent;
  JsonRowSink sink(out_, {.lines = true});
  sink.stream_with([&] { return sent += text(), out_.clear(), RowFlow::pause; }, 16, 1);
  begin(sink, {"n"});
  EXPECT_EQ(row(sink, {number("1")}), RowFlow::more);
  EXPECT_EQ(row(sink, {number("2")}), RowFlow::pause);
  EXPECT_EQ(row(sink, {number("3")}), RowFlow::pause);
  EXPECT_EQ(sent, "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n");
  EXPECT_FALSE(sink.restart());
  sink.resume();
  EXPECT_EQ(source_.resumed, 1);
}

TEST_F(JsonForms, ValuesOfTheOnlyVisibleColumn) {
  for (const auto form : {RowShape::Form::values, RowShape::Form::value}) {
    base::Buffer out;
    JsonRowSink sink(out, {.strip_nulls = true});
    begin(sink, {"-key", "f"}, form);
    row(sink, {number("7"), string("a\"b")});
    row(sink, {number("7"), kSqlNullCell});
    row(sink, {number("7"), number("1.50")});
    row(sink, {number("7"), {"t", &kBooleanCell}});
    row(sink, {number("7"), json("{\"a\": 1}")});
    row(sink, {number("7"), {"", &kNullCell}});
    EXPECT_EQ(out.view(), "\"a\\\"b\",null,1.50,true,{\"a\": 1},null");
    EXPECT_EQ(sink.rows_written(), 6);
  }
}

TEST_F(JsonForms, ValuesAsLines) {
  JsonRowSink sink(out_, {.lines = true});
  begin(sink, {"f"}, RowShape::Form::values);
  row(sink, {json("[1,\n2]")});
  row(sink, {string("\n")});
  EXPECT_EQ(text(), "[1, 2]\n\"\\n\"\n");
}

TEST_F(JsonForms, ValuesWithoutAVisibleColumnAreNull) {
  JsonRowSink sink(out_, {});
  begin(sink, {"-f"}, RowShape::Form::value);
  row(sink, {number("1")});
  EXPECT_EQ(text(), "null");
}

TEST_F(JsonForms, OneRowIsAnObject) {
  JsonRowSink sink(out_, {});
  begin(sink, {"a", "b"}, RowShape::Form::row);
  row(sink, {number("1"), number("2")});
  EXPECT_EQ(text(), R"({"a":1,"b":2})");
}

TEST_F(JsonForms, TheLimitOnBytesAlsoHoldsBesideAStream) {
  int flushes = 0;
  JsonRowSink sink(out_, {});
  sink.limit_bytes(20);
  sink.stream_with([&] { return ++flushes, RowFlow::more; }, 12, 1000);
  begin(sink, {"n"});
  EXPECT_EQ(row(sink, {number("1")}), RowFlow::more);
  EXPECT_EQ(row(sink, {number("2")}), RowFlow::more);
  EXPECT_EQ(flushes, 1);
  EXPECT_EQ(row(sink, {number("3333")}), RowFlow::stop);
  EXPECT_TRUE(sink.overflowed());
  EXPECT_EQ(flushes, 1);
}

}  // namespace
}  // namespace athena::query

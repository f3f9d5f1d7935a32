#include "query/json_sink.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace athena::query {
namespace {

void append_hex(base::Buffer& out, std::string_view raw, const ValueFormat& self) {
  out.append("\"<");
  out.append(*static_cast<const std::string*>(self.context));
  out.append(raw);
  out.append(">\"");
}

const std::string kContext = "x:";
const ValueFormat kNull{.kind = ValueFormat::Kind::null};
const ValueFormat kNumber{.kind = ValueFormat::Kind::number};
const ValueFormat kBoolean{.kind = ValueFormat::Kind::boolean_tf};
const ValueFormat kString{.kind = ValueFormat::Kind::string};
const ValueFormat kJson{.kind = ValueFormat::Kind::json};
const ValueFormat kCustom{
    .kind = ValueFormat::Kind::custom, .append_json = append_hex, .element = nullptr, .context = &kContext};

Cell number(std::string_view text) {
  return {text, &kNumber};
}
Cell string(std::string_view text) {
  return {text, &kString};
}
const Cell kSqlNull{};

class Source : public RowSource {
 public:
  void resume() override { ++resumed; }
  int resumed = 0;
};

class JsonSink : public testing::Test {
 protected:
  /// A minus in front of a name makes the column hidden.
  void begin(JsonRowSink& sink, const std::vector<std::string_view>& names,
             std::vector<std::uint16_t> id = {}) {
    columns_.clear();
    for (auto name : names) {
      OutputColumn column;
      column.hidden = name.starts_with('-');
      column.name = column.hidden ? name.substr(1) : name;
      columns_.push_back(column);
    }
    id_ = std::move(id);
    shape_ = {columns_, id_};
    sink.begin(shape_, source_);
  }
  static RowFlow row(JsonRowSink& sink, const std::vector<Cell>& cells) { return sink.row(cells); }
  [[nodiscard]] std::string text() const { return std::string(out_.view()); }

  base::Buffer out_;
  Source source_;
  std::vector<OutputColumn> columns_;
  std::vector<std::uint16_t> id_;
  RowShape shape_;
};

TEST(AppendCell, EveryKind) {
  const auto written = [](std::string_view raw, const ValueFormat& format) {
    base::Buffer out;
    append_cell(out, raw, format);
    return std::string(out.view());
  };
  EXPECT_EQ(written("ignored", kNull), "null");
  EXPECT_EQ(written("1.50", kNumber), "1.50");
  EXPECT_EQ(written("t", kBoolean), "true");
  EXPECT_EQ(written("f", kBoolean), "false");
  EXPECT_EQ(written("a\"b", kString), R"("a\"b")");
  EXPECT_EQ(written(R"({"a": [1]})", kJson), R"({"a": [1]})");
  EXPECT_EQ(written("6869", kCustom), R"("<x:6869>")");
}

TEST_F(JsonSink, RowsAsObjects) {
  JsonRowSink sink(out_, {});
  out_.append("[");
  begin(sink, {"id", "name", "ok", "body", "none", "raw"});
  EXPECT_EQ(
      row(sink, {number("1"), string("Ada"), {"t", &kBoolean}, {"{}", &kJson}, kSqlNull, {"1", &kCustom}}),
      RowFlow::more);
  EXPECT_EQ(row(sink, {number("12345678901234567890.5"),
                       string("a\n"),
                       {"f", &kBoolean},
                       {"null", &kJson},
                       {"", &kNull},
                       kSqlNull}),
            RowFlow::more);
  EXPECT_EQ(text(),
            R"([{"id":1,"name":"Ada","ok":true,"body":{},"none":null,"raw":"<x:1>"},)"
            R"({"id":12345678901234567890.5,"name":"a\n","ok":false,"body":null,"none":null,"raw":null})");
  EXPECT_EQ(sink.rows_written(), 2);
}

TEST_F(JsonSink, KeysAreEscaped) {
  JsonRowSink sink(out_, {});
  begin(sink, {"a\"b", "ü\n", "long name of a column that has more than sixteen bytes"});
  row(sink, {number("1"), number("2"), number("3")});
  EXPECT_EQ(text(), R"({"a\"b":1,"ü\n":2,"long name of a column that has more than sixteen bytes":3})");
}

TEST_F(JsonSink, NumbersAndKeysOfEveryLength) {
  for (std::size_t key = 1; key < 40; ++key) {
    for (std::size_t digits = 1; digits < 40; ++digits) {
      base::Buffer out;
      JsonRowSink sink(out, {});
      const std::string name(key, 'k');
      const std::string value(digits, '7');
      begin(sink, {name, "z"});
      row(sink, {number(value), number("0")});
      ASSERT_EQ(out.view(), "{\"" + name + "\":" + value + ",\"z\":0}");
    }
  }
}

TEST_F(JsonSink, NullsCanBeLeftOut) {
  JsonRowSink sink(out_, {.strip_nulls = true});
  begin(sink, {"a", "b", "c"});
  row(sink, {kSqlNull, string("null"), kSqlNull});
  row(sink, {number("1"), kSqlNull, {R"({"x":null})", &kJson}});
  row(sink, {kSqlNull, {"", &kNull}, {"null", &kJson}});
  EXPECT_EQ(text(), R"({"b":"null"},{"a":1,"c":{"x":null}},{})");
}

TEST_F(JsonSink, HiddenColumnsAreNotWritten) {
  JsonRowSink sink(out_, {});
  begin(sink, {"-key", "name", "-other"});
  row(sink, {number("1"), string("x"), number("2")});
  EXPECT_EQ(text(), R"({"name":"x"})");
  base::Buffer nothing;
  JsonRowSink empty(nothing, {});
  begin(empty, {"-key"});
  row(empty, {number("1")});
  row(empty, {number("2")});
  EXPECT_EQ(nothing.view(), "{},{}");
}

TEST_F(JsonSink, KeysInSnakeCase) {
  JsonRowSink sink(out_, {.strip_nulls = false, .snake_case_keys = true});
  begin(sink, {"userId", "CreatedAt", "plain"});
  row(sink, {number("1"), number("2"), {R"({"innerKey":1})", &kJson}});
  EXPECT_EQ(text(), R"({"user_id":1,"created_at":2,"plain":{"innerKey":1}})");
}

TEST_F(JsonSink, KeysThatWouldBecomeEqualKeepTheirSpelling) {
  JsonRowSink sink(out_, {.strip_nulls = false, .snake_case_keys = true});
  begin(sink, {"userId", "user_id", "userID", "fullName", "-full_name"});
  row(sink, {number("1"), number("2"), number("3"), number("4"), number("5")});
  EXPECT_EQ(text(), R"({"userId":1,"user_id":2,"userID":3,"full_name":4})");
}

TEST_F(JsonSink, ResourceIds) {
  JsonRowSink sink(out_, {});
  sink.collect_resource_ids();
  begin(sink, {"name", "-id"}, {1});
  row(sink, {string("a"), number("7")});
  row(sink, {string("b"), kSqlNull});
  row(sink, {string("c"), string("x\"y")});
  EXPECT_EQ(sink.resource_ids().view(), R"(7,null,"x\"y")");
  EXPECT_EQ(text(), R"({"name":"a"},{"name":"b"},{"name":"c"})");
}

TEST_F(JsonSink, ResourceIdsOfSeveralColumnsAndOfNone) {
  JsonRowSink sink(out_, {});
  sink.collect_resource_ids();
  begin(sink, {"org", "n", "id"}, {0, 2});
  row(sink, {number("1"), number("9"), string("a")});
  row(sink, {number("2"), number("9"), kSqlNull});
  EXPECT_EQ(sink.resource_ids().view(), R"({"org":1,"id":"a"},{"org":2,"id":null})");

  JsonRowSink none(out_, {});
  none.collect_resource_ids();
  begin(none, {"n"});
  row(none, {number("1")});
  row(none, {number("2")});
  EXPECT_EQ(none.resource_ids().view(), "null,null");
}

TEST_F(JsonSink, RowsBeyondTheLimitAreCounted) {
  JsonRowSink sink(out_, {});
  sink.limit_rows(2);
  sink.collect_resource_ids();
  begin(sink, {"n"}, {0});
  for (const char* n : {"1", "2", "3"}) EXPECT_EQ(row(sink, {number(n)}), RowFlow::more);
  EXPECT_EQ(text(), R"({"n":1},{"n":2})");
  EXPECT_EQ(sink.rows_written(), 2);
  EXPECT_EQ(sink.rows_seen(), 3);
  EXPECT_EQ(sink.resource_ids().view(), "1,2,3");
}

TEST_F(JsonSink, ABufferThatGetsTooLargeStopsTheRows) {
  JsonRowSink sink(out_, {});
  sink.limit_bytes(20);
  begin(sink, {"n"});
  EXPECT_EQ(row(sink, {number("1")}), RowFlow::more);
  EXPECT_EQ(row(sink, {number("2")}), RowFlow::more);
  EXPECT_FALSE(sink.overflowed());
  EXPECT_EQ(row(sink, {number("33333")}), RowFlow::stop);
  EXPECT_TRUE(sink.overflowed());
  EXPECT_EQ(row(sink, {number("4")}), RowFlow::stop);
  EXPECT_EQ(sink.rows_written(), 3);
}

TEST_F(JsonSink, RestartDropsTheRows) {
  JsonRowSink sink(out_, {});
  sink.collect_resource_ids();
  out_.append("[");
  begin(sink, {"a"}, {0});
  row(sink, {number("1")});
  row(sink, {number("2")});
  EXPECT_TRUE(sink.restart());
  EXPECT_EQ(text(), "[");
  begin(sink, {"b"}, {0});
  row(sink, {number("3")});
  EXPECT_EQ(text(), R"([{"b":3})");
  EXPECT_EQ(sink.rows_written(), 1);
  EXPECT_EQ(sink.resource_ids().view(), "3");
}

TEST_F(JsonSink, RestartBeforeAnything) {
  out_.append("{");
  JsonRowSink sink(out_, {});
  EXPECT_TRUE(sink.restart());
  EXPECT_EQ(text(), "{");
}

TEST_F(JsonSink, StreamsFromTheFirstSizeOn) {
  std::vector<std::string> sent;
  RowFlow answer = RowFlow::more;
  JsonRowSink sink(out_, {});
  sink.stream_with(
      [&] {
        sent.push_back(text());
        out_.clear();
        return answer;
      },
      30, 10);
  out_.append("{\"rows\":[");
  begin(sink, {"n"});
  EXPECT_EQ(row(sink, {number("1")}), RowFlow::more);
  EXPECT_EQ(row(sink, {number("2")}), RowFlow::more);
  EXPECT_FALSE(sink.streaming());
  answer = RowFlow::pause;
  EXPECT_EQ(row(sink, {number("3")}), RowFlow::pause);
  EXPECT_TRUE(sink.streaming());
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0], R"({"rows":[{"n":1},{"n":2},{"n":3})");

  sink.resume();
  EXPECT_EQ(source_.resumed, 1);
  answer = RowFlow::more;
  EXPECT_EQ(row(sink, {number("4")}), RowFlow::more);
  EXPECT_EQ(sent.size(), 1U) << "eight bytes are less than the next size";
  answer = RowFlow::stop;
  EXPECT_EQ(row(sink, {number("5")}), RowFlow::stop);
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_EQ(sent[1], R"(,{"n":4},{"n":5})");
  EXPECT_FALSE(sink.restart()) << "bytes have left";
}

TEST_F(JsonSink, BeginAgainWithoutRestartGoesOn) {
  JsonRowSink sink(out_, {});
  begin(sink, {"a"});
  row(sink, {number("1")});
  begin(sink, {"a"});
  row(sink, {number("2")});
  EXPECT_EQ(text(), R"({"a":1},{"a":2})");
  EXPECT_TRUE(sink.restart());
  EXPECT_EQ(text(), "");
}

}  // namespace
}  // namespace athena::query

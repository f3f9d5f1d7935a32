#include "query/csv_sink.h"

#include <random>

#include "query/csv_field.h"
#include "query/json_text.h"
#include "query/sink_test_support.h"

namespace athena::query {
namespace {

std::string field(std::string_view text) {
  base::Buffer out;
  append_csv_field(out, text);
  return std::string(out.view());
}

class CsvSink : public SinkTest {};

TEST_F(CsvSink, HeaderAndRows) {
  CsvRowSink sink(out_, false);
  begin(sink, {"id", "name", "-key", "a,b", "ok"});
  EXPECT_EQ(text(), "id,name,\"a,b\",ok\r\n") << "a header also without rows";
  EXPECT_EQ(row(sink, {number("1"), string("Ada"), number("9"), number("1.50"), {"t", &kBooleanCell}}),
            RowFlow::more);
  row(sink, {number("2"), kSqlNullCell, number("9"), {"x", &kNullCell}, {"f", &kBooleanCell}});
  row(sink, {number("3"), string(""), number("9"), string("say \"hi\"\n"), kSqlNullCell});
  EXPECT_EQ(text(), "id,name,\"a,b\",ok\r\n1,Ada,1.50,true\r\n2,,,false\r\n3,\"\",\"say \"\"hi\"\"\n\",\r\n");
  EXPECT_EQ(sink.rows_written(), 3);
}

TEST_F(CsvSink, NestedValuesAreTheirJson) {
  CsvRowSink sink(out_, false);
  begin(sink, {"v"});
  row(sink, {json("{\"a\": [1,\n2]}")});
  row(sink, {json("[1]")});
  row(sink, {json("\"text\"")});
  row(sink, {json("null")});
  row(sink, {{"[1,2]", &kNestedCell}});
  EXPECT_EQ(text(), "v\r\n\"{\"\"a\"\": [1,\n2]}\"\r\n[1]\r\n\"\"\"text\"\"\"\r\nnull\r\n\"[1,2]\"\r\n");
}

TEST_F(CsvSink, ValuesOfOtherFormatsLoseTheirQuotes) {
  CsvRowSink sink(out_, false);
  begin(sink, {"v"});
  row(sink, {{"6869", &kBytesCell}});
  row(sink, {{"2026-03-01 08:00:00+00", &kTimeCell}});
  row(sink, {{"1.50", &kNumericCell}});
  row(sink, {{"NaN", &kNumericCell}});
  row(sink, {{"a,\"b\"\n", &kBytesCell}});
  row(sink, {{"", &kTimeCell}});
  EXPECT_EQ(text(),
            "v\r\n\\x6869\r\n2026-03-01T08:00:00+00\r\n1.50\r\nNaN\r\n\"\\xa,\"\"b\"\"\n\"\r\n\"\"\r\n");
}

TEST_F(CsvSink, HeaderInSnakeCase) {
  CsvRowSink sink(out_, true);
  begin(sink, {"userId", "user_id", "fullName", "-full_name"});
  EXPECT_EQ(text(), "userId,user_id,full_name\r\n");
}

TEST_F(CsvSink, NoVisibleColumn) {
  CsvRowSink sink(out_, false);
  begin(sink, {"-a"});
  row(sink, {number("1")});
  EXPECT_EQ(text(), "\r\n\r\n");
}

TEST_F(CsvSink, RestartDropsHeaderAndRows) {
  out_.append("x");
  CsvRowSink sink(out_, false);
  begin(sink, {"a"});
  row(sink, {number("1")});
  EXPECT_TRUE(sink.restart());
  EXPECT_EQ(text(), "x");
  begin(sink, {"b"});
  row(sink, {number("2")});
  EXPECT_EQ(text(), "xb\r\n2\r\n");
  EXPECT_EQ(sink.rows_written(), 1);
}

TEST_F(CsvSink, BeginAgain) {
  CsvRowSink sink(out_, false);
  begin(sink, {"a"});
  begin(sink, {"b"});
  row(sink, {number("1")});
  begin(sink, {"b"});
  row(sink, {number("2")});
  EXPECT_EQ(text(), "b\r\n1\r\n2\r\n");
}

TEST_F(CsvSink, LimitsAndStreaming) {
  std::string sent;
  CsvRowSink sink(out_, false);
  sink.limit_rows(3);
  sink.stream_with([&] { return sent += text(), out_.clear(), RowFlow::more; }, 7, 1);
  begin(sink, {"n"});
  EXPECT_TRUE(sent.empty());
  for (const char* n : {"1", "2", "3", "4"}) EXPECT_EQ(row(sink, {number(n)}), RowFlow::more);
  EXPECT_EQ(sent, "n\r\n1\r\n2\r\n3\r\n");
  EXPECT_TRUE(out_.empty());
  EXPECT_EQ(sink.rows_written(), 3);
  EXPECT_EQ(sink.rows_seen(), 4);
  EXPECT_FALSE(sink.restart());

  base::Buffer small;
  CsvRowSink bounded(small, false);
  bounded.limit_bytes(8);
  begin(bounded, {"n"});
  EXPECT_EQ(row(bounded, {number("1")}), RowFlow::more);
  EXPECT_EQ(row(bounded, {number("333")}), RowFlow::stop);
  EXPECT_TRUE(bounded.overflowed());
  EXPECT_EQ(row(bounded, {number("1")}), RowFlow::stop);
}

TEST(CsvField, TextsOfEveryLengthAndMarksAtEveryPlace) {
  for (std::size_t size = 1; size < 70; ++size) {
    const std::string plain(size, 'x');
    ASSERT_EQ(field(plain), plain);
    for (std::size_t at = 0; at < size; ++at) {
      for (const char mark : {',', '\n', '\r'}) {
        std::string marked = plain;
        marked[at] = mark;
        ASSERT_EQ(field(marked), '"' + marked + '"');
      }
      std::string quoted = plain;
      quoted.replace(at, 1, "\"");
      std::string doubled = plain;
      doubled.replace(at, 1, "\"\"");
      ASSERT_EQ(field(quoted), '"' + doubled + '"');
      std::string umlaut = plain;
      umlaut.replace(at, 1, "ü");
      ASSERT_EQ(field(umlaut), umlaut);
      std::string broken = plain;
      broken.replace(at, 1, "\xFF");
      std::string replaced = plain;
      replaced.replace(at, 1, "\xEF\xBF\xBD");
      ASSERT_EQ(field(broken), replaced);
    }
  }
}

TEST(CsvField, SpacesTabsAndZerosNeedNoQuotes) {
  EXPECT_EQ(field(" a\tb "), " a\tb ");
  EXPECT_EQ(field(std::string_view("a\0b", 3)), std::string_view("a\0b", 3));
  EXPECT_EQ(field("\xC3"), "\xEF\xBF\xBD");
  EXPECT_EQ(field("\xC3,\"ü"), "\"\xEF\xBF\xBD,\"\"ü\"");
}

TEST(CsvField, WhatIsWrittenReadsBackEqual) {
  std::mt19937 random(7);
  const std::string_view letters[] = {"a", "\"", ",", "\n", "\r", " ", "ü", "😀", "bcdefghijklmnop"};
  for (int i = 0; i < 20000; ++i) {
    std::string value;
    for (auto n = random() % 12; n > 0; --n) value += letters[random() % std::size(letters)];
    const std::string written = field(value);
    std::string read;
    if (written.starts_with('"')) {
      ASSERT_TRUE(written.size() >= 2 && written.ends_with('"'));
      for (std::size_t at = 1; at + 1 < written.size(); ++at) {
        if (written[at] == '"') {
          ASSERT_EQ(written[at + 1], '"');
          ASSERT_LT(++at + 1, written.size());
        }
        read.push_back(written[at]);
      }
    } else {
      ASSERT_EQ(written.find_first_of("\",\r\n"), std::string::npos);
      read = written;
    }
    ASSERT_EQ(read, value);
  }
}

TEST(JsonText, Strings) {
  std::string scratch;
  EXPECT_EQ(json_string_text(R"("abc")", scratch), "abc");
  EXPECT_EQ(json_string_text(R"("")", scratch), "");
  EXPECT_EQ(json_string_text(R"("a\"\\\/\b\f\n\r\tz")", scratch), "a\"\\/\b\f\n\r\tz");
  EXPECT_EQ(json_string_text(R"("\u0041\u00e9\u20ac\ud83d\ude00")", scratch), "Aé€😀");
  EXPECT_EQ(json_string_text(R"("\ud83dx\ude00\ud83d\u0041")", scratch),
            "\uFFFDx\uFFFD\uFFFD"
            "A");
  // Not valid, but nothing may be read behind it.
  for (const std::string_view broken : {"\"", "", "\"\\\"", "\"\\u\"", "\"\\u12\"", "\"\\ud83d\\u\""})
    json_string_text(broken, scratch);
}

TEST(JsonText, Compact) {
  const auto compact = [](std::string_view json) {
    std::string out;
    append_compact_json(out, json);
    return out;
  };
  EXPECT_EQ(compact("{\"a\" : [1,\n 2 ],\t\"b c\": \" \\\" x \"}"), R"({"a":[1,2],"b c":" \" x "})");
  EXPECT_EQ(compact(R"("\\" )"), R"("\\")");
  EXPECT_EQ(compact(R"("\)"), R"("\)");
}

}  // namespace
}  // namespace athena::query

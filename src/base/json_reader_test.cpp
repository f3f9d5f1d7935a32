#include "base/json_reader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <random>
#include <string>
#include <vector>

namespace athena::base {
namespace {

class JsonReader : public testing::Test {
 protected:
  const JsonNode& parse(std::string_view text) {
    auto result = parse_json(texts_.emplace_back(text), memory_);
    if (!result) throw std::runtime_error(result.error().message);
    return **result;
  }
  JsonError refusal(std::string_view text) {
    auto result = parse_json(text, memory_);
    if (result) return {0, 0, 0, "accepted"};
    return result.error();
  }
  static std::string written(const JsonNode& node) {
    Buffer out;
    append_json(out, node);
    return std::string(out.view());
  }
  std::string again(std::string_view text) { return written(parse(text)); }

  std::deque<std::string> texts_;
  std::pmr::monotonic_buffer_resource memory_;
};

TEST_F(JsonReader, EveryKindOfValue) {
  const JsonNode& root = parse(R"({"n":null,"t":true,"f":false,"i":-12,"s":"x","a":[1,[]],"o":{"k":{}}})");
  ASSERT_TRUE(root.is_object());
  ASSERT_EQ(root.members.size(), 7U);
  EXPECT_EQ(root.members[0].name, "n");
  EXPECT_TRUE(root.find("n")->is_null());
  EXPECT_EQ(root.find_present("n"), nullptr);
  EXPECT_EQ(root.find("missing"), nullptr);
  EXPECT_TRUE(root.find("t")->is_boolean() && root.find("t")->boolean);
  EXPECT_TRUE(root.find("f")->is_boolean() && !root.find("f")->boolean);
  EXPECT_TRUE(root.find("i")->is_number());
  EXPECT_EQ(root.find("i")->text, "-12");
  EXPECT_EQ(root.find_present("s")->text, "x");
  ASSERT_EQ(root.find("a")->items.size(), 2U);
  EXPECT_TRUE(root.find("a")->items[1]->is_array());
  EXPECT_TRUE(root.find("o")->find("k")->is_object());
  EXPECT_EQ(again("  7 \n"), "7");
  EXPECT_EQ(again("\"\""), "\"\"");
}

TEST_F(JsonReader, NumbersKeepTheirDigits) {
  const std::string digits(400, '7');
  for (const std::string& number :
       {std::string("0"), std::string("-0"), std::string("1.10"), std::string("9007199254740993"),
        std::string("1e5"), std::string("1E+05"), std::string("18446744073709551616"),
        std::string("-9223372036854775809"), std::string("0.000100"), "-" + digits + "." + digits,
        std::string("1e400"), std::string("1.5e-400")}) {
    EXPECT_EQ(parse(number).text, number);
    EXPECT_EQ(again("[" + number + "]"), "[" + number + "]");
  }
}

TEST_F(JsonReader, StringsWithoutEscapesAreViewsIntoTheText) {
  const std::string text = R"({"plain":"value","esc\u0061ped":"a\nb"})";
  const auto result = parse_json(text, memory_);
  ASSERT_TRUE(result.has_value());
  const JsonNode& root = **result;
  const auto inside = [&text](std::string_view view) {
    return view.data() >= text.data() && view.data() + view.size() <= text.data() + text.size();
  };
  EXPECT_TRUE(inside(root.members[0].name));
  EXPECT_TRUE(inside(root.members[0].value->text));
  EXPECT_EQ(root.members[1].name, "escaped");
  EXPECT_EQ(root.members[1].value->text, "a\nb");
  EXPECT_FALSE(inside(root.members[1].value->text));
}

TEST_F(JsonReader, Escapes) {
  EXPECT_EQ(parse(R"("\"\\\/\b\f\n\r\t")").text, "\"\\/\b\f\n\r\t");
  EXPECT_EQ(parse(R"("\u00e4\u20AC\uD83D\uDE00")").text, "ä€\xF0\x9F\x98\x80");
  EXPECT_EQ(parse(R"("a\u0000b")").text, std::string_view("a\0b", 3));
  std::string text = "\"";
  std::string expected;
  for (int i = 0; i < 3000; ++i) {  // longer than the parser's buffer
    text += "ab\\u0041ä";
    expected += "abAä";
  }
  EXPECT_EQ(parse(text + "\"").text, expected);
}

TEST_F(JsonReader, OfARepeatedNameOnlyTheLastIsKept) {
  EXPECT_EQ(again(R"({"a":1,"b":2,"a":3})"), R"({"b":2,"a":3})");
  EXPECT_EQ(again(R"({"a":1,"\u0061":2})"), R"({"a":2})");
  EXPECT_EQ(again(R"({"a":{"x":1,"x":2},"a":{"y":1,"y":2}})"), R"({"a":{"y":2}})");
  std::string many = "{";
  for (int i = 0; i < 500; ++i) many += "\"k" + std::to_string(i % 100) + "\":" + std::to_string(i) + ",";
  const JsonNode& root = parse(many + "\"end\":0}");
  ASSERT_EQ(root.members.size(), 101U);
  EXPECT_EQ(root.members[0].name, "k0");
  EXPECT_EQ(root.members[0].value->text, "400");
  EXPECT_EQ(root.find("k99")->text, "499");
  EXPECT_EQ(root.members[100].name, "end");
}

TEST_F(JsonReader, KeepLastMembersOfAnyNumber) {
  std::mt19937 random(3);
  const JsonNode value;
  for (std::size_t size = 0; size < 200; ++size) {
    std::vector<std::string> names(size);
    for (auto& name : names)
      name = std::string(random() % 40, 'n') + std::to_string(random() % (size / 2 + 1));
    std::vector<JsonMember> members;
    for (const auto& name : names) members.push_back({name, &value});
    std::vector<std::string> expected;
    for (std::size_t i = 0; i < size; ++i) {
      if (std::find(names.begin() + static_cast<std::ptrdiff_t>(i) + 1, names.end(), names[i]) ==
          names.end()) {
        expected.push_back(names[i]);
      }
    }
    members.resize(keep_last_members(members));
    std::vector<std::string> kept;
    for (const auto& member : members) kept.emplace_back(member.name);
    ASSERT_EQ(kept, expected);
  }
}

TEST_F(JsonReader, AByteOrderMarkIsSkipped) {
  EXPECT_EQ(again("\xEF\xBB\xBF{}"), "{}");
  EXPECT_EQ(refusal("\xEF\xBB\xBFx").position, 1U);
  EXPECT_NE(refusal("{}\xEF\xBB\xBF").message, "accepted");
}

TEST_F(JsonReader, RefusalsSayWhereAndWhy) {
  struct Case {
    std::string text;
    std::size_t position, line, column;
    std::string message;
  };
  const std::vector<Case> cases = {
      {"", 1, 1, 1, "unexpected end of the text"},
      {"  ", 3, 1, 3, "unexpected end of the text"},
      {"{\"a\":", 6, 1, 6, "unexpected end of the text"},
      {"[1,2", 5, 1, 5, "unexpected end of the text"},
      {"\"abc", 5, 1, 5, "unexpected end of the text"},
      {"{\"a\":1}x", 8, 1, 8, "unexpected text behind the value"},
      {"{} {}", 4, 1, 4, "unexpected text behind the value"},
      {"{\n  \"ä\": tru\n}", 10, 2, 8, ""},
      {"[1,]", 4, 1, 4, "unexpected character \"]\""},
      {"{\"a\":1,}", 8, 1, 8, "unexpected character \"}\""},
      {"{'a':1}", 2, 1, 2, "unexpected character \"'\""},
      {"{a:1}", 2, 1, 2, "unexpected character \"a\""},
      {"[ä]", 2, 1, 2, "unexpected character \"ä\""},
      {"/* no */ 1", 1, 1, 1, "unexpected character \"/\""},
      {"[01]", 3, 1, 3, ""},
      {"[+1]", 2, 1, 2, ""},
      {"[.5]", 2, 1, 2, ""},
      {"[5.]", 4, 1, 4, ""},
      {"[1e]", 4, 1, 4, ""},
      {"[-]", 3, 1, 3, ""},
      {"[NaN]", 2, 1, 2, ""},
      {"\"a\nb\"", 3, 1, 3, "unexpected control character"},
      {std::string("\"a\0b\"", 5), 3, 1, 3, "unexpected control character"},
      {"\"\\x\"", 3, 1, 3, ""},
      {"\"\\u12G4\"", 6, 1, 6, "expected a hexadecimal digit"},
      {"\"\\uD800\"", 0, 0, 0, ""},
      {"\"\\uD800 and a good deal of text behind it\"", 0, 0, 0, ""},
      {"\"\\uDC00 and a good deal of text behind it\"", 0, 0, 0, "lone surrogate in a \\u escape"},
      {"\"\\uD800\\u0041 and a good deal of text\"", 0, 0, 0, "lone surrogate in a \\u escape"},
      {"\"ää\xFF\"", 4, 1, 4, "invalid UTF-8"},
      {"\"\xC0\xAF\"", 2, 1, 2, "invalid UTF-8"},
      {"\"\xED\xA0\x80\"", 2, 1, 2, "invalid UTF-8"},
      {"\"\\n\xFF\"", 4, 1, 4, "invalid UTF-8"},
      {"\xFF", 1, 1, 1, "invalid UTF-8"},
      {"1e99999999999", 0, 0, 0, "the exponent of the number is too large"},
      {"[1]\n\n  x", 8, 3, 3, "unexpected text behind the value"},
      {"nul", 0, 0, 0, ""},
      {"nulx", 0, 0, 0, ""},
  };
  for (const auto& c : cases) {
    const JsonError error = refusal(c.text);
    EXPECT_NE(error.message, "accepted") << c.text;
    if (!c.message.empty()) EXPECT_EQ(error.message, c.message) << c.text;
    if (c.position == 0) continue;
    EXPECT_EQ(error.position, c.position) << c.text;
    EXPECT_EQ(error.line, c.line) << c.text;
    EXPECT_EQ(error.column, c.column) << c.text;
  }
}

TEST_F(JsonReader, NestingUpTo64) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_EQ(again(nested(64)), nested(64));
  EXPECT_EQ(refusal(nested(65)).message, "nesting deeper than 64 levels");
  EXPECT_EQ(refusal(nested(65)).position, 65U);
  std::string objects;
  for (int i = 0; i < 65; ++i) objects += "{\"a\":";
  EXPECT_EQ(refusal(objects).message, "nesting deeper than 64 levels");
  EXPECT_EQ(refusal(objects).position, 64U * 5 + 1);
}

TEST_F(JsonReader, AHundredThousandLevelsFailAtTheSixtyFifth) {
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(refusal(std::string(100000, '[')).position, 65U);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(50));
}

TEST_F(JsonReader, AMillionMembersTakeLinearTime) {
  const auto time_of = [this](int count) {
    std::string text = "{";
    for (int i = 0; i < count; ++i) text += "\"member" + std::to_string(i) + "\":1,";
    text += "\"last\":2}";
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(parse(text).members.size(), static_cast<std::size_t>(count) + 1);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  // Quadratic time would be minutes.
  EXPECT_LT(time_of(1'000'000), 20.0);
}

TEST_F(JsonReader, AFailedDocumentLeavesNothingBehindForTheNext) {
  for (const char* broken : {"{\"a\":[1,2,{\"b\":\"x\\n", "[[[1,2,3", "{\"k\\n", "[1,2,\"\\uD800\"]"}) {
    EXPECT_NE(refusal(broken).message, "accepted");
    EXPECT_EQ(again(R"({"s":"a\tb","l":[1,2]})"), R"({"s":"a\tb","l":[1,2]})");
  }
}

class RandomDocument {
 public:
  explicit RandomDocument(unsigned seed) : random_(seed) {}

  std::string value(int depth) {
    switch (random_() % (depth > 4 ? 5 : 7)) {
      case 0:
        return "null";
      case 1:
        return random_() % 2 == 0 ? "true" : "false";
      case 2:
      case 3:
        return number();
      case 4:
        return string();
      case 5: {
        std::string out = "[";
        for (std::size_t i = random_() % 6; i > 0; --i) out += value(depth + 1) + (i > 1 ? "," : "");
        return out + "]";
      }
      default: {
        std::string out = "{";
        for (std::size_t i = random_() % 20; i > 0; --i) {
          out += "\"k" + std::to_string(i) + "\":" + value(depth + 1) + (i > 1 ? "," : "");
        }
        return out + "}";
      }
    }
  }

 private:
  std::string digits(std::size_t most) {
    std::string out;
    for (std::size_t i = random_() % most + 1; i > 0; --i) out += static_cast<char>('0' + random_() % 10);
    return out;
  }
  std::string number() {
    std::string out = random_() % 3 == 0 ? "-" : "";
    out += random_() % 4 == 0 ? std::string("0") : static_cast<char>('1' + random_() % 9) + digits(30);
    if (random_() % 3 == 0) out += "." + digits(30);
    if (random_() % 4 == 0) out += (random_() % 2 == 0 ? "e" : "E+") + digits(3);
    return out;
  }
  std::string string() {
    static const std::vector<std::string> parts = {
        "a", "hello world, hello", "\\\"", "\\\\", "\\n",     "\\u0001",
        "ä", "\xF0\x9F\x98\x80",   "€",    "/",    "\\u0000", "1234567890123456"};
    std::string out = "\"";
    for (std::size_t i = random_() % 8; i > 0; --i) out += parts[random_() % parts.size()];
    return out + "\"";
  }
  std::mt19937 random_;
};

TEST_F(JsonReader, RandomDocumentsComeBackAsTheyWere) {
  for (unsigned seed = 0; seed < 3000; ++seed) {
    const std::string text = RandomDocument(seed).value(0);
    ASSERT_EQ(again(text), text);
  }
}

TEST_F(JsonReader, EveryPrefixOfADocumentIsRefused) {
  const std::string text = R"({"a":[1,2.5e3,"x\u00e4y\uD83D\uDE00"],"ä":{"b":null,"c":true}})";
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_NE(refusal(std::string_view(text).substr(0, size)).message, "accepted") << size;
  }
}

}  // namespace
}  // namespace athena::base

#include "engines/postgres/values.h"

#include <gtest/gtest.h>

#include <random>

#include "engines/postgres/types.h"

namespace athena::postgres {
namespace {

using query::ValueFormat;

/// The JSON of a cell.
std::string json(const ValueFormat& format, std::string_view raw) {
  // Strings go through an array of one element, where they are written the same way.
  base::Buffer out;
  switch (format.kind) {
    case ValueFormat::Kind::custom:
      format.append_json(out, raw, format);
      break;
    case ValueFormat::Kind::null:
      return "null";
    case ValueFormat::Kind::number:
    case ValueFormat::Kind::json:
      return std::string(raw);
    case ValueFormat::Kind::boolean_tf:
      return raw == "t" ? "true" : "false";
    case ValueFormat::Kind::string: {
      const char delimiter = '\x01';
      const ValueFormat array = array_format(format, &delimiter);
      std::string quoted = "{\"";
      for (const char c : raw) {
        if (c == '"' || c == '\\') quoted.push_back('\\');
        quoted.push_back(c);
      }
      quoted += "\"}";
      array.append_json(out, quoted, array);
      return std::string(out.view().substr(1, out.size() - 2));
    }
  }
  return std::string(out.view());
}

std::string json(std::string_view type, std::string_view raw) {
  const sql::Type* found = builtin_type(type);
  return found == nullptr ? "no type " + std::string(type) : json(*found->format, raw);
}

struct Case {
  std::string_view type, raw, expected;
};

TEST(Values, Scalars) {
  const Case cases[] = {
      {"int8", "-9223372036854775808", "-9223372036854775808"},
      {"bool", "t", "true"},
      {"bool", "f", "false"},
      {"numeric", "1.50", "1.50"},
      {"numeric", "-0.00000000000000000001", "-0.00000000000000000001"},
      {"numeric", "123456789012345678901234567890.10", "123456789012345678901234567890.10"},
      {"numeric", "NaN", "\"NaN\""},
      {"numeric", "Infinity", "\"Infinity\""},
      {"numeric", "-Infinity", "\"-Infinity\""},
      {"float8", "1e+20", "1e+20"},
      {"float8", "1.7976931348623157e+308", "1.7976931348623157e+308"},
      {"float8", "-0", "-0"},
      {"float4", "0.1", "0.1"},
      {"float4", "NaN", "\"NaN\""},
      {"float8", "-Infinity", "\"-Infinity\""},
      {"text", "a\"b\\c\n\t\x01é", "\"a\\\"b\\\\c\\n\\t\\u0001é\""},
      {"bytea", "\\x6869", "\"\\\\x6869\""},
      {"uuid", "0197a5c0-1b2c-7def-8123-456789abcdef", "\"0197a5c0-1b2c-7def-8123-456789abcdef\""},
      {"date", "2026-03-01", "\"2026-03-01\""},
      {"time", "08:00:00.25", "\"08:00:00.25\""},
      {"timetz", "08:00:00+00", "\"08:00:00+00\""},
      {"interval", "1 day 02:00:00", "\"1 day 02:00:00\""},
      {"money", "$1,234.50", "\"$1,234.50\""},
      {"int4range", "[1,5)", "\"[1,5)\""},
      {"int4multirange", "{[1,3),[5,7)}", "\"{[1,3),[5,7)}\""},
      {"point", "(1,2)", "\"(1,2)\""},
      {"box", "(1,1),(0,0)", "\"(1,1),(0,0)\""},
      {"regclass", "pg_class", "\"pg_class\""},
      {"json", "{\"a\" : [1,\n2]}", "{\"a\" : [1,\n2]}"},
      {"int2vector", "1 2 -3", "[1,2,-3]"},
      {"int2vector", "", "[]"},
      {"oidvector", "26", "[26]"},
      {"oidvector", "1  2", "\"1  2\""},
      {"oidvector", "1 x", "\"1 x\""},
      {"oidvector", "1 ", "\"1 \""},
  };
  for (const auto& each : cases)
    EXPECT_EQ(json(each.type, each.raw), each.expected) << each.type << ' ' << each.raw;
}

TEST(Values, Timestamps) {
  const Case cases[] = {
      {"timestamp", "2026-03-01 08:00:00", "\"2026-03-01T08:00:00\""},
      {"timestamp", "2026-03-01 08:00:00.5", "\"2026-03-01T08:00:00.5\""},
      {"timestamp", "infinity", "\"infinity\""},
      {"timestamp", "-infinity", "\"-infinity\""},
      {"timestamp", "0044-03-15 00:00:00 BC", "\"0044-03-15T00:00:00 BC\""},
      {"timestamp", "294276-12-31 23:59:59.999999", "\"294276-12-31T23:59:59.999999\""},
      {"timestamptz", "2026-03-01 08:00:00+00", "\"2026-03-01T08:00:00+00:00\""},
      {"timestamptz", "2026-03-01 08:00:00.123456+00", "\"2026-03-01T08:00:00.123456+00:00\""},
      {"timestamptz", "0044-03-15 00:00:00+00 BC", "\"0044-03-15T00:00:00+00:00 BC\""},
      {"timestamptz", "infinity", "\"infinity\""},
      // A pooler that ignores TimeZone:
      {"timestamptz", "2026-03-01 08:00:00-05", "\"2026-03-01T08:00:00-05:00\""},
      {"timestamptz", "2026-03-01 08:00:00+05:30", "\"2026-03-01T08:00:00+05:30\""},
      // Not the ISO style:
      {"timestamp", "Sun Mar 01 08:00:00 2026", "\"Sun Mar 01 08:00:00 2026\""},
      {"timestamp", "2026-03-01 08:00\"00", "\"2026-03-01 08:00\\\"00\""},
      {"timestamp", "2026-03-01 08:00:00 AD", "\"2026-03-01 08:00:00 AD\""},
      {"timestamp", "", "\"\""},
      {"timestamp", "2026-03-01 BC", "\"2026-03-01 BC\""},
      {"timestamp", " BC", "\" BC\""},
      {"timestamp", "2026-03-01 ", "\"2026-03-01T\""},
  };
  for (const auto& each : cases) EXPECT_EQ(json(each.type, each.raw), each.expected) << each.raw;
  EXPECT_EQ(json("timestamp", "2026-03-01 " + std::string(100, '0')),
            "\"2026-03-01 " + std::string(100, '0') + '"');
}

TEST(Values, Arrays) {
  const Case cases[] = {
      {"int4[]", "{}", "[]"},
      {"int4[]", "{1,NULL,-3}", "[1,null,-3]"},
      {"int4[]", "{{1,2},{3,4}}", "[[1,2],[3,4]]"},
      {"int4[]", "{{{1},{2}}}", "[[[1],[2]]]"},
      {"int4[]", "[0:1]={7,8}", "[7,8]"},
      {"int4[]", "[-2:-1][5:6]={{1,2},{3,4}}", "[[1,2],[3,4]]"},
      {"text[]", R"_({a,"b c","NULL",NULL,"","a\"b","x\\y","{}","é"})_",
       R"_(["a","b c","NULL",null,"","a\"b","x\\y","{}","é"])_"},
      {"bool[]", "{t,f,NULL}", "[true,false,null]"},
      {"numeric[]", "{1.50,NaN}", "[1.50,\"NaN\"]"},
      {"timestamptz[]", R"_({"2026-03-01 08:00:00+00",infinity})_",
       R"_(["2026-03-01T08:00:00+00:00","infinity"])_"},
      {"jsonb[]", R"_({"{\"a\": [1, \"x\"]}",null,"\"s\"",NULL})_", R"_([{"a": [1, "x"]},null,"s",null])_"},
      {"bytea[]", R"_({"\\x00ff"})_", R"_(["\\x00ff"])_"},
      {"box[]", "{(1,1),(0,0);(3,3),(2,2)}", R"_(["(1,1),(0,0)","(3,3),(2,2)"])_"},
      {"point[]", R"_({"(1,2)","(3,4)"})_", R"_(["(1,2)","(3,4)"])_"},
      {"int2vector[]", R"_({"1 2","3"})_", "[[1,2],[3]]"},
      {"int4range[]", R"_({"[1,3)",empty})_", R"_(["[1,3)","empty"])_"},
  };
  for (const auto& each : cases)
    EXPECT_EQ(json(each.type, each.raw), each.expected) << each.type << ' ' << each.raw;
}

TEST(Values, TextThatIsNoArrayBecomesAString) {
  for (const std::string raw :
       {"",       "{",     "}",      "x",       "{1",     "{1,",      "{1,}",     "{,1}",
        "{1}}",   "{{1}",  "{1}x",   "{\"a}",   "{\"a\\", "{\"a\"b}", "{a\"b\"}", "{a{b}",
        "{a\\b}", "[0:1]", "[0:1]=", "[x]={1}", "{1}{2}", "=",        "[0:1]={1"}) {
    const std::string got = json("text[]", raw);
    ASSERT_FALSE(got.empty());
    EXPECT_EQ(got.front(), '"') << raw << " → " << got;
    EXPECT_TRUE(is_json(got)) << got;
  }
  // A level too many is text as well, not a stack overflow.
  EXPECT_EQ(json("int4[]", std::string(100000, '{')).front(), '"');
  // Elements that do not fit their type become strings alone.
  EXPECT_EQ(json("int4[]", "{1,x,01}"), R"_([1,"x","01"])_");
  EXPECT_EQ(json("bool[]", "{t,true}"), R"_([true,"true"])_");
  EXPECT_EQ(json("json[]", R"_({"{\"a\":","1"})_"), R"_(["{\"a\":",1])_");
}

TEST(Values, Composites) {
  const ValueFormat ints = array_format(kIntegerFormat, ",");
  CompositeAttributes inner{{{"\"x\":", &kIntegerFormat}, {"\"y\":", &kStringFormat}}};
  const ValueFormat inner_format = composite_format(inner);
  CompositeAttributes outer{{{"\"id\":", &kIntegerFormat}, {"\"in\":", &inner_format}, {"\"list\":", &ints}}};
  const ValueFormat outer_format = composite_format(outer);
  const ValueFormat outers = array_format(outer_format, ",");

  EXPECT_EQ(json(inner_format, "(1,a)"), R"_({"x":1,"y":"a"})_");
  EXPECT_EQ(json(inner_format, "(,)"), R"_({"x":null,"y":null})_");
  EXPECT_EQ(json(inner_format, R"_((1,""))_"), R"_({"x":1,"y":""})_");
  EXPECT_EQ(json(inner_format, R"_((1,"a ""q"" \\ b,c)"))_"), R"_({"x":1,"y":"a \"q\" \\ b,c)"})_");
  EXPECT_EQ(json(outer_format, R"_((7,"(1,""a b"")","{1,2}"))_"),
            R"_({"id":7,"in":{"x":1,"y":"a b"},"list":[1,2]})_");
  EXPECT_EQ(json(outers, R"_({"(7,\"(1,\"\"a b\"\")\",\"{1,NULL}\")",NULL})_"),
            R"_([{"id":7,"in":{"x":1,"y":"a b"},"list":[1,null]},null])_");
  const CompositeAttributes none;
  EXPECT_EQ(json(composite_format(none), "()"), "{}");

  for (const std::string raw :
       {"", "(", ")", "()", "(1)", "(1,2,3)", "(1,2", "1,2)", "(1,\"a)", "(1,a)b)", "(1,\"a\"b)",
        "(\"1\"\",a)", "((1),a)", "(1,a\\b)", "(1,\"a\\b\")", "(1,a),"}) {
    const std::string got = json(inner_format, raw);
    EXPECT_EQ(got.front(), '"') << raw << " → " << got;
    EXPECT_TRUE(is_json(got)) << got;
  }
}

TEST(Values, Hstore) {
  EXPECT_EQ(json(kHstoreFormat, ""), "{}");
  EXPECT_EQ(json(kHstoreFormat, R"_("a"=>"1", "b"=>NULL, "c\"d"=>"x\\y", "n"=>"NULL")_"),
            R"_({"a":"1","b":null,"c\"d":"x\\y","n":"NULL"})_");
  for (const std::string raw : {"x", "\"a\"", "\"a\"=>", "\"a\"=>1", "\"a\"=>\"1\",", "\"a\"=>\"1\"  ",
                                "\"a=>\"1\"", "\"a\"=>\"1\",\"b\"=>\"2\""}) {
    EXPECT_EQ(json(kHstoreFormat, raw).front(), '"') << raw;
  }
}

TEST(Json, NumbersFollowTheGrammar) {
  for (const std::string_view good : {"0", "-0", "10", "1.50", "1e5", "1E-05", "-12.5e+20"})
    EXPECT_TRUE(is_json_number(good));
  for (const std::string_view bad :
       {"", "-", "01", "+1", ".5", "1.", "1e", "1e+", "0x1", "NaN", "1 ", " 1", "1,2", "--1"}) {
    EXPECT_FALSE(is_json_number(bad)) << bad;
  }
}

TEST(Json, DocumentsFollowTheGrammar) {
  for (const std::string_view good :
       {"null", " true ", "[]", "{}", "[1,2,[3,{}]]", "{\"a\":{\"b\":[1,{\"c\":null}]},\"d\":\"\\u00e9\\n\"}",
        "\"é😀\"", "[ 1 , 2 ]", "{ \"a\" : 1 , \"b\" : [ ] }", "\"\\ud800\""}) {
    EXPECT_TRUE(is_json(good)) << good;
  }
  for (const std::string_view bad : {"",
                                     " ",
                                     "nul",
                                     "[",
                                     "]",
                                     "[1",
                                     "[1,]",
                                     "[,1]",
                                     "{\"a\"}",
                                     "{\"a\":}",
                                     "{a:1}",
                                     "{\"a\":1,}",
                                     "[1}",
                                     "{\"a\":1]",
                                     "1 2",
                                     "\"a",
                                     "\"\\x\"",
                                     "\"\\u12g4\"",
                                     "\"a\nb\"",
                                     "\"\xff\"",
                                     "\"\xc0\x80\"",
                                     "\"\xed\xa0\x80\"",
                                     "\"\xf4\x90\x80\x80\"",
                                     "\"\xe2\x82\"",
                                     "[1]]",
                                     "{}{}",
                                     "'a'"}) {
    EXPECT_FALSE(is_json(bad)) << bad;
  }
  const std::string deep = std::string(200000, '[') + std::string(200000, ']');
  EXPECT_TRUE(is_json(deep));
  EXPECT_FALSE(is_json(deep.substr(1)));
}

/// Whatever bytes a server sends, the reply stays JSON.
TEST(Values, RandomBytesNeverBreakTheReply) {
  CompositeAttributes attributes{{{"\"x\":", &kIntegerFormat}, {"\"y\":", &kJsonFormat}}};
  const ValueFormat composite = composite_format(attributes);
  const ValueFormat composites = array_format(composite, ",");
  const ValueFormat vectors = array_format(kVectorFormat, ",");
  const ValueFormat hstores = array_format(kHstoreFormat, ",");
  CompositeAttributes nesting{{{"\"l\":", &composites}, {"\"h\":", &kHstoreFormat}}};
  const ValueFormat nested = composite_format(nesting);
  const ValueFormat* const formats[] = {
      &format_of(1009), &format_of(1007), &format_of(199),   &format_of(1020),
      &format_of(1185), &format_of(1231), &kTimestampFormat, &kNumericFormat,
      &kVectorFormat,   &kHstoreFormat,   &composite,        &composites,
      &vectors,         &hstores,         &nested,           &format_of(1000)};
  constexpr std::string_view kAlphabet = "{}{}\"\"\\,;()[]:=>NULL tf01-. +eE\n\xc3\xa9\xff";
  std::mt19937 random(20260301);
  for (int round = 0; round < 200000; ++round) {
    std::string raw;
    const auto length = random() % 24;
    for (std::size_t i = 0; i < length; ++i) {
      raw.push_back(random() % 8 == 0 ? static_cast<char>(random() % 256)
                                      : kAlphabet[random() % kAlphabet.size()]);
    }
    // Half of them look right at both ends.
    if (random() % 4 == 0) raw = '{' + raw + '}';
    if (random() % 8 == 0) raw = '(' + raw + ')';
    const ValueFormat& format = *formats[random() % std::size(formats)];
    const std::string got = json(format, raw);
    ASSERT_TRUE(is_json(got)) << "text " << raw << " became " << got;
  }
}

}  // namespace
}  // namespace athena::postgres

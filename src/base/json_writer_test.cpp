#include "base/json_writer.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <random>
#include <string>

#include "base/utf8.h"

namespace athena::base {
namespace {

std::string milliseconds(std::int64_t microseconds) {
  Buffer out;
  append_milliseconds(out, microseconds);
  return std::string(out.view());
}

std::string integer(std::int64_t value) {
  Buffer out;
  append_integer(out, value);
  return std::string(out.view());
}

/// The definition, byte by byte, to compare the fast one with.
std::string plain_json_string(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const Utf8Sequence sequence = utf8_sequence(text);
    const char c = text[0];
    char escape[8];
    if (!sequence.valid) {
      out += "\xEF\xBF\xBD";
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (sequence.length == 1 && static_cast<unsigned char>(c) < 0x20) {
      switch (c) {
        case '\b':
          out += "\\b";
          break;
        case '\f':
          out += "\\f";
          break;
        case '\n':
          out += "\\n";
          break;
        case '\r':
          out += "\\r";
          break;
        case '\t':
          out += "\\t";
          break;
        default:
          std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
          out += escape;
      }
    } else {
      out += text.substr(0, sequence.length);
    }
    text.remove_prefix(sequence.length);
  }
  return out + '"';
}

TEST(JsonWriter, EscapesWhatJsonDemandsAndNothingElse) {
  EXPECT_EQ(json_string(""), R"("")");
  EXPECT_EQ(json_string("plain"), R"("plain")");
  EXPECT_EQ(json_string("a\"b\\c"), R"("a\"b\\c")");
  EXPECT_EQ(json_string("\b\f\n\r\t"), R"("\b\f\n\r\t")");
  EXPECT_EQ(json_string(std::string("\0\x01\x1f\x7f", 4)), "\"\\u0000\\u0001\\u001f\x7f\"");
  EXPECT_EQ(json_string("/<>&'"), R"("/<>&'")");
  EXPECT_EQ(json_string("Köln \xE2\x80\xA8 \xF0\x9F\x98\x80"), "\"Köln \xE2\x80\xA8 \xF0\x9F\x98\x80\"");
}

TEST(JsonWriter, BytesThatAreNoUtf8BecomeTheReplacementCharacter) {
  const std::string r = "\xEF\xBF\xBD";
  EXPECT_EQ(json_string("\x80"), '"' + r + '"');
  EXPECT_EQ(json_string("a\xFFz"), "\"a" + r + "z\"");
  EXPECT_EQ(json_string("\xC0\xAF"), '"' + r + r + '"') << "overlong";
  EXPECT_EQ(json_string("\xE0\x80\x80"), '"' + r + r + r + '"') << "overlong";
  EXPECT_EQ(json_string("\xED\xA0\x80"), '"' + r + r + r + '"') << "surrogate";
  EXPECT_EQ(json_string("\xF4\x90\x80\x80"), '"' + r + r + r + r + '"') << "beyond U+10FFFF";
  EXPECT_EQ(json_string("\xE2\x82"), '"' + r + '"') << "cut at the end: one character";
  EXPECT_EQ(json_string("\xE2\x82z"), '"' + r + "z\"");
  EXPECT_EQ(json_string("\xF0\x9F\x98\xF0\x9F\x98\x80"), '"' + r + "\xF0\x9F\x98\x80\"");
}

TEST(JsonWriter, EveryLengthAndEveryPlaceOfASpecialByte) {
  for (std::size_t size = 0; size <= 70; ++size) {
    const std::string plain(size, 'x');
    ASSERT_EQ(json_string(plain), plain_json_string(plain));
    for (std::size_t at = 0; at < size; ++at) {
      for (const char special : {'"', '\\', '\n', '\x01', '\xC3', '\0'}) {
        std::string text = plain;
        text[at] = special;
        ASSERT_EQ(json_string(text), plain_json_string(text)) << size << " bytes, at " << at;
      }
    }
  }
}

TEST(JsonWriter, RandomBytesAgreeWithTheDefinition) {
  std::mt19937 random(7);
  const std::string_view alphabet = "ab\"\\\n\x01\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\xFF\x80zzzzzzzz";
  for (int round = 0; round < 20000; ++round) {
    std::string text(random() % 60, ' ');
    for (char& c : text) c = alphabet[random() % alphabet.size()];
    ASSERT_EQ(json_string(text), plain_json_string(text));
  }
}

TEST(JsonWriter, AppendsBehindWhatIsThere) {
  Buffer out;
  out.append("[");
  append_json_string(out, "a\n");
  out.push_back(',');
  append_integer(out, -5);
  out.append("]");
  EXPECT_EQ(out.view(), "[\"a\\n\",-5]");
}

TEST(JsonWriter, IntegersAndMilliseconds) {
  EXPECT_EQ(integer(0), "0");
  EXPECT_EQ(integer(std::numeric_limits<std::int64_t>::max()), "9223372036854775807");
  EXPECT_EQ(integer(std::numeric_limits<std::int64_t>::min()), "-9223372036854775808");
  EXPECT_EQ(milliseconds(0), "0.000");
  EXPECT_EQ(milliseconds(1284), "1.284");
  EXPECT_EQ(milliseconds(12), "0.012");
  EXPECT_EQ(milliseconds(30'000'000), "30000.000");
  EXPECT_EQ(milliseconds(-1500), "-1.500");
  EXPECT_EQ(milliseconds(std::numeric_limits<std::int64_t>::min()), "-9223372036854775.808");
}

}  // namespace
}  // namespace athena::base

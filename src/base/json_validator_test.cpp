#include "base/json_validator.h"

#include <gtest/gtest.h>

#include <memory_resource>
#include <string>

#include "base/json_limits.h"
#include "base/json_reader.h"

namespace athena::base {
namespace {

std::string nested(std::size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

TEST(JsonValidator, TakesWhatTheReaderTakes) {
  const std::string texts[] = {"1",
                               "-0.5e-3",
                               "12345678901234567890123",
                               "null",
                               "true",
                               R"("a\u00e9\n")",
                               "[]",
                               R"({"a":[1,{"b":""}],"a":2})",
                               " [ 1 , 2 ] ",
                               nested(kMaxJsonDepth),
                               "",
                               " ",
                               "[1,]",
                               "{a:1}",
                               "nul",
                               "1 2",
                               "01",
                               "+1",
                               "\"\t\"",
                               "\"\xFF\"",
                               R"("\ud800")",
                               "[1",
                               "{\"a\"}",
                               "1e400",
                               "1e99999999999",
                               "// c\n1",
                               nested(kMaxJsonDepth + 1)};
  int taken = 0;
  for (const auto& text : texts) {
    std::pmr::monotonic_buffer_resource memory;
    const bool read = parse_json(text, memory).has_value();
    EXPECT_EQ(is_json(text), read) << text;
    taken += read ? 1 : 0;
  }
  EXPECT_GT(taken, 9);
  EXPECT_LT(taken, 15);
}

TEST(JsonValidator, RefusesAByteOrderMark) {
  EXPECT_FALSE(is_json("\xEF\xBB\xBF[1]"));
}

}  // namespace
}  // namespace athena::base

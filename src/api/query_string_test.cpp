#include "api/query_string.h"

#include <gtest/gtest.h>

namespace athena::api {
namespace {

TEST(QueryStringTest, DecodesPairs) {
  const auto query = QueryString::parse("a=1&b=x%20y+z&c=&d&%C3%A9=%2F&a=2");
  ASSERT_TRUE(query);
  EXPECT_EQ(query->find("a"), "1");
  EXPECT_EQ(query->find("b"), "x y z");
  EXPECT_FALSE(query->find("c"));
  EXPECT_FALSE(query->find("d"));
  EXPECT_EQ(query->find("\xC3\xA9"), "/");
}

TEST(QueryStringTest, BrokenEscapesAreRefused) {
  for (const char* text : {"a=%", "a=%2", "a=%zz", "%4=1"}) EXPECT_FALSE(QueryString::parse(text)) << text;
}

TEST(QueryStringTest, IntegersHaveBounds) {
  const auto query = QueryString::parse("limit=10&bad=1x&big=99999999999999999999&neg=-1");
  EXPECT_EQ(*query->integer("limit", 5, 1, 100), 10);
  EXPECT_EQ(*query->integer("none", 5, 1, 100), 5);
  for (const char* name : {"bad", "big", "neg"}) {
    const auto value = query->integer(name, 5, 0, 100);
    ASSERT_FALSE(value) << name;
    EXPECT_EQ(value.error().code(), contract::ErrorCode::invalid_value);
  }
  EXPECT_FALSE(query->integer("limit", 5, 11, 100));
}

}  // namespace
}  // namespace athena::api

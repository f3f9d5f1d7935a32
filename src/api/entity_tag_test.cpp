#include "api/entity_tag.h"

#include <gtest/gtest.h>

#include <array>

namespace athena::api {
namespace {

bool current(std::string_view if_none_match, std::string_view tag = "W/\"abc\"") {
  const std::array headers{http::Header{"Accept", "*/*"}, http::Header{"if-none-match", if_none_match}};
  http::Request request;
  request.headers = headers;
  return has_current(request, tag);
}

TEST(EntityTag, IsWeakAndOfTheText) {
  const auto tag = weak_entity_tag("a");
  EXPECT_EQ(tag, "W/\"ca978112ca1bbdcafac231b39a23dc4d\"");
  EXPECT_NE(tag, weak_entity_tag("b"));
}

TEST(EntityTag, IsComparedWeakly) {
  EXPECT_TRUE(current("W/\"abc\""));
  EXPECT_TRUE(current("\"abc\""));
  EXPECT_TRUE(current("*"));
  EXPECT_TRUE(current("\"x\", W/\"y,z\" ,W/\"abc\""));
}

TEST(EntityTag, OtherTagsAndTextsThatAreNoTagsDoNotMatch) {
  for (const auto* text : {"", "abc", "\"ab\"", "\"abcd\"", "\"ABC\"", "w/\"abc\"", "\"abc", "W/abc",
                           "x, \"abc\"", "W/", "\"", "*, \"x\""}) {
    EXPECT_FALSE(current(text)) << text;
  }
}

TEST(EntityTag, ARequestWithoutTheHeaderHasNone) {
  EXPECT_FALSE(has_current(http::Request{}, "W/\"abc\""));
}

}  // namespace
}  // namespace athena::api

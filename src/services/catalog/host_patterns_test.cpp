#include "services/catalog/host_patterns.h"

#include <gtest/gtest.h>

#include <string>

namespace athena::catalog {
namespace {

std::string label_of(std::string_view pattern, std::string_view host) {
  std::string_view label = "unset";
  if (!matches_host_pattern(pattern, host, &label)) {
    EXPECT_EQ(label, "") << pattern << ' ' << host;
    return "-";
  }
  return std::string(label);
}

TEST(HostPatterns, StarIsOneLabel) {
  EXPECT_EQ(label_of("*.db.example.com", "app.db.example.com"), "app");
  EXPECT_EQ(label_of("*.db.example.com", "a_b-9.db.example.com"), "a_b-9");
  EXPECT_EQ(label_of("api.*.example.com", "api.shop.example.com"), "shop");
  EXPECT_EQ(label_of("db.*", "db.shop"), "shop");
  EXPECT_EQ(label_of("*", "shop"), "shop");
}

TEST(HostPatterns, CasePortAndFinalDotDoNotCount) {
  EXPECT_EQ(label_of("*.DB.example.com", "App.db.EXAMPLE.com:8080"), "App");
  EXPECT_EQ(label_of("*.db.example.com.", "app.db.example.com."), "app");
  EXPECT_EQ(label_of("*.db.example.com", "app.db.example.com.:80"), "app");
}

TEST(HostPatterns, OtherHostsDoNotFit) {
  for (const char* host :
       {"db.example.com", ".db.example.com", "a.b.db.example.com", "app.db.example.com.evil.com",
        "appXdb.example.com", "app.db.example.org", "", ":80", "app.db.example.com..", "a%62.db.example.com",
        "a b.db.example.com", "\xC3\xA4.db.example.com", "*.db.example.com", "[app.db.example.com"}) {
    EXPECT_EQ(label_of("*.db.example.com", host), "-") << host;
  }
  EXPECT_EQ(label_of("*.example.com", std::string(64, 'a') + ".example.com"), "-");
  EXPECT_EQ(label_of("*.example.com", std::string(63, 'a') + ".example.com"), std::string(63, 'a'));
}

TEST(HostPatterns, StrangePatternsFitNothing) {
  EXPECT_EQ(label_of("*.*.example.com", "a.b.example.com"), "-");
  EXPECT_EQ(label_of("db-*.example.com", "db-a.example.com"), "-");
  EXPECT_EQ(label_of("", "a"), "-");
}

TEST(HostPatterns, WithoutStarBothAreEqual) {
  EXPECT_EQ(label_of("db.example.com", "DB.example.com:1"), "");
  EXPECT_EQ(label_of("db.example.com", "x.example.com"), "-");
  EXPECT_TRUE(matches_host_pattern("*.a.b", "c.a.b", nullptr));
}

TEST(HostPatterns, BareHost) {
  EXPECT_EQ(bare_host("[::1]:80"), "::1");
  EXPECT_EQ(bare_host("[::1"), "");
  EXPECT_EQ(bare_host("a.b:80"), "a.b");
}

}  // namespace
}  // namespace athena::catalog

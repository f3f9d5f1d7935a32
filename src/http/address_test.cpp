#include "http/address.h"

#include <gtest/gtest.h>

namespace athena::http {
namespace {

AddressRanges ranges(std::vector<std::string> texts) {
  auto parsed = AddressRanges::parse(texts);
  EXPECT_TRUE(parsed.has_value()) << parsed.error();
  return std::move(*parsed);
}

bool contains(const AddressRanges& set, std::string_view text) {
  const auto address = parse_address(text);
  EXPECT_TRUE(address.has_value()) << text;
  return address && set.contains(*address);
}

TEST(Address, ReadsAddressesAndNothingElse) {
  for (const char* good : {"127.0.0.1", "0.0.0.0", "::1", "[::1]", "fd00::1:2", "::ffff:10.0.0.1"}) {
    EXPECT_TRUE(parse_address(good).has_value()) << good;
  }
  for (const char* bad : {"", "[]", "[127.0.0.1]", "localhost", "127.1", "0x7f.0.0.1", "127.0.0.1:80",
                          "[::1]:80", "::1%lo", "1.2.3.4.5", " 1.2.3.4", "010.0.0.1", "[::1", "256.0.0.1"}) {
    EXPECT_FALSE(parse_address(bad).has_value()) << bad;
  }
  EXPECT_FALSE(parse_address(std::string_view("1.2.3.4\0x", 9)).has_value());
  EXPECT_EQ(parse_address("10.0.0.1"), parse_address("::ffff:10.0.0.1"));
}

TEST(AddressRanges, ContainWhatTheyCover) {
  const auto set = ranges({"10.0.0.0/8", "192.168.4.0/22", "203.0.113.7", "fd00::1/8", "::1"});
  for (const char* in : {"10.0.0.0", "10.255.255.255", "192.168.7.255", "203.0.113.7", "fd12:3456::1", "::1",
                         "::ffff:10.1.2.3"}) {
    EXPECT_TRUE(contains(set, in)) << in;
  }
  for (const char* out : {"11.0.0.0", "9.255.255.255", "192.168.8.0", "192.168.3.255", "203.0.113.8",
                          "fe00::", "::2", "::a00:1"}) {
    EXPECT_FALSE(contains(set, out)) << out;
  }
  EXPECT_TRUE(contains(ranges({"0.0.0.0/0"}), "8.8.8.8"));
  EXPECT_FALSE(contains(ranges({"0.0.0.0/0"}), "2001:db8::1"));
  EXPECT_TRUE(contains(ranges({"::/0"}), "2001:db8::1"));
  EXPECT_FALSE(contains(ranges({"::/0"}), "8.8.8.8"));
  EXPECT_TRUE(contains(ranges({"::ffff:10.0.0.0/104"}), "10.8.8.8"));
  EXPECT_FALSE(contains(AddressRanges{}, "127.0.0.1"));
}

TEST(AddressRanges, RefuseMistakes) {
  for (const std::string bad : {"", "proxy", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8x",
                                "fd00::/129", "10.0.0/8", "/8", "10.0.0.0/8/8", "10.0.0.0 /8"}) {
    const std::vector<std::string> texts{bad};
    const auto parsed = AddressRanges::parse(texts);
    ASSERT_FALSE(parsed.has_value()) << bad;
    EXPECT_NE(parsed.error().find("\"" + bad + "\""), std::string::npos) << parsed.error();
  }
}

}  // namespace
}  // namespace athena::http

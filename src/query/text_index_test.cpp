#include "query/text_index.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

namespace athena::query {
namespace {

TEST(TextIndex, NumbersInOrderOfArrival) {
  TextIndex index;
  EXPECT_EQ(index.insert("a", 0).number, 0U);
  EXPECT_EQ(index.insert("", 0).number, 1U);
  EXPECT_EQ(index.insert("a", 1).number, 2U) << "another tag";
  const auto again = index.insert("a", 0);
  EXPECT_EQ(again.number, 0U);
  EXPECT_FALSE(again.is_new);
  EXPECT_EQ(index.text(1), "");
  EXPECT_EQ(index.size(), 3U);
  index.clear();
  EXPECT_EQ(index.size(), 0U);
  EXPECT_TRUE(index.insert("a", 0).is_new);
}

TEST(TextIndex, AgreesWithAMap) {
  std::mt19937 random(1);
  TextIndex index;
  std::map<std::pair<std::string, std::uint64_t>, std::uint32_t> numbers;
  for (int i = 0; i < 100000; ++i) {
    std::string text(random() % 40, 'x');
    if (!text.empty()) text[random() % text.size()] = static_cast<char>(random() % 256);
    const std::uint64_t tag = random() % 3;
    const auto [place, is_new] =
        numbers.emplace(std::pair(text, tag), static_cast<std::uint32_t>(numbers.size()));
    const auto found = index.insert(text, tag);
    ASSERT_EQ(found.number, place->second);
    ASSERT_EQ(found.is_new, is_new);
    ASSERT_EQ(index.text(found.number), text);
  }
}

}  // namespace
}  // namespace athena::query

#include "base/buffer.h"

#include <gtest/gtest.h>

#include <string>

namespace athena::base {
namespace {

TEST(Buffer, AppendsAndGrows) {
  Buffer buffer;
  std::string expected;
  EXPECT_TRUE(buffer.empty());
  for (int index = 0; index < 1000; ++index) {
    const std::string text(static_cast<std::size_t>(index % 37), static_cast<char>('a' + index % 26));
    buffer.append(text);
    buffer.push_back('|');
    expected += text + "|";
  }
  EXPECT_EQ(buffer.view(), expected);
  EXPECT_GE(buffer.capacity(), buffer.size());
}

TEST(Buffer, WritesInPlace) {
  Buffer buffer;
  buffer.append("ab");
  char* place = buffer.reserve_tail(1000);
  EXPECT_EQ(buffer.size(), 2U);
  place[0] = 'c';
  buffer.commit(1);
  EXPECT_EQ(buffer.view(), "abc");
  const auto* before = buffer.data();
  buffer.append(std::string(900, 'x'));
  EXPECT_EQ(buffer.data(), before) << "room was reserved";
}

TEST(Buffer, TruncatesConsumesAndClears) {
  Buffer buffer;
  buffer.append("abcdef");
  buffer.truncate(4);
  buffer.consume(1);
  EXPECT_EQ(buffer.view(), "bcd");
  buffer.consume(3);
  EXPECT_TRUE(buffer.empty());
  buffer.append("x");
  buffer.clear();
  EXPECT_TRUE(buffer.empty());
  EXPECT_GT(buffer.capacity(), 0U);
}

TEST(Buffer, GivesMemoryBack) {
  Buffer buffer;
  buffer.append(std::string(5000, 'x'));
  buffer.release_above(10000);
  EXPECT_GE(buffer.capacity(), 5000U);
  EXPECT_TRUE(buffer.empty());
  buffer.release_above(100);
  EXPECT_EQ(buffer.capacity(), 0U);
  buffer.append("works again");
  EXPECT_EQ(buffer.view(), "works again");
}

TEST(Buffer, MovesAndSwaps) {
  Buffer a;
  a.append("a");
  Buffer b(std::move(a));
  EXPECT_EQ(b.view(), "a");
  Buffer c;
  c.append("c");
  c.swap(b);
  EXPECT_EQ(c.view(), "a");
  EXPECT_EQ(b.view(), "c");
  b.append("");
  EXPECT_EQ(b.view(), "c");
}

}  // namespace
}  // namespace athena::base

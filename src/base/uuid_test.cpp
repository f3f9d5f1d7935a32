#include "base/uuid.h"

#include <gtest/gtest.h>

#include <chrono>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace athena::base {
namespace {

void expect_form(std::string_view text, char version) {
  ASSERT_EQ(text.size(), 36U);
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (at == 8 || at == 13 || at == 18 || at == 23) {
      EXPECT_EQ(text[at], '-') << text;
    } else {
      EXPECT_NE(std::string_view("0123456789abcdef").find(text[at]), std::string_view::npos) << text;
    }
  }
  EXPECT_EQ(text[14], version) << text;
  EXPECT_NE(std::string_view("89ab").find(text[19]), std::string_view::npos) << text;
}

TEST(Uuid, HasTheFormOfItsVersion) {
  for (int index = 0; index < 1000; ++index) {
    const auto seven = uuid_v7();
    const auto four = uuid_v4();
    expect_form(view(seven), '7');
    expect_form(view(four), '4');
  }
}

TEST(Uuid, Version7BeginsWithTheTime) {
  const auto now = [] {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  };
  const auto before = now();
  const auto uuid = uuid_v7();
  const auto after = now();
  const std::string text(view(uuid));
  const auto time = std::stoll(text.substr(0, 8) + text.substr(9, 4), nullptr, 16);
  EXPECT_GE(time, before);
  EXPECT_LE(time, after);
}

TEST(Uuid, IsUniqueOverThreads) {
  constexpr int kThreads = 4;
  constexpr int kEach = 20000;
  std::vector<std::vector<std::string>> made(kThreads);
  std::vector<std::thread> threads;
  for (auto& list : made) {
    threads.emplace_back([&list] {
      for (int index = 0; index < kEach; ++index) list.emplace_back(view(uuid_v7()));
    });
  }
  for (auto& thread : threads) thread.join();
  std::set<std::string> all;
  for (const auto& list : made) all.insert(list.begin(), list.end());
  EXPECT_EQ(all.size(), static_cast<std::size_t>(kThreads * kEach));
}

}  // namespace
}  // namespace athena::base

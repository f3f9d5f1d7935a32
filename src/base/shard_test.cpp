#include "base/shard.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>

namespace athena::base {
namespace {

TEST(ShardGroup, RunsOnEachShardsOwnThread) {
  ShardGroup shards(3);
  EXPECT_EQ(shards.size(), 3U);
  EXPECT_EQ(Shard::current(), nullptr);
  shards.start();
  std::array<std::thread::id, 3> threads;
  std::atomic<int> wrong{0};
  shards.run_on_all([&](Shard& shard) {
    threads[shard.index()] = std::this_thread::get_id();
    if (Shard::current() != &shard) ++wrong;
  });
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(std::set<std::thread::id>(threads.begin(), threads.end()).size(), 3U);
  shards.stop();
}

TEST(ShardGroup, RunsWhatWasPostedBeforeTheStartInOrder) {
  ShardGroup shards(1);
  std::vector<int> order;
  for (int index = 0; index < 5; ++index) shards[0].post([&order, index] { order.push_back(index); });
  shards.start();
  shards.run_on_all([](Shard&) {});
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
  shards.stop();
}

TEST(ShardGroup, StopsTwiceAndWithTimersArmed) {
  ShardGroup shards(2);
  bool fired = false;
  Timer timer([&] { fired = true; });
  shards.start();
  shards.run_on_all([&](Shard& shard) {
    if (shard.index() == 0) shard.timers().arm(timer, std::chrono::milliseconds(60000));
  });
  shards.stop();
  shards.stop();
  EXPECT_FALSE(fired);
}

}  // namespace
}  // namespace athena::base

#include "services/records/queue.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

namespace athena::records {
namespace {

using std::chrono::milliseconds;

Chunk requests(int count, int first = 0, std::size_t padding = 0) {
  Chunk chunk(Kind::request);
  const std::string path(padding, 'p');
  for (int i = 0; i < count; ++i) {
    RequestHead head;
    head.time_ms = first + i;
    chunk.add(head, {path, "", "id", "", "", "", "", "", "", ""});
  }
  return chunk;
}

Chunk operations(int count) {
  Chunk chunk(Kind::operation);
  for (int i = 0; i < count; ++i) chunk.add(OperationHead{}, {"id", "t", "c", "/", "", ""});
  return chunk;
}

std::vector<std::int64_t> times(const std::vector<Chunk>& chunks) {
  std::vector<std::int64_t> result;
  for (const auto& chunk : chunks) {
    if (chunk.kind() == Kind::request)
      chunk.for_each<RequestHead>([&](const auto& head, const auto&) { result.push_back(head.time_ms); });
  }
  return result;
}

std::uint64_t dropped(const Counters& counters, Kind kind, Dropped why = Dropped::queue) {
  return counters.dropped[static_cast<std::size_t>(kind)][static_cast<std::size_t>(why)].load();
}

TEST(Chunks, GiveBackWhatWasPutIn) {
  Chunk chunk(Kind::operation);
  OperationHead head;
  head.row_count = 7;
  head.operation = "fetch";
  chunk.add(head, {"request", "orders", "app", "/gateway/fetch", "", "select 1"});
  head.row_count = 8;
  chunk.add(head, {"", "", "", "", "message", ""});
  std::vector<std::string> seen;
  chunk.for_each<OperationHead>([&](const auto& each, const auto& texts) {
    seen.push_back(std::to_string(each.row_count) + std::string(each.operation));
    for (const auto text : texts) seen.emplace_back(text);
  });
  const std::vector<std::string> expected{"7fetch", "request",  "orders",  "app", "/gateway/fetch",
                                          "",       "select 1", "8fetch",  "",    "",
                                          "",       "",         "message", ""};
  EXPECT_EQ(seen, expected);
}

TEST(Queues, KeepTheOrder) {
  Counters counters;
  Queue queue(100, Queue::kMostBytes, counters);
  for (int i = 0; i < 3; ++i) {
    auto chunk = requests(4, i * 4);
    queue.push(chunk);
    EXPECT_EQ(chunk.count(), 0u);
  }
  std::vector<Chunk> chunks;
  ASSERT_TRUE(queue.take(milliseconds(1), 100, chunks));
  EXPECT_EQ(times(chunks), (std::vector<std::int64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}));
  EXPECT_EQ(queue.size(), 12u) << "until they are written";
  queue.release(chunks);
  EXPECT_EQ(queue.size(), 0u);
}

TEST(Queues, DropTheNewestOfTheFullestKind) {
  Counters counters;
  Queue queue(10, Queue::kMostBytes, counters);
  auto first = requests(6);
  auto others = operations(3);
  auto second = requests(4, 6);
  queue.push(first);
  queue.push(others);
  queue.push(second);
  EXPECT_EQ(queue.size(), 10u);
  EXPECT_EQ(dropped(counters, Kind::request), 3u);
  EXPECT_EQ(dropped(counters, Kind::operation), 0u);
  std::vector<Chunk> chunks;
  ASSERT_TRUE(queue.take(milliseconds(1), 100, chunks));
  EXPECT_EQ(times(chunks), (std::vector<std::int64_t>{0, 1, 2, 3, 4, 5, 6})) << "the newest went";
}

TEST(Queues, CountWhatIsBeingWritten) {
  Counters counters;
  Queue queue(10, Queue::kMostBytes, counters);
  auto first = requests(8);
  queue.push(first);
  std::vector<Chunk> chunks;
  ASSERT_TRUE(queue.take(milliseconds(1), 100, chunks));
  auto second = requests(8, 8);
  queue.push(second);
  EXPECT_EQ(queue.size(), 10u) << "a store that does not answer holds no more than the bound";
  EXPECT_EQ(dropped(counters, Kind::request), 6u);
}

TEST(Queues, AreBoundedInBytes) {
  Counters counters;
  Queue queue(1000000, 1024UL * 1024, counters);
  std::size_t pushed = 0;
  for (int i = 0; i < 400; ++i) {
    auto chunk = requests(10, 0, 1000);
    pushed += chunk.count();
    queue.push(chunk);
  }
  EXPECT_LT(queue.size(), 1100u);
  EXPECT_GT(queue.size(), 300u);
  EXPECT_EQ(queue.size() + dropped(counters, Kind::request), pushed);
}

TEST(Queues, WakeTheTakerWhenThereIsEnough) {
  Counters counters;
  Queue queue(1000, Queue::kMostBytes, counters);
  std::vector<Chunk> chunks;
  const auto began = base::Clock::now();
  std::thread pusher([&queue] {
    auto few = requests(5);
    queue.push(few);
    auto rest = requests(20);
    queue.push(rest);
  });
  ASSERT_TRUE(queue.take(std::chrono::seconds(30), 20, chunks));
  pusher.join();
  EXPECT_LT(base::Clock::now() - began, std::chrono::seconds(10));
}

TEST(Queues, StopWithoutLosingCount) {
  Counters counters;
  Queue queue(1000, Queue::kMostBytes, counters);
  auto chunk = requests(5);
  queue.push(chunk);
  queue.stop();
  std::vector<Chunk> chunks;
  EXPECT_TRUE(queue.take(std::chrono::seconds(30), 20, chunks)) << "what is there is still given";
  queue.release(chunks);
  EXPECT_FALSE(queue.take(std::chrono::seconds(30), 20, chunks));
  auto late = requests(3);
  queue.push(late);
  EXPECT_EQ(queue.size(), 0u);
  EXPECT_EQ(dropped(counters, Kind::request, Dropped::shutdown), 3u);
}

}  // namespace
}  // namespace athena::records

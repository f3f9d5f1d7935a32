#include "base/timer_wheel.h"

#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <memory>
#include <vector>

namespace athena::base {
namespace {

using std::chrono::milliseconds;

class TimerWheelTest : public ::testing::Test {
 protected:
  void run_for(milliseconds time) { context.run_for(time); }
  milliseconds since_start() { return std::chrono::duration_cast<milliseconds>(Clock::now() - start); }

  boost::asio::io_context context{1};
  TimerWheel wheel{context};
  Clock::time_point start = Clock::now();
};

TEST_F(TimerWheelTest, FiresNeverEarlyAndInOrder) {
  std::vector<int> order;
  std::vector<milliseconds> at;
  const auto note = [&](int number) {
    order.push_back(number);
    at.push_back(since_start());
  };
  Timer late([&] { note(3); });
  Timer soon([&] { note(1); });
  Timer middle([&] { note(2); });
  wheel.arm(late, milliseconds(150));
  wheel.arm(soon, milliseconds(5));
  wheel.arm(middle, milliseconds(60));
  run_for(milliseconds(400));
  ASSERT_EQ(order, (std::vector<int>{1, 2, 3}));
  EXPECT_GE(at[0], milliseconds(5));
  EXPECT_GE(at[1], milliseconds(60));
  EXPECT_GE(at[2], milliseconds(150));
  EXPECT_LT(at[2], milliseconds(350));
}

TEST_F(TimerWheelTest, FiresOnceAndMayBeArmedInside) {
  int fired = 0;
  Timer* self = nullptr;
  Timer timer([&] {
    EXPECT_FALSE(self->armed());
    if (++fired < 3) wheel.arm(*self, milliseconds(10));
  });
  self = &timer;
  wheel.arm(timer, milliseconds(10));
  run_for(milliseconds(300));
  EXPECT_EQ(fired, 3);
}

TEST_F(TimerWheelTest, CancelsMovesAndForgetsDestroyedTimers) {
  int fired = 0;
  Timer cancelled([&] { fired += 1; });
  Timer moved([&] { fired += 10; });
  auto destroyed = std::make_unique<Timer>([&] { fired += 100; });
  wheel.arm(cancelled, milliseconds(20));
  wheel.arm(moved, milliseconds(20));
  wheel.arm(*destroyed, milliseconds(20));
  cancelled.cancel();
  wheel.arm(moved, milliseconds(10000));
  destroyed.reset();
  run_for(milliseconds(150));
  EXPECT_EQ(fired, 0);
  EXPECT_TRUE(moved.armed());
}

TEST_F(TimerWheelTest, ATimerMayDestroyOthersThatAreDue) {
  int fired = 0;
  std::unique_ptr<Timer> second;
  Timer first([&] {
    ++fired;
    second.reset();
  });
  second = std::make_unique<Timer>([&] { ++fired; });
  wheel.arm(first, milliseconds(20));
  wheel.arm(*second, milliseconds(20));
  run_for(milliseconds(150));
  EXPECT_EQ(fired, 1);
}

TEST_F(TimerWheelTest, HoldsTimersBeyondOneTurn) {
  bool fired = false;
  Timer timer([&] { fired = true; });
  wheel.arm(timer, milliseconds(5300));  // 530 slots of 512
  run_for(milliseconds(500));
  EXPECT_FALSE(fired);
  EXPECT_TRUE(timer.armed());
}

TEST_F(TimerWheelTest, SleepsWhenNothingIsArmedAndWakesAgain) {
  int fired = 0;
  Timer timer([&] { ++fired; });
  wheel.arm(timer, milliseconds(10));
  context.run();  // returns: the wheel keeps no system timer
  EXPECT_EQ(fired, 1);
  context.restart();
  wheel.arm(timer, milliseconds(10));
  context.run();
  EXPECT_EQ(fired, 2);
}

TEST_F(TimerWheelTest, StopDisarms) {
  int fired = 0;
  Timer timer([&] { ++fired; });
  wheel.arm(timer, milliseconds(10));
  wheel.stop();
  EXPECT_FALSE(timer.armed());
  wheel.arm(timer, milliseconds(10));
  run_for(milliseconds(60));
  EXPECT_EQ(fired, 0);
}

TEST_F(TimerWheelTest, CatchesUpAfterAStall) {
  int fired = 0;
  Timer a([&] { ++fired; });
  Timer b([&] { ++fired; });
  wheel.arm(a, Clock::now() - milliseconds(50));
  wheel.arm(b, milliseconds(30));
  boost::asio::post(context, [] {
    const auto until = Clock::now() + milliseconds(100);
    while (Clock::now() < until) {
    }
  });
  run_for(milliseconds(300));
  EXPECT_EQ(fired, 2);
}

}  // namespace
}  // namespace athena::base

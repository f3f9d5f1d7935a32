#include "engines/breaker.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace athena::engines {
namespace {

using namespace std::chrono_literals;
using contract::ErrorCode;

class BreakerTest : public testing::Test {
 protected:
  void fail(int times) {
    for (int i = 0; i < times; ++i) breaker.failure("backend_unreachable", "refused");
  }
  void open_it() {
    breaker.success();
    fail(5);
    ASSERT_EQ(breaker.state(), HealthState::open);
  }
  contract::GatewaySettings settings;
  base::Clock::time_point clock{1000s};
  Breaker breaker{settings, [this] { return clock; }};
};

TEST_F(BreakerTest, FifthFailureInsideTheWindowOpens) {
  breaker.success();
  fail(4);
  EXPECT_TRUE(breaker.admit());
  clock += 59900ms;
  fail(1);
  EXPECT_EQ(breaker.state(), HealthState::open);
  const auto refused = breaker.admit();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::circuit_open);
  EXPECT_EQ(refused.error().retry_after_seconds(), 60U);
}

TEST_F(BreakerTest, FifthFailureBehindTheWindowDoesNot) {
  breaker.success();
  fail(4);
  clock += 60100ms;
  fail(1);
  EXPECT_EQ(breaker.state(), HealthState::closed);
  EXPECT_TRUE(breaker.admit());
}

TEST_F(BreakerTest, TheWindowSlides) {
  breaker.success();
  fail(1);
  clock += 50s;
  fail(3);
  clock += 11s;  // the first one is out of the window now
  fail(1);
  EXPECT_EQ(breaker.state(), HealthState::closed);
  fail(1);
  EXPECT_EQ(breaker.state(), HealthState::open);
}

TEST_F(BreakerTest, ASuccessBetweenThemStartsOver) {
  breaker.success();
  fail(4);
  breaker.success();
  fail(4);
  EXPECT_TRUE(breaker.admit());
  EXPECT_EQ(breaker.state(), HealthState::closed);
}

TEST_F(BreakerTest, HalfOpenLetsOneOfAThousandThrough) {
  open_it();
  clock += 60s;
  std::atomic<int> through{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 10; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) through += breaker.admit().has_value() ? 1 : 0;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(through, 1);
  breaker.failure("backend_unreachable", "refused");
  EXPECT_EQ(breaker.state(), HealthState::open);
  EXPECT_FALSE(breaker.admit());
  clock += 60s;
  EXPECT_TRUE(breaker.admit());
  breaker.success();
  EXPECT_EQ(breaker.state(), HealthState::closed);
  EXPECT_TRUE(breaker.clean());
}

TEST_F(BreakerTest, AProbeThatTouchedNothingGivesItsPlaceBack) {
  open_it();
  clock += 60s;
  EXPECT_TRUE(breaker.admit());
  EXPECT_FALSE(breaker.admit());
  breaker.probe_unused();
  EXPECT_TRUE(breaker.admit());
}

TEST_F(BreakerTest, ProbesSlowDown) {
  open_it();
  EXPECT_TRUE(breaker.wants_probe());
  std::vector<std::int64_t> delays;
  for (int i = 0; i < 5; ++i) {
    delays.push_back(breaker.probe_delay().count());
    breaker.probe_failed();
  }
  EXPECT_EQ(delays, (std::vector<std::int64_t>{250, 500, 1000, 2000, 2000}));
  clock += 601s;
  EXPECT_EQ(breaker.probe_delay(), 10s);
  breaker.success();
  EXPECT_FALSE(breaker.wants_probe());
  EXPECT_TRUE(breaker.admit());
}

TEST_F(BreakerTest, NeverReachedIsUnreachableAndNeverOpen) {
  EXPECT_EQ(breaker.state(), HealthState::closed);
  fail(20);
  EXPECT_EQ(breaker.state(), HealthState::unreachable);
  EXPECT_TRUE(breaker.admit());
  EXPECT_TRUE(breaker.wants_probe());
  breaker.success();
  EXPECT_EQ(breaker.state(), HealthState::closed);
}

TEST_F(BreakerTest, ForcedOfflineEndsHalfOpenOrByReset) {
  breaker.success();
  breaker.force_offline(300s, "maintenance");
  EXPECT_FALSE(breaker.wants_probe());
  breaker.success();  // a probe that was under way does not end it
  EXPECT_EQ(breaker.state(), HealthState::forced_offline);
  const auto refused = breaker.admit();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().retry_after_seconds(), 300U);
  BackendStatus status;
  breaker.describe(status);
  EXPECT_EQ(status.forced_reason, "maintenance");
  clock += 300s;
  EXPECT_EQ(breaker.state(), HealthState::half_open);
  EXPECT_TRUE(breaker.admit());
  EXPECT_FALSE(breaker.admit());
  breaker.reset();
  EXPECT_EQ(breaker.state(), HealthState::closed);
  EXPECT_TRUE(breaker.admit());
}

TEST_F(BreakerTest, WithoutHealthTrackingOnlyForceOpens) {
  settings.health_tracking = false;
  breaker.success();
  fail(100);
  EXPECT_TRUE(breaker.admit());
  breaker.force_offline(10s, "");
  EXPECT_FALSE(breaker.admit());
}

}  // namespace
}  // namespace athena::engines

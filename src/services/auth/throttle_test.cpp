#include "services/auth/throttle.h"

#include <gtest/gtest.h>

namespace athena::auth {
namespace {

using std::chrono::seconds;

class ThrottleTest : public testing::Test {
 protected:
  /// How many of `count` failures are throttled.
  int fail(std::string_view address, int count, seconds at = seconds(0), std::uint32_t limit = 3) {
    int throttled = 0;
    for (int i = 0; i < count; ++i)
      throttled += throttle_.failed(address, limit, now_ + at).throttled ? 1 : 0;
    return throttled;
  }
  Throttle throttle_;
  base::Clock::time_point now_ = base::Clock::now();
};

TEST_F(ThrottleTest, BeyondTheLimitOfAMinute) {
  EXPECT_EQ(fail("10.0.0.1", 3), 0);
  EXPECT_EQ(fail("10.0.0.1", 5), 5);
  EXPECT_EQ(fail("10.0.0.2", 3), 0);
  EXPECT_EQ(fail("10.0.0.1", 1, seconds(59)), 1);
  EXPECT_EQ(fail("10.0.0.1", 4, seconds(60)), 1);
}

TEST_F(ThrottleTest, TheCallerIsToldWhenTheMinuteEnds) {
  fail("10.0.0.1", 3);
  EXPECT_EQ(throttle_.failed("10.0.0.1", 3, now_ + seconds(10)).retry_after, 50U);
  EXPECT_EQ(throttle_.failed("10.0.0.1", 3, now_ + std::chrono::milliseconds(59900)).retry_after, 1U);
}

TEST_F(ThrottleTest, AnIPv6NetworkIsOneAddress) {
  EXPECT_EQ(fail("2001:db8:1:2::1", 3), 0);
  EXPECT_EQ(fail("2001:db8:1:2:ffff::9", 1), 1);
  EXPECT_EQ(fail("2001:db8:1:3::1", 1), 0);
  EXPECT_EQ(fail("10.1.1.1", 3), 0);
  EXPECT_EQ(fail("::ffff:10.1.1.1", 1), 1);
}

TEST_F(ThrottleTest, ZeroSwitchesItOff) {
  EXPECT_EQ(fail("10.0.0.1", 1000, seconds(0), 0), 0);
  EXPECT_EQ(throttle_.size(), 0U);
}

TEST_F(ThrottleTest, EndedMinutesAreTakenOnce) {
  fail("10.0.0.1", 10);
  fail("10.0.0.2", 2);
  EXPECT_TRUE(throttle_.take_ended(now_ + seconds(30)).empty());
  const auto ended = throttle_.take_ended(now_ + seconds(61));
  ASSERT_EQ(ended.size(), 1U);
  EXPECT_EQ(ended[0].address, "10.0.0.1");
  EXPECT_EQ(ended[0].throttled, 7U);
  EXPECT_TRUE(throttle_.take_ended(now_ + seconds(200)).empty());
  fail("10.0.0.1", 5, seconds(200));
  fail("10.0.0.1", 1, seconds(300));
  EXPECT_EQ(throttle_.take_ended(now_ + seconds(301)).size(), 1U);
}

TEST_F(ThrottleTest, ManyAddressesStayWithinTheirBound) {
  for (int i = 0; i < 200000; ++i) {
    char address[32];
    std::snprintf(address, sizeof address, "%d.%d.%d.1", 1 + i / 65536, (i / 256) % 256, i % 256);
    throttle_.failed(address, 3, now_);
  }
  EXPECT_LE(throttle_.size(), Throttle::kAddresses);
  EXPECT_GT(throttle_.size(), Throttle::kAddresses * 9 / 10);
  for (int i = 0; i < 1000; ++i) throttle_.failed("9.9.9.9", 3, now_);
  EXPECT_TRUE(throttle_.failed("9.9.9.9", 3, now_).throttled);
}

}  // namespace
}  // namespace athena::auth

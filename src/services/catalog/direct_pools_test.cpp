#include "services/catalog/direct_pools.h"

#include <gtest/gtest.h>

#include <future>
#include <mutex>

#include "services/catalog/direct_side.h"

namespace athena::catalog {
namespace {

using contract::ErrorCode;
using std::chrono::milliseconds;

/// Names have the address 127.0.0.1; counts, and can be made slow.
class CountingResolver final : public engines::Resolver {
 public:
  std::vector<engines::IpAddress> resolve(const std::string& /*name*/) override {
    ++questions;
    std::this_thread::sleep_for(milliseconds(pause_ms.load()));
    const std::lock_guard lock(mutex);
    return {*engines::IpAddress::parse(address)};
  }
  std::atomic<int> questions{0}, pause_ms{0};
  std::mutex mutex;
  std::string address = "127.0.0.1";
};

/// Nothing listens at the port: what is tested here never needs a database.
class DirectPoolsTest : public ::testing::Test {
 protected:
  DirectPoolsTest() {
    settings_.jdbc_allow_private_hosts = true;
    settings_.direct_pool_capacity = 3;
    settings_.direct_pool_ttl_secs = 1;
    shards_.start();
    shards_.run_on_all(
        [this](base::Shard& shard) { sides_[shard.index()] = std::make_unique<DirectSide>(shard, pools_); });
  }
  ~DirectPoolsTest() override {
    shards_.run_on_all([this](base::Shard& shard) {
      held_[shard.index()].clear();
      sides_[shard.index()]->shutdown();
    });
    shards_.run_on_all([](base::Shard&) {});
    shards_.run_on_all([this](base::Shard& shard) { sides_[shard.index()]->clear(); });
    shards_.stop();
  }

  /// The code of the refusal; nothing when the use is held, until let_go() or the end.
  using Outcome = std::optional<ErrorCode>;
  std::future<Outcome> start(unsigned shard, std::string uri, milliseconds time = milliseconds(5000),
                             bool hold = true) {
    auto promise = std::make_shared<std::promise<Outcome>>();
    auto future = promise->get_future();
    base::asio::co_spawn(shards_[shard].context().get_executor(),
                         run(shard, std::move(uri), time, hold, promise), base::asio::detached);
    return future;
  }
  Outcome open(unsigned shard, std::string uri) { return start(shard, std::move(uri)).get(); }
  Outcome open_and_leave(unsigned shard, std::string uri) {
    return start(shard, std::move(uri), milliseconds(5000), false).get();
  }
  base::Task<void> run(unsigned shard, std::string uri, milliseconds time, bool hold,
                       std::shared_ptr<std::promise<Outcome>> promise) {
    const DirectText text{"x-pg-uri", uri};
    const engines::TargetRules rules{settings_.jdbc_allowed_hosts, settings_.jdbc_allow_private_hosts};
    auto use = sides_[shard]->find(text, rules, base::Clock::now());
    if (use && *use) ++known_;
    if (use && !*use) use = co_await sides_[shard]->open(text, rules, base::Deadline::in(time));
    Outcome outcome;
    if (!use) {
      outcome = use.error().code();
    } else {
      EXPECT_NE(use->backend(), nullptr);
      if (hold) held_[shard].push_back(std::move(*use));
    }
    {
      auto gone = use ? std::move(*use) : DirectUse{};
    }
    promise->set_value(outcome);
  }
  void let_go() {
    shards_.run_on_all([this](base::Shard& shard) { held_[shard.index()].clear(); });
  }

  contract::GatewaySettings settings_;
  base::ShardGroup shards_{2};
  std::shared_ptr<CountingResolver> resolver_ = std::make_shared<CountingResolver>();
  DirectPools pools_{shards_, {settings_, 2}, {{}, resolver_}};
  std::unique_ptr<DirectSide> sides_[2];
  std::vector<DirectUse> held_[2];
  std::atomic<int> known_{0};
};

std::string uri_of(int number, std::string_view host = "db.example") {
  return "postgres://user" + std::to_string(number) + ":pw@" + std::string(host) + ":1/db";
}

TEST_F(DirectPoolsTest, OneUriIsOnePool) {
  EXPECT_EQ(open(0, uri_of(1)), std::nullopt);
  EXPECT_EQ(open(0, uri_of(1)), std::nullopt);
  EXPECT_EQ(open(1, uri_of(1)), std::nullopt);
  EXPECT_EQ(open(1, "jdbc:postgresql://DB.example.:1/db?user=user1&password=pw"), std::nullopt)
      << "another spelling";
  EXPECT_EQ(pools_.size(), 1U);
  EXPECT_EQ(known_, 1);
  EXPECT_EQ(open(0, uri_of(2)), std::nullopt);
  EXPECT_EQ(pools_.size(), 2U);
}

TEST_F(DirectPoolsTest, AnotherAddressIsAnotherPool) {
  EXPECT_EQ(open(0, uri_of(1)), std::nullopt);
  {
    const std::lock_guard lock(resolver_->mutex);
    resolver_->address = "127.0.0.2";
  }
  EXPECT_EQ(open(0, uri_of(1)), std::nullopt);
  EXPECT_EQ(pools_.size(), 1U) << "this shard still knows where it leads";
  EXPECT_EQ(open(1, uri_of(1)), std::nullopt);
  EXPECT_EQ(pools_.size(), 2U);
}

TEST_F(DirectPoolsTest, ManyCallersShareOneAttempt) {
  resolver_->pause_ms = 100;
  std::vector<std::future<Outcome>> waiting;
  for (int index = 0; index < 50; ++index) waiting.push_back(start(0, uri_of(1)));
  for (auto& future : waiting) EXPECT_EQ(future.get(), std::nullopt);
  EXPECT_EQ(resolver_->questions, 1);
  EXPECT_EQ(pools_.size(), 1U);
}

TEST_F(DirectPoolsTest, WaitingEndsAtTheDeadlineAndTheAttemptGoesOn) {
  resolver_->pause_ms = 300;
  const auto began = base::Clock::now();
  auto hurried = start(0, uri_of(1), milliseconds(50));
  auto patient = start(0, uri_of(1));
  EXPECT_EQ(hurried.get(), ErrorCode::deadline_exceeded);
  EXPECT_LT(base::Clock::now() - began, milliseconds(250));
  EXPECT_EQ(patient.get(), std::nullopt);
  EXPECT_EQ(resolver_->questions, 1);
}

TEST_F(DirectPoolsTest, AFullCacheGivesUpTheUnusedOneUsedLongestAgo) {
  for (int number = 1; number <= 3; ++number) {
    EXPECT_EQ(open_and_leave(0, uri_of(number)), std::nullopt);
    std::this_thread::sleep_for(milliseconds(5));
  }
  EXPECT_EQ(open_and_leave(1, uri_of(1)), std::nullopt);  // now the second is the oldest
  EXPECT_EQ(open(0, uri_of(1)), std::nullopt);
  EXPECT_EQ(open(0, uri_of(3)), std::nullopt);
  EXPECT_EQ(open(0, uri_of(4)), std::nullopt);
  EXPECT_EQ(pools_.size(), 3U);
  // All three are in use.
  EXPECT_EQ(open(0, uri_of(2)), ErrorCode::overloaded);
  EXPECT_EQ(open(1, uri_of(5)), ErrorCode::overloaded);
  EXPECT_EQ(open(1, uri_of(4)), std::nullopt) << "what is there stays reachable";
  let_go();
  EXPECT_EQ(open(0, uri_of(2)), std::nullopt);
  EXPECT_EQ(pools_.size(), 3U);
}

TEST_F(DirectPoolsTest, AThousandUrisKeepTheirNumberBounded) {
  for (int number = 0; number < 1000; ++number) {
    ASSERT_EQ(open_and_leave(static_cast<unsigned>(number % 2), uri_of(number)), std::nullopt) << number;
    ASSERT_LE(pools_.size(), 3U);
  }
}

TEST_F(DirectPoolsTest, BothShardsAtOnce) {
  std::vector<std::future<Outcome>> waiting;
  for (int number = 0; number < 400; ++number)
    waiting.push_back(
        start(static_cast<unsigned>(number % 2), uri_of(number % 3), milliseconds(5000), false));
  for (auto& future : waiting) EXPECT_EQ(future.get(), std::nullopt);
  EXPECT_EQ(pools_.size(), 3U);
}

TEST_F(DirectPoolsTest, UnusedOnesAreClosedInTime) {
  EXPECT_EQ(open(0, uri_of(1)), std::nullopt);
  EXPECT_EQ(open_and_leave(0, uri_of(2)), std::nullopt);
  const auto until = base::Clock::now() + milliseconds(4000);
  while (pools_.size() > 1 && base::Clock::now() < until) std::this_thread::sleep_for(milliseconds(20));
  EXPECT_EQ(pools_.size(), 1U) << "the one in use stays";
  let_go();
  while (pools_.size() > 0 && base::Clock::now() < until) std::this_thread::sleep_for(milliseconds(20));
  EXPECT_EQ(pools_.size(), 0U);
  EXPECT_EQ(open(0, uri_of(2)), std::nullopt) << "and comes back";
}

TEST_F(DirectPoolsTest, RefusalsOfThePolicy) {
  settings_.jdbc_allow_private_hosts = false;
  EXPECT_EQ(open(0, uri_of(1)), ErrorCode::target_not_allowed);
  EXPECT_EQ(open(0, uri_of(1, "169.254.169.254")), ErrorCode::target_not_allowed);
  EXPECT_EQ(open(0, "postgres://a@b/c?service=x"), ErrorCode::invalid_value);
  EXPECT_EQ(pools_.size(), 0U);
}

TEST_F(DirectPoolsTest, NewerRulesHoldForPoolsThatAreThere) {
  EXPECT_EQ(open(0, uri_of(1)), std::nullopt);
  const DirectText text{"x-pg-uri", "postgres://user1:pw@db.example:1/db"};
  std::promise<ErrorCode> code;
  shards_[0].post(
      [&] { code.set_value(sides_[0]->find(text, {{}, false}, base::Clock::now()).error().code()); });
  EXPECT_EQ(code.get_future().get(), ErrorCode::target_not_allowed);
}

TEST_F(DirectPoolsTest, ANameIsLookedUpAgainAfterAMinute) {
  EXPECT_EQ(open(0, uri_of(1)), std::nullopt);
  std::promise<std::pair<bool, bool>> found;
  shards_[0].post([&] {
    const auto uri = uri_of(1);
    const DirectText text{"x-pg-uri", uri};
    const auto now = base::Clock::now();
    const bool soon = static_cast<bool>(*sides_[0]->find(text, {{}, true}, now + std::chrono::seconds(55)));
    const bool later = static_cast<bool>(*sides_[0]->find(text, {{}, true}, now + std::chrono::seconds(61)));
    found.set_value({soon, later});
  });
  EXPECT_EQ(found.get_future().get(), std::make_pair(true, false));
}

}  // namespace
}  // namespace athena::catalog

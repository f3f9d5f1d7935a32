#include "engines/target_policy.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <map>
#include <mutex>
#include <semaphore>
#include <thread>

#include "contract/envelope.h"

namespace athena::engines {
namespace {

using Rule = TargetRefusal::Rule;
using std::chrono::milliseconds;

/// Answers from a table; each question takes the next list of a name.
class TableResolver final : public Resolver {
 public:
  explicit TableResolver(std::map<std::string, std::vector<std::vector<std::string>>> table)
      : table_(std::move(table)) {}
  std::vector<IpAddress> resolve(const std::string& name) override {
    ++questions;
    const std::lock_guard lock(mutex_);
    auto& answers = table_[name];
    std::vector<IpAddress> found;
    if (answers.empty()) return found;
    for (const auto& text : answers.front()) found.push_back(*IpAddress::parse(text));
    if (answers.size() > 1) answers.erase(answers.begin());
    return found;
  }
  std::atomic<int> questions{0};

 private:
  std::mutex mutex_;
  std::map<std::string, std::vector<std::vector<std::string>>> table_;
};

/// Hangs until it is let go.
class HangingResolver final : public Resolver {
 public:
  std::vector<IpAddress> resolve(const std::string& /*name*/) override {
    const int now = ++running;
    int seen = most.load();
    while (now > seen && !most.compare_exchange_weak(seen, now)) {
    }
    gate.acquire();
    --running;
    return {*IpAddress::parse("8.8.8.8")};
  }
  std::counting_semaphore<> gate{0};
  std::atomic<int> running{0}, most{0};
};

class TargetPolicy : public ::testing::Test {
 protected:
  TargetPolicy() { shards_.start(); }
  ~TargetPolicy() override { shards_.stop(); }

  std::future<TargetResult<PinnedTarget>> start(TargetRequest request, std::shared_ptr<Resolver> resolver,
                                                milliseconds time = milliseconds(2000)) {
    auto promise = std::make_shared<std::promise<TargetResult<PinnedTarget>>>();
    auto future = promise->get_future();
    base::asio::co_spawn(shards_[0].context().get_executor(),
                         run(std::move(request), std::move(resolver), shards_[0], time, promise),
                         base::asio::detached);
    return future;
  }
  TargetResult<PinnedTarget> pin(TargetRequest request, std::shared_ptr<Resolver> resolver) {
    return start(std::move(request), std::move(resolver)).get();
  }
  static base::Task<void> run(TargetRequest request, std::shared_ptr<Resolver> resolver, base::Shard& shard,
                              milliseconds time,
                              std::shared_ptr<std::promise<TargetResult<PinnedTarget>>> promise) {
    auto result =
        co_await pin_target(std::move(request), std::move(resolver), shard, base::Deadline::in(time));
    promise->set_value(std::move(result));
  }

  base::ShardGroup shards_{1};
};

std::optional<Rule> refused(std::string_view host, std::vector<std::string> list = {},
                            bool allow_private = false) {
  const auto checked = check_target_text(host, {list, allow_private});
  if (checked) return std::nullopt;
  return checked.error().rule;
}

TEST(IpAddress, PrivateRangesEndWhereTheyShould) {
  const std::pair<const char*, bool> cases[] = {
      {"0.0.0.0", true},
      {"0.255.255.255", true},
      {"1.0.0.0", false},
      {"9.255.255.255", false},
      {"10.0.0.0", true},
      {"10.255.255.255", true},
      {"11.0.0.0", false},
      {"100.63.255.255", false},
      {"100.64.0.0", true},
      {"100.127.255.255", true},
      {"100.128.0.0", false},
      {"126.255.255.255", false},
      {"127.0.0.1", true},
      {"127.255.255.255", true},
      {"128.0.0.0", false},
      {"169.253.255.255", false},
      {"169.254.169.254", true},
      {"169.255.0.0", false},
      {"172.15.255.255", false},
      {"172.16.0.0", true},
      {"172.31.255.255", true},
      {"172.32.0.0", false},
      {"192.0.0.0", true},
      {"192.0.0.255", true},
      {"192.0.1.0", false},
      {"192.167.255.255", false},
      {"192.168.0.1", true},
      {"192.169.0.0", false},
      {"198.17.255.255", false},
      {"198.18.0.0", true},
      {"198.19.255.255", true},
      {"198.20.0.0", false},
      {"223.255.255.255", false},
      {"224.0.0.1", true},
      {"239.255.255.255", true},
      {"240.0.0.1", true},
      {"255.255.255.255", true},
      {"8.8.8.8", false},
      {"::", true},
      {"::1", true},
      {"::2", true},
      {"fbff::1", false},
      {"fc00::1", true},
      {"fdff::1", true},
      {"fe00::1", false},
      {"fe7f::1", false},
      {"fe80::1", true},
      {"febf::1", true},
      {"fec0::1", true},
      {"ff02::1", true},
      {"2001:4860:4860::8888", false},
      {"2606:4700::1111", false},
  };
  for (const auto& [text, is_private] : cases) {
    const auto address = IpAddress::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->is_private(), is_private) << text;
    EXPECT_EQ(IpAddress::parse(address->text()), address) << text;
  }
}

TEST(IpAddress, PrivateInsideOfOthers) {
  const std::pair<const char*, bool> cases[] = {
      {"::ffff:127.0.0.1", true},
      {"::ffff:169.254.169.254", true},
      {"::ffff:8.8.8.8", false},
      {"::127.0.0.1", true},
      {"::8.8.8.8", false},
      {"::ffff:0:10.0.0.1", true},
      {"::ffff:0:8.8.8.8", false},
      {"64:ff9b::7f00:1", true},
      {"64:ff9b::a9fe:a9fe", true},
      {"64:ff9b::808:808", false},
      {"64:ff9b:1::808:808", true},
      {"2002:7f00:1::", true},
      {"2002:a9fe:a9fe::1", true},
      {"2002:c0a8:101::", true},
      {"2002:808:808::", false},
      {"2001:0:0:0:0:0:80ff:fffe", true},
      {"2001:0:0:0:0:0:f7f7:f7f7", false},
  };
  for (const auto& [text, is_private] : cases) {
    const auto address = IpAddress::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->is_private(), is_private) << text;
  }
}

TEST(TargetText, AddressesThatAreNotPublic) {
  for (const char* host : {"127.0.0.1", "127.0.0.1.", "0.0.0.0", "169.254.169.254", "10.1.2.3", "[::1]",
                           "::1", "[::ffff:127.0.0.1]", "[0:0:0:0:0:ffff:7f00:1]", "[2002:7f00:1::]",
                           "[64:ff9b::7f00:1]", "[fd00::1]", "[::]"}) {
    EXPECT_EQ(refused(host), Rule::private_address) << host;
    EXPECT_EQ(refused(host, {}, true), std::nullopt) << host;
  }
  EXPECT_EQ(refused("8.8.8.8"), std::nullopt);
  EXPECT_EQ(refused("[2606:4700::1111]"), std::nullopt);
}

TEST(TargetText, OtherFormsOfIpv4) {
  for (const char* host :
       {"2130706433", "0x7f000001",      "0X7F000001",   "0x7f.1",      "127.1",      "127.0.1",
        "0177.0.0.1", "0177.0.0.01",     "017700000001", "127.0.0.0x1", "127.0.0.01", "0x7f.0x0.0x0.0x1",
        "1.2.3.4.5",  "256.1.1.1",       "127.0.0.1.2",  "0",           "0x",         "2130706433.",
        "foo.1",      "127.000.000.001", "1.2.3"}) {
    EXPECT_EQ(refused(host, {}, true), Rule::number_form) << host;
    EXPECT_EQ(refused(host, {host}, true), Rule::number_form) << host;
  }
}

TEST(TargetText, NamesAndWhatIsNone) {
  for (const char* host : {"localhost", "db.example.com", "DB.Example.COM.", "a_b.example", "1a.example",
                           "0xg.example", "x.0a", "example.com1"}) {
    EXPECT_EQ(refused(host), std::nullopt) << host;
  }
  for (const std::string host : {"",
                                 ".",
                                 "..",
                                 "a..b",
                                 ".a",
                                 "a b",
                                 "a/b",
                                 "a%00b",
                                 "fe80::1%eth0",
                                 "[fe80::1%25lo]",
                                 "[::1",
                                 "::1]",
                                 "[]",
                                 "[127.0.0.1]",
                                 "::ffff:127.1",
                                 "[v1.x]",
                                 "/tmp",
                                 "@abstract",
                                 "a,b",
                                 "a:1",
                                 "b\xC3\xBC.example",
                                 "\xEF\xBC\x91",
                                 "a@b",
                                 "a?b",
                                 "a#b",
                                 "a\\b",
                                 "[::1]:80",
                                 "12\n"}) {
    EXPECT_EQ(refused(host, {}, true), Rule::bad_name) << host;
  }
  EXPECT_EQ(refused(std::string("a\0b", 3)), Rule::bad_name);
  EXPECT_EQ(refused(std::string(64, 'a') + ".example"), Rule::bad_name);
  std::string longest;
  for (int label = 0; label < 50; ++label) longest += "abcd.";
  EXPECT_EQ(refused(longest + "ab"), std::nullopt);  // 252
  EXPECT_EQ(refused(longest + "abcd"), Rule::bad_name);
}

TEST(TargetText, AllowList) {
  const std::vector<std::string> list = {"example.com", "Other.Net.", "10.0.0.5", "[2606:4700::1111]"};
  for (const char* host : {"example.com", "EXAMPLE.com.", "db.example.com", "a.b.example.com", "x.other.net",
                           "[2606:4700:0:0::1111]"}) {
    EXPECT_EQ(refused(host, list), std::nullopt) << host;
  }
  for (const char* host : {"badexample.com", "example.com.evil.org", "example.org", "com", "8.8.8.8",
                           "10.0.0.50", "110.0.0.5", "[2606:4700::1112]", "[::ffff:10.0.0.5]"}) {
    EXPECT_EQ(refused(host, list), Rule::not_listed) << host;
  }
  EXPECT_EQ(refused("10.0.0.5", list), Rule::private_address) << "listed, but private all the same";
  EXPECT_EQ(refused("10.0.0.5", list, true), std::nullopt);
  EXPECT_EQ(refused("a.10.0.0.5", {"10.0.0.5"}, true), Rule::number_form);
  EXPECT_EQ(refused("example.com", {""}), Rule::not_listed) << "an empty entry lets nothing in";
  EXPECT_EQ(refused("example.com", {"."}), Rule::not_listed);
}

TEST_F(TargetPolicy, PinsTheFirstAddress) {
  auto resolver =
      std::make_shared<TableResolver>(std::map<std::string, std::vector<std::vector<std::string>>>{
          {"db.example.com", {{"8.8.8.8", "9.9.9.9"}}}});
  const auto pinned = pin({"DB.example.com.", 5433, {}, false}, resolver);
  ASSERT_TRUE(pinned);
  EXPECT_EQ(pinned->host, "db.example.com");
  EXPECT_EQ(pinned->address.text(), "8.8.8.8");
  EXPECT_EQ(pinned->port, 5433);
  EXPECT_EQ(resolver->questions, 1);
}

TEST_F(TargetPolicy, LiteralsAreNeverLookedUp) {
  auto resolver =
      std::make_shared<TableResolver>(std::map<std::string, std::vector<std::vector<std::string>>>{});
  const auto pinned = pin({"[2606:4700:0::1111]", 5432, {}, false}, resolver);
  ASSERT_TRUE(pinned);
  EXPECT_EQ(pinned->address.text(), "2606:4700::1111");
  EXPECT_EQ(pin({"127.0.0.1", 5432, {}, false}, resolver).error().rule, Rule::private_address);
  EXPECT_EQ(pin({"evil.org", 5432, {"example.com"}, false}, resolver).error().rule, Rule::not_listed);
  EXPECT_EQ(resolver->questions, 0);
}

TEST_F(TargetPolicy, EveryAddressMustPass) {
  auto resolver =
      std::make_shared<TableResolver>(std::map<std::string, std::vector<std::vector<std::string>>>{
          {"first.example", {{"127.0.0.1", "8.8.8.8"}}},
          {"last.example", {{"8.8.8.8", "9.9.9.9", "::ffff:10.0.0.1"}}},
          {"metadata.example", {{"169.254.169.254"}}},
          {"six.example", {{"2606:4700::1111", "fd00::1"}}},
      });
  for (const char* name : {"first.example", "last.example", "metadata.example", "six.example"}) {
    const auto pinned = pin({name, 5432, {}, false}, resolver);
    ASSERT_FALSE(pinned) << name;
    EXPECT_EQ(pinned.error().rule, Rule::private_address) << name;
    EXPECT_TRUE(pin({name, 5432, {}, true}, resolver)) << name;
    EXPECT_EQ(pin({name, 5432, {name}, false}, resolver).error().rule, Rule::private_address) << name;
  }
}

TEST_F(TargetPolicy, NamesWithoutAddress) {
  auto resolver =
      std::make_shared<TableResolver>(std::map<std::string, std::vector<std::vector<std::string>>>{});
  const auto pinned = pin({"nowhere.example", 5432, {}, false}, resolver);
  ASSERT_FALSE(pinned);
  EXPECT_EQ(pinned.error().rule, Rule::unresolved);
  EXPECT_EQ(pinned.error().error("The host").code(), contract::ErrorCode::backend_unreachable);
}

TEST_F(TargetPolicy, ANameThatChangesItsAddressStaysWhereItWasChecked) {
  auto resolver =
      std::make_shared<TableResolver>(std::map<std::string, std::vector<std::vector<std::string>>>{
          {"rebind.example", {{"8.8.8.8"}, {"127.0.0.1"}}}});
  const auto pinned = pin({"rebind.example", 5432, {}, false}, resolver);
  ASSERT_TRUE(pinned);
  EXPECT_EQ(pinned->address.text(), "8.8.8.8") << "what connects gets the address, not the name";
  EXPECT_EQ(resolver->questions, 1);
  EXPECT_EQ(pin({"rebind.example", 5432, {}, false}, resolver).error().rule, Rule::private_address);
}

TEST_F(TargetPolicy, PinnedTargetsAreHeldAgainstNewerRules) {
  const PinnedTarget name{"db.example.com", *IpAddress::parse("8.8.8.8"), 5432};
  const PinnedTarget local{"127.0.0.1", *IpAddress::parse("127.0.0.1"), 5432};
  const std::vector<std::string> none, example = {"example.com"}, loopback = {"127.0.0.1"};
  EXPECT_TRUE(check_pinned(name, {none, false}));
  EXPECT_TRUE(check_pinned(name, {example, false}));
  EXPECT_EQ(check_pinned(name, {loopback, false}).error().rule, Rule::not_listed);
  EXPECT_TRUE(check_pinned(local, {loopback, true}));
  EXPECT_EQ(check_pinned(local, {loopback, false}).error().rule, Rule::private_address);
  EXPECT_EQ(check_pinned(local, {example, true}).error().rule, Rule::not_listed);
}

TEST_F(TargetPolicy, LookupsAreBoundedInNumberAndTime) {
  auto hanging = std::make_shared<HangingResolver>();
  const auto began = base::Clock::now();
  std::vector<std::future<TargetResult<PinnedTarget>>> waiting;
  for (int index = 0; index < 300; ++index)
    waiting.push_back(start({"slow.example", 5432, {}, false}, hanging, milliseconds(300)));
  int busy = 0, expired = 0;
  for (auto& future : waiting) {
    const auto result = future.get();
    ASSERT_FALSE(result);
    (result.error().rule == Rule::busy ? busy : expired)++;
    if (result.error().rule != Rule::busy) EXPECT_EQ(result.error().rule, Rule::expired);
  }
  EXPECT_GE(busy, 300 - 256 - 4);
  EXPECT_GE(expired, 250);
  EXPECT_LT(base::Clock::now() - began, milliseconds(2000));
  EXPECT_LE(hanging->most, 4);
  hanging->gate.release(1000);
  // Threads that hung serve again.
  auto resolver = std::make_shared<TableResolver>(
      std::map<std::string, std::vector<std::vector<std::string>>>{{"db.example.com", {{"8.8.8.8"}}}});
  EXPECT_TRUE(pin({"db.example.com", 5432, {}, false}, resolver));
}

TEST(TargetRefusal, SentencesNameTheRuleAlone) {
  const auto sentence = [](Rule rule) { return TargetRefusal{rule}.error("The host of x-pg-uri").text(); };
  EXPECT_EQ(sentence(Rule::private_address), "The host of x-pg-uri is not allowed: private address.");
  EXPECT_EQ(sentence(Rule::not_listed), "The host of x-pg-uri is not allowed: not in the allow-list.");
  for (const auto rule : {Rule::bad_name, Rule::number_form, Rule::not_listed, Rule::private_address})
    EXPECT_EQ(TargetRefusal{rule}.error("It").code(), contract::ErrorCode::target_not_allowed);
  EXPECT_EQ(TargetRefusal{Rule::busy}.error("It").code(), contract::ErrorCode::overloaded);
  EXPECT_EQ(TargetRefusal{Rule::expired}.error("It").code(), contract::ErrorCode::deadline_exceeded);
}

}  // namespace
}  // namespace athena::engines

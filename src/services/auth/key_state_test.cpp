#include "services/auth/key_state.h"

#include <gtest/gtest.h>

#include <chrono>
#include <set>

namespace athena::auth {
namespace {

std::string public_id(int number) {
  char text[17];
  std::snprintf(text, sizeof text, "%016x", static_cast<unsigned>(number) * 2654435761U);
  return text;
}

KeyRecord record(int number) {
  KeyRecord key;
  key.row_id = number;
  key.id = "5f0c6a1e-6f0a-4c53-8a3c-" + public_id(number).substr(4);
  key.public_id = public_id(number);
  key.salt = base::to_hex(base::sha256("salt" + key.public_id));
  key.hash = base::sha256(key.salt + ":secret");
  key.client_name = number % 2 == 0 ? "" : " App" + std::to_string(number % 10);
  key.rights = {"users.read", "orders." + std::string(number % 3 == 0 ? "read" : "write")};
  return key;
}

std::vector<KeyRecord> records(int count) {
  std::vector<KeyRecord> result;
  for (int i = 0; i < count; ++i) result.push_back(record(i));
  return result;
}

TEST(KeyTableTest, AnEmptyTableKnowsNothing) {
  const KeyTable table;
  EXPECT_EQ(table.size(), 0U);
  EXPECT_EQ(table.find(public_id(1)), nullptr);
  EXPECT_EQ(table.find(""), nullptr);
  EXPECT_EQ(table.find(std::string(16, '-')), nullptr);  // what stands in for nobody
}

TEST(KeyTableTest, EveryKeyIsFoundAsItWasGiven) {
  const auto all = records(5000);
  const auto table = KeyTable::build(all);
  EXPECT_EQ(table.size(), all.size());
  for (const auto& key : all) {
    const auto* found = table.find(key.public_id);
    ASSERT_NE(found, nullptr) << key.public_id;
    EXPECT_EQ(found->public_id(), key.public_id);
    EXPECT_EQ(found->id(), key.id);
    EXPECT_EQ(found->salt(), key.salt);
    EXPECT_EQ(found->hash(), key.hash);
    EXPECT_EQ(found->row_id(), key.row_id);
    EXPECT_EQ(found->client_name(), key.client_name);
    EXPECT_TRUE(found->is_active());
  }
  for (int i = 5000; i < 10000; ++i) EXPECT_EQ(table.find(public_id(i)), nullptr);
  EXPECT_EQ(table.find(public_id(1).substr(0, 15)), nullptr);
  EXPECT_EQ(table.find(public_id(1) + "0"), nullptr);
}

TEST(KeyTableTest, NamesOfBoundClientsAreKeptInTheFormTheyAreComparedIn) {
  auto key = record(1);
  key.client_name = " ApP ";
  const auto table = KeyTable::build({key});
  EXPECT_EQ(table.find(key.public_id)->client_key(), "app");
  EXPECT_EQ(table.find(key.public_id)->client_name(), " ApP ");
  EXPECT_EQ(table.find(key.public_id)->expires_at_ms(), INT64_MAX);
}

TEST(KeyTableTest, EqualSetsOfRightsAreOneObject) {
  auto other_order = record(3);
  std::ranges::reverse(other_order.rights);
  const auto table = KeyTable::build({record(0), other_order, record(1)});
  EXPECT_EQ(&table.find(public_id(0))->rights(), &table.find(public_id(3))->rights());
  EXPECT_NE(&table.find(public_id(0))->rights(), &table.find(public_id(1))->rights());
}

TEST(KeyTableTest, OfTwoRecordsWithOneIdTheLastOneCounts) {
  auto second = record(1);
  second.row_id = 99;
  const auto table = KeyTable::build({record(1), second});
  EXPECT_EQ(table.size(), 1U);
  EXPECT_EQ(table.find(public_id(1))->row_id(), 99);
}

TEST(KeyTableTest, AChangeLeavesTheTableItWasMadeFrom) {
  const auto before = KeyTable::build(records(3000));
  auto changed = record(7);
  changed.is_active = false;
  changed.rights = {};
  const std::vector<KeyRecord> changes{changed, record(3001)};
  const std::vector<std::string> removed{public_id(8), "unknown"};
  const auto after = before.with(changes, removed);
  EXPECT_EQ(after.size(), 3000U);
  EXPECT_FALSE(after.find(public_id(7))->is_active());
  EXPECT_TRUE(after.find(public_id(7))->rights().granted().empty());
  EXPECT_EQ(after.find(public_id(8)), nullptr);
  EXPECT_NE(after.find(public_id(3001)), nullptr);
  EXPECT_TRUE(before.find(public_id(7))->is_active());
  EXPECT_NE(before.find(public_id(8)), nullptr);
  EXPECT_EQ(before.find(public_id(3001)), nullptr);
  EXPECT_EQ(before.size(), 3000U);
  for (int i = 9; i < 3000; ++i) ASSERT_NE(after.find(public_id(i)), nullptr) << i;
}

TEST(KeyTableTest, RandomChangesAgreeWithASimpleMap) {
  KeyTable table;
  std::set<std::string> known;
  unsigned state = 1;
  const auto random = [&state] { return (state = state * 1103515245U + 12345U) >> 16; };
  for (int round = 0; round < 500; ++round) {
    std::vector<KeyRecord> changed;
    std::vector<std::string> removed;
    for (int i = 0; i < 3; ++i) changed.push_back(record(static_cast<int>(random() % 300)));
    for (int i = 0; i < 2; ++i) removed.push_back(public_id(static_cast<int>(random() % 300)));
    for (const auto& id : removed) known.erase(id);
    for (const auto& key : changed) known.insert(key.public_id);
    table = table.with(changed, removed);
    ASSERT_EQ(table.size(), known.size());
  }
  for (int i = 0; i < 300; ++i) EXPECT_EQ(table.find(public_id(i)) != nullptr, known.contains(public_id(i)));
  std::size_t visited = 0;
  table.for_each([&](const ApiKey& key) { visited += known.count(std::string(key.public_id())); });
  EXPECT_EQ(visited, known.size());
}

TEST(KeyTableTest, OneChangeOfManyKeysIsCheap) {
  auto table = KeyTable::build(records(100000));
  std::clock_t best = CLOCKS_PER_SEC;
  for (int i = 0; i < 5; ++i) {
    const std::vector<KeyRecord> changed{record(i)};
    const auto begun = std::clock();
    table = table.with(changed, {});
    best = std::min(best, std::clock() - begun);
  }
  EXPECT_LT(static_cast<double>(best) / CLOCKS_PER_SEC, 0.005);
  EXPECT_EQ(table.size(), 100000U);
}

TEST(EnforcementTest, TheListenersDecideUntilAnOperatorDoes) {
  EXPECT_FALSE(Enforcement().for_client("app"));
  EXPECT_TRUE(Enforcement(std::nullopt, true).for_client(""));
  EXPECT_FALSE(Enforcement(false, true).for_client("app"));
  EXPECT_TRUE(Enforcement(true, false).for_client("app"));
}

TEST(EnforcementTest, NoSpellingEscapesAnOverride) {
  Enforcement enforcement(false, false);
  enforcement.set_client(" App", true);
  enforcement.set_client("open", false);
  for (const auto* name : {"app", "APP", "App", " app ", "\tapp", "aPp\t "})
    EXPECT_TRUE(enforcement.for_client(name)) << name;
  for (const auto* name : {"apps", "ap", "", "a pp", "open"})
    EXPECT_FALSE(enforcement.for_client(name)) << name;
  EXPECT_FALSE(enforcement.for_client(std::string(100000, 'a')));
  EXPECT_FALSE(enforcement.everywhere());
  Enforcement opened(true, true);
  opened.set_client("demo", false);
  EXPECT_FALSE(opened.for_client("DEMO"));
  EXPECT_TRUE(opened.for_client("other"));
}

TEST(StoreHealthTest, AgeCountsFromTheLastConfirmation) {
  StoreHealth health;
  const auto now = base::Clock::now();
  EXPECT_FALSE(health.has_store());
  EXPECT_EQ(health.age(now), base::Clock::duration::zero());
  health.confirmed(now);
  EXPECT_TRUE(health.has_store());
  EXPECT_EQ(health.age(now + std::chrono::seconds(5)), std::chrono::seconds(5));
  EXPECT_EQ(health.age(now - std::chrono::seconds(5)), base::Clock::duration::zero());
}

}  // namespace
}  // namespace athena::auth

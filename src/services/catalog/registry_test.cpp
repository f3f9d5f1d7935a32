#include "services/catalog/registry.h"

#include <gtest/gtest.h>

namespace athena::catalog {
namespace {

contract::ClientDefinition sqlite_client(const std::string& name, const std::string& path) {
  contract::ClientDefinition definition;
  definition.client_name = name;
  definition.engine = contract::Engine::sqlite;
  definition.capabilities = contract::engine_capabilities(definition.engine);
  contract::SqliteConnection connection;
  connection.path = path;
  definition.connection = connection;
  return definition;
}

class RegistryTest : public testing::Test {
 protected:
  contract::LiveSettings settings_{contract::GatewaySettings{}};
  const engines::EngineEnvironment environment_{settings_, 1};
};

TEST_F(RegistryTest, NamesAreFoundInAnyCaseWithoutBlanks) {
  const Registry registry({sqlite_client("Beta", ":memory:"), sqlite_client("alpha", ":memory:")},
                          environment_);
  ASSERT_EQ(registry.entries().size(), 2U);
  EXPECT_EQ(registry.entries()[0].definition.client_name, "alpha");
  EXPECT_EQ(registry.find(" BETA\t"), &registry.entries()[1]);
  EXPECT_EQ(registry.find("bet"), nullptr);
  EXPECT_EQ(registry.find(""), nullptr);
  EXPECT_EQ(registry.find(std::string(65, 'a')), nullptr);
}

TEST_F(RegistryTest, ClientsOfTheSameConnectionKeepTheirEngine) {
  const Registry before({sqlite_client("same", ":memory:"), sqlite_client("moved", "/nowhere/a.db"),
                         sqlite_client("gone", ":memory:"), sqlite_client("chilled", ":memory:")},
                        environment_);
  auto chilled = sqlite_client("chilled", ":memory:");
  chilled.lifecycle = contract::Lifecycle::frozen;
  auto same = sqlite_client("SAME", ":memory:");
  same.client_name = "same";
  same.description = "another text";
  same.limits.max_rows = 5;
  const Registry after(
      {same, sqlite_client("moved", "/nowhere/b.db"), sqlite_client("fresh", ":memory:"), chilled},
      environment_, &before);
  EXPECT_EQ(after.find("same")->engine, before.find("same")->engine);
  EXPECT_EQ(after.find("same")->definition.limits.max_rows, 5);
  EXPECT_NE(after.find("moved")->engine, before.find("moved")->engine);
  EXPECT_NE(after.find("fresh")->engine, nullptr);
  EXPECT_EQ(after.find("chilled")->engine, nullptr);
  EXPECT_EQ(after.find("gone"), nullptr);
}

TEST_F(RegistryTest, LabelsOutliveTheRegistry) {
  std::string_view label;
  {
    const Registry registry({sqlite_client("lasting", ":memory:")}, environment_);
    label = registry.find("lasting")->label;
  }
  const Registry again({sqlite_client("lasting", ":memory:")}, environment_);
  EXPECT_EQ(label, "lasting");
  EXPECT_EQ(again.find("lasting")->label.data(), label.data());
}

TEST_F(RegistryTest, BackendsAreSharedWhileBothRegistriesHaveTheClient) {
  base::ShardGroup shards(1);
  shards.start();
  const Registry first({sqlite_client("same", ":memory:"), sqlite_client("moved", ":memory:")}, environment_);
  const Registry second({sqlite_client("same", ":memory:"), sqlite_client("moved", "/nowhere/b.db")},
                        environment_, &first);
  RetiredBackends retired;
  std::unique_ptr<ShardBackends> old;
  std::unique_ptr<ShardBackends> fresh;
  const std::weak_ptr<engines::EngineClient> moved_engine = first.find("moved")->engine;
  const auto held_before = moved_engine.use_count();
  shards.run_on_all([&](base::Shard& shard) {
    old = std::make_unique<ShardBackends>(shard, first, retired, nullptr);
    auto* moved = old->find(*first.find("moved"));
    fresh = std::make_unique<ShardBackends>(shard, second, retired, old.get());
    // Made by either, after the change as well.
    EXPECT_EQ(fresh->find(*second.find("same")), old->find(*first.find("same")));
    EXPECT_NE(fresh->find(*second.find("moved")), moved);
    EXPECT_EQ(old->find(*first.find("moved")), moved);
    auto* same = fresh->find(*second.find("same"));
    old.reset();
    EXPECT_EQ(fresh->find(*second.find("same")), same);
    // What went is kept, for requests of other shards.
    EXPECT_GT(moved_engine.use_count(), held_before);
  });
  shards.run_on_all([&](base::Shard&) { retired.shutdown(); });
  shards.run_on_all([&](base::Shard&) { retired.clear(); });
  EXPECT_EQ(moved_engine.use_count(), held_before);
  shards.run_on_all([&](base::Shard&) { fresh->shutdown(); });
  shards.run_on_all([&](base::Shard&) {
    fresh->clear();
    EXPECT_EQ(fresh->find(*second.find("same")), nullptr);
    fresh.reset();
    retired.clear();
  });
  shards.stop();
}

}  // namespace
}  // namespace athena::catalog

#include "engines/sqlite/client.h"

#include <gtest/gtest.h>

#include <fstream>

#include "engines/sqlite/sample.h"
#include "engines/sqlite/test_support.h"

namespace athena::sqlite::testing {
namespace {

using engines::HealthState;

TEST(Client, CreatesTheFileInWalMode) {
  Folder folder;
  Fixture fixture(Fixture::options(folder.file("new.db")));
  fixture.wait_ready();
  Outside outside(folder.file("new.db"));
  EXPECT_EQ(outside.values("PRAGMA journal_mode"), "wal");
  EXPECT_EQ(fixture.fetch(R"({"table_name":"t"})").code(), "undefined_table");
}

TEST(Client, WithoutCreateAMissingFileIsUnreachableUntilItIsThere) {
  Folder folder;
  auto options = Fixture::options(folder.file("later.db"));
  options.create = false;
  Fixture fixture(options);
  auto reply = fixture.fetch(R"({"table_name":"t"})");
  EXPECT_EQ(reply.code(), "backend_unreachable");
  EXPECT_EQ(reply.detail("reason"), "\"refused\"");
  EXPECT_EQ(reply.text().find(folder.file("")), std::string::npos);
  auto status = fixture.client->status();
  EXPECT_FALSE(status.reachable);
  EXPECT_EQ(status.state, HealthState::unreachable);
  EXPECT_EQ(fixture.insert(R"({"table_name":"t","insert_body":{"x":1}})").code(), "backend_unreachable");
  {
    Outside outside(folder.file("later.db"));
    outside.run("CREATE TABLE t (x INTEGER); INSERT INTO t VALUES (5)");
  }
  // The next request tries at once.
  EXPECT_EQ(fixture.fetch(R"({"table_name":"t"})").text(), "[5]");
  status = fixture.client->status();
  EXPECT_TRUE(status.reachable);
  EXPECT_EQ(status.state, HealthState::closed);
}

TEST(Client, AMissingFolderIsPickedUpInTheBackground) {
  Folder folder;
  Fixture fixture(Fixture::options(folder.file("sub/a.db")));
  for (int i = 0; i < 200 && fixture.client->status().last_error_code.empty(); ++i)
    std::this_thread::sleep_for(2ms);
  EXPECT_EQ(fixture.client->status().last_error_code, "backend_unreachable");
  std::filesystem::create_directory(folder.file("sub"));
  for (int i = 0; i < 300 && !fixture.client->status().reachable; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_TRUE(fixture.client->status().reachable);
}

TEST(Client, AFileThatIsNoDatabaseIsUnreachable) {
  Folder folder;
  std::ofstream(folder.file("text.db")) << std::string(5000, 'x');
  Fixture fixture(Fixture::options(folder.file("text.db")));
  const auto reply = fixture.fetch(R"({"table_name":"t"})");
  EXPECT_EQ(reply.code(), "backend_unreachable");
  EXPECT_EQ(reply.detail("reason"), "\"protocol\"");
}

TEST(Client, AReplacedFileIsNoticed) {
  Folder folder;
  const auto path = folder.file("a.db");
  {
    Outside(path).run("CREATE TABLE t (x INTEGER); INSERT INTO t VALUES (1)");
  }
  {
    Outside(folder.file("b.db")).run("CREATE TABLE t (x INTEGER); INSERT INTO t VALUES (2)");
  }
  contract::GatewaySettings settings;
  settings.health_check_interval_seconds = 1;
  Fixture fixture(Fixture::options(path), 1, settings);
  fixture.wait_ready();
  EXPECT_EQ(fixture.fetch(R"({"table_name":"t"})").text(), "[1]");
  for (const char* part : {"", "-wal", "-shm"}) std::filesystem::remove(path + part);
  std::filesystem::rename(folder.file("b.db"), path);
  std::string seen;
  for (int i = 0; i < 300 && seen != "[2]"; ++i) {
    std::this_thread::sleep_for(10ms);
    seen = fixture.fetch(R"({"table_name":"t"})").text();
  }
  EXPECT_EQ(seen, "[2]");
  EXPECT_EQ(fixture.insert(R"({"table_name":"t","insert_body":{"x":3}})").text(), "[3]");
}

TEST(Client, ReadOnlyRefusesWritesBeforeTheFileIsTouched) {
  Folder folder;
  Outside outside(folder.file("a.db"));
  outside.run("PRAGMA journal_mode = WAL; CREATE TABLE t (x INTEGER); INSERT INTO t VALUES (1)");
  auto options = Fixture::options(folder.file("a.db"));
  options.read_only = true;
  Fixture fixture(options);
  fixture.wait_ready();
  EXPECT_EQ(fixture.fetch(R"({"table_name":"t"})").text(), "[1]");
  const auto reply = fixture.insert(R"({"table_name":"t","insert_body":{"x":2}})");
  EXPECT_EQ(reply.code(), "read_only_violation");
  EXPECT_EQ(reply.text(), R"(The client "local" is read-only.)");
  outside.run("INSERT INTO t VALUES (3)");
  EXPECT_EQ(fixture.fetch(R"({"table_name":"t"})").text(), "[1][3]");
}

TEST(Client, InMemoryIsOneConnectionForReadsAndWrites) {
  Fixture fixture(Fixture::options(":memory:"), 2);
  fixture.wait_ready();
  ASSERT_EQ(fixture.write("CREATE TABLE t (x INTEGER, v TEXT)").code(), "");
  fixture.schema_version = 1;
  auto reply = fixture.insert(R"({"table_name":"t","insert_body":[{"x":1,"v":"a"},{"x":2,"v":"b"}]})");
  EXPECT_EQ(reply.text(), R"([1,"a"][2,"b"])");
  EXPECT_EQ(fixture.fetch(R"({"table_name":"t"})", 1).text(), R"([1,"a"][2,"b"])");
  EXPECT_EQ(fixture.fetch(R"({"table_name":"nothing"})", 1).code(), "undefined_table");
  EXPECT_EQ(fixture.fetch(R"({"table_name":"t","columns":["y"]})", 1).code(), "undefined_column");
  EXPECT_EQ(fixture.client->status().counters.pipelined_requests, 0U);
  EXPECT_EQ(fixture.client->status().pool.max, 1);
  const auto endless = fixture.read(
      "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s) SELECT n FROM s WHERE n < 0", 1,
      200ms);
  EXPECT_EQ(endless.code(), "deadline_exceeded");
}

TEST(Client, ForcedOfflineRefusesAndResetEndsIt) {
  Folder folder;
  Outside outside(folder.file("a.db"));
  outside.run("PRAGMA journal_mode = WAL; CREATE TABLE t (x INTEGER)");
  Fixture fixture(Fixture::options(folder.file("a.db")));
  fixture.wait_ready();
  fixture.client->force_offline(std::chrono::seconds(60), "maintenance");
  EXPECT_EQ(fixture.fetch(R"({"table_name":"t"})").code(), "circuit_open");
  EXPECT_EQ(fixture.client->status().state, HealthState::forced_offline);
  EXPECT_EQ(fixture.client->status().forced_reason, "maintenance");
  fixture.client->reset_health();
  EXPECT_EQ(fixture.fetch(R"({"table_name":"t"})").code(), "");
  fixture.client->force_offline(std::chrono::seconds(1), "");
  std::this_thread::sleep_for(1100ms);
  EXPECT_EQ(fixture.fetch(R"({"table_name":"t"})").code(), "");  // the half-open probe
  EXPECT_EQ(fixture.client->status().state, HealthState::closed);
}

TEST(Client, DiscoveryReadsTheFileEachTime) {
  Folder folder;
  Outside outside(folder.file("a.db"));
  outside.run("PRAGMA journal_mode = WAL; CREATE TABLE t (x INTEGER)");
  Fixture fixture(Fixture::options(folder.file("a.db")));
  fixture.wait_ready();
  const auto columns = [&fixture](std::string schema, std::string table) {
    return fixture
        .start<std::string>(0,
                            [&fixture, schema, table] {
                              return [](engines::SchemaBackend* backend, std::string s,
                                        std::string t) -> base::Task<std::string> {
                                auto result = co_await backend->columns(s, t, base::Deadline::in(5s));
                                if (!result)
                                  co_return std::string(contract::info(result.error().code()).name);
                                std::string names;
                                for (const auto& column : *result) names += column.column_name + " ";
                                co_return names;
                              }(fixture.backend().schema(), schema, table);
                            })
        .get();
  };
  EXPECT_EQ(columns("", "t"), "x ");
  outside.run("ALTER TABLE t ADD COLUMN y");
  EXPECT_EQ(columns("main", "t"), "x y ");
  EXPECT_EQ(columns("", "u"), "undefined_table");
  EXPECT_EQ(columns("other", "t"), "capability_not_supported");
}

TEST(Client, DefinitionsThatMakeNoSenseAreRefused) {
  const contract::GatewaySettings settings;
  contract::ClientDefinition definition;
  definition.client_name = "x";
  definition.connection = contract::PostgresConnection{};
  EXPECT_EQ(make_client(definition, {settings, 1}).error().code(), contract::ErrorCode::invalid_payload);
  contract::SqliteConnection connection;
  definition.connection = connection;
  EXPECT_EQ(make_client(definition, {settings, 1}).error().code(), contract::ErrorCode::invalid_payload);
  connection.path = ":memory:";
  connection.readers = 33;
  definition.connection = connection;
  EXPECT_EQ(make_client(definition, {settings, 1}).error().code(), contract::ErrorCode::invalid_payload);
}

TEST(Client, ABackendThatClosedRefuses) {
  Folder folder;
  Outside(folder.file("a.db")).run("CREATE TABLE t (x INTEGER)");
  Fixture fixture(Fixture::options(folder.file("a.db")));
  fixture.wait_ready();
  fixture
      .start<int>(0,
                  [&fixture]() -> base::Task<int> {
                    fixture.backend().shutdown();
                    co_return 0;
                  })
      .get();
  EXPECT_EQ(fixture.fetch(R"({"table_name":"t"})").code(), "overloaded");
}

TEST(Sample, IsCompleteConsistentAndAlwaysTheSame) {
  Folder folder;
  const auto began = base::Clock::now();
  auto made = create_sample(folder.file("sample.db"));
  ASSERT_TRUE(made.has_value()) << made.error().text();
  EXPECT_TRUE(*made);
  RecordProperty("milliseconds", static_cast<int>((base::Clock::now() - began) / 1ms));
  EXPECT_FALSE(*create_sample(folder.file("sample.db")));
  ASSERT_TRUE(create_sample(folder.file("again.db")).has_value());

  Outside outside(folder.file("sample.db"));
  EXPECT_EQ(outside.values("PRAGMA integrity_check"), "ok");
  EXPECT_EQ(outside.values("PRAGMA foreign_key_check"), "");
  EXPECT_GE(std::stoi(outside.values(
                "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'")),
            10);
  for (const char* table :
       {"customers", "products", "orders", "order_items", "payments", "shipments", "reviews", "inventory"}) {
    EXPECT_GE(std::stoi(outside.values(std::string("SELECT count(*) FROM ") + table)), 1000) << table;
  }
  Outside again(folder.file("again.db"));
  const std::string sums =
      "SELECT sum(total), count(*) FROM orders UNION ALL SELECT sum(length(email)), 0 FROM customers";
  EXPECT_EQ(outside.values(sums), again.values(sums));

  EXPECT_EQ(create_sample(folder.file("missing/sample.db")).error().code(),
            contract::ErrorCode::backend_unreachable);

  Fixture fixture(Fixture::options(folder.file("sample.db")));
  fixture.wait_ready();
  const auto reply =
      fixture.fetch(R"({"table_name":"products","columns":["sku","discontinued","attributes"],"limit":1})");
  EXPECT_TRUE(reply.text().starts_with(R"(["SKU-100001",)")) << reply.text();
}

}  // namespace
}  // namespace athena::sqlite::testing

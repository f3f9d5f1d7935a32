#include "services/control/copy.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "services/control/backup.h"
#include "services/control/migrations.h"
#include "services/control/provision.h"
#include "services/control/store_fixture.h"

namespace athena::control::testing {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;

const std::string kUuid = "0197a000-0000-7000-8000-0000000000";

/// A SQLite store in a file, and a PostgreSQL database beside it.
class CopyTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    if (IsSkipped()) return;
    std::string folder = "/tmp/athena_copy_XXXXXX";
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    file.path = folder_ + "/control.db";
    target = open();
    source = open(file);
    ASSERT_TRUE(migrate(*source, {{}, true, "1"}).has_value());
    run(*source,
        "INSERT INTO api_keys(id, api_keys_id, public_id, name, key_salt, key_hash, is_active, "
        "change_version) "
        "VALUES (7, $1, 'p', 'Ünï', 's', 'h', 0, 12)",
        {kUuid + "01"});
    run(*source,
        "INSERT INTO api_key_right_grants(api_key_right_grants_id, api_key_id, right_id) SELECT $1, 7, id "
        "FROM "
        "api_key_rights WHERE name = 'schema.read'",
        {kUuid + "02"});
    run(*source, "UPDATE athena_control_version SET version = 12 WHERE scope = 'keys'");
    run(*source,
        "INSERT INTO athena_clients(athena_client_id, client_name, pg_uri, metadata) VALUES ($1, 'app', 'x', "
        "$2)",
        {kUuid + "03", std::string(R"({"a":[1,"b\tc"]})")});
    run(*source,
        "INSERT INTO gateway_request_log(request_id, time, path) VALUES ('r1', 1772352000.123, 'a\tb\\n'), "
        "('r2', 5, '')");
    run(*source,
        "INSERT INTO admin_audit_log(admin_audit_log_id, request_id, actor_kind, action, object_type, "
        "object_id) VALUES "
        "($1, 'r', "
        "'admin_key', 'api_key.create', 'api_key', 'x')",
        {kUuid + "04"});
    run(*source, "INSERT INTO athena_instances(instance_id, hostname, pid, version) VALUES ($1, 'h', 1, 'x')",
        {kUuid + "05"});
    run(*source, "INSERT INTO saved_queries(id, name, query) VALUES ($1, 'n', 'q')", {kUuid + "06"});
  }
  void TearDown() override {
    std::error_code ignored;
    if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
    StoreTest::TearDown();
  }
  using StoreTest::open;
  static std::unique_ptr<Session> open(const StoreLocation& at) {
    auto session = make_session(at);
    session->set_deadline(base::Deadline::in(30s));
    return session;
  }
  static Rows run(Session& session, std::string_view sql, const Values& parameters = {}) {
    auto result = session.execute(sql, parameters);
    ATHENA_EXPECT_STORED(result);
    return result ? *result : Rows{};
  }
  static std::int64_t number(Session& session, std::string_view sql) {
    return as_integer(run(session, sql).rows.at(0).at(0));
  }
  static std::string text(Session& session, std::string_view sql) {
    return as_text(run(session, sql).rows.at(0).at(0));
  }
  base::Result<CopyCounts, std::string> copy(bool with_logs = false, bool dry_run = false) {
    CopyOptions options;
    options.from = file;
    options.to = location;
    options.to_name = "the target";
    options.with_logs = with_logs;
    options.dry_run = dry_run;
    options.actor.kind = Actor::Kind::cli;
    options.actor.name = "root";
    options.athena_version = "1";
    return copy_store(options);
  }
  std::string refusal(bool with_logs = false) {
    const auto done = copy(with_logs);
    return done ? "copied" : done.error();
  }

  StoreLocation file;
  std::unique_ptr<Session> target, source;
  std::string folder_;
};
INSTANTIATE_TEST_SUITE_P(, CopyTest, ::testing::Values(Home::postgres), home_name);

TEST_P(CopyTest, KeysGoOnWorking) {
  const auto done = copy();
  ASSERT_TRUE(done.has_value()) << done.error();
  EXPECT_EQ(done->at("api_keys"), 1);
  EXPECT_EQ(done->at("athena_clients"), 1);
  EXPECT_FALSE(done->contains("gateway_request_log"));
  EXPECT_FALSE(done->contains("athena_instances"));
  for (const char* sql :
       {"SELECT id, api_keys_id, public_id, name, key_salt, key_hash, created_at, updated_at FROM api_keys",
        "SELECT k.api_key_id, k.right_id, r.name, r.api_key_rights_id FROM api_key_right_grants k JOIN "
        "api_key_rights "
        "r ON r.id = k.right_id",
        "SELECT id, athena_client_id, client_name, pg_uri, metadata, source FROM athena_clients",
        "SELECT name, value FROM athena_settings ORDER BY name",
        "SELECT id, name, tags FROM saved_queries"}) {
    EXPECT_EQ(run(*target, sql).rows, run(*source, sql).rows) << sql;
  }
  EXPECT_FALSE(as_bool(run(*target, "SELECT is_active FROM api_keys").rows.at(0).at(0)));
  // Instances that run see a version above all they know, on the rows too.
  EXPECT_EQ(number(*target, "SELECT version FROM athena_control_version WHERE scope = 'keys'"), 13);
  EXPECT_EQ(number(*target, "SELECT change_version FROM api_keys"), 13);
  EXPECT_EQ(number(*target, "SELECT count(*) FROM athena_instances"), 0);
  EXPECT_EQ(text(*target, "SELECT actor FROM admin_audit_log WHERE action = 'store.copy'"), "root");
  EXPECT_EQ(number(*target, "SELECT count(*) FROM admin_audit_log"), 2);
  // New rows are numbered behind the copied ones.
  run(*target,
      "INSERT INTO api_keys(api_keys_id, public_id, name, key_salt, key_hash) VALUES ($1, 'q', 'n', 's', "
      "'h')",
      {kUuid + "09"});
  EXPECT_EQ(number(*target, "SELECT max(id) FROM api_keys"), 8);
}

TEST_P(CopyTest, ASecondCopyChangesNothing) {
  ASSERT_TRUE(copy().has_value());
  EXPECT_EQ(refusal(), "the target holds 1 keys already; nothing was copied");
  EXPECT_EQ(number(*target, "SELECT count(*) FROM admin_audit_log"), 2);
}

TEST_P(CopyTest, TakesTheLogsWhenAsked) {
  const auto done = copy(true);
  ASSERT_TRUE(done.has_value()) << done.error();
  EXPECT_EQ(done->at("gateway_request_log"), 2);
  const char* sql = "SELECT id, request_id, time, path FROM gateway_request_log ORDER BY id";
  EXPECT_EQ(run(*target, sql).rows, run(*source, sql).rows);
}

TEST_P(CopyTest, ADryRunOnlyCounts) {
  const auto done = copy(false, true);
  ASSERT_TRUE(done.has_value()) << done.error();
  EXPECT_EQ(done->at("api_keys"), 1);
  EXPECT_TRUE(schema_status(*target, {}).value().present.empty());
}

TEST_P(CopyTest, WhatTheTargetHasIsNeverLost) {
  ASSERT_TRUE(migrate(*target, {{}, true, "1"}).has_value());
  const std::string client =
      "INSERT INTO athena_clients(athena_client_id, client_name, pg_uri, source) VALUES ('" + kUuid +
      "0a', 'other', 'y', ";
  run(*target, client + "'config')");
  run(*target, "INSERT INTO gateway_request_log(request_id, time) VALUES ('r', 1)");
  EXPECT_THAT(refusal(true), HasSubstr("rows of gateway_request_log"));
  run(*target, "INSERT INTO api_key_rights(name) VALUES ('mine')");
  EXPECT_THAT(refusal(), HasSubstr("rights of its own"));
  run(*target, "DELETE FROM api_key_rights WHERE name = 'mine'");
  run(*target, "INSERT INTO cluster_mirrors(url) VALUES ('http://a')");
  EXPECT_THAT(refusal(), HasSubstr("rows of cluster_mirrors"));
  run(*target, "DELETE FROM cluster_mirrors");
  run(*target, "UPDATE athena_clients SET source = 'database'");
  EXPECT_THAT(refusal(), HasSubstr("clients of its own"));
  EXPECT_EQ(number(*target, "SELECT count(*) FROM api_keys"), 0);
  run(*target, "UPDATE athena_clients SET source = 'config'");
  run(*target,
      "INSERT INTO admin_audit_log(request_id, actor_kind, action, object_type, object_id) VALUES ('mine', "
      "'cli', 'x', "
      "'y', 'z')");
  EXPECT_EQ(refusal(), "copied");
  EXPECT_EQ(number(*target, "SELECT count(*) FROM admin_audit_log"), 3);
  EXPECT_EQ(text(*target, "SELECT client_name FROM athena_clients"), "app");
}

TEST_P(CopyTest, AFailureLeavesTheTargetAsItWas) {
  ASSERT_TRUE(migrate(*target, {{}, true, "1"}).has_value());
  const auto before = run(*target, "SELECT name, value FROM athena_settings ORDER BY name").rows;
  run(*source, "UPDATE saved_queries SET id = 'no uuid'");  // which PostgreSQL refuses, late in the copy
  EXPECT_THAT(refusal(), HasSubstr("a value was refused"));
  EXPECT_EQ(number(*target, "SELECT count(*) FROM api_keys"), 0);
  EXPECT_EQ(number(*target, "SELECT count(*) FROM athena_clients"), 0);
  EXPECT_EQ(number(*target, "SELECT max(version) FROM athena_control_version"), 0);
  EXPECT_EQ(run(*target, "SELECT name, value FROM athena_settings ORDER BY name").rows, before);
}

TEST_P(CopyTest, TheFileIsNeverChanged) {
  source.reset();
  const auto content = [this] {
    std::ifstream stream(file.path, std::ios::binary);
    return std::string((std::istreambuf_iterator<char>(stream)), {});
  };
  const auto before = content();
  ASSERT_TRUE(copy().has_value());
  EXPECT_EQ(content(), before);
  EXPECT_EQ(store_content(file.path).keys, 1);
  EXPECT_EQ(store_content(file.path).clients, 1);
  EXPECT_EQ(content(), before);
}

TEST_P(CopyTest, OtherFilesAreRefused) {
  file.path = folder_ + "/none.db";
  EXPECT_THAT(refusal(), HasSubstr("is not there"));
  EXPECT_FALSE(std::filesystem::exists(file.path));
  std::ofstream(file.path)
      << "This is no database, but long enough to look like one to the eye of a program.";
  EXPECT_THAT(refusal(), HasSubstr("cannot be read"));
  std::filesystem::remove(file.path);
  run(*open(file), "CREATE TABLE t(id int)");
  EXPECT_THAT(refusal(), HasSubstr("is no store of Athena"));
  EXPECT_TRUE(schema_status(*target, {}).value().present.empty());
}

TEST_P(CopyTest, ABackupUnderAWritingServerIsWhole) {
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    auto session = open(file);
    for (int i = 0; !stop; ++i) {
      run(*session, "INSERT INTO gateway_request_log(request_id, time) VALUES ($1, 1)", {std::to_string(i)});
    }
  });
  StoreLocation saved;
  saved.path = folder_ + "/saved.db";
  for (int i = 0; i < 5; ++i) {
    const auto done = backup_store(file.path, saved.path);
    ASSERT_TRUE(done.has_value()) << done.error();
    auto session = open(saved);
    EXPECT_EQ(text(*session, "PRAGMA integrity_check"), "ok");
    EXPECT_EQ(number(*session, "SELECT count(*) FROM api_keys"), 1);
  }
  stop = true;
  writer.join();
  struct stat state{};
  ASSERT_EQ(::stat(saved.path.c_str(), &state), 0);
  EXPECT_EQ(state.st_mode & 0777, 0600U);
}

TEST_P(CopyTest, ABackupThatFailsLeavesNothing) {
  EXPECT_FALSE(backup_store(folder_ + "/none.db", folder_ + "/saved.db").has_value());
  EXPECT_FALSE(backup_store(file.path, folder_).has_value());
  EXPECT_FALSE(backup_store(file.path, folder_ + "/none/saved.db").has_value());
  std::ofstream(folder_ + "/text.db") << std::string(5000, 'x');
  EXPECT_FALSE(backup_store(folder_ + "/text.db", folder_ + "/saved.db").has_value());
  for (const auto& entry : std::filesystem::directory_iterator(folder_))
    EXPECT_EQ(entry.path().filename().string().find("saved"), std::string::npos) << entry.path();
}

class ProvisionTest : public StoreTest {};
ATHENA_BOTH_HOMES(ProvisionTest);

TEST_P(ProvisionTest, CreatesAndReports) {
  const auto soon = base::Deadline::in(30s);
  EXPECT_FALSE(provision_status(location, {}, soon).value().complete());
  if (!on_postgres()) {
    EXPECT_FALSE(std::filesystem::exists(location.path)) << "looking creates nothing";
    EXPECT_EQ(provision(location, {}, "1", false, soon).error().cause.kind, StoreError::Kind::unreachable);
    EXPECT_FALSE(std::filesystem::exists(location.path));
  }
  const auto first = provision(location, {}, "1", true, soon);
  ASSERT_TRUE(first.has_value()) << first.error().message;
  EXPECT_GT(first->statements, 60);
  EXPECT_EQ(provision(location, {}, "1", true, soon)->statements, 0);
  EXPECT_TRUE(provision_status(location, {}, soon).value().complete());
}

TEST(Provision, KnowsWhereClientsAre) {
  contract::ClientDefinition client;
  client.connection = contract::SqliteConnection{"/a/b.db"};
  EXPECT_EQ(location_of(client)->path, "/a/b.db");
  client.connection = contract::SqliteConnection{":memory:"};
  EXPECT_FALSE(location_of(client).has_value());
  contract::PostgresConnection postgres;
  postgres.uri = "postgres://u@h/d";
  client.connection = postgres;
  EXPECT_EQ(location_of(client)->home, Home::postgres);
  EXPECT_EQ(location_of(client)->postgres, postgres);
}

}  // namespace
}  // namespace athena::control::testing

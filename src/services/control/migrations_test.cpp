#include "services/control/migrations.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <future>

#include "base/crypto.h"
#include "services/control/store_fixture.h"

namespace athena::control::testing {
namespace {

using ::testing::HasSubstr;
using Kind = MigrationError::Kind;

/// Passes everything on; ends the process instead of a statement of choice.
class MortalSession final : public Session {
 public:
  MortalSession(std::unique_ptr<Session> inner, int statements)
      : inner_(std::move(inner)), left_(statements) {}
  using Session::execute;
  [[nodiscard]] Home home() const override { return inner_->home(); }
  StoreResult<Rows> execute(std::string_view sql, const Values& parameters) override {
    if (left_-- == 0) ::kill(::getpid(), SIGKILL);
    return inner_->execute(sql, parameters);
  }
  StoreResult<void> begin() override { return inner_->begin(); }
  StoreResult<void> commit() override {
    if (left_-- == 0) ::kill(::getpid(), SIGKILL);
    return inner_->commit();
  }
  void rollback() override { inner_->rollback(); }
  [[nodiscard]] bool in_transaction() const override { return inner_->in_transaction(); }
  StoreResult<void> insert_many(std::string_view table, const std::vector<std::string_view>& columns,
                                const std::vector<Row>& rows) override {
    return inner_->insert_many(table, columns, rows);
  }
  void set_deadline(base::Deadline deadline) override { inner_->set_deadline(deadline); }
  StoreResult<std::vector<std::string>> wait_for_notifications(base::Deadline until) override {
    return inner_->wait_for_notifications(until);
  }

 private:
  std::unique_ptr<Session> inner_;
  int left_;
};

class MigrationTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    if (!IsSkipped()) session = open();
  }
  /// Every index, column and table the schema names is there.
  void expect_complete(const Groups& groups = {}) {
    const auto status = schema_status(*session, groups);
    ATHENA_ASSERT_STORED(status);
    EXPECT_THAT(status->missing, ::testing::IsEmpty());
    EXPECT_EQ(status->schema_version, 1);
    EXPECT_TRUE(status->complete());
    for (const auto& table : schema()) {
      if (!groups.hold(table.group)) continue;
      std::string sql = "SELECT ";
      for (const auto& column : table.columns) sql += quote_name(column.name) + ", ";
      ATHENA_EXPECT_STORED(session->execute(sql + "1 FROM " + table.name));
    }
  }
  std::int64_t number(std::string_view sql) {
    return as_integer(session->execute(sql).value().rows.at(0).at(0));
  }
  std::string text(std::string_view sql) { return as_text(session->execute(sql).value().rows.at(0).at(0)); }
  MigrationReport done(const MigrationResult& result) {
    EXPECT_TRUE(result.has_value()) << (result ? "" : result.error().message);
    return result ? *result : MigrationReport{};
  }

  std::unique_ptr<Session> session;
  const MigrationOptions options{{}, true, "1.2.3"};
};
ATHENA_BOTH_HOMES(MigrationTest);

TEST_P(MigrationTest, MakesTheWholeStoreOnce) {
  EXPECT_EQ(schema_status(*session, {}).value().missing.size(), schema().size());
  const auto report = done(migrate(*session, options));
  EXPECT_GT(report.statements, 60);
  EXPECT_EQ(report.schema_version, 1);
  EXPECT_EQ(report.tables.size(), schema().size());
  EXPECT_TRUE(std::is_sorted(report.tables.begin(), report.tables.end()));
  expect_complete();

  EXPECT_EQ(number("SELECT count(*) FROM api_key_rights"), 29);
  EXPECT_EQ(text("SELECT api_key_config_id FROM api_key_config"), "00000000-0000-0000-0000-000000000000");
  EXPECT_FALSE(
      as_bool(session->execute("SELECT enforce_api_keys FROM api_key_config").value().rows.at(0).at(0)));
  EXPECT_EQ(number("SELECT count(*) FROM api_key_config WHERE decided_at IS NULL"), 1);
  EXPECT_EQ(number("SELECT count(*) FROM athena_control_version WHERE version = 0"), 5);
  EXPECT_EQ(text("SELECT value FROM athena_settings WHERE name = 'cursor_key'").size(), 64U);
  EXPECT_NE(text("SELECT value FROM athena_settings WHERE name = 'cursor_key'"),
            text("SELECT value FROM athena_settings WHERE name = 'fingerprint_key'"));
  EXPECT_EQ(text("SELECT athena_version FROM athena_schema_migrations"), "1.2.3");
  EXPECT_EQ(text("SELECT checksum FROM athena_schema_migrations"),
            base::to_hex(base::sha256(migrations()[0].text)));

  const auto key = text("SELECT value FROM athena_settings WHERE name = 'cursor_key'");
  EXPECT_EQ(done(migrate(*session, options)).statements, 0);
  EXPECT_EQ(text("SELECT value FROM athena_settings WHERE name = 'cursor_key'"), key);
}

TEST_P(MigrationTest, HoldsWhatTheSchemaPromises) {
  done(migrate(*session, options));
  const auto refused = [&](std::string_view sql) {
    const auto result = session->execute(sql);
    return !result && result.error().kind == StoreError::Kind::conflict;
  };
  const std::string uuid = "'0197a000-0000-7000-8000-00000000000";
  const auto client = [&](int n, std::string_view name, std::string_view columns, std::string_view values) {
    return "INSERT INTO athena_clients(athena_client_id, client_name" + std::string(columns) + ") VALUES (" +
           uuid + std::to_string(n) + "', '" + std::string(name) + "'" + std::string(values) + ")";
  };
  EXPECT_TRUE(refused(client(1, "App", "", ""))) << "no connection at all";
  ATHENA_EXPECT_STORED(session->execute(client(1, "App", ", pg_uri", ", 'x'")));
  EXPECT_TRUE(refused(client(2, "aPP", ", pg_uri", ", 'x'"))) << "names are unique without case";
  EXPECT_TRUE(refused(client(2, "b", ", pg_uri, source", ", 'x', 'other'")));
  EXPECT_TRUE(refused(client(1, "b", ", pg_uri", ", 'x'"))) << "uuids are unique";
  ATHENA_EXPECT_STORED(session->execute("UPDATE athena_clients SET deleted_at = $1",
                                        {std::string("2026-03-01T08:00:00.000Z")}));
  ATHENA_EXPECT_STORED(session->execute(client(2, "aPP", ", metadata", R"(, '{"connection":{}}')")));

  ATHENA_EXPECT_STORED(
      session->execute("INSERT INTO api_keys(api_keys_id, public_id, name, key_salt, key_hash) "
                       "VALUES (" +
                       uuid + "1', 'p', 'n', 's', 'h')"));
  ATHENA_EXPECT_STORED(
      session->execute("INSERT INTO api_key_right_grants(api_key_right_grants_id, api_key_id, "
                       "right_id) SELECT " +
                       uuid +
                       "2', k.id, r.id FROM api_keys k, "
                       "api_key_rights r WHERE r.name = 'schema.read'"));
  ATHENA_EXPECT_STORED(
      session->execute("INSERT INTO api_key_auth_log(api_key_auth_log_id, request_id, method, path, "
                       "api_key_id) SELECT " +
                       uuid + "3', 'r', 'GET', '/', id FROM api_keys"));
  EXPECT_TRUE(
      refused("INSERT INTO api_key_right_grants(api_key_right_grants_id, api_key_id, right_id) VALUES (" +
              uuid + "4', 99, 1)"));
  ATHENA_EXPECT_STORED(session->execute("DELETE FROM api_keys"));
  EXPECT_EQ(number("SELECT count(*) FROM api_key_right_grants"), 0) << "grants go with their key";
  EXPECT_EQ(number("SELECT count(*) FROM api_key_auth_log WHERE api_key_id IS NULL"), 1);
  EXPECT_TRUE(
      refused("INSERT INTO backup_schedules(client_name, frequency, cron_expression, day_of_week) VALUES "
              "('a', 'daily', '0 2 * * *', 7)"));
  const auto now = text("SELECT created_at FROM api_key_auth_log");
  EXPECT_EQ(now.size(), 24U) << now;
  EXPECT_EQ(now[10], 'T');
  EXPECT_EQ(now[23], 'Z');
}

TEST_P(MigrationTest, GroupsGoToTheirHomes) {
  const Groups auth{true, false};
  done(migrate(*session, {auth, true, "x"}));
  expect_complete(auth);
  const auto status = schema_status(*session, {}).value();
  EXPECT_EQ(status.present.size(), 10U);
  EXPECT_THAT(status.present, ::testing::Not(::testing::Contains("athena_clients")));
  EXPECT_FALSE(status.complete());
  // The home becomes that of everything.
  EXPECT_GT(done(migrate(*session, options)).statements, 0);
  expect_complete();
  EXPECT_EQ(done(migrate(*session, options)).statements, 0);
  EXPECT_EQ(number("SELECT count(*) FROM api_key_config"), 1);
}

TEST_P(MigrationTest, AdoptsAnOlderLayout) {
  const bool pg = on_postgres();
  ATHENA_ASSERT_STORED(
      session->execute(pg ? "CREATE TABLE api_keys(id bigserial PRIMARY KEY, api_keys_id uuid NOT NULL "
                            "DEFAULT gen_random_uuid(), "
                            "public_id text NOT NULL UNIQUE, name varchar(200) NOT NULL, key_salt text NOT "
                            "NULL, key_hash text NOT "
                            "NULL, legacy text)"
                          : "CREATE TABLE api_keys(id INTEGER PRIMARY KEY, api_keys_id TEXT, public_id TEXT "
                            "NOT NULL, name TEXT NOT "
                            "NULL, key_salt TEXT NOT NULL, key_hash TEXT NOT NULL, legacy TEXT)"));
  ATHENA_ASSERT_STORED(
      session->execute("INSERT INTO api_keys(api_keys_id, public_id, name, key_salt, key_hash, "
                       "legacy) VALUES ('0197a000-0000-7000-8000-000000000001', 'p', 'n', 's', 'h', "
                       "'kept')"));
  ATHENA_ASSERT_STORED(session->execute(
      pg ? "CREATE TABLE api_key_config(id bigserial PRIMARY KEY, enforce_api_keys boolean NOT NULL)"
         : "CREATE TABLE api_key_config(id INTEGER PRIMARY KEY, enforce_api_keys INTEGER NOT NULL)"));
  ATHENA_ASSERT_STORED(session->execute("INSERT INTO api_key_config(enforce_api_keys) VALUES ($1)", {true}));
  ATHENA_ASSERT_STORED(session->execute("CREATE TABLE unrelated(id int)"));

  done(migrate(*session, options));
  expect_complete();
  EXPECT_EQ(text("SELECT legacy FROM api_keys"), "kept");
  EXPECT_EQ(number("SELECT change_version FROM api_keys"), 0);
  EXPECT_EQ(text("SELECT created_at FROM api_keys").size(), 24U);
  EXPECT_EQ(number("SELECT count(*) FROM api_key_config"), 1) << "the row that was there decides";
  EXPECT_EQ(text("SELECT api_key_config_id FROM api_key_config").size(), 36U);
  EXPECT_EQ(session
                ->execute("INSERT INTO api_keys(api_keys_id, public_id, name, key_salt, key_hash) VALUES "
                          "('0197a000-0000-7000-8000-000000000002', 'p', 'n', 's', 'h')")
                .error()
                .kind,
            StoreError::Kind::conflict)
      << "the index was added";
  EXPECT_EQ(done(migrate(*session, options)).statements, 0);
}

TEST_P(MigrationTest, AFailureChangesNothing) {
  // Duplicates where a unique index has to be.
  ATHENA_ASSERT_STORED(session->execute("CREATE TABLE cluster_mirrors(id int, url text)"));
  ATHENA_ASSERT_STORED(session->execute("INSERT INTO cluster_mirrors VALUES (1, 'same'), (2, 'same')"));
  const auto result = migrate(*session, options);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().kind, Kind::store);
  EXPECT_EQ(result.error().migration, 1);
  EXPECT_EQ(result.error().cause.kind, StoreError::Kind::conflict);
  EXPECT_EQ(result.error().cause.sql_state, on_postgres() ? "23505" : "SQLITE_CONSTRAINT_UNIQUE");
  EXPECT_FALSE(session->in_transaction());
  EXPECT_EQ(schema_status(*session, {}).value().present, std::vector<std::string>{"cluster_mirrors"});
  EXPECT_EQ(schema_status(*session, {}).value().schema_version, 0);
}

TEST_P(MigrationTest, ATableThatWasDroppedComesBack) {
  done(migrate(*session, options));
  ATHENA_ASSERT_STORED(session->execute("DROP TABLE query_history"));
  EXPECT_EQ(schema_status(*session, {}).value().missing, std::vector<std::string>{"query_history"});
  EXPECT_GT(done(migrate(*session, options)).statements, 0);
  expect_complete();
}

TEST_P(MigrationTest, SurvivesKillsAtAnyStatement) {
  // Forked children make their sessions themselves; nothing is open here meanwhile.
  session.reset();
  for (const int statements : {4, 9, 40, 80}) {
    const auto child = ::fork();
    if (child == 0) {
      MortalSession mortal(open(), statements);
      static_cast<void>(migrate(mortal, options));
      ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status)) << statements;
    session = open();
    EXPECT_TRUE(schema_status(*session, {}).value().present.empty()) << statements;
    session.reset();
  }
  session = open();
  EXPECT_GT(done(migrate(*session, options)).statements, 60);
  expect_complete();
}

TEST_P(MigrationTest, ManyAtOnceRunItOnce) {
  std::vector<std::future<MigrationResult>> results;
  for (int i = 0; i < 6; ++i) {
    results.push_back(std::async(std::launch::async, [this] {
      auto one = open();
      return migrate(*one, options);
    }));
  }
  int ran = 0;
  for (auto& result : results) ran += done(result.get()).statements > 0 ? 1 : 0;
  EXPECT_EQ(ran, 1);
  expect_complete();
}

std::vector<Migration> with_second(int min_version) {
  auto steps = migrations();
  steps.push_back(
      {2, "more", min_version, "text 2", [](Session& session, const Groups&, bool) -> StoreResult<int> {
         auto made = session.execute("CREATE TABLE IF NOT EXISTS more(id int)");
         if (!made) return made.error();
         return 1;
       }});
  return steps;
}

TEST_P(MigrationTest, LaterStepsFollow) {
  done(migrate(*session, options));
  const auto report = done(migrate(*session, options, with_second(1)));
  EXPECT_EQ(report.statements, 2);
  EXPECT_EQ(report.schema_version, 2);
  EXPECT_EQ(done(migrate(*session, options, with_second(1))).statements, 0);
  // The release before goes on working with it.
  const auto older = done(migrate(*session, options));
  EXPECT_EQ(older.statements, 0);
  EXPECT_EQ(older.schema_version, 2);
}

TEST_P(MigrationTest, AStoreThatIsTooNewIsRefused) {
  done(migrate(*session, options, with_second(2)));
  const auto result = migrate(*session, options);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().kind, Kind::too_new);
  EXPECT_EQ(result.error().message,
            "the store needs an Athena that knows schema version 2, this one knows up to 1");
}

TEST_P(MigrationTest, AChangedStepIsRefused) {
  done(migrate(*session, options));
  auto steps = migrations();
  steps[0].text += " ";
  const auto result = migrate(*session, options, steps);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().kind, Kind::changed);
  EXPECT_THAT(result.error().message, HasSubstr("migration 1"));
}

TEST_P(MigrationTest, PendingStepsCanBeLeftToTheOperator) {
  const MigrationOptions manual{{}, false, "x"};
  const auto result = migrate(*session, manual);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().kind, Kind::pending);
  EXPECT_THAT(result.error().message, HasSubstr("athena provision --control"));
  EXPECT_TRUE(schema_status(*session, {}).value().present.empty());
  done(migrate(*session, options));
  EXPECT_EQ(done(migrate(*session, manual)).statements, 0);
}

TEST_P(MigrationTest, AStoreThatIsNotThereIsUnreachable) {
  location.path = "/proc/none/control.db";
  location.postgres.uri = "postgresql://u@127.0.0.1:1/x";
  session = open();
  const auto result = migrate(*session, options);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().kind, Kind::store);
  EXPECT_EQ(result.error().cause.kind, StoreError::Kind::unreachable);
}

}  // namespace
}  // namespace athena::control::testing

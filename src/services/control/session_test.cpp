#include <sys/stat.h>

#include <future>
#include <limits>
#include <thread>

#include "services/control/store_fixture.h"

namespace athena::control::testing {
namespace {

using namespace std::chrono_literals;
using base::Deadline;
using Kind = StoreError::Kind;

class SessionTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    if (IsSkipped()) return;
    session = open();
    run(on_postgres()
            ? "CREATE TABLE things(id bigint PRIMARY KEY, flag boolean, n numeric, at timestamptz, u uuid, "
              "doc jsonb, b bytea, t text, small integer CHECK (small < 100), parent bigint REFERENCES "
              "things(id))"
            : "CREATE TABLE things(id INTEGER PRIMARY KEY, flag INTEGER, n REAL, at TEXT, u TEXT, doc TEXT, "
              "b "
              "BLOB, t TEXT, small INTEGER CHECK (small < 100), parent INTEGER REFERENCES things(id))");
  }
  Rows run(std::string_view sql, const Values& parameters = {}) {
    auto result = session->execute(sql, parameters);
    ATHENA_EXPECT_STORED(result);
    return result ? *result : Rows{};
  }
  std::int64_t count() { return as_integer(run("SELECT count(*) FROM things").rows.at(0).at(0)); }
  Kind kind_of(std::string_view sql, const Values& parameters = {}) {
    const auto result = session->execute(sql, parameters);
    EXPECT_FALSE(result.has_value()) << sql;
    return result ? Kind::failed : result.error().kind;
  }
  /// A statement that takes seconds.
  static constexpr const char* slow() {
    return "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000000) SELECT "
           "count(*) FROM n";
  }

  std::unique_ptr<Session> session;
};
ATHENA_BOTH_HOMES(SessionTest);

const Row kThing = {std::int64_t{1},
                    true,
                    1772352000.123,
                    std::string("2026-03-01T08:00:00.123Z"),
                    std::string("0197a000-0000-7000-8000-00000000000a"),
                    std::string(R"({"a":[1,"x y","q\" b"]})"),
                    Bytes{std::string("\0\n\\\xff", 4)},
                    std::string("tab\tline\nback\\slash 'quote' ü \\N"),
                    std::int64_t{7},
                    null()};
const std::vector<std::string_view> kColumns = {"id",  "flag", "n", "at",    "u",
                                                "doc", "b",    "t", "small", "parent"};
constexpr const char* kInsert =
    "INSERT INTO things(id,flag,n,at,u,doc,b,t,small,parent) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)";
constexpr const char* kAll = "SELECT id,flag,n,at,u,doc,b,t,small,parent FROM things ORDER BY id";

void expect_equal(const Row& read, const Row& written) {
  ASSERT_EQ(read.size(), written.size());
  EXPECT_EQ(as_bool(read[1]), as_bool(written[1]));
  for (std::size_t i = 0; i < read.size(); ++i) {
    if (i != 1) EXPECT_EQ(read[i], written[i]) << "column " << kColumns[i];
  }
}

TEST_P(SessionTest, ValuesComeBackEqual) {
  EXPECT_EQ(run(kInsert, kThing).affected, 1);
  const auto rows = run(kAll).rows;
  ASSERT_EQ(rows.size(), 1U);
  expect_equal(rows[0], kThing);
}

TEST_P(SessionTest, ManyRowsComeBackEqual) {
  std::vector<Row> rows;
  for (std::int64_t i = 0; i < 5000; ++i) {
    auto row = kThing;
    row[0] = i;
    row[7] = std::string(static_cast<std::size_t>(i % 100), 'x') + "\\\t" + std::to_string(i);
    if (i % 3 == 0) row[6] = Bytes{};
    if (i % 5 == 0) row[7] = null();
    rows.push_back(std::move(row));
  }
  ATHENA_ASSERT_STORED(session->insert_many("things", kColumns, rows));
  EXPECT_FALSE(session->in_transaction());
  const auto read = run(kAll).rows;
  ASSERT_EQ(read.size(), rows.size());
  for (std::size_t i = 0; i < rows.size(); i += 7) expect_equal(read[i], rows[i]);
  ATHENA_EXPECT_STORED(session->insert_many("things", kColumns, {}));
}

TEST_P(SessionTest, ManyRowsAreAllOrNothing) {
  auto second = kThing;
  second[0] = std::int64_t{2};
  auto bad = kThing;
  bad[0] = std::int64_t{3};
  bad[8] = std::int64_t{100};  // against the check
  EXPECT_EQ(session->insert_many("things", kColumns, {kThing, second, bad}).error().kind, Kind::conflict);
  EXPECT_EQ(count(), 0);
  ATHENA_ASSERT_STORED(session->begin());
  ATHENA_EXPECT_STORED(session->insert_many("things", kColumns, {kThing}));
  EXPECT_TRUE(session->in_transaction());
  EXPECT_EQ(session->insert_many("things", kColumns, {second, bad}).error().kind, Kind::conflict);
  EXPECT_EQ(session->commit().error().kind, Kind::conflict);
  EXPECT_FALSE(session->in_transaction());
  EXPECT_EQ(count(), 0);
  // Rows of another width are a mistake, and leave nothing behind.
  EXPECT_FALSE(session->insert_many("things", kColumns, {kThing, Row{std::int64_t{5}}}).has_value());
  EXPECT_FALSE(session->insert_many("nothing", {"id"}, {Row{std::int64_t{5}}}).has_value());
  EXPECT_EQ(count(), 0);
}

TEST_P(SessionTest, ParametersAreFoundByNumberInAnyOrder) {
  run(kInsert, kThing);
  const auto rows = run("SELECT id, t FROM things WHERE small = $2 AND id = $1 AND small <> $1 AND t <> $3",
                        {std::int64_t{1}, std::int64_t{7}, std::string("'; DROP TABLE things; --")})
                        .rows;
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(as_integer(rows[0][0]), 1);
  EXPECT_EQ(count(), 1);
}

TEST_P(SessionTest, CountsWhatWasChanged) {
  run(kInsert, kThing);
  EXPECT_EQ(run("UPDATE things SET small = 8 WHERE id = 9").affected, 0);
  EXPECT_EQ(run("UPDATE things SET small = 8").affected, 1);
  EXPECT_EQ(run("SELECT * FROM things").affected, 0);
  const auto changed = run("UPDATE things SET small = small + $1 RETURNING small", {std::int64_t{2}});
  EXPECT_EQ(changed.affected, 1);
  EXPECT_EQ(as_integer(changed.rows.at(0).at(0)), 10);
  EXPECT_EQ(run("CREATE TABLE more(id int)").affected, 0);
  EXPECT_EQ(run("DELETE FROM things").affected, 1);
}

TEST_P(SessionTest, ErrorsAreToldApart) {
  run(kInsert, kThing);
  EXPECT_EQ(kind_of(kInsert, kThing), Kind::conflict);
  EXPECT_EQ(kind_of("INSERT INTO things(id,parent) VALUES (2,99)"), Kind::conflict);
  EXPECT_EQ(kind_of("INSERT INTO things(id,small) VALUES (2,100)"), Kind::conflict);
  EXPECT_EQ(kind_of("SELECT nothing FROM things"), Kind::failed);
  EXPECT_EQ(kind_of("SELEC"), Kind::failed);
  EXPECT_EQ(kind_of(""), Kind::failed);
  const auto duplicate = session->execute(kInsert, kThing);
  EXPECT_EQ(duplicate.error().sql_state, on_postgres() ? "23505" : "SQLITE_CONSTRAINT_PRIMARYKEY");
  for (const char* value : {"slash", "quote", "2026", "0197a000"})
    EXPECT_EQ(duplicate.error().message.find(value), std::string::npos) << duplicate.error().message;
}

TEST_P(SessionTest, NoValueIsInAnError) {
  if (!on_postgres()) GTEST_SKIP() << "SQLite takes any value";
  const auto refused = session->execute("INSERT INTO things(id,u) VALUES (1,$1)", {std::string("s3cret")});
  EXPECT_EQ(refused.error().sql_state, "22P02");
  EXPECT_EQ(refused.error().message.find("s3cret"), std::string::npos) << refused.error().message;
  const auto copied =
      session->insert_many("things", {"id", "u"}, {Row{std::int64_t{1}, std::string("s3cret")}});
  EXPECT_EQ(copied.error().message, "a value was refused (COPY things, line 1, column u)");
  EXPECT_EQ(session->execute("SELECT $1::text", {std::string("a\0b", 3)}).error().sql_state, "22021");
}

TEST_P(SessionTest, TransactionsCommitAndRollBack) {
  {
    Transaction transaction(*session);
    ATHENA_ASSERT_STORED(transaction.begin());
    run(kInsert, kThing);
    EXPECT_EQ(count(), 1);
  }
  EXPECT_EQ(count(), 0);
  Transaction transaction(*session);
  ATHENA_ASSERT_STORED(transaction.begin());
  EXPECT_EQ(session->begin().error().kind, Kind::failed);
  run(kInsert, kThing);
  ATHENA_ASSERT_STORED(transaction.commit());
  EXPECT_EQ(count(), 1);
  EXPECT_FALSE(session->commit().has_value());
}

TEST_P(SessionTest, AFailedStatementLosesTheTransaction) {
  ATHENA_ASSERT_STORED(session->begin());
  run(kInsert, kThing);
  EXPECT_EQ(kind_of(kInsert, kThing), Kind::conflict);
  EXPECT_EQ(kind_of("SELECT 1"), Kind::conflict) << "the transaction is lost";
  EXPECT_TRUE(session->in_transaction());
  EXPECT_EQ(session->commit().error().kind, Kind::conflict);
  EXPECT_FALSE(session->in_transaction());
  EXPECT_EQ(count(), 0);
}

TEST_P(SessionTest, StatementsEndAtTheDeadline) {
  session->set_deadline(Deadline::in(200ms));
  const auto began = base::Clock::now();
  EXPECT_EQ(kind_of(slow()), Kind::unreachable);
  EXPECT_LT(base::Clock::now() - began, 2s);
  EXPECT_EQ(kind_of("SELECT 1"), Kind::unreachable) << "the deadline has passed";
  session->set_deadline(Deadline::in(10s));
  EXPECT_EQ(count(), 0) << "and the session goes on";
  if (on_postgres()) {
    for (int i = 0;
         i < 100 && server().sql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'WITH REC%' "
                                 "AND state = 'active'") != "0";
         ++i)
      std::this_thread::sleep_for(20ms);
    EXPECT_EQ(server().sql(
                  "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'WITH REC%' AND state = 'active'"),
              "0")
        << "cancelled in the server";
  }
}

TEST_P(SessionTest, TheDeadlineEndsATransaction) {
  ATHENA_ASSERT_STORED(session->begin());
  run(kInsert, kThing);
  session->set_deadline(Deadline::in(100ms));
  EXPECT_EQ(kind_of(slow()), Kind::unreachable);
  session->set_deadline(Deadline::in(10s));
  EXPECT_EQ(kind_of("SELECT 1"), Kind::unreachable) << "never outside of the transaction";
  session->rollback();
  EXPECT_EQ(count(), 0);
}

TEST_P(SessionTest, ALockIsWaitedForUntilTheDeadline) {
  run(kInsert, kThing);
  auto other = open();
  ATHENA_ASSERT_STORED(other->begin());
  ATHENA_ASSERT_STORED(other->execute("UPDATE things SET small = 1"));
  session->set_deadline(Deadline::in(200ms));
  EXPECT_EQ(kind_of("UPDATE things SET small = 2"), Kind::unreachable);
  session->set_deadline(Deadline::in(10s));
  auto updated =
      std::async(std::launch::async, [&] { return session->execute("UPDATE things SET small = 3"); });
  std::this_thread::sleep_for(50ms);
  ATHENA_EXPECT_STORED(other->commit());
  ATHENA_EXPECT_STORED(updated.get());
  EXPECT_EQ(as_integer(run("SELECT small FROM things").rows.at(0).at(0)), 3);
}

TEST_P(SessionTest, QuotesNames) {
  EXPECT_EQ(quote_name("a\"b"), "\"a\"\"b\"");
  run("CREATE TABLE " + quote_name("odd \"name") + "(" + quote_name("a\\b") + " text)");
  ATHENA_EXPECT_STORED(session->insert_many("odd \"name", {"a\\b"}, {Row{std::string("x")}}));
}

class PostgresSessionTest : public SessionTest {};
INSTANTIATE_TEST_SUITE_P(, PostgresSessionTest, ::testing::Values(Home::postgres), home_name);

TEST_P(PostgresSessionTest, SpeaksUtcWhateverTheServerSays) {
  server().sql(
      "ALTER ROLE postgres SET timezone = 'Asia/Tokyo'; ALTER ROLE postgres SET datestyle = 'German'; "
      "ALTER ROLE postgres SET bytea_output = 'escape'");
  session = open();
  run(kInsert, kThing);
  expect_equal(run(kAll).rows.at(0), kThing);
  EXPECT_EQ(as_text(run("SELECT timestamptz '2026-03-01 08:00:00+00'").rows.at(0).at(0)),
            "2026-03-01T08:00:00.000Z");
  EXPECT_EQ(as_text(run("SELECT timestamptz '2026-03-01 08:00:00.9999+00'").rows.at(0).at(0)),
            "2026-03-01T08:00:00.999Z");
  EXPECT_EQ(as_text(run("SELECT current_setting('application_name')").rows.at(0).at(0)), "athena-control");
  server().sql("ALTER ROLE postgres RESET ALL");
}

TEST_P(PostgresSessionTest, ConnectsAgainWhenTheServerHasClosed) {
  server().sql(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'athena-control'");
  std::this_thread::sleep_for(50ms);
  EXPECT_EQ(count(), 0);
  ATHENA_ASSERT_STORED(session->begin());
  run(kInsert, kThing);
  server().sql(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'athena-control'");
  EXPECT_EQ(kind_of("SELECT 1"), Kind::unreachable);
  EXPECT_EQ(kind_of("SELECT 1"), Kind::unreachable) << "never outside of the transaction";
  EXPECT_EQ(session->commit().error().kind, Kind::unreachable);
  EXPECT_EQ(count(), 0);
}

TEST_P(PostgresSessionTest, HearsNotifications) {
  auto sender = open();
  auto quiet = session->wait_for_notifications(Deadline::in(20ms));
  ATHENA_ASSERT_STORED(quiet);
  EXPECT_TRUE(quiet->empty());
  ATHENA_EXPECT_STORED(sender->execute("SELECT pg_notify('athena_control', $1)", {std::string("hello")}));
  auto heard = session->wait_for_notifications(Deadline::in(5s));
  ATHENA_ASSERT_STORED(heard);
  EXPECT_EQ(*heard, std::vector<std::string>{"hello"});
  // What comes between two waits is not lost; a new connection listens again.
  ATHENA_EXPECT_STORED(sender->execute("SELECT pg_notify('athena_control', 'two')"));
  EXPECT_EQ(count(), 0);
  EXPECT_EQ(session->wait_for_notifications(Deadline::in(5s)).value(), std::vector<std::string>{"two"});
  server().sql(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'LISTEN athena_control' OR query "
      "LIKE 'SELECT count%'");
  std::this_thread::sleep_for(50ms);
  static_cast<void>(session->wait_for_notifications(Deadline::in(20ms)));
  ATHENA_EXPECT_STORED(session->wait_for_notifications(Deadline::in(20ms)));
  sender = open();
  ATHENA_EXPECT_STORED(sender->execute("SELECT pg_notify('athena_control', 'three')"));
  EXPECT_EQ(session->wait_for_notifications(Deadline::in(5s)).value(), std::vector<std::string>{"three"});
}

TEST_P(PostgresSessionTest, ADeadlockIsToBeTriedAgain) {
  run("INSERT INTO things(id) VALUES (1), (2)");
  auto other = open();
  ATHENA_ASSERT_STORED(session->begin());
  ATHENA_ASSERT_STORED(other->begin());
  run("UPDATE things SET small = 1 WHERE id = 1");
  ATHENA_ASSERT_STORED(other->execute("UPDATE things SET small = 1 WHERE id = 2"));
  auto first = std::async(std::launch::async,
                          [&] { return session->execute("UPDATE things SET small = 1 WHERE id = 2"); });
  const auto second = other->execute("UPDATE things SET small = 1 WHERE id = 1");
  other->rollback();
  const auto one = first.get();
  ASSERT_NE(one.has_value(), second.has_value());
  EXPECT_EQ((one ? second : one).error().kind, Kind::retry);
}

TEST_P(PostgresSessionTest, UsesTheConnectionsSearchPath) {
  run("CREATE SCHEMA elsewhere");
  location.postgres.search_path = "elsewhere, public";
  session = open();
  run("CREATE TABLE here(id int)");
  EXPECT_EQ(as_text(run("SELECT nspname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE "
                        "relname = 'here'")
                        .rows.at(0)
                        .at(0)),
            "elsewhere");
}

TEST_P(PostgresSessionTest, AServerThatIsNotThereIsUnreachable) {
  for (const char* uri :
       {"postgresql://u:s3cret@127.0.0.1:1/x", "postgresql://u:s3cret@no-such-host.invalid/x",
        "postgresql://u:s3cret@/x?host=/nonexistent"}) {
    location.postgres.uri = uri;
    auto lost = make_session(location);
    lost->set_deadline(Deadline::in(3s));
    const auto result = lost->execute("SELECT 1");
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().kind, Kind::unreachable) << uri;
    EXPECT_EQ(result.error().message.find("s3cret"), std::string::npos) << result.error().message;
  }
  location.postgres.uri = "postgresql://u@[";
  EXPECT_EQ(open()->execute("SELECT 1").error().kind, Kind::failed);
}

TEST_P(PostgresSessionTest, AServerThatIsSilentIsUnreachableAtTheDeadline) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listener, reinterpret_cast<const sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listener, 8), 0);
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  location.postgres.uri = "postgresql://u@127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/x";
  auto silent = make_session(location);
  silent->set_deadline(Deadline::in(200ms));
  const auto began = base::Clock::now();
  EXPECT_EQ(silent->execute("SELECT 1").error().kind, Kind::unreachable);
  EXPECT_LT(base::Clock::now() - began, 2s);
  ::close(listener);
}

class SqliteSessionTest : public SessionTest {};
INSTANTIATE_TEST_SUITE_P(, SqliteSessionTest, ::testing::Values(Home::sqlite), home_name);

TEST_P(SqliteSessionTest, MakesThePrivateFileAsItShouldBe) {
  struct stat file{}, folder{}, log{};
  ASSERT_EQ(::stat(location.path.c_str(), &file), 0);
  ASSERT_EQ(::stat((location.path + "-wal").c_str(), &log), 0);
  ASSERT_EQ(::stat(std::filesystem::path(location.path).parent_path().c_str(), &folder), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600U);
  EXPECT_EQ(log.st_mode & 0777, 0600U);
  EXPECT_EQ(folder.st_mode & 0777, 0700U);
  EXPECT_EQ(as_text(run("PRAGMA journal_mode").rows.at(0).at(0)), "wal");
  EXPECT_EQ(as_integer(run("PRAGMA auto_vacuum").rows.at(0).at(0)), 2);
  EXPECT_EQ(as_integer(run("PRAGMA foreign_keys").rows.at(0).at(0)), 1);
  EXPECT_EQ(as_integer(run("PRAGMA synchronous").rows.at(0).at(0)), 2);
  location.synchronous = false;
  session = open();
  EXPECT_EQ(as_integer(run("PRAGMA synchronous").rows.at(0).at(0)), 1);
}

TEST_P(SqliteSessionTest, ManyOpenOneNewFileAtOnce) {
  location.path += ".fresh";
  std::vector<std::future<StoreResult<Rows>>> results;
  for (int i = 0; i < 8; ++i) {
    results.push_back(std::async(std::launch::async, [this] {
      auto one = open();
      return one->execute("CREATE TABLE IF NOT EXISTS t(id int)");
    }));
  }
  for (auto& result : results) ATHENA_EXPECT_STORED(result.get());
}

TEST_P(SqliteSessionTest, AFileThatCannotBeIsUnreachable) {
  location.path = "/proc/none/control.db";
  EXPECT_EQ(open()->execute("SELECT 1").error().kind, Kind::unreachable);
  location.path = std::filesystem::temp_directory_path();
  EXPECT_EQ(open()->execute("SELECT 1").error().kind, Kind::unreachable);
}

}  // namespace
}  // namespace athena::control::testing

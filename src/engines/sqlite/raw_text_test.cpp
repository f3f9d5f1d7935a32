#include <gtest/gtest.h>

#include "engines/sqlite/test_support.h"

namespace athena::sqlite::testing {
namespace {

class RawText : public ::testing::Test {
 protected:
  RawText() : outside_(folder_.file("a.db")) {
    outside_.run(R"sql(
      PRAGMA journal_mode = WAL;
      CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, ok BOOLEAN, doc JSON);
      INSERT INTO t VALUES (1, 'one', 1, '{"a":1}'), (2, 'two', 0, NULL);
      CREATE TABLE child (id INTEGER PRIMARY KEY, t_id INTEGER REFERENCES t (id) DEFERRABLE INITIALLY DEFERRED);
    )sql");
    fixture_.emplace(Fixture::options(folder_.file("a.db")), 2);
    fixture_->wait_ready();
  }
  Fixture::Reply raw(std::string sql) { return fixture_->raw(std::move(sql)); }
  std::string code(std::string sql) { return fixture_->raw(std::move(sql)).code(); }
  std::string stored() { return outside_.values("SELECT name FROM t ORDER BY id"); }

  Folder folder_;
  Outside outside_;
  std::optional<Fixture> fixture_;
};

TEST_F(RawText, ReadsWithTheTypesOfTheColumns) {
  const auto reply = raw("SELECT id, ok, doc, name, ok + 1 AS sum FROM t -- all of them\n ORDER BY id");
  EXPECT_EQ(reply.text(), R"([1,true,{"a":1},"one",2][2,false,null,"two",1])");
  EXPECT_EQ(reply.rows->header, "id:INTEGER,ok:BOOLEAN,doc:JSON,name:TEXT,sum");
  EXPECT_EQ(reply.result->rows_affected, 0);
  EXPECT_EQ(reply.result->statement_count, 1);
  EXPECT_EQ(reply.result->rows_returned, 2);
  EXPECT_EQ(fixture_->client->status().counters.exclusive_requests, 0U);  // on the shard itself
}

TEST_F(RawText, TheSameOnTheThreadsOfTheFile) {
  const auto reply = fixture_->raw({.sql = "SELECT id, ok FROM t ORDER BY id", .exclusive = true});
  EXPECT_EQ(reply.text(), "[1,true][2,false]");
  EXPECT_EQ(reply.rows->header, "id:INTEGER,ok:BOOLEAN");
  EXPECT_EQ(fixture_->client->status().counters.exclusive_requests, 1U);
}

TEST_F(RawText, RepeatedNamesAreNumbered) {
  EXPECT_EQ(raw("SELECT 1 AS n, 2 AS n, 3 AS n_2, 4 AS n").rows->header, "n,n_3,n_2,n_4");
  EXPECT_EQ(raw("SELECT 1 AS a, 2 AS a").rows->header, "a,a_2");
}

TEST_F(RawText, ResultsWithoutRowsHaveColumns) {
  EXPECT_EQ(raw("SELECT id FROM t WHERE 0").rows->header, "id:INTEGER");
  EXPECT_EQ(raw("DELETE FROM t WHERE 0").rows->header, "");
  EXPECT_EQ(raw("DELETE FROM t WHERE 0 RETURNING name").rows->header, "name:TEXT");
}

TEST_F(RawText, WritesCountTheirRows) {
  auto reply = raw("UPDATE t SET name = name || '!'");
  EXPECT_EQ(reply.result.value().rows_affected, 2);
  EXPECT_EQ(stored(), "one!,two!");
  reply = raw("INSERT INTO t (id, name) VALUES (3, 'three'), (4, 'four') RETURNING id");
  EXPECT_EQ(reply.text(), "[3][4]");
  EXPECT_EQ(reply.result.value().rows_affected, 2);
  reply = raw("CREATE TABLE other (a); INSERT INTO other VALUES (1); DELETE FROM other; SELECT 5 AS x");
  EXPECT_EQ(reply.result.value().rows_affected, 2);
  EXPECT_EQ(reply.result->statement_count, 4);
  EXPECT_EQ(reply.text(), "[5]");
  EXPECT_EQ(raw("DROP TABLE other").result.value().rows_affected, 0);
  EXPECT_EQ(raw("CREATE TABLE copy AS SELECT * FROM t").result.value().rows_affected, 0);
}

TEST_F(RawText, RowsOfTheLastStatementThatReturnedAny) {
  EXPECT_EQ(raw("SELECT 1; SELECT 2; DELETE FROM t WHERE 0").text(), "[2]");
  EXPECT_EQ(raw("SELECT 1; SELECT 2 WHERE 0").text(), "[1]");
  EXPECT_EQ(raw(";; SELECT 1 ;; /* x */ SELECT 2 -- end").text(), "[2]");
}

TEST_F(RawText, ParametersByNumberAndByPlace) {
  EXPECT_EQ(fixture_->raw("SELECT $2, $1, $2", R"(["a",7])").text(), R"([7,"a",7])");
  EXPECT_EQ(fixture_->raw("SELECT ?, ?", "[1,2]").text(), "[1,2]");
  EXPECT_EQ(fixture_->raw("SELECT ?2, ?1", "[1,2]").text(), "[2,1]");
  EXPECT_EQ(fixture_
                ->raw("SELECT $1, $2, $3, $4, $5, typeof($6), typeof($7)",
                      R"([null,true,false,[1,"x"],{"k":null},2.0,5])")
                .text(),
            R"([null,1,0,"[1,\"x\"]","{\"k\":null}","real","integer"])");
  EXPECT_EQ(fixture_->raw("SELECT 1", "[]").text(), "[1]");
  EXPECT_EQ(
      fixture_->raw("INSERT INTO t (name) VALUES ($1) RETURNING name", R"(["'; DROP TABLE t; --"])").text(),
      R"(["'; DROP TABLE t; --"])");
}

TEST_F(RawText, ParametersThatDoNotFit) {
  const auto refused = [this](std::string sql, std::string params) {
    return fixture_->raw(sql, params).code();
  };
  EXPECT_EQ(refused("SELECT $1", "[]"), "invalid_payload");
  EXPECT_EQ(refused("SELECT $1", "[1,2]"), "invalid_payload");
  EXPECT_EQ(refused("SELECT 1", "[1]"), "invalid_payload");
  EXPECT_EQ(refused("SELECT ?, $2", "[1,2]"), "invalid_payload");
  EXPECT_EQ(refused("SELECT :name", "[1]"), "invalid_payload");
  EXPECT_EQ(refused("SELECT $1::int", "[1]"), "invalid_payload");
  EXPECT_EQ(refused("SELECT $0", "[1]"), "invalid_payload");
  EXPECT_EQ(refused("SELECT 1; SELECT 2", "[]"), "invalid_payload");
  EXPECT_EQ(refused("DELETE FROM t; SELECT $1", "[1]"), "invalid_payload");
  EXPECT_EQ(refused("SELECT $1", "[9223372036854775808]"), "invalid_value");
  EXPECT_EQ(refused("SELECT $1", "[1e999]"), "invalid_value");
  EXPECT_EQ(refused("SELECT $1", R"(["a\u0000b"])"), "invalid_value");
  EXPECT_EQ(code("SELECT $1"), "invalid_payload");
  EXPECT_EQ(code("DELETE FROM t WHERE id = ?"), "invalid_payload");
  EXPECT_EQ(fixture_->raw("SELECT $1", "[-9223372036854775808]").text(), "[-9223372036854775808]");
  EXPECT_EQ(stored(), "one,two");
}

TEST_F(RawText, RefusedStatements) {
  const std::string into = folder_.file("copy.db");
  for (const std::string& sql :
       {"ATTACH '" + into + "' AS x", std::string("ATTACH ':memory:' AS x"), std::string("ATTACH '' AS x"),
        std::string("DETACH main"), std::string("SELECT load_extension('x')"), "VACUUM INTO '" + into + "'",
        "/* c */ vacuum main into '" + into + "'", "VACUUM INTO 'x' || '" + into + "'",
        std::string("PRAGMA journal_mode"), std::string("PRAGMA query_only = OFF"),
        std::string("PRAGMA writable_schema = 1"), std::string("PRAGMA foreign_keys = 0"),
        std::string("PRAGMA temp.cache_size = 1"), std::string("PRAGMA schema_version = 9"),
        std::string("PRAGMA data_version"), std::string("SELECT * FROM pragma_journal_mode"),
        std::string("SELECT * FROM pragma_database_list"), std::string("EXPLAIN ATTACH 'x' AS y"),
        std::string("SELECT 1; PRAGMA journal_mode = DELETE")}) {
    EXPECT_EQ(code(sql), "statement_not_allowed") << sql;
    EXPECT_EQ(fixture_->raw({.sql = sql, .exclusive = true}).code(), "statement_not_allowed") << sql;
  }
  EXPECT_NE(code("CREATE VIEW v AS SELECT load_extension('x'); SELECT * FROM v"), "");
  EXPECT_FALSE(std::filesystem::exists(into));
  EXPECT_EQ(raw("SELECT count(*) FROM t").text(), "[2]");
}

TEST_F(RawText, PragmasThatRead) {
  EXPECT_EQ(raw("PRAGMA user_version").text(), "[0]");
  EXPECT_EQ(raw("PRAGMA integrity_check").text(), R"(["ok"])");
  EXPECT_EQ(raw("SELECT * FROM pragma_integrity_check").text(), R"(["ok"])");
  EXPECT_EQ(raw("pragma main.table_info(child)").rows->rows.size(), 2U);
  EXPECT_EQ(raw("SELECT name FROM pragma_table_xinfo('t') WHERE cid = 1").text(), R"(["name"])");
  for (const char* pragma :
       {"index_list(t)", "index_info(x)", "index_xinfo(x)", "foreign_key_list(child)", "table_list"}) {
    EXPECT_EQ(code(std::string("PRAGMA ") + pragma), "") << pragma;
  }
  EXPECT_EQ(code("PRAGMA user_version = 7"), "statement_not_allowed");
  EXPECT_EQ(outside_.values("PRAGMA user_version"), "0");
}

TEST_F(RawText, NoPointersFromText) {
  EXPECT_EQ(code("SELECT fts3_tokenizer('simple')"), "statement_not_allowed");
  EXPECT_EQ(code("SELECT FTS3_Tokenizer('evil', x'4141414141414141')"), "statement_not_allowed");
  // Inside of a view it is looked at when the view is used.
  EXPECT_NE(code("CREATE VIEW v AS SELECT fts3_tokenizer('evil', x'4141414141414141'); SELECT * FROM v"), "");
  EXPECT_EQ(raw("SELECT count(*) FROM t").text(), "[2]");
}

TEST_F(RawText, ManyShortReadsAreNoErrorOfTheShard) {
  std::string many;
  while (many.size() < 15000) many += "SELECT 1;";
  EXPECT_EQ(raw(many + "SELECT 2").text(), "[2]");
  EXPECT_EQ(raw(many + "DELETE FROM t WHERE id = 2").code(), "");
  EXPECT_EQ(stored(), "one");
}

TEST_F(RawText, FullTextSearchWorks) {
  EXPECT_EQ(raw("CREATE VIRTUAL TABLE words USING fts5 (w); INSERT INTO words VALUES ('hello world')").code(),
            "");
  EXPECT_EQ(raw("SELECT w FROM words WHERE words MATCH 'world'").text(), R"(["hello world"])");
  EXPECT_EQ(raw("INSERT INTO words VALUES ('more'); SELECT count(*) FROM words").text(), "[2]");
}

TEST_F(RawText, SeveralStatementsAreOneTransaction) {
  auto reply = raw("INSERT INTO t (name) VALUES ('x'); INSERT INTO nowhere VALUES (1)");
  EXPECT_EQ(reply.code(), "undefined_table");
  EXPECT_EQ(reply.detail("statement"), "2");
  EXPECT_EQ(stored(), "one,two");
  reply = raw("INSERT INTO t (name) VALUES ('x'); INSERT INTO t (id) VALUES (1); SELECT 1");
  EXPECT_EQ(reply.code(), "unique_violation");
  EXPECT_EQ(reply.detail("statement"), "2");
  EXPECT_EQ(stored(), "one,two");
  EXPECT_EQ(raw("SELECT 1").detail("statement"), "no error");
  EXPECT_EQ(raw("INSERT INTO t (id) VALUES (1)").detail("statement"), "absent");
  reply = raw("SELECT 1; SELEC 2");
  EXPECT_EQ(reply.code(), "syntax_error");
  EXPECT_EQ(reply.detail("statement"), "2");
  EXPECT_EQ(raw("SELEC 2; SELECT 1").detail("statement"), "1");
}

TEST_F(RawText, ErrorsHaveAPositionInTheText) {
  EXPECT_EQ(raw("SELECT 'ä', nope").detail("position"), "13");
  EXPECT_EQ(raw("SELECT 1;\n SELECT 'ä', nope").detail("position"), "24");
  EXPECT_EQ(raw("SELEC 1").detail("position"), "1");
  EXPECT_EQ(raw("SELECT * FROM t WHERE (").code(), "syntax_error");
}

TEST_F(RawText, ADeferredKeyFailsAtTheEnd) {
  EXPECT_EQ(code("INSERT INTO child VALUES (1, 99)"), "foreign_key_violation");
  EXPECT_EQ(code("INSERT INTO child VALUES (1, 99); INSERT INTO t (id) VALUES (99)"), "");
  EXPECT_EQ(outside_.values("SELECT t_id FROM child"), "99");
}

TEST_F(RawText, TransactionsOfTheText) {
  EXPECT_EQ(code("BEGIN; INSERT INTO t (name) VALUES ('x'); COMMIT"), "");
  EXPECT_EQ(stored(), "one,two,x");
  EXPECT_EQ(code("BEGIN IMMEDIATE; DELETE FROM t; ROLLBACK"), "");
  EXPECT_EQ(stored(), "one,two,x");
  EXPECT_EQ(code("INSERT INTO t (name) VALUES ('y'); BEGIN; INSERT INTO t (name) VALUES ('z'); COMMIT;"
                 "INSERT INTO t (id) VALUES (1)"),
            "unique_violation");
  EXPECT_EQ(stored(), "one,two,x,y,z");
  EXPECT_EQ(code("BEGIN; SELECT 1; END"), "");
  EXPECT_EQ(code("SAVEPOINT a; DELETE FROM t; SAVEPOINT b; ROLLBACK TO A; RELEASE a"), "");
  EXPECT_EQ(stored(), "one,two,x,y,z");
  EXPECT_EQ(code("BEGIN; SAVEPOINT a; DELETE FROM t WHERE name = 'z'; COMMIT"), "");
  EXPECT_EQ(stored(), "one,two,x,y");
}

TEST_F(RawText, TransactionsLeftOpenAreRolledBack) {
  for (const char* sql :
       {"BEGIN", "BEGIN; DELETE FROM t", "BEGIN IMMEDIATE; DELETE FROM t", "BEGIN; SELECT 1",
        "SAVEPOINT a; DELETE FROM t", "SAVEPOINT a; DELETE FROM t; ROLLBACK TO a", "COMMIT", "ROLLBACK",
        "DELETE FROM t; COMMIT", "DELETE FROM t; ROLLBACK", "BEGIN; BEGIN; COMMIT", "RELEASE a",
        "ROLLBACK TO a", "BEGIN; DELETE FROM t; COMMIT; COMMIT", "SELECT 1; VACUUM",
        "BEGIN; VACUUM; COMMIT"}) {
    if (std::string(sql) == "BEGIN; DELETE FROM t; COMMIT; COMMIT") continue;  // below: its first part stays
    EXPECT_EQ(code(sql), "invalid_transaction_state") << sql;
    EXPECT_EQ(stored(), "one,two") << sql;
    outside_.run("BEGIN IMMEDIATE; ROLLBACK");  // nothing holds the lock
  }
  EXPECT_EQ(code("BEGIN; DELETE FROM t WHERE id = 2; COMMIT; COMMIT"), "invalid_transaction_state");
  EXPECT_EQ(stored(), "one");
}

TEST_F(RawText, VacuumRunsAlone) {
  EXPECT_EQ(code("VACUUM"), "");
  EXPECT_EQ(code("vacuum main;"), "");
  EXPECT_EQ(code("ANALYZE; REINDEX"), "");
  EXPECT_EQ(stored(), "one,two");
}

TEST_F(RawText, ReadOnlyTextsDoNotWrite) {
  const auto refused = [this](std::string sql) {
    return fixture_->raw({.sql = sql, .read_only = true}).code();
  };
  for (const char* sql : {"DELETE FROM t", "SELECT 1; DELETE FROM t", "CREATE TABLE x (a)", "BEGIN",
                          "WITH x AS (SELECT 1) INSERT INTO t (id) SELECT 9 FROM x", "VACUUM",
                          "CREATE TEMP TABLE x (a)", "INSERT INTO t (name) VALUES ('x') RETURNING id"}) {
    EXPECT_EQ(refused(sql), "read_only_violation") << sql;
  }
  EXPECT_EQ(stored(), "one,two");
  EXPECT_EQ(fixture_->raw({.sql = "SELECT 1; SELECT 2", .read_only = true}).text(), "[2]");
  EXPECT_EQ(fixture_->raw({.sql = "EXPLAIN DELETE FROM t", .read_only = true}).code(), "");
  EXPECT_EQ(fixture_->raw({.sql = "SELECT 1; DELETE FROM t", .read_only = true}).detail("statement"), "2");
  EXPECT_EQ(stored(), "one,two");
}

TEST_F(RawText, AReadOnlyClientRefusesWrites) {
  auto options = Fixture::options(folder_.file("a.db"));
  options.read_only = true;
  Fixture fixture(options);
  fixture.wait_ready();
  EXPECT_EQ(fixture.raw("SELECT count(*) FROM t").text(), "[2]");
  EXPECT_EQ(fixture.raw("DELETE FROM t").code(), "read_only_violation");
  EXPECT_EQ(fixture.raw("CREATE TEMP TABLE x (a)").code(), "read_only_violation");
}

TEST_F(RawText, RowsBeyondTheLimit) {
  const std::string many =
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1000000) SELECT i FROM n";
  auto reply = fixture_->raw({.sql = many, .max_rows = 3});
  EXPECT_EQ(reply.text(), "[1][2][3]");
  EXPECT_TRUE(reply.result->truncated);
  reply = fixture_->raw({.sql = "SELECT 1 UNION SELECT 2", .max_rows = 2});
  EXPECT_FALSE(reply.result.value().truncated);
  reply = fixture_->raw({.sql = "UPDATE t SET name = 'n' RETURNING id", .max_rows = 1});
  EXPECT_EQ(reply.text(), "[1]");
  EXPECT_TRUE(reply.result->truncated);
  EXPECT_EQ(reply.result->rows_affected, 2);
  reply = fixture_->raw({.sql = many + "; SELECT 1", .max_rows = 3});
  EXPECT_EQ(reply.text(), "[1]");
  EXPECT_FALSE(reply.result.value().truncated);
}

TEST_F(RawText, LargeReadsStreamAndLargeTextsDoNot) {
  auto reply = fixture_->raw(
      {.sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 200000) SELECT i, "
              "'0123456789012345678901234567890123456789' AS t FROM n",
       .max_rows = 1000000});
  ASSERT_EQ(reply.code(), "");
  EXPECT_EQ(reply.rows->rows.size(), 200000U);
  EXPECT_EQ(reply.rows->header, "i,t");
  contract::GatewaySettings settings;
  settings.max_buffered_bytes = 100000;
  Fixture small(Fixture::options(folder_.file("a.db")), 1, settings);
  small.wait_ready();
  const std::string large = "SELECT zeroblob(60000) FROM t";
  EXPECT_EQ(small.raw(large).rows->rows.size(), 2U);
  EXPECT_EQ(small.raw("SELECT 1; " + large).code(), "limit_too_large");
  EXPECT_EQ(small.raw("UPDATE t SET name = 'lost' RETURNING zeroblob(60000)").code(), "limit_too_large");
  EXPECT_EQ(stored(), "one,two");
}

TEST_F(RawText, StreamsPauseAndStop) {
  const std::string sql =
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100000) SELECT i FROM n";
  auto rows = std::make_shared<Rows>();
  rows->pause_every = 1000;
  rows->on_pause = [this, &rows] { fixture_->shard().post([rows] { rows->source->resume(); }); };
  auto reply = fixture_->start_raw({.sql = sql, .max_rows = 1000000}, 0, rows).get();
  EXPECT_EQ(reply.code(), "");
  EXPECT_EQ(rows->rows.size(), 100000U);
  auto few = std::make_shared<Rows>();
  few->stop_after = 10;
  reply = fixture_->start_raw({.sql = sql, .max_rows = 1000000}, 0, few).get();
  EXPECT_EQ(few->rows.size(), 10U);
}

constexpr const char* kEndless =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

TEST_F(RawText, TimeoutsAndDeadlines) {
  auto began = base::Clock::now();
  EXPECT_EQ(fixture_->raw({.sql = kEndless, .timeout = 100ms}).code(), "statement_timeout");
  EXPECT_EQ(fixture_->raw({.sql = std::string("INSERT INTO t (id) ") + kEndless, .timeout = 100ms}).code(),
            "statement_timeout");
  EXPECT_EQ(
      fixture_->start_raw({kEndless}, 0, std::make_shared<Rows>(), base::Deadline::in(100ms)).get().code(),
      "deadline_exceeded");
  EXPECT_EQ(fixture_
                ->start_raw({.sql = kEndless, .timeout = 5s}, 0, std::make_shared<Rows>(),
                            base::Deadline::in(100ms))
                .get()
                .code(),
            "deadline_exceeded");
  EXPECT_LT(base::Clock::now() - began, 3s);
  EXPECT_EQ(stored(), "one,two");
  EXPECT_EQ(raw("SELECT 1").text(), "[1]");
}

TEST_F(RawText, TheCallerLeaves) {
  engines::Cancellation cancellation;
  auto reply = fixture_->start_raw({.sql = kEndless, .cancellation = &cancellation});
  std::this_thread::sleep_for(100ms);
  fixture_->shard().post([&cancellation] { cancellation.request(); });
  EXPECT_EQ(reply.get().code(), "client_closed_request");
  for (int i = 0; i < 200 && fixture_->client->status().pool.active > 0; ++i)
    std::this_thread::sleep_for(5ms);
  EXPECT_EQ(fixture_->client->status().pool.active, 0);
}

TEST_F(RawText, AReadDoesNotWaitBehindWriters) {
  auto write = fixture_->start_raw({.sql = std::string("INSERT INTO t (id) ") + kEndless, .timeout = 1s}, 1);
  std::this_thread::sleep_for(50ms);
  const auto began = base::Clock::now();
  EXPECT_EQ(raw("SELECT count(*) FROM t").text(), "[2]");
  EXPECT_EQ(fixture_->raw({.sql = "SELECT 1; SELECT 2", .read_only = true}).text(), "[2]");
  EXPECT_LT(base::Clock::now() - began, 400ms);
  EXPECT_EQ(write.get().code(), "statement_timeout");
}

TEST_F(RawText, OtherMembers) {
  auto reply = fixture_->raw({.sql = "SELECT 1", .schema_name = "x"});
  EXPECT_EQ(reply.code(), "capability_not_supported");
  EXPECT_EQ(reply.detail("requires"), "\"schema_name\"");
  EXPECT_EQ(code("-- nothing"), "missing_field");
  EXPECT_EQ(code(" ; /* */ ;"), "missing_field");
  reply = raw(std::string("SELECT 1\0; DELETE FROM t", 24));
  EXPECT_EQ(reply.code(), "syntax_error");
  EXPECT_EQ(reply.detail("position"), "9");
  EXPECT_EQ(stored(), "one,two");
}

TEST_F(RawText, CountQueries) {
  EXPECT_EQ(fixture_->raw({.sql = "SELECT count(*) FROM t", .count_only = true}).text(), "[2]");
  EXPECT_EQ(fixture_->raw({.sql = "SELECT id FROM t", .count_only = true}).code(), "invalid_payload");
  EXPECT_EQ(fixture_->raw({.sql = "DELETE FROM t", .count_only = true}).code(), "invalid_payload");
  EXPECT_EQ(stored(), "one,two");
}

TEST_F(RawText, SchemaChangesAreNoticed) {
  EXPECT_EQ(fixture_->fetch(R"({"table_name":"t","columns":["id"]})").text(), "[1][2]");
  EXPECT_EQ(raw("SELECT * FROM t WHERE id = 1").rows->header, "id:INTEGER,name:TEXT,ok:BOOLEAN,doc:JSON");
  EXPECT_EQ(code("ALTER TABLE t ADD COLUMN extra INTEGER DEFAULT 4"), "");
  EXPECT_EQ(fixture_->fetch(R"({"table_name":"t","columns":["extra"]})").text(), "[4][4]");
  for (unsigned shard = 0; shard < 2; ++shard) {
    const auto reply = fixture_->raw("SELECT * FROM t WHERE id = 1", shard);
    EXPECT_EQ(reply.rows->header, "id:INTEGER,name:TEXT,ok:BOOLEAN,doc:JSON,extra:INTEGER");
    EXPECT_EQ(reply.text(), R"([1,"one",true,{"a":1},4])");
  }
  EXPECT_EQ(code("DROP TABLE child; DROP TABLE t"), "");
  EXPECT_EQ(fixture_->fetch(R"({"table_name":"t"})").code(), "undefined_table");
  EXPECT_EQ(code("SELECT * FROM t WHERE id = 1"), "undefined_table");
}

TEST_F(RawText, TheSameColumnsByAnotherTypeAreNoticedOnAReader) {
  const Fixture::Text read{.sql = "SELECT * FROM t WHERE id = 1", .exclusive = true};
  EXPECT_EQ(fixture_->raw(read).rows->columns, 4U);
  outside_.run("ALTER TABLE t DROP COLUMN doc");
  const auto reply = fixture_->raw(read);
  EXPECT_EQ(reply.rows->columns, 3U);
  EXPECT_EQ(reply.text(), R"([1,"one",true])");
}

TEST_F(RawText, CountRequests) {
  const auto reply = fixture_->count("t", query::CountMode::exact);
  EXPECT_EQ(reply.text(), "[2]");
  EXPECT_EQ(reply.rows->header, "count");
  for (const auto mode : {query::CountMode::planned, query::CountMode::estimated}) {
    const auto refused = fixture_->count("t", mode);
    EXPECT_EQ(refused.code(), "capability_not_supported");
    EXPECT_EQ(refused.detail("requires"),
              mode == query::CountMode::planned ? "\"count.planned\"" : "\"count.estimated\"");
  }
  EXPECT_EQ(fixture_->count("nowhere", query::CountMode::exact).code(), "undefined_table");
}

}  // namespace
}  // namespace athena::sqlite::testing

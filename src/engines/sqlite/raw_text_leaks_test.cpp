#include <gtest/gtest.h>

#include "engines/sqlite/test_support.h"

// What one caller does to a connection must not reach the next.
namespace athena::sqlite::testing {
namespace {

class Leaks : public ::testing::TestWithParam<bool> {
 protected:
  Leaks() {
    fixture_.emplace(Fixture::options(GetParam() ? ":memory:" : folder_.file("a.db")), 1);
    fixture_->wait_ready();
    EXPECT_EQ(
        raw("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO t VALUES (41, 'x')").code(), "");
  }
  Fixture::Reply raw(std::string sql) {
    return fixture_->start_raw({std::move(sql)}, 0, std::make_shared<Rows>(), base::Deadline::in(60s)).get();
  }

  Folder folder_;
  std::optional<Fixture> fixture_;
};

INSTANTIATE_TEST_SUITE_P(FileAndMemory, Leaks, ::testing::Bool());

TEST_P(Leaks, TemporaryTablesAreUsableAndGone) {
  EXPECT_EQ(
      raw("CREATE TEMP TABLE scratch (a); INSERT INTO scratch VALUES (7); SELECT a FROM scratch").text(),
      "[7]");
  EXPECT_EQ(raw("SELECT * FROM scratch").code(), "undefined_table");
  EXPECT_EQ(raw("DELETE FROM scratch").code(), "undefined_table");
  EXPECT_EQ(raw("SELECT count(*) FROM temp.sqlite_schema").text(), "[0]");
}

TEST_P(Leaks, ATemporaryObjectDoesNotHideOneOfTheFile) {
  EXPECT_EQ(raw("CREATE TEMP TABLE t (id, evil)").code(), "");
  EXPECT_EQ(raw("SELECT * FROM t").text(), R"([41,"x"])");
  EXPECT_EQ(raw("CREATE TEMP VIEW t AS SELECT 'evil' AS name").code(), "");
  EXPECT_EQ(raw("UPDATE t SET name = 'y' RETURNING name").text(), R"(["y"])");
  EXPECT_EQ(fixture_->fetch(R"({"table_name":"t"})").text(), R"([41,"y"])");
}

TEST_P(Leaks, ATemporaryTriggerDoesNotFireForOthers) {
  EXPECT_EQ(raw("CREATE TEMP TRIGGER tr AFTER UPDATE ON main.t BEGIN DELETE FROM t; END").code(), "");
  EXPECT_EQ(
      fixture_
          ->send(
              Fixture::Operation::update,
              R"({"table_name":"t","set":{"name":"z"},"conditions":[{"operator":"eq","column":"id","value":41}]})")
          .get()
          .code(),
      "");
  EXPECT_EQ(raw("SELECT * FROM t").text(), R"([41,"z"])");
}

TEST_P(Leaks, TemporaryVirtualTablesToo) {
  EXPECT_EQ(raw("CREATE VIRTUAL TABLE temp.words USING fts5 (w); INSERT INTO words VALUES ('a')").code(), "");
  EXPECT_EQ(raw("SELECT * FROM words").code(), "undefined_table");
  EXPECT_EQ(raw("SELECT count(*) FROM temp.sqlite_schema").text(), "[0]");
}

TEST_P(Leaks, TextsThatFailLeaveNothing) {
  EXPECT_EQ(raw("CREATE TEMP TABLE scratch (a); SELECT nope").code(), "undefined_column");
  EXPECT_EQ(raw("SELECT * FROM scratch").code(), "undefined_table");
  EXPECT_EQ(raw("BEGIN; CREATE TEMP TABLE scratch (a)").code(), "invalid_transaction_state");
  EXPECT_EQ(raw("DELETE FROM scratch").code(), "undefined_table");
  EXPECT_EQ(raw("BEGIN; CREATE TEMP TABLE scratch (a); COMMIT; SELECT nope").code(), "undefined_column");
  EXPECT_EQ(raw("DELETE FROM scratch").code(), "undefined_table");
}

TEST_P(Leaks, TheLastRowOfAnotherCallerIsNotTold) {
  EXPECT_EQ(raw("INSERT INTO t (id) VALUES (1234); SELECT last_insert_rowid()").text(), "[1234]");
  EXPECT_EQ(raw("SELECT last_insert_rowid()").text(), "[0]");
  EXPECT_EQ(raw("INSERT INTO t (name) SELECT last_insert_rowid() RETURNING name").text(), R"(["0"])");
}

TEST_P(Leaks, AnOpenTransactionOrSavepointIsNotJoined) {
  EXPECT_EQ(raw("BEGIN; DELETE FROM t").code(), "invalid_transaction_state");
  EXPECT_EQ(raw("SAVEPOINT s; DELETE FROM t").code(), "invalid_transaction_state");
  EXPECT_EQ(raw("RELEASE s").code(), "invalid_transaction_state");
  EXPECT_EQ(fixture_->insert(R"({"table_name":"t","insert_body":{"id":2,"name":"b"}})").text(), R"([2,"b"])");
  EXPECT_EQ(raw("SELECT count(*) FROM t").text(), "[2]");
}

TEST_P(Leaks, LaterWritesAreStillGroupedAndCommitted) {
  EXPECT_EQ(raw("CREATE TEMP TABLE scratch (a)").code(), "");
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(fixture_->insert(R"({"table_name":"t","insert_body":{"name":"n"}})").code(), "");
  }
  EXPECT_EQ(raw("SELECT count(*) FROM t").text(), "[51]");
}

TEST_P(Leaks, HugeAndDeepTexts) {
  std::string many;
  while (many.size() < (1U << 20)) many += "SELECT 1;";
  auto reply = raw(many + "SELECT 2");
  EXPECT_EQ(reply.text(), "[2]");
  EXPECT_EQ(raw("SELECT '" + std::string(1U << 20, 'x') + "'").rows->rows.size(), 1U);
  EXPECT_EQ(raw("SELECT /*" + std::string(1U << 20, '/') + "*/ 1").text(), "[1]");
  const std::string open(1U << 19, '(');
  EXPECT_NE(raw("SELECT " + open).code(), "");
  EXPECT_NE(raw("SELECT " + open + "1" + std::string(open.size(), ')')).code(), "");
  std::string sum = "SELECT 1";
  while (sum.size() < (1U << 20)) sum += "+1";
  EXPECT_EQ(raw(sum).code(), "too_complex");
  std::string list = "SELECT count(*) FROM t WHERE id IN (0";
  while (list.size() < (1U << 20)) list += ",41";
  EXPECT_EQ(raw(list + ")").text(), "[1]");
  std::string columns = "SELECT 1";
  while (columns.size() < (1U << 20)) columns += ",1";
  EXPECT_EQ(raw(columns).code(), "too_complex");
  EXPECT_EQ(raw(std::string(1U << 20, ';')).code(), "missing_field");
  EXPECT_EQ(raw("SELECT '" + std::string(1U << 20, 'x')).code(), "syntax_error");
  EXPECT_EQ(raw("SELECT count(*) FROM t").text(), "[1]");
}

TEST_P(Leaks, BytesThatAreNoSql) {
  std::uint32_t state = 7;
  for (int i = 0; i < 300; ++i) {
    std::string text = i % 2 == 0 ? "SELECT " : "";
    for (int n = 0; n < 40; ++n) {
      state = state * 1664525 + 1013904223;
      static constexpr std::string_view kBytes = "()'\"`[];-/*,.?$:@ \n1aE=\xC3\xA4\xFF%_|";
      text.push_back(kBytes[(state >> 16U) % kBytes.size()]);
    }
    (void)raw(text);
  }
  EXPECT_EQ(raw("SELECT count(*) FROM t").text(), "[1]");
}

}  // namespace
}  // namespace athena::sqlite::testing

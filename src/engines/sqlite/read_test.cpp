#include <gtest/gtest.h>

#include "engines/sqlite/test_support.h"

namespace athena::sqlite::testing {
namespace {

constexpr const char* kEndless =
    "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s) SELECT n FROM s WHERE n < 0";

std::string series(int rows) {
  return "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < " + std::to_string(rows) +
         ") SELECT n FROM s";
}

class Read : public ::testing::Test {
 protected:
  Read() : outside_(folder_.file("a.db")) {
    outside_.run("PRAGMA journal_mode = WAL; CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)");
    outside_.run("INSERT INTO t " +
                 series(1000).replace(series(1000).find("SELECT n FROM"), 8, "SELECT n, 'v' || n"));
    fixture_.emplace(Fixture::options(folder_.file("a.db")), 2);
    fixture_->wait_ready();
    fixture_->schema_version = std::stoll(outside_.values("PRAGMA schema_version"));
  }
  std::uint64_t inline_reads() { return fixture_->client->status().counters.pipelined_requests; }
  std::uint64_t worker_reads() { return fixture_->client->status().counters.exclusive_requests; }

  Folder folder_;
  Outside outside_;
  std::optional<Fixture> fixture_;
};

TEST_F(Read, AShortReadRunsOnTheShard) {
  const auto result = fixture_->read("SELECT id, v FROM t WHERE id = 7", 2);
  ASSERT_TRUE(result.result) << result.code();
  EXPECT_EQ(result.rows->joined(), R"([7,"v7"])");
  EXPECT_EQ(inline_reads(), 1U);
  EXPECT_EQ(worker_reads(), 0U);
}

TEST_F(Read, AResultWithoutRowsStillBegins) {
  const auto result = fixture_->read("SELECT id, v FROM t WHERE id = -7", 2);
  ASSERT_TRUE(result.result);
  EXPECT_EQ(result.rows->begins, 1);
  EXPECT_EQ(result.rows->columns, 2U);
}

TEST_F(Read, ALongReadIsHandedToAWorkerOnce) {
  // 300,000 rows counted: more than a millisecond, one row.
  const std::string sql = "SELECT count(*) FROM (" + series(300000) + ")";
  for (int i = 0; i < 3; ++i) {
    const auto result = fixture_->read(sql, 1);
    ASSERT_TRUE(result.result) << result.code();
    EXPECT_EQ(result.rows->joined(), "[300000]");
    EXPECT_EQ(result.rows->begins, 1);
  }
  EXPECT_EQ(inline_reads(), 0U);
  EXPECT_EQ(worker_reads(), 3U);
}

TEST_F(Read, ALargeResultIsHandedToAWorkerWhole) {
  const std::string sql = "SELECT n, printf('%500s', n) FROM (" + series(5000) + ")";
  const auto result = fixture_->read(sql, 2);
  ASSERT_TRUE(result.result) << result.code();
  EXPECT_EQ(result.rows->rows.size(), 5000U);
  EXPECT_EQ(result.result->summary.rows_returned, 5000);
  EXPECT_TRUE(result.rows->rows.front().starts_with("[1,"));
  EXPECT_TRUE(result.rows->rows.back().starts_with("[5000,"));
  EXPECT_EQ(worker_reads(), 1U);
}

TEST_F(Read, RowLimitSetsTruncatedOnlyWhenARowIsLeftOut) {
  for (const bool large : {false, true}) {
    const std::string sql = large ? "SELECT n, printf('%50000s', n) FROM (" + series(10) + ")" : series(10);
    auto all = fixture_->plan({sql, {}, large ? 2U : 1U, false, 10}, base::Deadline::in(10s)).get();
    ASSERT_TRUE(all.result) << all.code();
    EXPECT_EQ(all.rows->rows.size(), 10U);
    EXPECT_FALSE(all.result->summary.truncated);
    auto some = fixture_->plan({sql, {}, large ? 2U : 1U, false, 9}, base::Deadline::in(10s)).get();
    ASSERT_TRUE(some.result) << some.code();
    EXPECT_EQ(some.rows->rows.size(), 9U);
    EXPECT_TRUE(some.result->summary.truncated);
  }
}

TEST_F(Read, AReadEndsByItsDeadline) {
  const auto began = base::Clock::now();
  const auto result = fixture_->read(kEndless, 1, 200ms);
  EXPECT_EQ(result.code(), "deadline_exceeded");
  const auto took = base::Clock::now() - began;
  EXPECT_GE(took, 190ms);
  EXPECT_LT(took, 500ms);
  EXPECT_EQ(fixture_->read("SELECT 1", 1).rows->joined(), "[1]");
}

TEST_F(Read, AComparisonThatRunsLongEndsByItsDeadline) {
  // One step of SQLite's machine, quadratic inside.
  const std::string sql =
      "SELECT athena_like('%' || printf('%.*c', 40000, 'a') || 'b', printf('%.*c', 4000000, 'a'))";
  const auto began = base::Clock::now();
  const auto result = fixture_->read(sql, 1, 300ms);
  EXPECT_EQ(result.code(), "deadline_exceeded");
  EXPECT_LT(base::Clock::now() - began, 2s);  // the whole comparison takes far longer
}

TEST_F(Read, ACancelledReadEndsAtOnce) {
  engines::Cancellation cancellation;
  auto pending = fixture_->plan({kEndless, {}, 1, false, -1}, base::Deadline::in(20s), 0, &cancellation);
  std::this_thread::sleep_for(50ms);
  const auto began = base::Clock::now();
  fixture_
      ->start<int>(0,
                   [&cancellation]() -> base::Task<int> {
                     cancellation.request();
                     co_return 0;
                   })
      .get();
  EXPECT_EQ(pending.get().code(), "client_closed_request");
  EXPECT_LT(base::Clock::now() - began, 200ms);
  // The worker is free again.
  for (int i = 0; i < 200 && fixture_->client->status().pool.active > 0; ++i)
    std::this_thread::sleep_for(2ms);
  EXPECT_EQ(fixture_->client->status().pool.active, 0);
}

TEST_F(Read, APausedSinkHoldsTheWorkerBack) {
  auto rows = std::make_shared<Rows>();
  rows->pause_every = 100;
  base::Shard& shard = fixture_->shard();
  rows->on_pause = [&shard, rows = rows.get()] { shard.post([rows] { rows->source->resume(); }); };
  const std::string sql = "SELECT n, printf('%1000s', n) FROM (" + series(3000) + ")";
  const auto result =
      fixture_->plan({sql, {}, 2, false, -1}, base::Deadline::in(10s), 0, nullptr, rows).get();
  ASSERT_TRUE(result.result) << result.code();
  EXPECT_EQ(rows->rows.size(), 3000U);
  EXPECT_EQ(rows->pauses, 30);
}

TEST_F(Read, ASinkThatStaysPausedEndsByTheDeadline) {
  auto rows = std::make_shared<Rows>();
  rows->pause_every = 10;
  const std::string sql = "SELECT n, printf('%1000s', n) FROM (" + series(100000) + ")";
  const auto began = base::Clock::now();
  const auto result =
      fixture_->plan({sql, {}, 2, false, -1}, base::Deadline::in(300ms), 0, nullptr, rows, 1000000).get();
  EXPECT_EQ(result.code(), "deadline_exceeded");
  EXPECT_EQ(rows->rows.size(), 10U);
  EXPECT_LT(base::Clock::now() - began, 850ms);
}

TEST_F(Read, AnInlineResultCanPauseToo) {
  auto rows = std::make_shared<Rows>();
  rows->pause_every = 3;
  base::Shard& shard = fixture_->shard();
  rows->on_pause = [&shard, rows = rows.get()] { shard.post([rows] { rows->source->resume(); }); };
  const auto result = fixture_
                          ->plan({"SELECT id FROM t ORDER BY id LIMIT 10", {}, 1, false, -1},
                                 base::Deadline::in(10s), 0, nullptr, rows)
                          .get();
  ASSERT_TRUE(result.result) << result.code();
  EXPECT_EQ(rows->joined(), "[1][2][3][4][5][6][7][8][9][10]");
  EXPECT_EQ(result.result->summary.rows_returned, 10);
  EXPECT_EQ(inline_reads(), 1U);
}

TEST_F(Read, ResumingFromInsideThePauseWorks) {
  auto rows = std::make_shared<Rows>();
  rows->pause_every = 3;
  rows->on_pause = [rows = rows.get()] { rows->source->resume(); };
  const auto result = fixture_
                          ->plan({"SELECT id FROM t ORDER BY id LIMIT 10", {}, 1, false, -1},
                                 base::Deadline::in(2s), 0, nullptr, rows)
                          .get();
  ASSERT_TRUE(result.result) << result.code();
  EXPECT_EQ(rows->rows.size(), 10U);
}

TEST_F(Read, ASinkThatHasEnoughEndsTheRead) {
  auto rows = std::make_shared<Rows>();
  rows->stop_after = 5;
  const std::string sql = "SELECT n, printf('%1000s', n) FROM (" + series(1000000000) + ")";
  const auto result =
      fixture_->plan({sql, {}, 2, false, -1}, base::Deadline::in(20s), 0, nullptr, rows, INT64_MAX).get();
  ASSERT_TRUE(result.result) << result.code();
  EXPECT_EQ(rows->rows.size(), 5U);
}

TEST_F(Read, TooManyWaitingAreRefused) {
  std::vector<std::future<PlanResult>> pending;
  for (int i = 0; i < 1100; ++i)
    pending.push_back(fixture_->plan({kEndless, {}, 1, false, -1}, base::Deadline::in(5s)));
  int refused = 0;
  int ended = 0;
  for (auto& future : pending) {
    const auto code = future.get().code();
    refused += code == "overloaded" ? 1 : 0;
    ended += code == "deadline_exceeded" ? 1 : 0;
  }
  EXPECT_EQ(refused + ended, 1100);
  EXPECT_GE(refused, 40);
  EXPECT_GE(ended, 1024);
  EXPECT_EQ(fixture_->client->status().queue, 0);
}

TEST_F(Read, AWriteIsSeenByEveryShardOnceAcknowledged) {
  for (int i = 0; i < 50; ++i) {
    const std::string value = std::to_string(100000 + i);
    ASSERT_EQ(fixture_->write("INSERT INTO t VALUES (" + value + ", 'new')").code(), "");
    for (const unsigned shard : {0U, 1U}) {
      const auto result =
          fixture_
              ->plan({"SELECT v FROM t WHERE id = " + value, {}, 1, false, -1}, base::Deadline::in(5s), shard)
              .get();
      ASSERT_EQ(result.rows->joined(), R"(["new"])");
    }
  }
}

TEST_F(Read, ValuesAreBoundWhateverTheyHold) {
  const auto result = fixture_
                          ->plan({"SELECT ?1, ?2, ?3", {"' OR 1=1 --", "", std::nullopt}, 3, false, -1},
                                 base::Deadline::in(5s))
                          .get();
  EXPECT_EQ(result.rows->joined(), R"(["' OR 1=1 --","",null])");
}

TEST_F(Read, AStatementForAnOldSchemaIsNotAnswered) {
  EXPECT_EQ(fixture_->read("SELECT id FROM t WHERE id = 1", 1).rows->joined(), "[1]");
  outside_.run("ALTER TABLE t ADD COLUMN w TEXT");
  // Prepared before, on the shard.
  auto result = fixture_->read("SELECT id FROM t WHERE id = 1", 1);
  ASSERT_TRUE(result.result);
  EXPECT_TRUE(result.result->schema_changed);
  EXPECT_EQ(result.rows->begins, 0);
  // On a worker.
  result = fixture_->read("SELECT count(*) FROM (" + series(300000) + ")", 1);
  ASSERT_TRUE(result.result);
  EXPECT_TRUE(result.result->schema_changed);
}

TEST_F(Read, AStatementThatWasNeverPreparedNoticesTheOldSchemaToo) {
  EXPECT_EQ(fixture_->read("SELECT 1", 1).rows->joined(), "[1]");
  EXPECT_EQ(fixture_->read("SELECT v FROM t WHERE id = 2", 1).rows->joined(), R"(["v2"])");
  outside_.run("ALTER TABLE t RENAME COLUMN v TO renamed");
  const auto result = fixture_->read("SELECT v FROM t WHERE id = 3", 1);
  ASSERT_TRUE(result.result);
  EXPECT_TRUE(result.result->schema_changed);
}

TEST_F(Read, AQuotedNameThatIsNoColumnIsNoString) {
  const auto result = fixture_->read("SELECT \"nothing\" FROM t LIMIT 1", 1);
  EXPECT_EQ(result.code(), "undefined_column");
}

TEST_F(Read, LikeFunctions) {
  EXPECT_EQ(
      fixture_
          ->read("SELECT athena_like('a%', 'abc'), athena_like('A%', 'abc'), athena_ilike('A%', 'abc')", 3)
          .rows->joined(),
      "[1,0,1]");
  EXPECT_EQ(fixture_->read("SELECT athena_like(NULL, 'abc'), athena_ilike('a', NULL)", 2).rows->joined(),
            "[null,null]");
  EXPECT_EQ(fixture_->read("SELECT athena_like('1%', 12)", 1).rows->joined(), "[1]");
  const auto result = fixture_->read(R"(SELECT athena_like('x\', 'abc'))", 1);
  EXPECT_EQ(result.code(), "invalid_value");
  EXPECT_EQ(result.result.error().text(), "LIKE pattern must not end with escape character");
}

TEST_F(Read, ConnectionsOfReadersCannotWrite) {
  EXPECT_EQ(fixture_->read("DELETE FROM t WHERE id = 1 RETURNING id", 1).code(), "read_only_violation");
  EXPECT_EQ(outside_.values("SELECT count(*) FROM t"), "1000");
}

}  // namespace
}  // namespace athena::sqlite::testing

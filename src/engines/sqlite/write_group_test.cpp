#include <gtest/gtest.h>

#include "engines/sqlite/test_support.h"

namespace athena::sqlite::testing {
namespace {

constexpr const char* kSchema = R"sql(
  CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);
  CREATE TABLE strict_t (id INTEGER PRIMARY KEY, v TEXT UNIQUE ON CONFLICT ROLLBACK);
  INSERT INTO strict_t VALUES (1, 'taken');
  CREATE TABLE parent (id INTEGER PRIMARY KEY);
  CREATE TABLE child (id INTEGER PRIMARY KEY, p INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED);
)sql";

// Runs for far longer than any deadline of these tests.
constexpr const char* kEndless =
    "INSERT INTO t (v) SELECT count(*) FROM (WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s) "
    "SELECT n FROM s)";

class WriteGroup : public ::testing::Test {
 protected:
  WriteGroup() : outside_(folder_.file("a.db")) {
    outside_.run(std::string("PRAGMA journal_mode = WAL;") + kSchema);
    fixture_.emplace(Fixture::options(folder_.file("a.db")));
    fixture_->wait_ready();
    fixture_->schema_version = std::stoll(outside_.values("PRAGMA schema_version"));
  }

  /// All of them queued while another connection holds the write lock, so that they form one group.
  std::vector<PlanResult> run_together(const std::vector<std::pair<std::string, base::Deadline>>& writes) {
    outside_.run("BEGIN IMMEDIATE");
    // The first write waits for the lock alone; the others gather behind it.
    auto plug = fixture_->plan({"UPDATE t SET v = v", {}, 0, true, -1}, base::Deadline::in(20s));
    wait_for_queue(1);
    std::vector<std::future<PlanResult>> pending;
    wait_for_queue(0);
    for (const auto& [sql, deadline] : writes)
      pending.push_back(fixture_->plan({sql, {}, 0, true, -1}, deadline));
    wait_for_queue(static_cast<int>(writes.size()));
    outside_.run("COMMIT");
    std::vector<PlanResult> results;
    for (auto& future : pending) results.push_back(future.get());
    EXPECT_EQ(plug.get().code(), "");
    return results;
  }
  void wait_for_queue(int length) {
    for (int i = 0; i < 100 && fixture_->client->status().queue != length; ++i)
      std::this_thread::sleep_for(1ms);
  }

  Folder folder_;
  Outside outside_;
  std::optional<Fixture> fixture_;
};

TEST_F(WriteGroup, WritesAreStoredAndCounted) {
  auto result = fixture_->write("INSERT INTO t VALUES (1, 'a'), (2, 'b') RETURNING id, v", 2);
  ASSERT_TRUE(result.result) << result.code();
  EXPECT_EQ(result.rows->joined(), R"([1,"a"][2,"b"])");
  EXPECT_EQ(result.result->summary.rows_affected, 2);
  EXPECT_EQ(result.result->summary.rows_returned, 2);
  result = fixture_->write("UPDATE t SET v = 'c' WHERE id > 0");
  ASSERT_TRUE(result.result) << result.code();
  EXPECT_EQ(result.result->summary.rows_affected, 2);
  EXPECT_EQ(result.rows->begins, 1);
  EXPECT_EQ(outside_.values("SELECT v FROM t"), "c,c");
}

TEST_F(WriteGroup, ThirtyTwoWritesThreeOfWhichBreakTheGroup) {
  std::vector<std::pair<std::string, base::Deadline>> writes;
  for (int i = 0; i < 32; ++i) {
    const auto deadline = base::Deadline::in(20s);
    if (i == 5) {
      writes.emplace_back(kEndless, base::Deadline::in(1500ms));
    } else if (i == 13) {
      writes.emplace_back("INSERT INTO strict_t (v) VALUES ('taken')", deadline);
    } else if (i == 21) {
      writes.emplace_back("INSERT INTO child (p) VALUES (999)", deadline);
    } else {
      writes.emplace_back("INSERT INTO t VALUES (" + std::to_string(1000 + i) + ", 'x')", deadline);
    }
  }
  const auto results = run_together(writes);
  for (int i = 0; i < 32; ++i) {
    const auto code = results[static_cast<std::size_t>(i)].code();
    if (i == 5) {
      EXPECT_EQ(code, "deadline_exceeded");
    } else if (i == 13) {
      EXPECT_EQ(code, "unique_violation");
    } else if (i == 21) {
      EXPECT_EQ(code, "foreign_key_violation");
    } else {
      EXPECT_EQ(code, "") << i;
    }
  }
  EXPECT_EQ(outside_.values("SELECT count(*) FROM t"), "29");
  EXPECT_EQ(outside_.values("SELECT count(DISTINCT id) FROM t"), "29");
  EXPECT_EQ(outside_.values("SELECT count(*) FROM child"), "0");
  EXPECT_EQ(outside_.values("SELECT count(*) FROM strict_t"), "1");
}

TEST_F(WriteGroup, WritesThatWaitTogetherShareATransaction) {
  std::vector<std::pair<std::string, base::Deadline>> writes;
  for (int i = 0; i < 32; ++i) writes.emplace_back("INSERT INTO t (v) VALUES ('x')", base::Deadline::in(20s));
  for (const auto& result : run_together(writes)) EXPECT_EQ(result.code(), "");
  const auto status = fixture_->client->status();
  EXPECT_EQ(status.writer_jobs, 33U);
  EXPECT_EQ(status.writer_groups, 2U);
  EXPECT_EQ(outside_.values("SELECT count(*) FROM t"), "32");
}

TEST_F(WriteGroup, ADeferredKeyFailsOnlyItsOwnJob) {
  std::vector<std::pair<std::string, base::Deadline>> writes;
  writes.emplace_back("INSERT INTO t VALUES (1, 'x')", base::Deadline::in(20s));
  writes.emplace_back("INSERT INTO child (p) VALUES (7)", base::Deadline::in(20s));
  writes.emplace_back("INSERT INTO t VALUES (2, 'y')", base::Deadline::in(20s));
  const auto results = run_together(writes);
  EXPECT_EQ(results[0].code(), "");
  EXPECT_EQ(results[1].code(), "foreign_key_violation");
  EXPECT_EQ(results[2].code(), "");
  EXPECT_EQ(outside_.values("SELECT v FROM t"), "x,y");
  EXPECT_EQ(outside_.values("SELECT count(*) FROM child"), "0");
}

TEST_F(WriteGroup, ARaiseRollbackOfATriggerFailsOnlyItsOwnJob) {
  outside_.run(
      "CREATE TRIGGER no_evil BEFORE INSERT ON t WHEN NEW.v = 'evil' BEGIN SELECT RAISE(ROLLBACK, 'no evil "
      "here'); END");
  fixture_->schema_version = std::stoll(outside_.values("PRAGMA schema_version"));
  std::vector<std::pair<std::string, base::Deadline>> writes;
  for (const char* v : {"a", "evil", "b"}) {
    writes.emplace_back(std::string("INSERT INTO t (v) VALUES ('") + v + "')", base::Deadline::in(20s));
  }
  const auto results = run_together(writes);
  EXPECT_EQ(results[0].code(), "");
  EXPECT_EQ(results[1].code(), "raised_exception");
  EXPECT_EQ(results[1].result.error().text(), "no evil here");
  EXPECT_EQ(results[2].code(), "");
  EXPECT_EQ(outside_.values("SELECT v FROM t ORDER BY v"), "a,b");
}

TEST_F(WriteGroup, AFailureThatEndsOnlyItsStatementLeavesTheGroup) {
  std::vector<std::pair<std::string, base::Deadline>> writes;
  for (int i = 0; i < 8; ++i) writes.emplace_back("INSERT INTO t VALUES (7, 'x')", base::Deadline::in(20s));
  int stored = 0;
  for (const auto& result : run_together(writes)) {
    if (result.result) {
      ++stored;
    } else {
      EXPECT_EQ(result.result.error().text(), "duplicate key value violates unique constraint \"t_pkey\"");
    }
  }
  EXPECT_EQ(stored, 1);
}

TEST_F(WriteGroup, AWriteWhoseDeadlinePassesInTheQueueIsDropped) {
  outside_.run("BEGIN IMMEDIATE");
  auto late =
      fixture_->plan({"INSERT INTO t VALUES (1, 'late')", {}, 0, true, -1}, base::Deadline::in(150ms));
  auto patient =
      fixture_->plan({"INSERT INTO t VALUES (2, 'patient')", {}, 0, true, -1}, base::Deadline::in(10s));
  const auto began = base::Clock::now();
  const auto dropped = late.get();
  EXPECT_EQ(dropped.code(), "deadline_exceeded");
  EXPECT_LT(base::Clock::now() - began, 650ms);
  outside_.run("COMMIT");
  EXPECT_EQ(patient.get().code(), "");
  EXPECT_EQ(outside_.values("SELECT v FROM t"), "patient");
}

TEST_F(WriteGroup, AnotherProcessThatKeepsTheLockIsOverload) {
  fixture_.reset();
  auto options = Fixture::options(folder_.file("a.db"));
  options.busy_timeout_ms = 100;
  fixture_.emplace(options);
  fixture_->wait_ready();
  fixture_->schema_version = std::stoll(outside_.values("PRAGMA schema_version"));
  outside_.run("BEGIN IMMEDIATE");
  const auto result = fixture_->write("INSERT INTO t (v) VALUES ('x')");
  EXPECT_EQ(result.code(), "overloaded");
  outside_.run("COMMIT");
  EXPECT_EQ(fixture_->write("INSERT INTO t (v) VALUES ('x')").code(), "");
}

TEST_F(WriteGroup, AWriteGoesOnWhenItsCallerHasLeft) {
  outside_.run("BEGIN IMMEDIATE");
  engines::Cancellation cancellation;
  auto write = fixture_->plan({"INSERT INTO t VALUES (1, 'x')", {}, 0, true, -1}, base::Deadline::in(10s), 0,
                              &cancellation);
  fixture_
      ->start<int>(0,
                   [&cancellation]() -> base::Task<int> {
                     cancellation.request();
                     co_return 0;
                   })
      .get();
  outside_.run("COMMIT");
  EXPECT_EQ(write.get().code(), "");
  EXPECT_EQ(outside_.values("SELECT v FROM t"), "x");
}

TEST_F(WriteGroup, RowsBeyondMaxRowsAreWrittenAndCounted) {
  auto rows = std::make_shared<Rows>();
  const auto result =
      fixture_
          ->plan({"INSERT INTO t (v) VALUES ('a'), ('b'), ('c'), ('d'), ('e') RETURNING v", {}, 1, true, -1},
                 base::Deadline::in(10s), 0, nullptr, rows, 2)
          .get();
  ASSERT_TRUE(result.result) << result.code();
  EXPECT_EQ(rows->joined(), R"(["a"]["b"])");
  EXPECT_TRUE(result.result->summary.truncated);
  EXPECT_EQ(result.result->summary.rows_affected, 5);
  EXPECT_EQ(outside_.values("SELECT count(*) FROM t"), "5");
}

TEST_F(WriteGroup, RowsThatAreTooLargeToReturnAreNotWritten) {
  fixture_.reset();
  contract::GatewaySettings settings;
  settings.max_buffered_bytes = 1000;
  fixture_.emplace(Fixture::options(folder_.file("a.db")), 1U, settings);
  fixture_->wait_ready();
  fixture_->schema_version = std::stoll(outside_.values("PRAGMA schema_version"));
  const auto result = fixture_->write("INSERT INTO t (v) VALUES (printf('%2000s', 'x')) RETURNING v", 1);
  EXPECT_EQ(result.code(), "limit_too_large");
  EXPECT_EQ(outside_.values("SELECT count(*) FROM t"), "0");
}

TEST_F(WriteGroup, AStatementForAnOldSchemaDoesNotRun) {
  outside_.run("ALTER TABLE t ADD COLUMN w TEXT");
  const auto result = fixture_->write("INSERT INTO t (v) VALUES ('x')");
  ASSERT_TRUE(result.result) << result.code();
  EXPECT_TRUE(result.result->schema_changed);
  EXPECT_EQ(result.rows->begins, 0);
  EXPECT_EQ(outside_.values("SELECT count(*) FROM t"), "0");
}

TEST_F(WriteGroup, SeveralStatementsAreStoredTogetherAndReturnInInputOrder) {
  auto rows = std::make_shared<Rows>();
  auto run = [this, rows](std::string second) {
    return fixture_->start<std::string>(0, [this, rows, second] {
      return [](Fixture& fixture, std::shared_ptr<Rows> sink, std::string text,
                std::int64_t version) -> base::Task<std::string> {
        std::pmr::monotonic_buffer_resource memory;
        sql::Plan plan =
            make_plan({"INSERT INTO t (v) VALUES ('zero'), ('two') RETURNING v", {}, 1, true, -1}, memory);
        sql::Plan other = make_plan({text, {}, 1, true, -1}, memory);
        plan.statements.push_back(other.statements.front());
        plan.statements[0].input_rows = {0, 2};
        plan.statements[1].input_rows = {1};
        plan.transaction = true;
        plan.reorder = true;
        engines::ExecutionContext context{base::Deadline::in(10s), memory};
        auto result = co_await fixture.backend().run_plan(plan, version, *sink, context);
        co_return result ? sink->joined() + std::to_string(result->summary.rows_affected)
                         : std::string(contract::info(result.error().code()).name);
      }(*fixture_, rows, second, fixture_->schema_version);
    });
  };
  EXPECT_EQ(run("INSERT INTO t (v) VALUES ('one') RETURNING v").get(), R"(["zero"]["one"]["two"]3)");
  EXPECT_EQ(run("INSERT INTO t (id, v) VALUES (1, 'one') RETURNING v").get(), "unique_violation");
  EXPECT_EQ(outside_.values("SELECT count(*) FROM t"), "3");
}

}  // namespace
}  // namespace athena::sqlite::testing

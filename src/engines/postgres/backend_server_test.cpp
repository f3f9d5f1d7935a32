// Requests against a PostgreSQL that this test starts. Skipped without one.
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <random>
#include <thread>

#include "engines/postgres/server_fixture.h"

namespace athena::postgres::testing {
namespace {

using BackendServerTest = ServerTest;

TEST_F(BackendServerTest, ValuesOfOneRow) {
  Gateway gateway(connection);
  const auto answer = gateway.fetch(by_id(150, R"("id","name","price","tags","doc","at")"));
  ASSERT_EQ(answer.code(), "ok") << answer.error->text();
  EXPECT_EQ(answer.rows, R"({"id":150,"name":"name 150","price":1.50,"tags":["a","150"],"doc":{"n": 150},)"
                         R"("at":"2026-03-01T08:00:00+00:00"})");
  EXPECT_EQ(answer.summary.rows_returned, 1);
  EXPECT_FALSE(answer.summary.truncated);
  EXPECT_EQ(gateway.client->status().counters.pipelined_requests, 1U);
}

TEST_F(BackendServerTest, TheDefaultLimitIsSeen) {
  Gateway gateway(connection);
  const auto cut = gateway.fetch(R"({"table_name":"items","columns":["id"]})");
  EXPECT_EQ(cut.summary.rows_returned, 100);
  EXPECT_TRUE(cut.summary.truncated);
  const auto own = gateway.fetch(R"({"table_name":"items","columns":["id"],"limit":100})");
  EXPECT_EQ(own.summary.rows_returned, 100);
  EXPECT_FALSE(own.summary.truncated);
}

TEST_F(BackendServerTest, ErrorsOfTheServer) {
  Gateway gateway(connection);
  EXPECT_EQ(gateway.fetch(R"({"table_name":"nowhere"})").code(), "undefined_table");
  EXPECT_EQ(gateway.fetch(R"({"table_name":"items","columns":["nme"]})").code(), "undefined_column");
  const auto failed = gateway.fetch(R"({"table_name":"failing"})");
  EXPECT_EQ(failed.code(), "invalid_value");
  EXPECT_EQ(failed.detail("sql_state"), "\"22012\"");
  EXPECT_EQ(gateway.fetch(by_id(7)).rows, row(7));
}

// The promise behind pipelining: whatever fails beside it, each request gets its own answer.

TEST_F(BackendServerTest, TenThousandRandomMixesKeepTheirAnswers) {
  connection.pool.prepared_statements = 3;  // fewer than there are shapes: evictions in the middle of it
  Gateway gateway(connection);
  std::mt19937 random(42);
  struct Sent {
    int kind, id;
    std::future<Answer> answer;
  };
  std::vector<Sent> sent;
  const auto check = [&] {
    for (auto& one : sent) {
      const auto answer = one.answer.get();
      switch (one.kind) {
        case 0:
        case 1:
        case 2:
          ASSERT_EQ(answer.rows, row(one.id)) << answer.code();
          break;
        case 3:
          ASSERT_EQ(answer.detail("sql_state"), "\"22012\"") << answer.code() << answer.rows;
          break;
        case 4:
          ASSERT_EQ(answer.detail("sql_state"), "\"22P02\"") << answer.code() << answer.rows;
          break;
        case 5:
          ASSERT_EQ(answer.rows, R"({"id":)" + std::to_string(one.id) + "}");
          break;
        case 6:
          ASSERT_EQ(answer.summary.rows_returned, 3);
          break;
        default:
          ASSERT_EQ(answer.code(), "unique_violation");
          break;
      }
    }
    sent.clear();
  };
  for (int i = 0; i < 10000; ++i) {
    const int kind = static_cast<int>(random() % 8), id = static_cast<int>(random() % 5000) + 1;
    std::string body;
    Kind operation = Kind::fetch;
    switch (kind) {
      case 3:
        body = R"({"table_name":"failing"})";
        break;
      case 4:
        body = R"({"table_name":"items","columns":["name::int4"],"limit":1})";
        break;
      case 5:
        body = by_id(id, "\"id\"");
        break;
      case 6:
        body = R"({"table_name":"items","columns":["id","tags"],"limit":3})";
        break;
      case 7:
        body = R"({"table_name":"one","insert_body":{"id":1}})";
        operation = Kind::insert;
        break;
      default:
        body = by_id(id);
        break;
    }
    sent.push_back({kind, id, gateway.send(operation, body, {})});
    if (sent.size() == 250) {
      check();
      if (HasFatalFailure()) return;
    }
  }
  check();
  EXPECT_GT(gateway.client->status().counters.prepared_evictions, 0U);
  EXPECT_LE(gateway.client->status().pool.size, connection.pool.max_connections);
}

TEST_F(BackendServerTest, WritesAndTheirRows) {
  Gateway gateway(connection);
  auto answer =
      gateway.run(Kind::insert, R"({"table_name":"notes","insert_body":{"id":1,"body":"one"}})", {});
  ASSERT_EQ(answer.code(), "ok") << answer.error->text();
  EXPECT_EQ(answer.rows, R"({"id":1,"body":"one"})");
  EXPECT_EQ(answer.summary.rows_affected, 1);
  // Two column sets: two statements in one transaction, rows back in input order.
  answer = gateway.run(
      Kind::insert,
      R"({"table_name":"notes","insert_body":[{"id":5,"body":"e"},{"id":4},{"id":3,"body":"c"},{"id":2}]})",
      {});
  ASSERT_EQ(answer.code(), "ok") << answer.error->text();
  EXPECT_EQ(answer.rows,
            R"({"id":5,"body":"e"},{"id":4,"body":null},{"id":3,"body":"c"},{"id":2,"body":null})");
  EXPECT_EQ(answer.summary.rows_affected, 4);
  // One of several fails: none is stored.
  answer = gateway.run(Kind::insert,
                       R"({"table_name":"notes","insert_body":[{"id":10,"body":"x"},{"id":1}]})", {});
  EXPECT_EQ(answer.code(), "unique_violation");
  EXPECT_EQ(answer.detail("constraint"), "\"notes_pkey\"");
  EXPECT_EQ(server->sql("select count(*) from notes where id = 10"), "0");
  answer = gateway.run(
      Kind::update,
      R"({"table_name":"notes","set":{"body":"z"},"conditions":[{"operator":"gte","column":"id","value":4}]})",
      {});
  ASSERT_EQ(answer.code(), "ok") << answer.error->text();
  EXPECT_EQ(answer.summary.rows_affected, 2);
  answer = gateway.run(
      Kind::remove,
      R"({"table_name":"notes","conditions":[{"operator":"in","column":"id","value":[4,5,99]}]})", {});
  ASSERT_EQ(answer.code(), "ok") << answer.error->text();
  EXPECT_EQ(answer.summary.rows_affected, 2);
  EXPECT_EQ(server->sql("select string_agg(id||coalesce(body,'-'), ',' order by id) from notes"),
            "1one,2-,3c");
}

TEST_F(BackendServerTest, TriggersLeaveNoSessionStateBehind) {
  connection.pool.max_connections = 1;  // the very same session is used again
  Gateway gateway(connection);
  ASSERT_EQ(gateway.run(Kind::insert, R"({"table_name":"triggered","insert_body":{"id":1}})", {}).code(),
            "ok");
  EXPECT_EQ(gateway.fetch(R"({"table_name":"mark"})").rows, R"({"v":""})");
  EXPECT_EQ(gateway.fetch(by_id(3)).rows, row(3));
  EXPECT_EQ(gateway.client->status().pool.size, 1);
}

TEST_F(BackendServerTest, ADeadlineEndsASlowReadAndItsBackend) {
  Gateway gateway(connection);
  for (const bool exclusive : {false, true}) {
    Gateway::Options options;
    options.timeout = 400ms;
    options.exclusive = exclusive;
    const auto began = base::Clock::now();
    const auto answer = gateway.fetch(R"({"table_name":"slow"})", options);
    const auto took = base::Clock::now() - began;
    EXPECT_EQ(answer.code(), "deadline_exceeded");
    EXPECT_GE(took, 390ms);
    EXPECT_LE(took, 900ms);
    std::this_thread::sleep_for(400ms);
    EXPECT_EQ(server->sql(
                  "select count(*) from pg_stat_activity where query like '%\"slow\"%' and state = 'active' "
                  "and pid <> pg_backend_pid()"),
              "0");
    EXPECT_EQ(gateway.fetch(by_id(9)).rows, row(9));
  }
  EXPECT_EQ(gateway.client->status().state, engines::HealthState::closed);
}

TEST_F(BackendServerTest, OthersDoNotWaitBehindASlowReadForEver) {
  Gateway gateway(connection);
  ASSERT_EQ(gateway.fetch(by_id(1)).code(), "ok");
  auto slow = gateway.send(Kind::fetch, R"({"table_name":"nap"})", {});
  std::vector<std::future<Answer>> others;
  for (int i = 1; i <= 100; ++i) others.push_back(gateway.send(Kind::fetch, by_id(i), {}));
  for (int i = 1; i <= 100; ++i) EXPECT_EQ(others[static_cast<std::size_t>(i - 1)].get().rows, row(i));
  EXPECT_EQ(slow.get().summary.rows_returned, 1);
  // Known to be slow now: exclusive from here on.
  const auto before = gateway.client->status().counters.exclusive_requests;
  EXPECT_EQ(gateway.fetch(R"({"table_name":"nap"})").code(), "ok");
  EXPECT_EQ(gateway.client->status().counters.exclusive_requests, before + 1);
}

TEST_F(BackendServerTest, ALockedTableHoldsNobodyUp) {
  Gateway gateway(connection);
  ASSERT_EQ(gateway.fetch(R"({"table_name":"notes","limit":1})").code(), "ok");
  std::thread holder(
      [] { server->sql("begin; lock table notes in access exclusive mode; select pg_sleep(1.2); commit"); });
  std::this_thread::sleep_for(300ms);
  const auto began = base::Clock::now();
  auto locked = gateway.send(Kind::fetch, R"({"table_name":"notes","limit":1})", {});
  std::vector<std::future<Answer>> others;
  for (int i = 1; i <= 40; ++i) others.push_back(gateway.send(Kind::fetch, by_id(i), {}));
  for (int i = 1; i <= 40; ++i) EXPECT_EQ(others[static_cast<std::size_t>(i - 1)].get().rows, row(i));
  EXPECT_LE(base::Clock::now() - began, 600ms);
  const auto answer = locked.get();
  EXPECT_EQ(answer.code(), "ok");
  EXPECT_GE(base::Clock::now() - began, 500ms);
  holder.join();
}

TEST_F(BackendServerTest, APausedReceiverHoldsItsOwnConnectionOnly) {
  Gateway gateway(connection);
  for (const int limit : {1000, 10000}) {  // pipelined, exclusive
    HesitantSink sink(gateway.shard(0), 20);
    Gateway::Options options;
    options.sink = &sink;
    auto paused =
        gateway.send(Kind::fetch,
                     R"({"table_name":"big","columns":["id","filler"],"sort_by":{"field":"id"},"limit":)" +
                         std::to_string(limit) + "}",
                     options);
    for (int i = 1; i <= 50; ++i) EXPECT_EQ(gateway.fetch(by_id(i)).rows, row(i));
    const auto answer = paused.get();
    EXPECT_EQ(answer.code(), "ok");
    EXPECT_EQ(sink.rows, limit);
    EXPECT_EQ(sink.sum, static_cast<std::int64_t>(limit) * (limit + 1) / 2);
  }
}

TEST_F(BackendServerTest, APausedReceiverMeetsItsDeadline) {
  Gateway gateway(connection);
  ASSERT_EQ(gateway.fetch(by_id(1)).code(), "ok");
  for (const int limit : {1000, 10000}) {
    class Stuck final : public query::RowSink {
     public:
      void begin(const query::RowShape&, query::RowSource&) override {}
      query::RowFlow row(std::span<const query::Cell>) override { return query::RowFlow::pause; }
      bool restart() override { return false; }
    } sink;
    Gateway::Options options;
    options.sink = &sink;
    options.timeout = 500ms;
    const auto began = base::Clock::now();
    const auto answer =
        gateway.fetch(R"({"table_name":"big","limit":)" + std::to_string(limit) + "}", options);
    EXPECT_EQ(answer.code(), "deadline_exceeded");
    EXPECT_LE(base::Clock::now() - began, 1100ms);
    for (int i = 1; i <= 50; ++i) EXPECT_EQ(gateway.fetch(by_id(i)).rows, row(i));
  }
}

TEST_F(BackendServerTest, ACallerWhoLeavesFreesTheBackend) {
  Gateway gateway(connection);
  for (const bool exclusive : {false, true}) {
    engines::Cancellation cancellation;
    Gateway::Options options;
    options.exclusive = exclusive;
    options.cancellation = &cancellation;
    auto left = gateway.send(Kind::fetch, R"({"table_name":"slow"})", options);
    std::this_thread::sleep_for(300ms);
    gateway.shard(0).post([&] { cancellation.request(); });
    EXPECT_EQ(left.get().code(), "client_closed_request");
    std::this_thread::sleep_for(500ms);
    EXPECT_EQ(server->sql(
                  "select count(*) from pg_stat_activity where query like '%\"slow\"%' and state = 'active' "
                  "and pid <> pg_backend_pid()"),
              "0");
    EXPECT_EQ(gateway.fetch(by_id(4)).rows, row(4));
  }
}

TEST_F(BackendServerTest, AnAdministratorsCancelIsNotRepeated) {
  Gateway gateway(connection);
  auto stopped = gateway.send(Kind::fetch, R"({"table_name":"slow"})", {});
  std::this_thread::sleep_for(500ms);
  server->sql(
      "select pg_cancel_backend(pid) from pg_stat_activity where query like '%\"slow\"%' and pid <> "
      "pg_backend_pid()");
  const auto answer = stopped.get();
  EXPECT_EQ(answer.code(), "statement_timeout");
  EXPECT_EQ(answer.detail("reason"), "\"cancelled_in_database\"");
}

TEST_F(BackendServerTest, TheStatementTimeoutAndADeadlineBeyondIt) {
  connection.pool.statement_timeout_ms = 200;
  connection.pool.max_connections = 1;
  Gateway gateway(connection);
  // A deadline beyond the limit is kept: 0.3 s run to their end.
  auto answer = gateway.fetch(R"({"table_name":"nap"})");
  // The first one reads the catalogue too, within the limit; on a busy machine that may take longer.
  for (int again = 0; again < 4 && answer.code() != "ok"; ++again)
    answer = gateway.fetch(R"({"table_name":"nap"})");
  EXPECT_EQ(answer.code(), "ok") << answer.error->text() << answer.sql.size();
  // And the connection has its own limit again.
  Gateway::Options options;
  options.timeout = 199ms;
  answer = gateway.fetch(R"({"table_name":"nap"})", options);
  EXPECT_TRUE(answer.code() == "deadline_exceeded" || answer.code() == "statement_timeout") << answer.code();
  EXPECT_EQ(gateway.fetch(by_id(1)).rows, row(1));
}

TEST_F(BackendServerTest, ATableThatChanges) {
  Gateway gateway(connection);
  const std::string all = R"({"table_name":"moving"})";
  EXPECT_EQ(gateway.fetch(all).rows, R"({"id":1,"a":"x"})");
  server->sql("alter table moving alter column a type int using 5");
  EXPECT_EQ(gateway.fetch(all).rows, R"({"id":1,"a":5})");
  server->sql("alter table moving drop column a; alter table moving add column b text default 'y'");
  EXPECT_EQ(gateway.fetch(all).rows, R"({"id":1,"b":"y"})");
  server->sql("drop table moving");
  EXPECT_EQ(gateway.fetch(all).code(), "undefined_table");
  server->sql("create table moving(id int primary key, a text); insert into moving values (1,'x')");
}

TEST_F(BackendServerTest, ReadOnlyClients) {
  connection.read_only = true;
  Gateway gateway(connection);
  EXPECT_EQ(gateway.run(Kind::insert, R"({"table_name":"one","insert_body":{"id":77}})", {}).code(),
            "read_only_violation");
}

TEST_F(BackendServerTest, DiscoveryOfTheSchema) {
  Gateway gateway(connection);
  auto tables = base::asio::co_spawn(gateway.shard(0).context().get_executor(),
                                     gateway.backends[0]->schema()->tables({}, base::Deadline::in(5s)),
                                     base::asio::use_future)
                    .get();
  ASSERT_TRUE(tables);
  EXPECT_GT(tables->size(), 5U);
}

}  // namespace
}  // namespace athena::postgres::testing

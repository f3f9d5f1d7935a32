// What a caller's text does to its session, its connection and its time. Skipped without a PostgreSQL.
#include <gtest/gtest.h>

#include <thread>

#include "engines/postgres/raw_fixture.h"

namespace athena::postgres::testing {
namespace {

using Options = RawGateway::Options;

TEST_F(RawServerTest, NothingSurvivesInTheSession) {
  server->sql("create role nobody");
  connection.pool.max_connections = 2;
  connection.pool.pipelined_per_shard = 1;
  RawGateway gateway(connection);
  struct Leak {
    const char* text;
    const char* probe;
    const char* clean;
  };
  const Leak leaks[] = {
      {"set athena.mark = 'x'", "select coalesce(current_setting('athena.mark', true), '') as v",
       R"({"v":""})"},
      {"set search_path = other", "select current_setting('search_path') as v",
       R"({"v":"\"$user\", public"})"},
      {"set role nobody", "select current_user as v", R"({"v":"postgres"})"},
      {"set session authorization nobody", "select session_user as v", R"({"v":"postgres"})"},
      {"set timezone = 'Asia/Tokyo'", "select current_setting('timezone') as v", R"({"v":"UTC"})"},
      {"set statement_timeout = 1", "select current_setting('statement_timeout') as v", R"({"v":"30s"})"},
      {"create temp table left_over(a int)", "select to_regclass('left_over') as v", R"({"v":null})"},
      {"select pg_advisory_lock(42)", "select count(*) as v from pg_locks where locktype = 'advisory'",
       R"({"v":0})"},
      {"select stable_leak()", "select coalesce(current_setting('athena.mark', true), '') as v",
       R"({"v":""})"},
      {"select set_config('athena.mark', 'y', false) limit 1",
       "select coalesce(current_setting('athena.mark', true), '') as v", R"({"v":""})"},
      {"prepare p as select 1", "select count(*) as v from pg_prepared_statements where name = 'p'",
       R"({"v":0})"},
      {"begin; declare c cursor with hold for select 1; commit",
       "select count(*) as v from pg_cursors where name = 'c'", R"({"v":0})"},
      {"do $$ begin perform set_config('athena.mark','z',false); end $$",
       "select coalesce(current_setting('athena.mark', true), '') as v", R"({"v":""})"},
      {"begin; set local athena.mark = 'w'; insert into notes values (800,'a')",
       "select count(*) as v from notes where id = 800", R"({"v":0})"},
  };
  for (const auto& leak : leaks) {
    for (int round = 0; round < 2; ++round) {
      const auto answer = gateway.run(leak.text);
      EXPECT_TRUE(answer.code() == "ok" || answer.code() == "invalid_transaction_state")
          << leak.text << ": " << (answer.error ? answer.error->text() : "");
      EXPECT_EQ(gateway.run(leak.probe).rows, leak.clean) << leak.text;  // exclusive
      EXPECT_EQ(gateway.run(std::string(leak.probe) + " limit 1").rows, leak.clean)
          << leak.text;  // pipelined, mostly
    }
  }
  EXPECT_GT(gateway.pipelined(), 0U);
}

TEST_F(RawServerTest, SchemaName) {
  RawGateway gateway(connection);
  Options options;
  options.schema_name = "other";
  EXPECT_EQ(gateway.run("select body from notes", options).rows, R"({"body":"of other"})");
  options.params = "[1]";
  EXPECT_EQ(gateway.run("select body from notes where id = $1 limit 1", options).rows,
            R"({"body":"of other"})");
  options.read_only = true;
  EXPECT_EQ(gateway.run("select body from notes where id = $1 limit 1", options).sql[1],
            "SET LOCAL search_path = \"other\", public");
  EXPECT_EQ(gateway.run("select count(*) as n from notes where id < 0").rows, R"({"n":0})");
  EXPECT_EQ(gateway.run("select current_setting('search_path') as v").rows, R"({"v":"\"$user\", public"})");
  options.params.clear();
  options.schema_name = "x\"; drop table items; --";
  EXPECT_EQ(gateway.run("select 1 as a", options).rows, R"({"a":1})");
  EXPECT_EQ(server->sql("select count(*) > 0 from items"), "t");
  options.schema_name = std::string(64, 'x');
  EXPECT_EQ(gateway.run("select 1 as a", options).code(), "invalid_identifier");
}

TEST_F(RawServerTest, Notices) {
  RawGateway gateway(connection);
  const auto answer = gateway.run("select shout()");
  ASSERT_EQ(answer.code(), "ok");
  ASSERT_EQ(answer.summary.notices.size(), 10U);
  EXPECT_EQ(answer.summary.notices[0], "NOTICE: note 1");
  const auto one = gateway.run("do $$ begin raise warning '%', repeat('ü', 2000); end $$");
  ASSERT_EQ(one.summary.notices.size(), 1U);
  EXPECT_LE(one.summary.notices[0].size(), 1024U);
  EXPECT_GE(one.summary.notices[0].size(), 1020U);
  EXPECT_TRUE(gateway.run("select 1").summary.notices.empty());
}

TEST_F(RawServerTest, TimeLimits) {
  RawGateway gateway(connection);
  Options options;
  options.statement_timeout = 200ms;
  auto began = base::Clock::now();
  EXPECT_EQ(gateway.run("select pg_sleep(20)", options).code(), "statement_timeout");
  EXPECT_EQ(gateway.run("insert into notes select 900, pg_sleep(20)::text", options).code(),
            "statement_timeout");
  EXPECT_EQ(gateway.run("select 1; select pg_sleep(20)", options).code(), "statement_timeout");
  options.statement_timeout = 0ms;
  options.timeout = 300ms;
  EXPECT_EQ(gateway.run("select pg_sleep(20)", options).code(), "deadline_exceeded");
  EXPECT_LT(base::Clock::now() - began, 5s);
  const auto own = gateway.run("set statement_timeout = 100; select pg_sleep(20)");
  EXPECT_EQ(own.code(), "statement_timeout");
  EXPECT_EQ(own.detail("reason"), "absent");
  EXPECT_EQ(server->sql("select count(*) from notes where id = 900"), "0");
  EXPECT_EQ(gateway.run("select 1 as a").rows, R"({"a":1})");
}

TEST_F(RawServerTest, ALongDeadlineLiftsTheUsualLimit) {
  connection.pool.statement_timeout_ms = 300;
  RawGateway gateway(connection);
  const auto answer = gateway.run("select pg_sleep(0.6)");
  EXPECT_EQ(answer.code(), "ok");
  EXPECT_EQ(answer.sql[0].substr(0, 24), "SET statement_timeout = ");
}

TEST_F(RawServerTest, ACallerWhoLeaves) {
  RawGateway gateway(connection);
  engines::Cancellation read, write;
  Options options;
  options.cancellation = &read;
  auto reading = gateway.send("select pg_sleep(20)", options);
  options.cancellation = &write;
  auto writing = gateway.send("insert into notes select 901, pg_sleep(0.5)::text", options);
  std::this_thread::sleep_for(200ms);
  gateway.shard().post([&] {
    read.request();
    write.request();
  });
  const auto began = base::Clock::now();
  EXPECT_EQ(reading.get().code(), "client_closed_request");
  EXPECT_LT(base::Clock::now() - began, 2s);
  EXPECT_EQ(writing.get().code(), "ok");
  EXPECT_EQ(server->sql("delete from notes where id = 901 returning id"), "901");
  std::this_thread::sleep_for(300ms);
  EXPECT_EQ(
      server->sql(
          "select count(*) from pg_stat_activity where query like '%pg_sleep(20)%' and state = 'active' "
          "and pid <> pg_backend_pid()"),
      "0");
}

TEST_F(RawServerTest, ItMayEndItsOwnConnection) {
  RawGateway gateway(connection);
  EXPECT_EQ(gateway.run("select pg_terminate_backend(pg_backend_pid())").code(), "backend_unreachable");
  EXPECT_EQ(gateway.run("insert into notes select 902, pg_terminate_backend(pg_backend_pid())::text").code(),
            "outcome_unknown");
  EXPECT_EQ(gateway.run("select 1; select pg_terminate_backend(pg_backend_pid())").code(),
            "backend_unreachable");
  EXPECT_EQ(gateway.run("select 1 as a").rows, R"({"a":1})");
  EXPECT_EQ(server->sql("select count(*) from notes where id = 902"), "0");
}

TEST_F(RawServerTest, CopyThatTheClassifierDidNotSee) {
  server->sql(
      "create function sneaky() returns void language plpgsql as $$ begin execute 'copy items to stdout'; "
      "end $$");
  RawGateway gateway(connection);
  EXPECT_NE(gateway.run("select sneaky()").code(), "ok");
  EXPECT_EQ(gateway.run("select 1 as a").rows, R"({"a":1})");
}

TEST_F(RawServerTest, CountOnly) {
  RawGateway gateway(connection);
  Options options;
  options.count_only = true;
  EXPECT_EQ(gateway.run("select count(*) from items", options).rows, R"({"count":5000})");
  EXPECT_EQ(gateway.run("select 1", options).code(), "invalid_payload");
  EXPECT_EQ(gateway.run("select count(*) from items; select 1", options).code(), "invalid_payload");
}

TEST_F(RawServerTest, PausesAndGoesOn) {
  RawGateway gateway(connection);
  HesitantSink sink(gateway.shard(), 5);
  Options options;
  options.sink = &sink;
  EXPECT_EQ(gateway.run("select id from items order by id", options).code(), "ok");
  EXPECT_EQ(sink.rows, 5000);
  EXPECT_EQ(sink.sum, 5000LL * 5001 / 2);
}

TEST_F(RawServerTest, ManyAtOnce) {
  RawGateway gateway(connection);
  std::vector<std::future<Answer>> sent;
  for (int i = 1; i <= 400; ++i) {
    Options options;
    options.params = "[" + std::to_string(i) + "]";
    switch (i % 4) {
      case 0:
        sent.push_back(gateway.send("select id, name from items where id = $1", options));
        break;
      case 1:
        sent.push_back(gateway.send("select id, name from items where id = $1 limit 1", options));
        break;
      case 2:
        sent.push_back(
            gateway.send("select id, name from items where id = " + std::to_string(i) + " limit 1", {}));
        break;
      default:
        sent.push_back(gateway.send("select 1/0; select id from items", {}));
    }
  }
  for (int i = 1; i <= 400; ++i) {
    const auto answer = sent[static_cast<std::size_t>(i - 1)].get();
    if (i % 4 == 3) {
      EXPECT_EQ(answer.detail("sql_state"), "\"22012\"") << answer.code();
    } else {
      EXPECT_EQ(answer.rows, row(i)) << answer.code();
    }
  }
}

}  // namespace
}  // namespace athena::postgres::testing

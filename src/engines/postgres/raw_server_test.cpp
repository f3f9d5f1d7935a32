// Texts of callers against a PostgreSQL that this test starts. Skipped without one.
#include <gtest/gtest.h>

#include <thread>

#include "engines/postgres/raw_fixture.h"

namespace athena::postgres::testing {
namespace {

using Options = RawGateway::Options;

TEST_F(RawServerTest, OneRead) {
  RawGateway gateway(connection);
  const auto answer = gateway.run("SELECT $1::int AS n, '2026-03-01'::date AS d", R"(["7"])");
  ASSERT_EQ(answer.code(), "ok") << answer.error->text();
  EXPECT_EQ(answer.rows, R"({"n":7,"d":"2026-03-01"})");
  EXPECT_EQ(answer.summary.rows_returned, 1);
  EXPECT_EQ(answer.summary.rows_affected, 0);
  EXPECT_EQ(answer.summary.statement_count, 1);
  EXPECT_EQ(answer.sql, (std::vector<std::string>{"SELECT $1::int AS n, '2026-03-01'::date AS d"}));
}

TEST_F(RawServerTest, RepeatedColumnNames) {
  RawGateway gateway(connection);
  EXPECT_EQ(gateway.run("select 1 as a, 2 as a, 3 as a_2, 4 as a, 5").rows,
            R"({"a":1,"a_3":2,"a_2":3,"a_4":4,"?column?":5})");
  EXPECT_EQ(gateway.run("select 1 as a, 2 as a, 3 as a").rows, R"({"a":1,"a_2":2,"a_3":3})");
}

TEST_F(RawServerTest, PlainReadsShareAConnection) {
  RawGateway gateway(connection);
  for (int i = 1; i <= 3; ++i) {
    const auto answer =
        gateway.run("select id, name from items where id = $1 limit 1", "[" + std::to_string(i) + "]");
    ASSERT_EQ(answer.code(), "ok") << answer.error->text();
    EXPECT_EQ(answer.rows, row(i));
  }
  EXPECT_EQ(gateway.pipelined(), 3U);
  EXPECT_EQ(gateway.exclusive(), 0U);
  // Each for a reason of its own.
  for (const char* text :
       {"select id from items where id = 1", "select id from items limit 2000", "select random() limit 1",
        "select stable_leak() limit 1", "select * from nap limit 1",
        "select * from felt f, items i where f.id = i.id limit 0",
        "select i.shout from (select 1 as shout) i limit 1", "select nextval('tries') limit 1",
        "select count(*) from generate_series(1, 3) where random() > 2 limit 1"}) {
    const auto before = gateway.pipelined();
    const auto answer = gateway.run(text);
    EXPECT_EQ(answer.code(), "ok") << text << answer.error->text();
    const bool enums_are_fine = std::string(text).find("felt") != std::string::npos;
    EXPECT_EQ(gateway.pipelined() - before, enums_are_fine ? 1U : 0U) << text;
  }
  for (const char* text :
       {"select lower(name), now() from items order by id desc limit 1",
        "with i as (select 1 as a) select a from i limit 1", "select relname from pg_class limit 1",
        "select count(*), max(price) from items where name ilike 'n%' group by id limit 2"}) {
    const auto before = gateway.pipelined();
    const auto answer = gateway.run(text);
    EXPECT_EQ(answer.code(), "ok") << text << answer.error->text();
    EXPECT_EQ(gateway.pipelined() - before, 1U) << text;
  }
}

TEST_F(RawServerTest, WhatShadowsTheCatalogueIsSeen) {
  server->sql(
      "create function public.initcap(int) returns text language sql stable as 'select ''mine'''; "
      "create table guarded(id int); alter table guarded enable row level security;");
  RawGateway gateway(connection);
  EXPECT_EQ(gateway.run("select initcap('x') limit 1").code(), "ok");
  EXPECT_EQ(gateway.run("select * from guarded limit 1").code(), "ok");
  EXPECT_EQ(gateway.pipelined(), 0U);
  server->sql("drop function public.initcap(int)");
  EXPECT_EQ(gateway.run("create view seen as select 1 as a").code(), "ok") << "ddl forgets what was learnt";
  EXPECT_EQ(gateway.run("select initcap('x') limit 1").rows, R"({"initcap":"X"})");
  EXPECT_EQ(gateway.pipelined(), 1U);
  EXPECT_EQ(gateway.run("select * from seen limit 1").rows, R"({"a":1})");
  EXPECT_EQ(gateway.pipelined(), 1U) << "a view";
}

TEST_F(RawServerTest, WritesAndTheirCounts) {
  RawGateway gateway(connection);
  auto answer = gateway.run("insert into notes select i, 'n' from generate_series(100, 104) i returning id");
  EXPECT_EQ(answer.summary.rows_affected, 5);
  EXPECT_EQ(answer.summary.rows_returned, 5);
  EXPECT_EQ(gateway.run("update notes set body = $1 where id = any($2)", R"(["x",[100,101]])")
                .summary.rows_affected,
            2);
  EXPECT_EQ(gateway.run("with d as (delete from notes where id = 104 returning *) select * from d").rows,
            R"({"id":104,"body":"n"})");
  EXPECT_EQ(gateway.run("select * into temp copied from notes where id >= 100").summary.rows_affected, 4);
  EXPECT_EQ(
      gateway.run("merge into notes n using (values (100)) v(id) on n.id = v.id when matched then delete")
          .summary.rows_affected,
      1);
  EXPECT_EQ(gateway.run("delete from notes where id >= 100").summary.rows_affected, 3);
  EXPECT_EQ(gateway.run("insert into one values (1)").code(), "unique_violation");
}

TEST_F(RawServerTest, ParamsOfManyTypes) {
  RawGateway gateway(connection);
  const char* insert =
      "insert into typed values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16) returning *";
  const auto answer = gateway.run(
      insert,
      R"([true, 1, "2", 9007199254740993, 1.50, 0.5, "t'\"", "0b0e0f10-1111-4222-8333-444455556666", "2026-03-01",
        "2026-03-01T08:00:00Z", {"a":[1,null]}, "text", [1,null,3], ["a \"b\"",null,"c,d"], "0xff00", "ok"])");
  ASSERT_EQ(answer.code(), "ok") << answer.error->text();
  EXPECT_EQ(
      answer.rows,
      R"({"b":true,"i2":1,"i4":2,"i8":9007199254740993,"n":1.50,"f":0.5,"t":"t'\"","u":"0b0e0f10-1111-4222-8333-444455556666",)"
      R"("d":"2026-03-01","ts":"2026-03-01T08:00:00+00:00","j":{"a":[1,null]},"jb":"text","ai":[1,null,3],)"
      R"("at":["a \"b\"",null,"c,d"],"by":"\\xff00","m":"ok"})");
  const auto nulls = gateway.run(
      insert, "[null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null]");
  EXPECT_EQ(nulls.code(), "ok");
  EXPECT_EQ(gateway.run("select $1::int", R"(["x"])").code(), "invalid_value");
  EXPECT_EQ(gateway.run("select $1::int", "[true]").code(), "invalid_value");
  EXPECT_EQ(gateway.run("select $1::mood", R"(["angry"])").code(), "invalid_value");
  EXPECT_EQ(gateway.run("select $1::text", R"(["a\u0000b"])").code(), "invalid_value");
  EXPECT_EQ(gateway.run("select $1::int", "[]").code(), "invalid_payload");
  EXPECT_EQ(gateway.run("select $1::int", "[1,2]").code(), "invalid_payload");
  EXPECT_EQ(gateway.run("select 1", "[1]").code(), "invalid_payload");
  EXPECT_EQ(gateway.run("select 1; select 2", "[1]").code(), "invalid_payload");
  EXPECT_EQ(gateway.run("select $2::int", "[1,2]").code(), "invalid_value") << "nobody knows the type of $1";
  EXPECT_EQ(gateway.run("select ms from felt").rows, R"({"ms":["sad","ok"]})");
}

TEST_F(RawServerTest, TypesLearntBeforeMayChange) {
  server->sql("create table shifting(v int); insert into shifting values (1)");
  RawGateway gateway(connection);
  const char* text = "select v from shifting where v = $1 limit 1";
  EXPECT_EQ(gateway.run(text, "[1]").rows, R"({"v":1})");
  EXPECT_EQ(gateway.run(text, "[1]").rows, R"({"v":1})");
  server->sql("alter table shifting alter v type uuid using '0b0e0f10-1111-4222-8333-444455556666'");
  EXPECT_EQ(gateway.run(text, "[1]").code(), "invalid_value");
  EXPECT_EQ(gateway.run(text, R"(["0b0e0f10-1111-4222-8333-444455556666"])").rows,
            R"({"v":"0b0e0f10-1111-4222-8333-444455556666"})");
}

TEST_F(RawServerTest, Several) {
  RawGateway gateway(connection);
  auto answer = gateway.run(
      "insert into notes values (200,'a'); select 1 as a; update notes set body = 'b' where id = 200; "
      "select id, body from notes where id = 200; delete from notes where id = 200");
  ASSERT_EQ(answer.code(), "ok") << answer.error->text();
  EXPECT_EQ(answer.rows, R"({"id":200,"body":"b"})");
  EXPECT_EQ(answer.summary.rows_affected, 3);
  EXPECT_EQ(answer.summary.statement_count, 5);
  answer = gateway.run("select 1 as a; select 2 as b where false");
  EXPECT_EQ(answer.rows, R"({"a":1})");
  EXPECT_EQ(gateway.run("select 2 as b where false; set work_mem = '1MB'").rows, "");
}

TEST_F(RawServerTest, SeveralFailInTheMiddle) {
  RawGateway gateway(connection);
  auto answer =
      gateway.run("insert into notes values (300,'a'); select 1/0; insert into notes values (301,'b')");
  EXPECT_EQ(answer.code(), "invalid_value");
  EXPECT_EQ(answer.detail("statement"), "2");
  EXPECT_EQ(answer.rows, "");
  EXPECT_EQ(server->sql("select count(*) from notes where id >= 300"), "0");
  answer = gateway.run("begin; insert into notes values (302,'a'); commit; insert into nowhere values (1)");
  EXPECT_EQ(answer.code(), "undefined_table");
  EXPECT_EQ(answer.detail("statement"), "4");
  EXPECT_EQ(answer.detail("position"), "64");
  EXPECT_EQ(server->sql("delete from notes where id = 302 returning id"), "302")
      << "its own transaction was committed";
}

TEST_F(RawServerTest, TransactionsLeftOpen) {
  RawGateway gateway(connection);
  for (const char* text :
       {"begin; insert into notes values (400,'a')", "begin", "start transaction; select 1"}) {
    EXPECT_EQ(gateway.run(text).code(), "invalid_transaction_state") << text;
  }
  EXPECT_EQ(server->sql("select count(*) from notes where id = 400"), "0");
  EXPECT_EQ(gateway.run("begin; insert into notes values (400,'a'); rollback").code(), "ok");
  EXPECT_EQ(gateway.run("commit").code(), "ok");
  EXPECT_EQ(gateway.run("savepoint a").code(), "invalid_transaction_state");
}

TEST_F(RawServerTest, ReadOnly) {
  RawGateway gateway(connection);
  const auto run = [&](const char* text) {
    Options options;
    options.read_only = true;
    return gateway.run(text, options);
  };
  const auto answer = run("select id from items where id = 7");
  EXPECT_EQ(answer.rows, R"({"id":7})");
  EXPECT_EQ(answer.sql,
            (std::vector<std::string>{"BEGIN READ ONLY", "select id from items where id = 7", "ROLLBACK"}));
  EXPECT_EQ(run("select 1 as a; select 2 as b").rows, R"({"b":2})");
  EXPECT_EQ(run("select writes_on_read()").code(), "read_only_violation");
  EXPECT_EQ(run("select set_config('transaction_read_only','off',false); select writes_on_read()")
                .code()
                .substr(0, 2),
            "in");
  for (const char* text :
       {"insert into notes values (500,'a')", "select * from notes for update", "select 1; delete from notes",
        "set transaction read write", "create table x(a int)", "bogus", "commit"}) {
    const auto refused = run(text);
    EXPECT_EQ(refused.code(), "read_only_violation") << text;
    EXPECT_TRUE(refused.sql.empty()) << text;
  }
  EXPECT_EQ(server->sql("select count(*) from notes where id in (500, 777)"), "0");
}

TEST_F(RawServerTest, AReadOnlyClient) {
  connection.read_only = true;
  RawGateway gateway(connection);
  EXPECT_EQ(gateway.run("select 1 as a").rows, R"({"a":1})");
  EXPECT_EQ(gateway.run("select writes_on_read()").code(), "read_only_violation");
  EXPECT_EQ(gateway.run("delete from notes").code(), "read_only_violation");
}

TEST_F(RawServerTest, Refused) {
  RawGateway gateway(connection);
  for (const char* text :
       {"copy items to stdout", "copy items from stdin", "listen a", "unlisten *", "load 'x'",
        "alter system set work_mem = '1MB'", "select 1; copy items to stdout"}) {
    const auto answer = gateway.run(text);
    EXPECT_EQ(answer.code(), "statement_not_allowed") << text;
    EXPECT_TRUE(answer.sql.empty());
  }
  EXPECT_EQ(gateway.run("-- nothing").code(), "missing_field");
  EXPECT_EQ(gateway.run("select 1 +" + std::string(300000, ' ')).code(), "syntax_error");
}

TEST_F(RawServerTest, WhatTheClassifierDoesNotKnowGoesToTheDatabase) {
  RawGateway gateway(connection);
  const auto answer = gateway.run("select 'ü', frm items where");
  EXPECT_EQ(answer.code(), "syntax_error");
  EXPECT_EQ(answer.detail("position"), "28") << "characters, not bytes";
  EXPECT_EQ(gateway.run("bogus").detail("position"), "1");
  EXPECT_EQ(gateway.run("select 1; bogus").code(), "syntax_error");
  EXPECT_EQ(gateway.run("select nme from items").detail("position"), "8");
  EXPECT_EQ(gateway.run("select 1 as a").rows, R"({"a":1})");
}

TEST_F(RawServerTest, MaxRows) {
  RawGateway gateway(connection);
  Options options;
  options.max_rows = 10;
  auto answer = gateway.run("select id from items", options);
  EXPECT_EQ(answer.summary.rows_returned, 10);
  EXPECT_TRUE(answer.summary.truncated);
  answer = gateway.run("select id from items where id <= 10", options);
  EXPECT_EQ(answer.summary.rows_returned, 10);
  EXPECT_FALSE(answer.summary.truncated);
  answer =
      gateway.run("insert into notes select i, 'm' from generate_series(600, 699) i returning id", options);
  EXPECT_EQ(answer.summary.rows_returned, 10);
  EXPECT_EQ(answer.summary.rows_affected, 100);
  EXPECT_TRUE(answer.summary.truncated);
  EXPECT_EQ(server->sql("select count(*) from notes where id >= 600"), "100");
  EXPECT_EQ(gateway.run("delete from notes where id >= 600").summary.rows_affected, 100);
  // Endless, and still soon over; a parallel plan; both leave usable connections behind.
  const auto began = base::Clock::now();
  for (int i = 0; i < 3; ++i) {
    answer = gateway.run("select a.id from items a, items b, items c, items d", options);
    EXPECT_EQ(answer.summary.rows_returned, 10) << answer.code();
    answer = gateway.run("select a.id from big a join big b on a.filler = b.filler", options);
    EXPECT_EQ(answer.summary.rows_returned, 10) << answer.code();
  }
  EXPECT_LT(base::Clock::now() - began, 8s);
  answer =
      gateway.run("select id from items; select id from items where id <= 5; set work_mem = '2MB'", options);
  EXPECT_EQ(answer.summary.rows_returned, 5);
  EXPECT_FALSE(answer.summary.truncated);
  answer = gateway.run("select 1; select id from items", options);
  EXPECT_EQ(answer.summary.rows_returned, 10);
  EXPECT_TRUE(answer.summary.truncated);
}

TEST_F(RawServerTest, KeptRowsAreBounded) {
  contract::GatewaySettings settings;
  settings.max_buffered_bytes = 100000;
  RawGateway gateway(connection, settings);
  EXPECT_EQ(gateway.run("insert into notes values (700,'a'); select filler from big").code(),
            "limit_too_large");
  EXPECT_EQ(gateway.run("select 1; select filler from big limit 20").summary.rows_returned, 20);
}

}  // namespace
}  // namespace athena::postgres::testing

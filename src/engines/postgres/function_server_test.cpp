// Functions called against a PostgreSQL that this test starts. Skipped without one.
#include "engines/postgres/function_fixture.h"

namespace athena::postgres::testing {
namespace {

using Form = query::RowShape::Form;

constexpr const char* kFunctions = R"(
create schema app; create schema "Odd ""s";
create table people(id int primary key, name text, age int, tags text[]);
insert into people values (1,'Ada',36,'{a,b}'),(2,'Bob',17,null),(3,'Ida',41,'{}'),(4,'Eve',18,'{c}');
create table written(id int);
create type app.pair as (x int, "Y z" text);
create domain posint as int check (value > 0);
create type mood as enum ('sad','happy');
create function list_people(minage int default 0) returns setof people stable language sql as
  'select * from people where age >= minage order by id';
create function one_person(wanted int) returns people stable language sql as 'select * from people where id = wanted';
create function no_person() returns people stable language plpgsql as 'begin return null; end';
create function add(a int, b int default 1) returns int immutable language sql as 'select a + b';
create function app.names() returns setof text stable language sql as 'select name from people order by id';
create function stats(out total bigint, out oldest int) stable language sql as 'select count(*), max(age) from people';
create function table_of(n int) returns table(i int, sq int) immutable language sql as
  'select g, g*g from generate_series(1,n) g';
create function table_of_one(n int) returns table(i int) immutable language sql as 'select generate_series(1,n)';
create function nothing() returns void language plpgsql as 'begin insert into written values (1); end';
create function twice(v int) returns setof int language plpgsql as
  'begin insert into written values (v); return next v; return next v * 2; end';
create function anything(v anyelement) returns text language sql as 'select v::text';
create function loose() returns record stable language sql as 'select 1, ''x''::text';
create function pick(v int) returns text immutable language sql as 'select ''int''';
create function pick(v text) returns text immutable language sql as 'select ''text''';
create function pick(v text, w text) returns text immutable language sql as 'select ''two''';
create function joined(sep text, variadic parts text[]) returns text immutable language sql as
  'select array_to_string(parts, sep)';
create function typed(p app.pair, d posint, m mood, j jsonb, a int[], at timestamptz, n numeric) returns text
  immutable language sql as
  'select concat_ws(''|'', (p).x, (p)."Y z", d, m, j, a, at, n)';
create function echo(j jsonb) returns jsonb immutable language sql as 'select j';
create function pair_of(x int) returns app.pair immutable language sql as 'select (x, ''y'')::app.pair';
create function fails() returns int language plpgsql as
  $$ begin raise exception 'no luck' using hint = 'try again', detail = 'because'; end $$;
create function no_data() returns int language plpgsql as $$ begin raise no_data_found using message = 'none'; end $$;
create function noisy() returns int language plpgsql as
  $$ begin for i in 1..12 loop raise notice 'n%', i; end loop; raise warning '%', repeat('ä', 1000); return 1; end $$;
create function meddle() returns int stable language plpgsql as
  $$ begin perform set_config('athena.mark','set',false); return 1; end $$;
create function marked() returns text stable language sql as $$ select coalesce(current_setting('athena.mark',true),'') $$;
create function sneaky() returns int stable language plpgsql as
  $$ begin perform nothing(); return 1; end $$;
create function unnamed(int) returns int immutable language sql as 'select $1';
create function on_write() returns trigger language plpgsql as 'begin return new; end';
create procedure proceed() language sql as 'select 1';
create aggregate total(int) (sfunc = int4pl, stype = int);
create function "Odd ""s"."f ""x"("a "" b" int) returns int immutable language sql as 'select $1';
create function slow() returns int stable language sql as 'select 1 from pg_sleep(30)';
create function secret() returns int immutable language sql as 'select 1';
revoke execute on function secret() from public;
create role guest login;
analyze;
)";

class FunctionServerTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    server = std::make_unique<Server>();
    if (server->running()) server->sql(kFunctions);
  }
  static void TearDownTestSuite() { server.reset(); }
  void SetUp() override {
    if (!server->running()) GTEST_SKIP() << "no PostgreSQL here";
    connection.uri = server->uri();
    server->sql("truncate written");
  }
  static std::string written() { return server->sql("select count(*) from written"); }

  static inline std::unique_ptr<Server> server;
  contract::PostgresConnection connection;
};

TEST_F(FunctionServerTest, SetsOfRows) {
  Gateway gateway(connection);
  auto answer = call(gateway, "list_people");
  ASSERT_EQ(answer.code(), "ok") << answer.error->text();
  EXPECT_EQ(answer.form, Form::rows);
  EXPECT_EQ(answer.columns, "id,name,age,tags");
  EXPECT_EQ(answer.rows, R"([1,"Ada",36,["a","b"]][2,"Bob",17,null][3,"Ida",41,[]][4,"Eve",18,["c"]])");
  EXPECT_EQ(answer.summary.rows_returned, 4);
  EXPECT_FALSE(answer.summary.total);
  answer = call(
      gateway, "list_people",
      R"({"args":{"minage":"18"},"columns":"n:name,id::text","conditions":[{"operator":"neq","column":"name","value":"Eve"}],
                    "sort_by":{"field":"age","direction":"desc"},"limit":1,"offset":1})");
  ASSERT_EQ(answer.code(), "ok") << answer.error->text();
  EXPECT_EQ(answer.columns, "n,id");
  EXPECT_EQ(answer.rows, R"(["Ada","1"])");
  ASSERT_EQ(answer.sql.size(), 1U);
  EXPECT_EQ(
      answer.sql[0],
      R"(SELECT "name" AS "n", "id"::text FROM "public"."list_people"("minage" => $1) AS "list_people" WHERE "name" <> $2 ORDER BY "list_people"."age" DESC LIMIT 1 OFFSET $3)");
}

TEST_F(FunctionServerTest, FormsOfResults) {
  Gateway gateway(connection);
  auto answer = call(gateway, "one_person", R"({"args":{"wanted":3},"columns":["name"]})");
  EXPECT_EQ(answer.form, Form::row);
  EXPECT_EQ(answer.rows, R"(["Ida"])");
  answer = call(gateway, "one_person", R"({"args":{"wanted":3},"conditions":[{"column":"age","value":1}]})");
  EXPECT_EQ(answer.rows, "");
  EXPECT_EQ(answer.summary.rows_returned, 0);
  answer = call(gateway, "stats");
  EXPECT_EQ(answer.form, Form::row);
  EXPECT_EQ(answer.columns, "total,oldest");
  EXPECT_EQ(answer.rows, "[4,41]");
  answer = call(gateway, "pair_of", R"({"args":{"x":5}})");
  EXPECT_EQ(answer.form, Form::row);
  EXPECT_EQ(answer.columns, "x,Y z");
  EXPECT_EQ(answer.rows, R"([5,"y"])");
  answer = call(gateway, "add", R"({"args":{"a":2}})");
  EXPECT_EQ(answer.form, Form::value);
  EXPECT_EQ(answer.columns, "add");
  EXPECT_EQ(answer.rows, "[3]");
  answer = call(gateway, "app.names", R"({"limit":2,"sort_by":{"field":"names","direction":"desc"}})");
  EXPECT_EQ(answer.form, Form::values);
  EXPECT_EQ(answer.rows, R"(["Ida"]["Eve"])");
  answer = call(gateway, "table_of", R"({"args":{"n":3}})");
  EXPECT_EQ(answer.form, Form::rows);
  EXPECT_EQ(answer.rows, "[1,1][2,4][3,9]");
  answer = call(gateway, "table_of_one", R"({"args":{"n":2}})");
  EXPECT_EQ(answer.form, Form::rows);
  EXPECT_EQ(answer.columns, "i");
  answer = call(gateway, "nothing");
  EXPECT_EQ(answer.form, Form::value);
  EXPECT_EQ(answer.rows, "[null]");
  EXPECT_EQ(written(), "1");
  answer = call(gateway, "loose");
  EXPECT_EQ(answer.form, Form::value);
  EXPECT_EQ(answer.rows, R"j(["(1,x)"])j") << answer.code();
  answer = call(gateway, "Odd \"s.f \"x", R"({"args":{"a \" b":7}})");
  EXPECT_EQ(answer.rows, "[7]") << answer.code();
  answer = call(gateway, "pg_catalog.make_date", R"({"args":{"year":2026,"month":3,"day":1}})");
  EXPECT_EQ(answer.rows, R"(["2026-03-01"])") << answer.code();
}

TEST_F(FunctionServerTest, ArgumentsTakeTheTypesOfTheParameters) {
  Gateway gateway(connection);
  auto answer = call(gateway, "typed",
                     R"({"args":{"p":{"x":1,"Y z":"a \"q\", (b) \\"},"d":3,"m":"happy","j":{"k":[1,null]},
    "a":[1,null,3],"at":"2026-03-01T08:00:00Z","n":1.50}})");
  ASSERT_EQ(answer.code(), "ok") << answer.error->text();
  EXPECT_EQ(answer.rows,
            R"j(["1|a \"q\", (b) \\|3|happy|{\"k\": [1, null]}|{1,NULL,3}|2026-03-01 08:00:00+00|1.50"])j");
  answer = call(gateway, "joined", R"({"args":{"sep":"-","parts":["a","b,c",null]}})");
  EXPECT_EQ(answer.rows, R"(["a-b,c"])") << answer.code();
  EXPECT_EQ(
      answer.sql[0],
      R"(SELECT "joined" FROM "public"."joined"("sep" => $1, VARIADIC "parts" => $2) AS "joined"("joined"))");
  EXPECT_EQ(call(gateway, "echo", R"({"args":{"j":"text"}})").rows, R"(["text"])");
  EXPECT_EQ(call(gateway, "echo", R"({"args":{"j":null}})").rows, "[null]");
  // The text of a URL is JSON for json.
  CallOptions get;
  get.read_only = true;
  EXPECT_EQ(call(gateway, "echo", R"({"args":{"j":"{\"x\":1}"}})", get).rows, R"([{"x": 1}])");
  EXPECT_EQ(call(gateway, "echo", R"({"args":{"j":"{x"}})", get).code(), "invalid_value");

  answer = call(gateway, "add", R"({"args":{"a":"two"}})");
  EXPECT_EQ(answer.code(), "invalid_value");
  EXPECT_EQ(answer.error->text(), "The value for argument \"a\" is not a valid int4.");
  EXPECT_EQ(answer.detail("argument"), "\"a\"");
  EXPECT_EQ(answer.detail("column"), "absent");
  EXPECT_EQ(call(gateway, "add", R"({"args":{"a":99999999999}})").code(), "invalid_value");
  answer = call(gateway, "typed",
                R"({"args":{"p":{"x":1,"z":2},"d":3,"m":"happy","j":1,"a":[],"at":"now","n":1}})");
  EXPECT_EQ(answer.code(), "invalid_value");
  answer =
      call(gateway, "typed", R"j({"args":{"p":"(1,y)","d":-3,"m":"happy","j":1,"a":[],"at":"now","n":1}})j");
  EXPECT_EQ(answer.code(), "check_constraint_violation");
}

TEST_F(FunctionServerTest, Overloads) {
  Gateway gateway(connection);
  auto answer = call(gateway, "pick", R"({"args":{"v":1}})");
  EXPECT_EQ(answer.code(), "ambiguous_function");
  EXPECT_EQ(answer.detail("candidates"), R"j(["pick(v integer)","pick(v text)"])j");
  EXPECT_EQ(call(gateway, "pick", R"({"args":{"v":"1","w":"2"}})").rows, R"(["two"])");
  answer = call(gateway, "pick", R"({"args":{"v":1,"x":2}})");
  EXPECT_EQ(answer.code(), "undefined_function");
  EXPECT_EQ(answer.detail("candidates"), R"j(["pick(v integer)","pick(v text)","pick(v text, w text)"])j");
  EXPECT_EQ(call(gateway, "add").code(), "undefined_function");
  EXPECT_EQ(call(gateway, "add", R"({"args":{"a":1,"b":2,"c":3}})").code(), "undefined_function");
  EXPECT_EQ(call(gateway, "add", R"({"args":{"a":1,"":2}})").code(), "undefined_function");
  EXPECT_EQ(call(gateway, "joined", R"({"args":{"sep":"-"}})").code(), "undefined_function");
  EXPECT_EQ(call(gateway, "unnamed", R"({"args":{"x":1}})").code(), "undefined_function");
  answer = call(gateway, "anything", R"({"args":{"v":1}})");
  EXPECT_EQ(answer.code(), "undefined_function");
  EXPECT_NE(answer.error->text().find("any type"), std::string::npos);
  answer = call(gateway, "ad");
  EXPECT_EQ(answer.code(), "undefined_function");
  EXPECT_EQ(answer.detail("suggestions"), R"(["add"])");
  for (const auto* name : {"proceed", "total", "on_write", "app.add", "nowhere.add", "", "a\0b"})
    EXPECT_EQ(call(gateway, name).code(), "undefined_function") << name;
  EXPECT_EQ(call(gateway, std::string(64, 'f')).code(), "undefined_function");
}

TEST_F(FunctionServerTest, ScalarsHaveNoRows) {
  Gateway gateway(connection);
  for (const auto* body : {R"({"args":{"a":1},"limit":1})", R"({"args":{"a":1},"offset":1})",
                           R"({"args":{"a":1},"columns":"add"})",
                           R"({"args":{"a":1},"conditions":[{"column":"add","value":2}]})",
                           R"({"args":{"a":1},"sort_by":"add"})"}) {
    EXPECT_EQ(call(gateway, "add", body).code(), "invalid_payload") << body;
  }
  EXPECT_EQ(call(gateway, "app.names", R"({"columns":"names,x:names"})").code(), "invalid_payload");
  EXPECT_EQ(call(gateway, "list_people", R"({"columns":"nme"})").code(), "undefined_column");
  EXPECT_EQ(call(gateway, "list_people", R"({"conditions":[{"column":"nme","value":2}]})").code(),
            "undefined_column");
  EXPECT_EQ(call(gateway, "list_people", R"({"conditions":[{"operator":"fts","column":"age","value":"x"}]})")
                .code(),
            "invalid_operator");
}

TEST_F(FunctionServerTest, CountsAndHeads) {
  Gateway gateway(connection);
  CallOptions options;
  options.count = true;
  auto answer =
      call(gateway, "list_people", R"({"args":{"minage":18},"limit":1,"sort_by":{"field":"id"}})", options);
  ASSERT_EQ(answer.code(), "ok") << answer.error->text();
  EXPECT_EQ(answer.rows, R"([1,"Ada",36,["a","b"]])");
  EXPECT_EQ(answer.columns, "id,name,age,tags");
  EXPECT_EQ(answer.summary.total, 3);
  EXPECT_EQ(answer.summary.rows_returned, 1);
  answer = call(gateway, "list_people", R"({"limit":2,"offset":10})", options);
  EXPECT_EQ(answer.rows, "");
  EXPECT_EQ(answer.summary.total, 4);
  EXPECT_EQ(answer.summary.rows_returned, 0);
  EXPECT_FALSE(answer.summary.truncated);
  answer = call(gateway, "list_people", R"({"limit":0})", options);
  EXPECT_EQ(answer.rows, "");
  EXPECT_EQ(answer.summary.total, 4);
  // A function with effects runs once.
  answer = call(gateway, "twice", R"({"args":{"v":4},"limit":1})", options);
  EXPECT_EQ(answer.rows, "[4]");
  EXPECT_EQ(answer.form, Form::values);
  EXPECT_EQ(answer.summary.total, 2);
  EXPECT_EQ(written(), "1");
  answer = call(gateway, "add", R"({"args":{"a":2}})", options);
  EXPECT_EQ(answer.rows, "[3]");
  EXPECT_EQ(answer.summary.total, 1);
  options.head = true;
  answer = call(gateway, "twice", R"({"args":{"v":4}})", options);
  EXPECT_EQ(answer.rows, "");
  EXPECT_EQ(answer.summary.total, 2);
  EXPECT_EQ(answer.summary.rows_returned, 0);
  EXPECT_EQ(written(), "2");
  EXPECT_EQ(call(gateway, "list_people", R"({"columns":"nme"})", options).code(), "undefined_column");
}

TEST_F(FunctionServerTest, TheDefaultLimitAndTheCap) {
  Gateway gateway(connection);
  auto answer = call(gateway, "table_of", R"({"args":{"n":150},"columns":"i"})");
  EXPECT_EQ(answer.summary.rows_returned, 100);
  EXPECT_TRUE(answer.summary.truncated);
  answer = call(gateway, "table_of", R"({"args":{"n":150},"limit":100})");
  EXPECT_FALSE(answer.summary.truncated);
  CallOptions options;
  options.count = true;
  answer = call(gateway, "table_of", R"({"args":{"n":150}})", options);
  EXPECT_EQ(answer.summary.rows_returned, 100);
  EXPECT_TRUE(answer.summary.truncated);
  EXPECT_EQ(answer.summary.total, 150);
}

TEST_F(FunctionServerTest, OnlyReadingFunctionsByGet) {
  Gateway gateway(connection);
  CallOptions get;
  get.read_only = true;
  auto answer = call(gateway, "nothing", "{}", get);
  EXPECT_EQ(answer.code(), "method_not_allowed");
  EXPECT_EQ(written(), "0");
  answer = call(gateway, "add", R"({"args":{"a":"2"}})", get);
  EXPECT_EQ(answer.rows, "[3]");
  EXPECT_EQ(answer.sql.front(), "BEGIN READ ONLY");
  // One that lies about what it does.
  EXPECT_EQ(call(gateway, "sneaky", "{}", get).code(), "read_only_violation");
  EXPECT_EQ(written(), "0");
}

TEST_F(FunctionServerTest, NothingIsLeftInTheSession) {
  connection.pool.max_connections = 1;
  Gateway gateway(connection);
  EXPECT_EQ(call(gateway, "meddle").rows, "[1]");
  EXPECT_EQ(call(gateway, "marked").rows, R"([""])");
  EXPECT_EQ(gateway.client->status().counters.pipelined_requests, 0U);
}

TEST_F(FunctionServerTest, TrustedFunctionsShareConnections) {
  connection.pool.trust_functions = true;
  Gateway gateway(connection);
  EXPECT_EQ(call(gateway, "add", R"({"args":{"a":2}})").rows, "[3]");
  EXPECT_EQ(gateway.client->status().counters.pipelined_requests, 1U);
  EXPECT_EQ(call(gateway, "nothing").rows, "[null]");
  EXPECT_EQ(gateway.client->status().counters.exclusive_requests, 1U);
}

TEST_F(FunctionServerTest, FailuresInsideFunctions) {
  Gateway gateway(connection);
  auto answer = call(gateway, "fails");
  EXPECT_EQ(answer.code(), "raised_exception");
  EXPECT_EQ(answer.error->text(), "no luck");
  EXPECT_EQ(answer.error->hint(), "try again");
  EXPECT_EQ(answer.detail("detail"), "\"because\"");
  EXPECT_EQ(call(gateway, "no_data").code(), "row_not_found");
  CallOptions quick;
  quick.timeout = 300ms;
  EXPECT_EQ(call(gateway, "slow", "{}", quick).code(), "deadline_exceeded");
  EXPECT_EQ(call(gateway, "add", R"({"args":{"a":1}})").rows, "[2]");
  connection.uri = server->uri("guest");
  Gateway guest(connection);
  EXPECT_EQ(call(guest, "secret").code(), "insufficient_privilege");
  connection.read_only = true;
  connection.uri = server->uri();
  Gateway reader(connection);
  EXPECT_EQ(call(reader, "nothing").code(), "read_only_violation");
  EXPECT_EQ(call(reader, "add", R"({"args":{"a":1}})").rows, "[2]");
}

TEST_F(FunctionServerTest, Notices) {
  Gateway gateway(connection);
  const auto answer = call(gateway, "noisy");
  EXPECT_EQ(answer.rows, "[1]");
  ASSERT_EQ(answer.summary.notices.size(), 10U);
  EXPECT_EQ(answer.summary.notices[0], "NOTICE: n1");
}

TEST_F(FunctionServerTest, AFunctionThatChanges) {
  Gateway gateway(connection);
  server->sql("create function moving(v int) returns int immutable language sql as 'select v'");
  EXPECT_EQ(call(gateway, "moving", R"({"args":{"v":1}})").rows, "[1]");
  server->sql(
      "drop function moving(int); create function moving(v text) returns text immutable language sql as "
      "'select v'");
  EXPECT_EQ(call(gateway, "moving", R"({"args":{"v":"one"}})").rows, R"(["one"])");
  server->sql(
      "drop function moving(text); create function moving(v text, w text) returns table(a text, b text) "
      "immutable language sql as 'select v, w'");
  const auto answer = call(gateway, "moving", R"({"args":{"v":"x","w":"y"}})");
  EXPECT_EQ(answer.rows, R"(["x","y"])") << answer.code();
  server->sql(
      "drop function moving(text, text); create function moving(v text, w text) returns table(a text, c int) "
      "immutable language sql as 'select v, 5'");
  EXPECT_EQ(call(gateway, "moving", R"({"args":{"v":"x","w":"y"}})").rows, R"(["x",5])");
  server->sql("drop function moving(text, text)");
  EXPECT_EQ(call(gateway, "moving", R"({"args":{"v":"x","w":"y"}})").code(), "undefined_function");
}

TEST_F(FunctionServerTest, Signatures) {
  Gateway gateway(connection);
  const auto ask = [&gateway](std::string schema, std::string name) {
    return run_on(gateway, 0, [schema, name](engines::Backend& backend) {
      return backend.functions()->signatures(schema, name, base::Deadline::in(5s));
    });
  };
  auto found = ask("", "add");
  ASSERT_TRUE(found);
  ASSERT_EQ(found->size(), 1U);
  EXPECT_EQ((*found)[0].text, "add(a integer, b integer DEFAULT 1)");
  EXPECT_EQ((*found)[0].argument_names, (std::vector<std::string>{"a", "b"}));
  EXPECT_FALSE((*found)[0].is_volatile);
  EXPECT_TRUE((*ask("public", "nothing"))[0].is_volatile);
  EXPECT_EQ(ask("app", "add").error().code(), contract::ErrorCode::undefined_function);
}

TEST_F(FunctionServerTest, ThroughAnotherShard) {
  connection.pool.max_connections = 2;
  Gateway gateway(connection, 2);
  CallOptions far;
  far.shard = 1;
  far.count = true;
  const auto answer = call(gateway, "app.names", R"({"limit":1})", far);
  ASSERT_EQ(answer.code(), "ok") << answer.error->text();
  EXPECT_EQ(answer.form, Form::values);
  EXPECT_EQ(answer.rows, R"(["Ada"])");
  EXPECT_EQ(answer.summary.total, 4);
  EXPECT_EQ(call(gateway, "fails", "{}", far).code(), "raised_exception");
  const auto noisy = call(gateway, "noisy", "{}", far);
  EXPECT_EQ(noisy.summary.notices.size(), 10U);
}

}  // namespace
}  // namespace athena::postgres::testing

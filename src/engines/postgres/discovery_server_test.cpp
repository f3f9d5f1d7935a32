// Counts, constraints, migrations and descriptions against a PostgreSQL that this test starts.
#include <map>

#include "engines/postgres/function_fixture.h"

namespace athena::postgres::testing {
namespace {

constexpr const char* kSchema = R"(
create schema app;
create table app.parents(a int, b text, primary key (b, a));
create table app.children(id int constraint zid primary key, b text not null, a int, code text unique,
  span int4range, n int constraint "Positive ""n" check (n > 0 and id > 0),
  constraint up foreign key (b, a) references app.parents on delete cascade on update set null,
  constraint apart exclude using gist (span with &&));
create table app.bare(x int); create table app.empty();
create view app.seen as select id from app.children;
create table hidden(id int primary key); revoke all on hidden from public;
create table many(id int primary key, n int); insert into many select i, i % 7 from generate_series(1, 30000) i;
create table few(id int primary key); insert into few select generate_series(1, 5);
analyze;
create role guest login; grant usage on schema app to guest; grant select on app.bare to guest;
)";

class DiscoveryServerTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    server = std::make_unique<Server>();
    if (server->running()) server->sql(kSchema);
  }
  static void TearDownTestSuite() { server.reset(); }
  void SetUp() override {
    if (!server->running()) GTEST_SKIP() << "no PostgreSQL here";
    connection.uri = server->uri();
  }
  static auto constraints(Gateway& gateway, std::string schema, std::string table, unsigned shard = 0) {
    return run_on(gateway, shard, [schema, table](engines::Backend& backend) {
      return backend.schema()->constraints(schema, table, base::Deadline::in(5s));
    });
  }
  static auto migrations(Gateway& gateway, std::int64_t limit) {
    return run_on(gateway, 0, [limit](engines::Backend& backend) {
      return backend.schema()->migrations(limit, base::Deadline::in(5s));
    });
  }
  static auto describe(Gateway& gateway, std::string schema, std::int64_t limit, unsigned shard = 0) {
    return run_on(gateway, shard, [schema, limit](engines::Backend& backend) {
      return backend.schema()->describe(schema, limit, base::Deadline::in(5s));
    });
  }
  /// The number, or the code of the error.
  static std::string count(Gateway& gateway, std::string conditions, query::CountMode mode,
                           std::string table = "many") {
    return run_on(gateway, 0,
                  [&gateway, conditions, mode, table](engines::Backend& backend) -> base::Task<std::string> {
                    std::pmr::monotonic_buffer_resource memory;
                    const std::string text =
                        R"({"table_name":")" + table + R"(","conditions":)" + conditions + "}";
                    auto body = query::parse_body(text, memory);
                    const query::ParseContext context{memory, gateway.settings, 10000};
                    query::ReadOptions read;
                    auto select = query::parse_select(**body, context, read);
                    query::Count counted{select->target, std::move(select->conditions), mode};
                    const query::Request request(std::move(counted));
                    FormSink sink;
                    const engines::ExecutionContext execution{
                        base::Deadline::in(5s), memory, 10000, false, nullptr, nullptr};
                    auto done = co_await backend.query()->execute(request, sink, execution);
                    if (!done) co_return std::string(contract::info(done.error().code()).name);
                    EXPECT_EQ(sink.columns, "count");
                    EXPECT_EQ(done->rows_returned, 1);
                    co_return sink.rows;
                  });
  }

  static inline std::unique_ptr<Server> server;
  contract::PostgresConnection connection;
};

TEST_F(DiscoveryServerTest, Counts) {
  using enum query::CountMode;
  Gateway gateway(connection);
  EXPECT_EQ(count(gateway, "[]", exact), "[30000]");
  EXPECT_EQ(count(gateway, "[]", planned), "[30000]");
  EXPECT_EQ(count(gateway, "[]", estimated), "[30000]");
  EXPECT_EQ(count(gateway, R"([{"operator":"lte","column":"id","value":5}])", exact), "[5]");
  EXPECT_EQ(count(gateway, R"([{"operator":"lte","column":"id","value":5}])", estimated), "[5]");
  // The planner never says none; looking does.
  EXPECT_EQ(count(gateway, R"([{"operator":"eq","column":"id","value":-5}])", planned), "[1]");
  EXPECT_EQ(count(gateway, R"([{"operator":"eq","column":"id","value":-5}])", estimated), "[0]");
  EXPECT_EQ(count(gateway, R"([{"operator":"in","column":"id","value":[]}])", exact), "[0]");
  EXPECT_EQ(count(gateway, "[]", estimated, "few"), "[5]");
  EXPECT_EQ(count(gateway, R"([{"column":"nope","value":1}])", planned), "undefined_column");
  EXPECT_EQ(count(gateway, R"([{"column":"id","value":"x"}])", estimated), "invalid_value");
  EXPECT_EQ(count(gateway, "[]", planned, "nowhere"), "undefined_table");
  // It does not look: 20 kinds of filter on a table that is being altered still answer at once.
  EXPECT_EQ(gateway.client->status().counters.exclusive_requests, 0U);
}

TEST_F(DiscoveryServerTest, Constraints) {
  Gateway gateway(connection);
  const auto found = constraints(gateway, "app", "children");
  ASSERT_TRUE(found);
  std::string names;
  for (const auto& each : *found) names += each.constraint_type + ":" + each.constraint_name + ";";
  EXPECT_EQ(names,
            "CHECK:Positive \"n;EXCLUDE:apart;FOREIGN KEY:up;PRIMARY KEY:zid;UNIQUE:children_code_key;");
  const auto& up = (*found)[2];
  EXPECT_EQ(up.columns, (std::vector<std::string>{"b", "a"}));
  ASSERT_TRUE(up.reference);
  EXPECT_EQ(up.reference->schema + "." + up.reference->table, "app.parents");
  EXPECT_EQ(up.reference->columns, (std::vector<std::string>{"b", "a"}));
  EXPECT_EQ(up.reference->on_delete, "CASCADE");
  EXPECT_EQ(up.reference->on_update, "SET NULL");
  EXPECT_EQ(up.definition,
            "FOREIGN KEY (b, a) REFERENCES app.parents(b, a) ON UPDATE SET NULL ON DELETE CASCADE");
  EXPECT_FALSE((*found)[0].reference);
  EXPECT_EQ((*found)[1].columns, (std::vector<std::string>{"span"}));
  EXPECT_EQ((*found)[3].definition, "PRIMARY KEY (id)");
  EXPECT_EQ((*constraints(gateway, "app", "parents"))[0].columns, (std::vector<std::string>{"b", "a"}));
  EXPECT_TRUE(constraints(gateway, "app", "bare")->empty());
  EXPECT_TRUE(constraints(gateway, "app", "seen")->empty());
  EXPECT_EQ(constraints(gateway, "app", "childen").error().code(), contract::ErrorCode::undefined_table);
  EXPECT_EQ(constraints(gateway, "", "children").error().code(), contract::ErrorCode::undefined_table);
  EXPECT_EQ(constraints(gateway, "pg_catalog", "pg_class").error().code(),
            contract::ErrorCode::undefined_table);
  connection.uri = server->uri("guest");
  Gateway guest(connection);
  EXPECT_TRUE(constraints(guest, "app", "bare"));
  EXPECT_EQ(constraints(guest, "app", "children").error().code(), contract::ErrorCode::undefined_table);
}

TEST_F(DiscoveryServerTest, Descriptions) {
  Gateway gateway(connection);
  const auto all = describe(gateway, "app", 100);
  ASSERT_TRUE(all);
  std::string names;
  for (const auto& each : *all)
    names += each.table.table_name + ":" + std::to_string(each.columns.size()) + ":" +
             std::to_string(each.constraints.size()) + " ";
  EXPECT_EQ(names, "bare:1:0 children:6:5 empty:0:0 parents:2:1 seen:1:0 ");
  // The same as one by one.
  const auto& children = (*all)[1];
  const auto columns = run_on(gateway, 0, [](engines::Backend& backend) {
    return backend.schema()->columns("app", "children", base::Deadline::in(5s));
  });
  ASSERT_EQ(columns->size(), children.columns.size());
  for (std::size_t i = 0; i < columns->size(); ++i) {
    EXPECT_EQ((*columns)[i].column_name, children.columns[i].column_name);
    EXPECT_EQ((*columns)[i].data_type, children.columns[i].data_type);
    EXPECT_EQ((*columns)[i].is_primary_key, children.columns[i].is_primary_key);
    EXPECT_EQ((*columns)[i].table_schema, children.columns[i].table_schema);
  }
  EXPECT_EQ(describe(gateway, "app", 2)->size(),
            3U);  // one more, so that the caller sees that there are more
  EXPECT_GE(describe(gateway, "", 100)->size(), 8U);
  EXPECT_TRUE(describe(gateway, "nowhere", 100)->empty());
  connection.uri = server->uri("guest");
  Gateway guest(connection);
  EXPECT_EQ(describe(guest, "", 100)->size(), 1U);
}

TEST_F(DiscoveryServerTest, Migrations) {
  Gateway gateway(connection);
  auto none = migrations(gateway, 10);
  ASSERT_TRUE(none);
  EXPECT_FALSE(none->has_value());
  const auto listed = [&gateway](std::int64_t limit) {
    std::string text;
    const auto found = migrations(gateway, limit);
    if (!found) return std::string(contract::info(found.error().code()).name);
    if (!*found) return std::string("none");
    for (const auto& each : **found) text += each.version + "=" + each.name.value_or("null") + " ";
    return text;
  };
  server->sql(
      "create table schema_migrations(version text); insert into schema_migrations values ('1'),('3'),('2')");
  EXPECT_EQ(listed(10), "3=null 2=null 1=null ");
  EXPECT_EQ(listed(1), "3=null 2=null ");
  server->sql(
      "create table _prisma_migrations(id text, migration_name text); insert into _prisma_migrations values "
      "('x','2_b'),('y','1_a')");
  EXPECT_EQ(listed(10), "2_b=null 1_a=null ");
  server->sql(
      "create table _sqlx_migrations(version bigint, description text); insert into _sqlx_migrations values "
      "(9,'nine'),(10,'ten')");
  EXPECT_EQ(listed(10), "10=ten 9=nine ");
  server->sql(
      "create schema supabase_migrations; create table supabase_migrations.schema_migrations(version text)");
  EXPECT_EQ(listed(10), "10=ten 9=nine ");  // without a name it is not the table that is meant
  server->sql(
      "alter table supabase_migrations.schema_migrations add name text; insert into "
      "supabase_migrations.schema_migrations values ('5',null)");
  EXPECT_EQ(listed(10), "5=null ");
  connection.uri = server->uri("guest");
  Gateway guest(connection);
  EXPECT_EQ(migrations(guest, 10).error().code(), contract::ErrorCode::insufficient_privilege);
}

TEST_F(DiscoveryServerTest, ThroughAnotherShard) {
  connection.pool.max_connections = 2;
  Gateway gateway(connection, 2);
  EXPECT_EQ(constraints(gateway, "app", "children", 1)->size(), 5U);
  EXPECT_EQ(describe(gateway, "app", 100, 1)->size(), 5U);
}

}  // namespace
}  // namespace athena::postgres::testing

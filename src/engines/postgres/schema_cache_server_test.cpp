// The catalogue statements and the formats of values against a PostgreSQL that this test starts. Skipped
// without one.
#include <gtest/gtest.h>
#include <libpq-fe.h>
#include <stdlib.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "engines/postgres/schema_cache.h"
#include "engines/postgres/types.h"
#include "engines/postgres/values.h"

namespace athena::postgres {
namespace {

namespace asio = base::asio;
namespace fs = std::filesystem;
using contract::ErrorCode;

std::string find_binaries() {
  std::error_code ignored;
  for (const char* version : {"17", "16", "15", "14", "13"}) {
    const fs::path folder = fs::path("/usr/lib/postgresql") / version / "bin";
    if (fs::exists(folder / "initdb", ignored)) return folder;
  }
  return {};
}

/// A server of its own on a unix socket in a temporary folder.
class Server {
 public:
  Server() {
    const std::string binaries = find_binaries();
    if (binaries.empty()) return;
    char folder[] = "/tmp/athena_pg_test_XXXXXX";
    if (mkdtemp(folder) == nullptr) return;
    folder_ = folder;
    // PostgreSQL refuses to run as root.
    if (geteuid() == 0) {
      if (std::system(("chown postgres " + folder_).c_str()) != 0) return;
      prefix_ = "setpriv --reuid=postgres --regid=postgres --clear-groups ";
    }
    control_ = prefix_ + binaries + "/pg_ctl -D " + folder_ + "/data -s -w ";
    const std::string init = prefix_ + binaries + "/initdb -D " + folder_ +
                             "/data -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >/dev/null 2>&1";
    const std::string start = control_ + "-l " + folder_ + "/log -o \"-c listen_addresses='' -c fsync=off " +
                              "-c unix_socket_directories=" + folder_ + "\" start >/dev/null 2>&1";
    running_ = std::system(init.c_str()) == 0 && std::system(start.c_str()) == 0;
  }
  ~Server() {
    if (running_) std::ignore = std::system((control_ + "-m immediate stop >/dev/null 2>&1").c_str());
    std::error_code ignored;
    if (!folder_.empty()) fs::remove_all(folder_, ignored);
  }
  [[nodiscard]] bool running() const { return running_; }
  [[nodiscard]] const std::string& folder() const { return folder_; }

 private:
  std::string folder_, prefix_, control_;
  bool running_ = false;
};

/// One blocking connection, with the settings of every connection of the gateway.
class Session : public TextQueryRunner {
 public:
  Session(const Server& server, const std::string& user, const std::string& search_path) {
    const std::string target = "host=" + server.folder() + " dbname=postgres user=" + user +
                               " options='-c DateStyle=ISO -c TimeZone=UTC -c IntervalStyle=postgres "
                               "-c extra_float_digits=1 -c search_path=" +
                               search_path + "'";
    connection_.reset(PQconnectdb(target.c_str()));
  }

  struct Answer {
    std::vector<TextRow> rows;
    std::uint32_t oid = 0;  ///< of the first column
    std::string error;
  };
  Answer ask(const std::string& sql, const std::vector<std::optional<std::string>>& parameters = {}) {
    std::vector<const char*> values;
    for (const auto& parameter : parameters) values.push_back(parameter ? parameter->c_str() : nullptr);
    const std::unique_ptr<PGresult, decltype(&PQclear)> result(
        PQexecParams(connection_.get(), sql.c_str(), static_cast<int>(values.size()), nullptr, values.data(),
                     nullptr, nullptr, 0),
        PQclear);
    Answer answer;
    answer.error = PQresultErrorMessage(result.get());
    if (PQresultStatus(result.get()) != PGRES_TUPLES_OK) return answer;
    answer.oid = PQftype(result.get(), 0);
    for (int row = 0; row < PQntuples(result.get()); ++row) {
      TextRow& fields = answer.rows.emplace_back();
      for (int column = 0; column < PQnfields(result.get()); ++column) {
        if (PQgetisnull(result.get(), row, column)) {
          fields.emplace_back(std::nullopt);
        } else {
          fields.emplace_back(PQgetvalue(result.get(), row, column));
        }
      }
    }
    return answer;
  }
  /// Statements without parameters, several at once.
  std::string script(const std::string& sql) {
    const std::unique_ptr<PGresult, decltype(&PQclear)> result(PQexec(connection_.get(), sql.c_str()),
                                                               PQclear);
    return PQresultErrorMessage(result.get());
  }

  base::Task<contract::Result<std::vector<TextRow>>> query(std::string sql,
                                                           std::vector<std::optional<std::string>> parameters,
                                                           base::Deadline) override {
    Answer answer = ask(sql, parameters);
    if (!answer.error.empty()) co_return contract::Error(ErrorCode::database_error, answer.error);
    co_return std::move(answer.rows);
  }

 private:
  struct Finish {
    void operator()(PGconn* connection) const { PQfinish(connection); }
  };
  std::unique_ptr<PGconn, Finish> connection_;
};

constexpr const char* kSetup = R"sql(
CREATE EXTENSION IF NOT EXISTS citext; CREATE EXTENSION IF NOT EXISTS hstore; CREATE EXTENSION IF NOT EXISTS ltree;
CREATE SCHEMA app; CREATE SCHEMA "Odd ""S"; CREATE SCHEMA hidden;
CREATE TYPE mood AS ENUM ('sad', 'so so');
CREATE TYPE app.pair AS (x int, "Y z" text);
CREATE TYPE deep AS (id int, p app.pair, ps app.pair[], m mood, j jsonb, h hstore, at timestamptz);
CREATE DOMAIN posint AS int NOT NULL DEFAULT 5 CHECK (value > 0);
CREATE DOMAIN intlist AS int[];
CREATE TYPE floatrange AS RANGE (subtype = float8);
CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, gone int,
  price numeric(10, 2) DEFAULT 1.5, at timestamptz DEFAULT now(), total numeric GENERATED ALWAYS AS (price * 2) STORED,
  m mood, ms mood[], d posint, dl intlist, p app.pair, ci citext, code char(3), tags text[]);
ALTER TABLE orders DROP COLUMN gone;
CREATE UNIQUE INDEX orders_partial ON orders (name) WHERE price > 1;
CREATE UNIQUE INDEX orders_expression ON orders (lower(name));
CREATE UNIQUE INDEX orders_pair ON orders (name, at) INCLUDE (price);
CREATE INDEX orders_tags ON orders USING gin (tags);
INSERT INTO orders (name) SELECT 'n' || g FROM generate_series(1, 50) g; ANALYZE orders;
CREATE TABLE kid (a int UNIQUE DEFERRABLE, b int GENERATED BY DEFAULT AS IDENTITY, c serial UNIQUE, "Größe ""x""" text,
  PRIMARY KEY (b, a));
CREATE FUNCTION trg() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TRIGGER t BEFORE INSERT ON kid FOR EACH ROW EXECUTE FUNCTION trg();
CREATE TABLE app.orders (only_app int); CREATE TABLE app.secret (x int); CREATE TABLE hidden.h (x int);
CREATE TABLE "Odd ""S"."T.a b" (é int PRIMARY KEY, "A" int, "a" int);
CREATE TABLE nocols (); CREATE VIEW v AS SELECT id, name FROM orders; CREATE MATERIALIZED VIEW mv AS SELECT id FROM orders;
CREATE TABLE parted (k int, v text, PRIMARY KEY (k)) PARTITION BY RANGE (k);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10);
CREATE ROLE limited LOGIN; GRANT USAGE ON SCHEMA app TO limited; GRANT SELECT (name, id) ON orders TO limited;
GRANT SELECT ON v, app.orders, hidden.h TO limited;
)sql";

class SchemaCacheServerTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    server = std::make_unique<Server>();
    if (!server->running()) return;
    Session session(*server, "postgres", "public");
    setup_error = session.script(kSetup);
  }
  static void TearDownTestSuite() { server.reset(); }
  void SetUp() override {
    if (!server->running()) GTEST_SKIP() << "no PostgreSQL to start";
    ASSERT_EQ(setup_error, "");
    connect("postgres", "public");
  }
  void connect(const std::string& user, const std::string& search_path) {
    cache.reset();
    session = std::make_unique<Session>(*server, user, search_path);
    cache = std::make_unique<SchemaCache>(*session, settings);
  }
  template <class T>
  T run(base::Task<T> task) {
    std::optional<T> result;
    asio::co_spawn(context, std::move(task), [&result](std::exception_ptr failure, T value) {
      if (failure) std::rethrow_exception(failure);
      result.emplace(std::move(value));
    });
    context.restart();
    context.run();
    return std::move(*result);
  }
  static base::Deadline soon() { return base::Deadline::in(std::chrono::seconds(10)); }
  contract::Result<sql::TablePtr> find(std::string_view schema, std::string_view table) {
    return run(cache->find(schema, table, soon()));
  }
  std::vector<std::string> names(const sql::Table& table, const sql::Key& key) {
    std::vector<std::string> result;
    for (const auto index : key) result.push_back(table.columns[index].name);
    return result;
  }
  /// What SELECT of the expression is in JSON; through types the cache knows.
  std::string json(const std::string& expression) {
    const auto answer = session->ask("SELECT " + expression);
    if (!answer.error.empty()) return answer.error;
    const sql::Type* type = cache->type(answer.oid);
    const query::ValueFormat& format = type != nullptr ? *type->format : format_of(answer.oid);
    if (!answer.rows[0][0]) return "null";
    const std::string& raw = *answer.rows[0][0];
    base::Buffer out;
    using Kind = query::ValueFormat::Kind;
    if (format.kind == Kind::custom) {
      format.append_json(out, raw, format);
      return std::string(out.view());
    }
    if (format.kind == Kind::string) return "s:" + raw;
    if (format.kind == Kind::boolean_tf) return raw == "t" ? "true" : "false";
    return format.kind == Kind::null ? "null" : raw;
  }

  static std::unique_ptr<Server> server;
  static std::string setup_error;
  contract::GatewaySettings settings;
  asio::io_context context{1};
  std::unique_ptr<Session> session;
  std::unique_ptr<SchemaCache> cache;
};

std::unique_ptr<Server> SchemaCacheServerTest::server;
std::string SchemaCacheServerTest::setup_error;

TEST_F(SchemaCacheServerTest, ReadsColumnsKeysAndIndexes) {
  const auto found = find("", "orders");
  ASSERT_TRUE(found) << found.error().text();
  const sql::Table& table = **found;
  EXPECT_EQ(table.quoted, "\"public\".\"orders\"");
  EXPECT_EQ(table.row_estimate, 50);
  EXPECT_FALSE(table.has_user_triggers);
  using Names = std::vector<std::string>;
  Names columns;
  for (const auto& column : table.columns) columns.push_back(column.name + ' ' + column.type->name);
  EXPECT_EQ(columns, (Names{"id int8", "name text", "price numeric", "at timestamptz", "total numeric",
                            "m \"public\".\"mood\"", "ms \"public\".\"mood\"[]", "d \"public\".\"posint\"",
                            "dl \"public\".\"intlist\"", "p \"app\".\"pair\"", "ci \"public\".\"citext\"",
                            "code bpchar", "tags text[]"}));
  EXPECT_EQ(table.columns[0].generated, sql::Generated::identity_always);
  EXPECT_EQ(table.columns[4].generated, sql::Generated::stored);
  EXPECT_FALSE(table.columns[4].has_default);
  EXPECT_TRUE(table.columns[2].has_default);
  EXPECT_TRUE(table.columns[7].has_default);  // of the domain
  EXPECT_TRUE(table.columns[7].not_null);
  EXPECT_EQ(table.columns[7].type->category, sql::TypeCategory::integer);
  EXPECT_EQ(table.columns[8].type->category, sql::TypeCategory::array);
  EXPECT_EQ(table.columns[10].type->category, sql::TypeCategory::text);
  EXPECT_EQ(names(table, table.primary_key), Names{"id"});
  ASSERT_EQ(table.unique_keys.size(), 2U);
  EXPECT_EQ(names(table, table.unique_keys[1]), (Names{"name", "at"}));
  EXPECT_EQ(table.leading_index_columns.size(), 2U);
}

TEST_F(SchemaCacheServerTest, ReadsOddTables) {
  auto found = find("", "kid");
  ASSERT_TRUE(found);
  using Names = std::vector<std::string>;
  EXPECT_EQ(names(**found, (*found)->primary_key), (Names{"b", "a"}));
  ASSERT_EQ((*found)->unique_keys.size(), 2U);  // without the deferrable one
  EXPECT_TRUE((*found)->has_user_triggers);
  EXPECT_EQ((*found)->columns[1].generated, sql::Generated::identity_default);
  EXPECT_TRUE((*found)->columns[2].has_default);
  EXPECT_EQ((*found)->columns[3].name, "Größe \"x\"");
  EXPECT_EQ((*found)->row_estimate, -1);

  found = find("Odd \"S", "T.a b");
  ASSERT_TRUE(found);
  EXPECT_EQ((*found)->quoted, "\"Odd \"\"S\".\"T.a b\"");
  EXPECT_EQ((*found)->columns.size(), 3U);

  const std::pair<const char*, sql::Table::Kind> kinds[] = {{"v", sql::Table::Kind::view},
                                                            {"mv", sql::Table::Kind::materialized_view},
                                                            {"parted", sql::Table::Kind::partitioned},
                                                            {"parted_1", sql::Table::Kind::table},
                                                            {"nocols", sql::Table::Kind::table}};
  for (const auto& [name, kind] : kinds) {
    found = find("public", name);
    ASSERT_TRUE(found) << name;
    EXPECT_EQ((*found)->kind, kind) << name;
  }
  found = find("information_schema", "columns");
  ASSERT_TRUE(found);
  EXPECT_EQ((*found)->columns[4].type->category, sql::TypeCategory::integer);  // cardinal_number
  found = find("pg_catalog", "pg_stats");
  ASSERT_TRUE(found);
}

TEST_F(SchemaCacheServerTest, UndottedNamesFollowTheSearchPathAndNeverReachTheCatalogue) {
  connect("postgres", "app,pg_catalog,information_schema,public");
  auto found = find("", "orders");
  ASSERT_TRUE(found);
  EXPECT_EQ((*found)->schema, "app");
  found = find("", "kid");
  ASSERT_TRUE(found);
  EXPECT_EQ((*found)->schema, "public");
  EXPECT_FALSE(find("", "pg_class"));
  EXPECT_FALSE(find("", "columns"));
  EXPECT_FALSE(find("", "h"));

  const auto missing = find("", "secrets");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().hint(), "Did you mean \"secret\"?");
  const auto elsewhere = find("public", "secret");
  ASSERT_FALSE(elsewhere);
  EXPECT_EQ(elsewhere.error().text(), "Table \"public.secret\" does not exist.");
  EXPECT_EQ(elsewhere.error().hint(), "Did you mean \"app.secret\"?");
}

TEST_F(SchemaCacheServerTest, LoadsTypesOfCasts) {
  for (const char* name : {"mood", "app.pair", "citext[]", "posint", "\"mood\"", "floatrange"}) {
    EXPECT_TRUE(run(cache->load_type(name, soon())));
    const sql::Type* type = cache->types().find(name);
    ASSERT_NE(type, nullptr) << name;
    const auto oid = session->ask("SELECT $1::text::regtype::oid::text", {type->name});
    ASSERT_EQ(oid.error, "");
    EXPECT_EQ(*oid.rows[0][0], std::to_string(type->oid)) << name;
  }
  for (const char* name : {"pair", "\"Mood\"", "app.mood", "nosuch", "pg_catalog.void", "trigger"}) {
    EXPECT_TRUE(run(cache->load_type(name, soon())));
    EXPECT_EQ(cache->types().find(name), nullptr) << name;
  }
}

TEST_F(SchemaCacheServerTest, EveryBuiltInTypeIsTheServersOwn) {
  const auto answer = session->ask(
      "SELECT t.oid::text, t.typarray::text, t.typname::text, t.typtype::text, (e.oid IS NOT NULL)::text, "
      "e.oid::text "
      "FROM pg_type t LEFT JOIN pg_type e ON e.typarray = t.oid WHERE t.oid < 10000 ORDER BY t.oid");
  ASSERT_GT(answer.rows.size(), 100U);
  int known = 0;
  for (const TextRow& row : answer.rows) {
    const auto oid = static_cast<std::uint32_t>(std::stoul(*row[0]));
    const sql::Type* type = builtin_type(oid);
    if (type == nullptr) {
      // What no column can have: pseudo-types, row types of the catalogue, internal statistics.
      EXPECT_TRUE(*row[3] == "p" || *row[3] == "c" || *row[4] == "true" || row[2]->starts_with("pg_brin"))
          << *row[2];
      continue;
    }
    ++known;
    EXPECT_EQ(type->udt_name, *row[2]);
    if (*row[3] == "p") continue;
    EXPECT_EQ(std::to_string(type->array_oid), *row[1]) << *row[2];
    EXPECT_EQ(type->element != nullptr, *row[4] == "true") << *row[2];
    if (row[5] && type->element != nullptr) {
      EXPECT_EQ(std::to_string(type->element->oid), *row[5]) << *row[2];
    }
    const auto cast = session->ask("SELECT NULL::" + type->name);
    EXPECT_EQ(cast.error, "");
    EXPECT_EQ(cast.oid, oid) << type->name;
    const sql::Type* named = builtin_type(type->name);
    if (type->name == "cstring[]") continue;  // not for casts
    ASSERT_NE(named, nullptr) << type->name;
    EXPECT_EQ(named->oid, oid) << type->name;
  }
  EXPECT_GT(known, 150);
}

TEST_F(SchemaCacheServerTest, ValuesOfEveryType) {
  ASSERT_TRUE(run(cache->load_type("deep", soon())));
  ASSERT_TRUE(run(cache->load_type("intlist", soon())));
  ASSERT_TRUE(run(cache->load_type("citext", soon())));
  ASSERT_TRUE(run(cache->load_type("ltree", soon())));
  ASSERT_TRUE(run(cache->load_type("posint", soon())));
  ASSERT_TRUE(run(cache->load_type("floatrange", soon())));
  // `s:` = written as a JSON string of that text.
  const std::pair<const char*, const char*> cases[] = {
      {"(-32768)::int2", "-32768"},
      {"2147483647::int4", "2147483647"},
      {"(-9223372036854775808)::int8", "-9223372036854775808"},
      {"4294967295::oid", "4294967295"},
      {"true", "true"},
      {"false", "false"},
      {"NULL::int", "null"},
      {"1.50::numeric", "1.50"},
      {"'12345678901234567890.12345678901234567890'::numeric", "12345678901234567890.12345678901234567890"},
      {"'NaN'::numeric", "\"NaN\""},
      {"'-Infinity'::float8", "\"-Infinity\""},
      {"'Infinity'::float4", "\"Infinity\""},
      {"1e20::float8", "1e+20"},
      {"0.1::float4", "0.1"},
      {"(-0.0)::float8", "0"},
      {"'-0'::float8", "-0"},
      {"1.7976931348623157e308::float8", "1.7976931348623157e+308"},
      {"5e-324::float8", "5e-324"},
      {"'a\"b'::text", "s:a\"b"},
      {"'ab'::varchar(5)", "s:ab"},
      {"'ab'::char(4)", "s:ab  "},
      {"'x'::\"char\"", "s:x"},
      {"'nm'::name", "s:nm"},
      {"'so so'::mood", "s:so so"},
      {"'CiText'::citext", "s:CiText"},
      {"'<a/>'::xml", "s:<a/>"},
      {"'1234.5'::money", "s:$1,234.50"},
      {"B'101'", "s:101"},
      {"'101'::varbit", "s:101"},
      {"'10.0.0.1/8'::inet", "s:10.0.0.1/8"},
      {"'10.0.0.0/8'::cidr", "s:10.0.0.0/8"},
      {"'08:00:2b:01:02:03'::macaddr", "s:08:00:2b:01:02:03"},
      {"'08:00:2b:01:02:03:04:05'::macaddr8", "s:08:00:2b:01:02:03:04:05"},
      {"'(1,2)'::point", "s:(1,2)"},
      {"'{1,2,3}'::line", "s:{1,2,3}"},
      {"'[(0,0),(1,1)]'::lseg", "s:[(0,0),(1,1)]"},
      {"'(1,1),(0,0)'::box", "s:(1,1),(0,0)"},
      {"'((0,0),(1,1))'::path", "s:((0,0),(1,1))"},
      {"'((0,0),(1,1))'::polygon", "s:((0,0),(1,1))"},
      {"'<(0,0),1>'::circle", "s:<(0,0),1>"},
      {"'[1,5]'::int4range", "s:[1,6)"},
      {"'{[1,2),[4,5)}'::int4multirange", "s:{[1,2),[4,5)}"},
      {"'[1.5,2.5]'::floatrange", "s:[1.5,2.5]"},
      {"'a fat cat'::tsvector", "s:'a' 'cat' 'fat'"},
      {"'fat & cat'::tsquery", "s:'fat' & 'cat'"},
      {"'pg_class'::regclass", "s:pg_class"},
      {"'int4'::regtype", "s:integer"},
      {"'0/16B3748'::pg_lsn", "s:0/16B3748"},
      {"'1'::xid8", "s:1"},
      {"'$.a'::jsonpath", "s:$.\"a\""},
      {"'a.b'::ltree", "s:a.b"},
      {"'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'::uuid", "s:a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
      {"'hi'::bytea", "s:\\x6869"},
      {"''::bytea", "s:\\x"},
      {"'2026-03-01'::date", "s:2026-03-01"},
      {"'infinity'::date", "s:infinity"},
      {"'08:00:00.5'::time", "s:08:00:00.5"},
      {"'08:00+00'::timetz", "s:08:00:00+00"},
      {"'1 day 2 hours'::interval", "s:1 day 02:00:00"},
      {"'2026-03-01 08:00:00.5'::timestamp", "\"2026-03-01T08:00:00.5\""},
      {"'2026-03-01 08:00:00+02'::timestamptz", "\"2026-03-01T06:00:00+00:00\""},
      {"'0044-03-15 BC'::timestamptz", "\"0044-03-15T00:00:00+00:00 BC\""},
      {"'-infinity'::timestamptz", "\"-infinity\""},
      {"'12026-03-01'::timestamp", "\"12026-03-01T00:00:00\""},
      {"'{\"b\" : 1,\n \"b\":2}'::json", "{\"b\" : 1,\n \"b\":2}"},
      {"'{\"b\":1.10}'::jsonb", "{\"b\": 1.10}"},
      {"'null'::jsonb", "null"},
      {"'1 2 3'::int2vector", "[1,2,3]"},
      {"'26 1043'::oidvector", "[26,1043]"},
      {"'{}'::int[]", "[]"},
      {"'[0:1]={1,2}'::int[]", "[1,2]"},
      {"ARRAY[ARRAY[1,NULL],ARRAY[3,4]]", "[[1,null],[3,4]]"},
      {"ARRAY['a\"b\\', NULL, 'NULL', '', 'x y', '{', ',']", R"_(["a\"b\\",null,"NULL","","x y","{",","])_"},
      {"ARRAY[true,false]", "[true,false]"},
      {"ARRAY['1.50','NaN']::numeric[]", "[1.50,\"NaN\"]"},
      {"ARRAY['{\"a\":\"x y\"}','null','\"s\"']::jsonb[]", R"_([{"a": "x y"},null,"s"])_"},
      {"ARRAY['(1,1),(0,0)','(3,3),(2,2)']::box[]", R"_(["(1,1),(0,0)","(3,3),(2,2)"])_"},
      {"ARRAY['2026-03-01'::timestamptz]", "[\"2026-03-01T00:00:00+00:00\"]"},
      {"ARRAY['\\x00ff'::bytea]", "[\"\\\\x00ff\"]"},
      {"ARRAY['sad','so so']::mood[]", "[\"sad\",\"so so\"]"},
      {"ARRAY['1 2'::int2vector]", "[[1,2]]"},
      {"'{1,2}'::intlist", "[1,2]"},
      {"ARRAY['{1,2}','{3}']::intlist[]", "[[1,2],[3]]"},
      {"7::posint", "7"},
      {"'a=>1, \"b c\"=>NULL, q=>\"x\\\"y\"'::hstore", R"_({"a":"1","q":"x\"y","b c":null})_"},
      {"ROW(1,'x y')::app.pair", R"_({"x":1,"Y z":"x y"})_"},
      {"ROW(NULL,NULL)::app.pair", R"_({"x":null,"Y z":null})_"},
      {"ARRAY[ROW(1,'a\"b\\c'),ROW(2,'')]::app.pair[]", R"_([{"x":1,"Y z":"a\"b\\c"},{"x":2,"Y z":""}])_"},
      {"ROW(1, ROW(2,'(,)')::app.pair, ARRAY[ROW(3,'q\"')::app.pair], 'sad', '{\"k\":[1,\"v\"]}', 'a=>b', "
       "'2026-03-01')::deep",
       R"_({"id":1,"p":{"x":2,"Y z":"(,)"},"ps":[{"x":3,"Y z":"q\""}],"m":"sad","j":{"k": [1, "v"]},"h":{"a":"b"},"at":"2026-03-01T00:00:00+00:00"})_"},
      {"ROW(1,'a')", "s:(1,a)"},
  };
  // The same server may sort hstore keys and print xid8 as it likes: texts come from it, the expectation is
  // ours.
  for (const auto& [expression, expected] : cases) EXPECT_EQ(json(expression), expected) << expression;
}

TEST_F(SchemaCacheServerTest, ListsWhatTheLoginMayRead) {
  auto all = run(cache->list_tables({}, soon()));
  ASSERT_TRUE(all);
  std::vector<std::string> names;
  for (const auto& table : *all)
    names.push_back(table.table_schema + '.' + table.table_name + ' ' + table.table_type);
  EXPECT_EQ(names, (std::vector<std::string>{
                       "Odd \"S.T.a b BASE TABLE", "app.orders BASE TABLE", "app.secret BASE TABLE",
                       "hidden.h BASE TABLE", "public.kid BASE TABLE", "public.mv MATERIALIZED VIEW",
                       "public.nocols BASE TABLE", "public.orders BASE TABLE",
                       "public.parted PARTITIONED TABLE", "public.parted_1 BASE TABLE", "public.v VIEW"}));
  EXPECT_EQ(all->at(7).estimated_rows, 50);
  EXPECT_FALSE(all->at(4).estimated_rows);

  engines::TableQuery query{.table_schema = "public", .include_views = false, .limit = 2, .offset = 1};
  const auto some = run(cache->list_tables(query, soon()));
  ASSERT_TRUE(some);
  ASSERT_EQ(some->size(), 3U);  // one more than asked
  EXPECT_EQ(some->front().table_name, "nocols");
  query = {.table_schema = "pg_catalog"};
  EXPECT_TRUE(run(cache->list_tables(query, soon()))->empty());

  connect("limited", "public");
  all = run(cache->list_tables({}, soon()));
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 3U);
  EXPECT_EQ(all->at(0).table_schema, "app");
  EXPECT_EQ(all->at(1).table_name, "orders");
  EXPECT_EQ(all->at(2).table_name, "v");
  const auto columns = run(cache->list_columns("", "orders", soon()));
  ASSERT_TRUE(columns);
  EXPECT_EQ(columns->size(), 2U);
  for (const auto& [schema, table] :
       {std::pair("app", "secret"), std::pair("hidden", "h"), std::pair("", "kid")}) {
    const auto hidden = run(cache->list_columns(schema, table, soon()));
    ASSERT_FALSE(hidden) << table;
    EXPECT_EQ(hidden.error().code(), ErrorCode::undefined_table);
    EXPECT_EQ(hidden.error().hint().find("secret"), std::string::npos);
  }
}

TEST_F(SchemaCacheServerTest, ListsColumnsAsTheInformationSchemaNamesThem) {
  for (const auto& [schema, table] :
       {std::pair("public", "orders"), std::pair("public", "kid"), std::pair("public", "v"),
        std::pair("app", "secret"), std::pair("Odd \"S", "T.a b"), std::pair("public", "parted")}) {
    const auto expected = session->ask(
        "SELECT column_name, data_type, udt_name, column_default, is_nullable, ordinal_position::text, "
        "CASE WHEN is_identity = 'YES' THEN 'identity' WHEN is_generated = 'ALWAYS' THEN 'stored' END, "
        "table_schema "
        "FROM information_schema.columns WHERE table_schema = $1 AND table_name = $2 ORDER BY "
        "columns.ordinal_position",
        {schema, table});
    const auto columns = run(cache->list_columns(schema, table, soon()));
    ASSERT_TRUE(columns);
    ASSERT_EQ(columns->size(), expected.rows.size());
    for (std::size_t i = 0; i < columns->size(); ++i) {
      const auto& column = columns->at(i);
      const TextRow row{column.column_name,
                        column.data_type,
                        column.udt_name,
                        column.column_default,
                        column.is_nullable ? "YES" : "NO",
                        std::to_string(column.ordinal_position),
                        column.is_generated,
                        column.table_schema};
      EXPECT_EQ(row, expected.rows[i]) << table << '.' << column.column_name;
    }
  }
  const auto kid = run(cache->list_columns("", "kid", soon()));
  ASSERT_TRUE(kid);
  EXPECT_TRUE(kid->at(0).is_primary_key && kid->at(1).is_primary_key);
  EXPECT_FALSE(kid->at(2).is_primary_key);
  EXPECT_TRUE(run(cache->list_columns("", "nocols", soon()))->empty());
  const auto missing = run(cache->list_columns("", "ordrs", soon()));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().hint(), "Did you mean \"orders\"?");
  for (const char* schema : {"pg_catalog", "information_schema"}) {
    EXPECT_FALSE(run(cache->list_columns(schema, "columns", soon())));
    EXPECT_FALSE(run(cache->list_columns(schema, "pg_class", soon())));
  }
}

TEST_F(SchemaCacheServerTest, ColumnsAddedOutsideAppearAtOnce) {
  ASSERT_EQ(session->script("CREATE TABLE IF NOT EXISTS grows (a int)"), "");
  EXPECT_EQ(run(cache->list_columns("", "grows", soon()))->size(), 1U);
  ASSERT_EQ(session->script("ALTER TABLE grows ADD b text"), "");
  EXPECT_EQ(run(cache->list_columns("", "grows", soon()))->size(), 2U);
  ASSERT_EQ(session->script("DROP TABLE grows"), "");
}

}  // namespace
}  // namespace athena::postgres

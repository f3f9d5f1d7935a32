// Every kind of value both ways: what Athena shows of it against what PostgreSQL itself makes of it, and what
// comes back when that is stored again. Skipped without a server.
#include <map>
#include <sstream>
#include <vector>

#include "engines/postgres/function_fixture.h"

namespace athena::postgres::testing {
namespace {

struct Case {
  const char* type;
  std::vector<const char*> values;             ///< SQL expressions
  const char* reference = "to_json($)";        ///< SQL of the JSON; $ is the column
  const char* same = "a.$::text = b.$::text";  ///< equality after a round trip
};

const std::vector<Case>& cases() {
  static const std::vector<Case> all{
      {"bool", {"true", "false"}},
      {"int2", {"-32768", "32767"}},
      {"int4", {"-2147483648", "0"}},
      {"int8", {"9223372036854775807", "-9223372036854775808", "9007199254740993"}},
      {"oid", {"4294967295"}, "to_json($::int8)"},
      {"numeric",
       {"1.50", "'NaN'", "123456789012345678901234567890.0000000001", "-0.00", "repeat('9',400)::numeric"}},
      {"numeric(10,2)", {"1.5", "0"}},
      {"float4", {"0.1", "'NaN'", "'Infinity'", "'-Infinity'", "1e-30", "16777216"}},
      {"float8", {"0.1", "'NaN'", "'-Infinity'", "1e300", "-0.0", "5e-324"}},
      {"money", {"'$1,234.50'", "'-$0.01'"}},
      {"text", {"''", "E'a\\n\\t\"\\\\ü€😀'", "'NULL'", "'{a,b}'"}},
      {"varchar(20)", {"'a, (b)'"}},
      {"char(5)", {"'ab'"}},
      {"\"char\"", {"'x'", "''"}},
      {"name", {"'Some name'"}},
      {"citext", {"'MiXed'"}},
      {"bytea", {"'\\x00ff10'", "''"}},
      {"uuid", {"'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'"}},
      {"date", {"'2026-03-01'", "'infinity'", "'0044-03-15 BC'", "'12026-03-01'"}},
      {"time", {"'08:00:00'", "'24:00:00'", "'08:00:00.123456'"}},
      {"timetz", {"'08:00:00+00'", "'08:00:00.5-03:30'"}},
      {"timestamp",
       {"'2026-03-01 08:00:00'", "'2026-03-01 08:00:00.25'", "'infinity'", "'0044-03-15 08:00:00 BC'"}},
      {"timestamptz",
       {"'2026-03-01 08:00:00+02'", "'-infinity'", "'0044-03-15 08:00:00+00 BC'",
        "'12026-03-01 08:00:00.5+00'"}},
      {"interval", {"'1 day 02:00:00'", "'-1 year -2 mons +3 days -04:05:06.7'", "'0'"}},
      {"json",
       {"'{\"a\": [1, 2.50, null], \"b\": \"x\"}'", "'\"s\"'", "'null'", "'9007199254740993'"},
       "$",
       "a.$::jsonb = b.$::jsonb or (a.$::text = 'null' and b.$ is null)"},
      {"jsonb", {"'{\"a\": [1, 2.50, null]}'", "'\"s\"'", "'[]'", "'1.10'"}},
      {"jsonpath", {"'$.a[*]'"}},
      {"xml", {"'<a>b &amp; \"c\"</a>'"}, "to_json($::text)"},
      {"bit(3)", {"'101'"}},
      {"varbit", {"'10101'"}},
      {"inet", {"'10.0.0.1'", "'10.0.0.0/8'", "'::1'"}},
      {"cidr", {"'10.0.0.0/8'"}},
      {"macaddr", {"'08:00:2b:01:02:03'"}},
      {"macaddr8", {"'08:00:2b:01:02:03:04:05'"}},
      {"point", {"'(1,2.5)'"}},
      {"line", {"'{1,2,3}'"}},
      {"lseg", {"'[(1,2),(3,4)]'"}},
      {"box", {"'(3,4),(1,2)'"}},
      {"path", {"'[(1,2),(3,4)]'", "'((1,2),(3,4))'"}},
      {"polygon", {"'((1,2),(3,4),(5,6))'"}},
      {"circle", {"'<(1,2),3>'"}},
      {"pg_lsn", {"'16/B374D848'"}},
      {"tsvector", {"'a:1A fat:2B,4C ''it''''s'''"}},
      {"tsquery", {"'fat & (rat | !cat)'"}},
      {"int4range", {"'[1,5)'", "'empty'", "'(,)'"}},
      {"int8range", {"'[1,9007199254740993)'"}},
      {"numrange", {"'(1.5,2.50]'"}},
      {"daterange", {"'[2026-03-01,2026-03-09)'"}},
      {"tsrange", {"'[2026-03-01 08:00,2026-03-01 09:00)'"}},
      {"tstzrange", {"'[2026-03-01 08:00+00,infinity)'"}},
      {"int4multirange", {"'{[1,3),[5,9)}'", "'{}'"}},
      {"nummultirange", {"'{[1.5,2.5)}'"}},
      {"datemultirange", {"'{[2026-03-01,2026-03-02)}'"}},
      {"tstzmultirange", {"'{[2026-03-01 08:00+00,2026-03-01 09:00+00)}'"}},
      {"regclass", {"'pg_class'"}},
      {"regtype", {"'int4'", "'text[]'"}},
      {"regproc", {"'now'"}},
      {"regprocedure", {"'abs(int4)'"}},
      {"regoperator", {"'+(int4,int4)'"}},
      {"regrole", {"'postgres'"}},
      {"regnamespace", {"'pg_catalog'"}},
      {"regconfig", {"'english'"}},
      {"int2vector", {"'1 2 3'", "''"}, "to_json($::int2[])"},
      {"oidvector", {"'23 25'"}, "to_json($::int8[])"},
      {"xid", {"'5'"}, "to_json($::text)"},
      {"xid8", {"'5000000000'"}, "to_json($::text)"},
      {"tid", {"'(1,2)'"}, "to_json($::text)"},
      {"pg_snapshot", {"'10:20:10,14'"}, "to_json($::text)"},
      {"ltree", {"'Top.Science.Astronomy'"}, "to_json($::text)"},
      {"hstore", {"'a=>1, \"b c\"=>NULL, \"q\\\"\"=>\"x\\\\y\"'", "''"}, "hstore_to_json($)"},
      {"mood", {"'so so'"}},
      {"posint", {"7"}},
      {"shout", {"'it'"}},
      {"intlist", {"'{1,NULL,3}'"}},
      {"floatrange", {"'[1.5,2.5)'"}},
      {"pair", {"(1, E'a \"q\" (b), \\\\')", "(null, '')", "(null, null)"}},
      {"someone",
       {"('Ada', (1,'x')::pair, array[(2,'y')::pair,null], 'sad', '{\"k\": [1]}', '{1,2}', '2026-03-01 "
        "08:00+00', null)"}},
      {"pairish", {"(1, 'y')::pair"}},
      // Arrays
      {"bool[]", {"'{t,NULL,f}'"}},
      {"int4[]", {"'{}'", "'{1,NULL}'", "'{{1,2},{3,4}}'", "'{{{1},{2}},{{3},{4}}}'"}},
      {"int8[]", {"'{9007199254740993}'"}},
      {"numeric[]", {"'{1.50,NaN,NULL}'"}},
      {"float8[]", {"'{0.1,Infinity}'"}},
      {"text[]", {"array['a,b','\"','\\','NULL',null,'',' x ','{}']", "array[['a','b'],['c',null]]"}},
      {"varchar(5)[]", {"'{a,b}'"}},
      {"char(3)[]", {"'{a,b}'"}},
      {"bytea[]", {"array['\\x00'::bytea, null]"}},
      {"uuid[]", {"'{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}'"}},
      {"date[]", {"'{2026-03-01,infinity}'"}},
      {"timestamptz[]", {"'{2026-03-01 08:00:00+00,NULL,\"0044-03-15 08:00:00+00 BC\"}'"}},
      {"timestamp[]", {"'{2026-03-01 08:00:00.5}'"}},
      {"interval[]", {"'{1 day 02:00:00}'"}},
      {"json[]", {"array['{\"a\":[1]}','\"x\"']::json[]"}},
      {"jsonb[]", {"array['{\"a\":[1]}','[1,[2]]','\"x\"','1.50',null]::jsonb[]"}},
      {"box[]", {"'{(3,4),(1,2);(1,1),(0,0)}'"}},
      {"point[]", {"array['(1,2)'::point]"}},
      {"inet[]", {"'{10.0.0.1,::1}'"}},
      {"int4range[]", {"array['[1,5)'::int4range,'empty']"}},
      {"int4multirange[]", {"array['{[1,5),[7,8)}'::int4multirange]"}},
      {"tsvector[]", {"array['a:1 b'::tsvector]"}},
      {"money[]", {"array['$1,000.00'::money]"}},
      {"bit(2)[]", {"array[b'10']"}},
      {"oid[]", {"'{1,4294967295}'"}, "to_json($::int8[])"},
      {"regtype[]", {"'{int4,text}'"}},
      {"int2vector[]", {"array['1 2'::int2vector]"}, "case when $ is not null then '[[1,2]]'::json end"},
      {"citext[]", {"'{A,b}'"}},
      {"hstore[]", {"array['a=>1'::hstore]"}, "case when $ is not null then '[{\"a\":\"1\"}]'::json end"},
      {"mood[]", {"'{sad,\"so so\",NULL}'"}},
      {"posint[]", {"'{1,2}'"}},
      {"intlist[]", {"'{\"{1,2}\",\"{}\",NULL}'"}},
      {"pair[]", {"array[(1,'a,b')::pair,(null,'\"')::pair,null]"}},
      {"someone[]", {"array[('Ida',null,array[]::pair[],null,null,null,null,array['x,y','\"'])::someone]"}},
  };
  return all;
}

constexpr const char* kTypes = R"(
create extension citext; create extension hstore; create extension ltree;
create type mood as enum ('sad', 'so so');
create domain posint as int check (value > 0);
create domain shout as text; create domain intlist as int[];
create type floatrange as range (subtype = float8);
create type pair as (x int, "Y ""z" text);
create domain pairish as pair;
create type someone as (name text, p pair, ps pair[], m mood, doc jsonb, n int[], at timestamptz, tags text[]);
)";

std::string replaced(std::string text, const std::string& by) {
  for (std::size_t at = text.find('$'); at != std::string::npos; at = text.find('$', at + by.size()))
    text.replace(at, 1, by);
  return text;
}

std::string column_of(std::size_t index) {
  return "c" + std::to_string(index);
}

class TypesServerTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    server = std::make_unique<Server>();
    if (!server->running()) return;
    std::string sql = kTypes;
    // One row per value: row n holds the n-th value of each type, or NULL.
    for (const auto* table : {"source", "target", "bulk"}) {
      sql += std::string("create table ") + table + "(id int primary key";
      for (std::size_t i = 0; i < cases().size(); ++i) sql += ", " + column_of(i) + " " + cases()[i].type;
      sql += ");\n";
    }
    for (std::size_t row = 0; row < kRows; ++row) {
      sql += "insert into source(id) values (" + std::to_string(row) + ");\n";
      for (std::size_t i = 0; i < cases().size(); ++i) {
        if (row >= cases()[i].values.size()) continue;
        sql += "update source set " + column_of(i) + " = " + cases()[i].values[row] +
               " where id = " + std::to_string(row) + ";\n";
      }
    }
    setup = server->sql("set timezone = 'UTC'; set datestyle = 'ISO';" + sql);
  }
  static void TearDownTestSuite() { server.reset(); }
  void SetUp() override {
    if (!server->running()) GTEST_SKIP() << "no PostgreSQL here";
    ASSERT_EQ(setup, "");
    connection.uri = server->uri();
  }
  static std::string fetch(Gateway& gateway, std::size_t row, const std::string& table = "source") {
    const auto answer =
        gateway.fetch(R"({"table_name":")" + table + R"(","conditions":[{"column":"id","value":)" +
                      std::to_string(row) + "}]}");
    EXPECT_EQ(answer.code(), "ok") << answer.error->text();
    return answer.rows;
  }
  /// Columns that differ between source and `table`.
  static std::string differences(const std::string& table) {
    std::string sql = "set timezone='UTC';\n";
    for (std::size_t i = 0; i < cases().size(); ++i) {
      const std::string name = column_of(i);
      sql += "select '" + name + " row '||a.id||': '||coalesce(a." + name +
             "::text,'NULL')||' <> '||coalesce(b." + name + "::text,'NULL') from source a join " + table +
             " b using (id) where not ((a." + name + " is null and b." + name + " is null) or coalesce((" +
             replaced(cases()[i].same, name) + "), false));\n";
    }
    return server->sql(sql);
  }

  static constexpr std::size_t kRows = 5;
  static inline std::unique_ptr<Server> server;
  static inline std::string setup;
  contract::PostgresConnection connection;
};

std::string compact(const base::JsonNode& node) {
  base::Buffer out;
  base::append_json(out, node);
  return std::string(out.view());
}

/// Without white space between the members of json values.
std::string normal(const std::string& json) {
  std::pmr::monotonic_buffer_resource memory;
  const auto document = base::parse_json(json, memory);
  return document ? compact(**document) : "not JSON: " + json;
}

TEST_F(TypesServerTest, TheJsonIsWhatTheServerMakesOfIt) {
  Gateway gateway(connection);
  std::size_t compared = 0;
  for (std::size_t row = 0; row < kRows; ++row) {
    std::pmr::monotonic_buffer_resource memory;
    const std::string text = fetch(gateway, row);
    const auto mine = base::parse_json(text, memory);
    ASSERT_TRUE(mine) << text;
    // A function takes at most 100 arguments: a line per column.
    std::string sql = "set timezone = 'UTC'; set datestyle = 'ISO';\n";
    for (std::size_t i = 0; i < cases().size(); ++i) {
      sql += "select coalesce(replace((" + replaced(cases()[i].reference, column_of(i)) +
             ")::text, E'\\n', ' '), 'null') from source where id = " + std::to_string(row) + ";\n";
    }
    std::istringstream lines(server->sql(sql));
    std::string line;
    for (std::size_t i = 0; i < cases().size(); ++i) {
      ASSERT_TRUE(std::getline(lines, line));
      const auto reference = base::parse_json(line, memory);
      ASSERT_TRUE(reference) << cases()[i].type << " " << line;
      const auto* const value = (*mine)->find(column_of(i));
      ASSERT_NE(value, nullptr);
      EXPECT_EQ(compact(*value), compact(**reference)) << cases()[i].type;
      if (!value->is_null()) ++compared;
    }
  }
  EXPECT_GT(cases().size(), 100U);
  EXPECT_GT(compared, 150U);
}

TEST_F(TypesServerTest, WhatIsReadCanBeStored) {
  Gateway gateway(connection);
  std::string rows;
  for (std::size_t row = 0; row < kRows; ++row) {
    const std::string body = fetch(gateway, row);
    rows += (row > 0 ? "," : "") + body;
    const auto stored =
        gateway.run(Gateway::Kind::insert, R"({"table_name":"target","insert_body":)" + body + "}", {});
    EXPECT_EQ(stored.code(), "ok") << row << " " << stored.error->text() << stored.detail("column");
    EXPECT_EQ(normal(fetch(gateway, row, "target")), normal(body));
  }
  EXPECT_EQ(differences("target"), "");
  EXPECT_EQ(server->sql("select count(*) from target"), std::to_string(kRows));
  // Many rows at once go another way.
  const auto stored =
      gateway.run(Gateway::Kind::insert, R"({"table_name":"bulk","insert_body":[)" + rows + "]}", {});
  EXPECT_EQ(stored.code(), "ok") << stored.error->text() << stored.detail("column");
  EXPECT_EQ(differences("bulk"), "");
}

TEST_F(TypesServerTest, ManyRowsByArraysOfTheirColumns) {
  // Each type alone, so that those without arrays do not decide for the others.
  Gateway gateway(connection);
  server->sql("truncate bulk");
  for (std::size_t i = 0; i < cases().size(); ++i) {
    std::string rows;
    const std::string name = column_of(i);
    for (std::size_t row = 0; row < kRows; ++row) {
      const auto answer =
          gateway.fetch(R"({"table_name":"source","columns":["id",")" + name +
                        R"("],"conditions":[{"column":"id","value":)" + std::to_string(row) + "}]}");
      rows += (row > 0 ? "," : "") + answer.rows;
    }
    const auto stored = gateway.run(
        Gateway::Kind::insert,
        R"({"table_name":"bulk","columns":[],"on_conflict":"id","insert_body":[)" + rows + "]}", {});
    EXPECT_EQ(stored.code(), "ok") << cases()[i].type << " " << stored.error->text();
  }
  EXPECT_EQ(differences("bulk"), "");
}

TEST_F(TypesServerTest, WhatDoesNotFitIsRefused) {
  Gateway gateway(connection);
  std::map<std::string, std::string> names;
  for (std::size_t i = 0; i < cases().size(); ++i) names[cases()[i].type] = column_of(i);
  const std::vector<std::pair<std::string, std::string>> wrong{
      {"int4", R"("x")"},
      {"int4", "1.5"},
      {"int4", "99999999999"},
      {"int4", "[1]"},
      {"int4", R"({"a":1})"},
      {"int4", "true"},
      {"bool", "2"},
      {"bool", R"("maybe")"},
      {"uuid", R"("x")"},
      {"uuid", "1"},
      {"bytea", R"("0x1")"},
      {"date", R"("soon")"},
      {"date", "20260301"},
      {"timestamptz", "true"},
      {"int4[]", R"([1,"x"])"},
      {"int4[]", "[[1],[2,3]]"},
      {"int4[]", "5"},
      {"int4[]", R"([{"a":1}])"},
      {"mood", R"("angry")"},
      {"mood", "1"},
      {"posint", R"("abc")"},
      {"pair", "[1,2]"},
      {"pair", R"({"x":"abc"})"},
      {"pair", R"({"y":1})"},
      {"pair", R"({"X":1})"},
      {"pair[]", R"([[1]])"},
      {"pair[]", R"([{"zz":1}])"},
      {"hstore", R"({"a":[1]})"},
      {"hstore", "[1]"},
      {"int4range", "[1,2]"},
      {"int2vector", R"(["x"])"},
      {"int2vector", "[[1]]"},
      {"inet", R"("300.1.1.1")"},
      {"text", R"("a\u0000b")"},
      {"text", "[1]"},
      {"text", R"({"a":1})"},
      {"text[]", R"(["a\u0000b"])"},
      {"bit(3)", R"("1010")"},
      {"varchar(20)", R"("123456789012345678901")"},
      {"someone", R"({"p":{"x":{}}})"},
      {"someone", R"({"ps":[{"q":1}]})"},
  };
  for (const auto& [type, value] : wrong) {
    ASSERT_TRUE(names.contains(type)) << type;
    const auto answer = gateway.run(
        Gateway::Kind::insert,
        R"({"table_name":"target","insert_body":{"id":100,")" + names[type] + R"(":)" + value + "}}", {});
    EXPECT_EQ(answer.code(), "invalid_value") << type << " " << value;
  }
  EXPECT_EQ(server->sql("select count(*) from target where id = 100"), "0");
  const auto broken =
      gateway.run(Gateway::Kind::insert,
                  R"({"table_name":"target","insert_body":{"id":100,")" + names["posint"] + "\":-1}}", {});
  EXPECT_EQ(broken.code(), "check_constraint_violation");
}

TEST_F(TypesServerTest, ConditionsOnSuchColumns) {
  Gateway gateway(connection);
  std::map<std::string, std::string> names;
  for (std::size_t i = 0; i < cases().size(); ++i) names[cases()[i].type] = column_of(i);
  const auto ids = [&](const std::string& type, const std::string& op, const std::string& value) {
    const auto answer = gateway.fetch(
        R"({"table_name":"source","columns":["id"],"sort_by":{"field":"id"},"conditions":[{"operator":")" +
        op + R"(","column":")" + names.at(type) + R"(","value":)" + value + "}]}");
    if (answer.error) return answer.code();
    std::string found;
    for (const char c : answer.rows) {
      if (c >= '0' && c <= '9') found.push_back(c);
    }
    return found;
  };
  EXPECT_EQ(ids("mood", "in", R"(["sad","so so",null])"), "01234");
  EXPECT_EQ(ids("mood", "eq", R"("so so")"), "0");
  EXPECT_EQ(ids("posint", "in", "[7,8]"), "0");
  EXPECT_EQ(ids("int4[]", "eq", "[]"), "0");
  EXPECT_EQ(ids("int4[]", "contains", "[2,4]"), "23");
  EXPECT_EQ(ids("int4[]", "containedBy", "[1,2,3,4,5]"), "023");
  EXPECT_EQ(ids("int4[]", "overlaps", "[4,9]"), "23");
  EXPECT_EQ(ids("text[]", "overlaps", R"(["NULL"])"), "0");
  EXPECT_EQ(ids("intlist", "contains", "[3]"), "0");
  EXPECT_EQ(ids("mood[]", "contains", R"(["sad"])"), "0");
  EXPECT_EQ(ids("jsonb", "contains", R"({"a":[1]})"), "0");
  EXPECT_EQ(ids("jsonb", "contains", R"("s")"), "1");
  EXPECT_EQ(ids("jsonb", "containedBy", R"(["x"])"), "2");
  EXPECT_EQ(ids("json", "contains", R"({"b":"x"})"), "0");
  EXPECT_EQ(ids("int4range", "contains", R"j("[2,3)")j"), "02");
  EXPECT_EQ(ids("int4range", "containedBy", R"j("[0,9)")j"), "01");
  EXPECT_EQ(ids("int4range", "overlaps", R"j("[4,9)")j"), "02");
  EXPECT_EQ(ids("int4range", "sl", R"j("[5,9)")j"), "0");
  EXPECT_EQ(ids("int4range", "sr", R"j("[-3,1)")j"), "0");
  EXPECT_EQ(ids("int4range", "nxr", R"j("[0,5)")j"), "0");
  EXPECT_EQ(ids("int4range", "nxl", R"j("[1,2)")j"), "0");
  EXPECT_EQ(ids("int4range", "adj", R"j("[5,6)")j"), "0");
  EXPECT_EQ(ids("int4multirange", "contains", R"j("[5,6)")j"), "0");
  EXPECT_EQ(ids("int4multirange", "contains", R"j("{[1,2),[5,6)}")j"), "0");
  EXPECT_EQ(ids("int4multirange", "sl", R"j("[9,10)")j"), "0");
  EXPECT_EQ(ids("int4multirange", "overlaps", R"("empty")"), "");
  EXPECT_EQ(ids("floatrange", "contains", R"j("[1.6,1.7)")j"), "0");
  EXPECT_EQ(ids("tsvector", "fts", R"("fat -cat")"), "0");
  EXPECT_EQ(ids("tsvector", "plfts", R"({"query":"fats","config":"english"})"), "0");
  EXPECT_EQ(ids("tsvector", "phfts", R"("fat rat")"), "");
  EXPECT_EQ(ids("citext", "eq", R"("mixed")"), "0");
  EXPECT_EQ(ids("citext", "like", R"("mix%")"), "");
  EXPECT_EQ(ids("citext", "ilike", R"("mix%")"), "0");
  EXPECT_EQ(ids("numeric", "eq", R"("NaN")"), "1");
  EXPECT_EQ(ids("uuid", "eq", R"("urn:uuid:a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")"), "0");
  EXPECT_EQ(ids("timestamptz", "lt", R"("0001-01-01T00:00:00Z")"), "12");
  for (const auto& [type, op] : std::vector<std::pair<std::string, std::string>>{{"int4", "contains"},
                                                                                 {"text", "overlaps"},
                                                                                 {"int4[]", "sl"},
                                                                                 {"jsonb", "overlaps"},
                                                                                 {"hstore", "contains"},
                                                                                 {"int4", "fts"},
                                                                                 {"tsquery", "fts"},
                                                                                 {"pair", "contains"}}) {
    EXPECT_EQ(ids(type, op, R"("x")"), "invalid_operator") << type << " " << op;
  }
  EXPECT_EQ(ids("int4range", "contains", "5"), "invalid_value");
  EXPECT_EQ(ids("int4range", "contains", R"j("[5")j"), "invalid_value");
  EXPECT_EQ(ids("int4[]", "contains", R"({"a":1})"), "invalid_value");
  EXPECT_EQ(ids("int4", "in", "[[1]]"), "invalid_value");
}

/// The ids of the rows that a condition leaves, given as the engine gets it.
std::string matching(Gateway& gateway, std::string column, query::Operator op, std::string value,
                     bool text_form = false) {
  return run_on(gateway, 0,
                [column, op, value, text_form](engines::Backend& backend) -> base::Task<std::string> {
                  std::pmr::monotonic_buffer_resource memory;
                  const auto parsed = base::parse_json(value, memory);
                  query::Select select;
                  select.target = {{}, "source"};
                  query::Projection id;
                  id.column.name = "id";
                  select.columns.push_back(id);
                  query::SortTerm by_id;
                  by_id.column.name = "id";
                  select.sort.push_back(by_id);
                  query::Predicate condition;
                  condition.op = op;
                  condition.column.name = column;
                  condition.value = *parsed;
                  condition.text_form = text_form;
                  select.conditions.push_back(condition);
                  const query::Request request(std::move(select));
                  FormSink sink;
                  const engines::ExecutionContext execution{
                      base::Deadline::in(5s), memory, 1000, false, nullptr, nullptr};
                  auto done = co_await backend.query()->execute(request, sink, execution);
                  if (!done) co_return std::string(contract::info(done.error().code()).name);
                  co_return sink.rows;
                });
}

TEST_F(TypesServerTest, NullsAndArraysAsValuesOfConditions) {
  Gateway gateway(connection);
  std::map<std::string, std::string> names;
  for (std::size_t i = 0; i < cases().size(); ++i) names[cases()[i].type] = column_of(i);
  using enum query::Operator;
  EXPECT_EQ(matching(gateway, names["int4[]"], in, "[[1,null],[[1,2],[3,4]]]"), "[1][2]");
  EXPECT_EQ(matching(gateway, names["int4[]"], in, "[[],null]"), "[0][4]");
  EXPECT_EQ(matching(gateway, names["text[]"], in, R"([[["a","b"],["c",null]]])"), "[1]");
  EXPECT_EQ(matching(gateway, names["int4"], in, "[[1]]"), "invalid_value");
  EXPECT_EQ(matching(gateway, names["jsonb"], in, R"([1.1,"s"])"), "[1][3]");
  EXPECT_EQ(matching(gateway, names["jsonb"], contains, "null"), "");
  EXPECT_EQ(matching(gateway, names["json"], contains, "null"), "[2]");
  EXPECT_EQ(matching(gateway, names["jsonb"], contains, "[]"), "[2]");
  EXPECT_EQ(matching(gateway, names["jsonb"], contained_by, "null"), "");
  EXPECT_EQ(matching(gateway, names["int4[]"], contains, "null"), "invalid_value");
  // Out of an expression: the text of the type, which is JSON for json.
  EXPECT_EQ(matching(gateway, names["jsonb"], eq, R"("1.10")", true), "[3]");
  EXPECT_EQ(matching(gateway, names["jsonb"], eq, R"("\"s\"")", true), "[1]");
  EXPECT_EQ(matching(gateway, names["jsonb"], eq, R"("s")", false), "[1]");
  EXPECT_EQ(matching(gateway, names["jsonb"], eq, R"("s")", true), "invalid_value");
  EXPECT_EQ(matching(gateway, names["jsonb"], in, R"(["\"s\"","[]"])", true), "[1][2]");
  EXPECT_EQ(matching(gateway, names["jsonb"], contains, R"("{\"a\":[1]}")", true), "[0]");
  EXPECT_EQ(matching(gateway, names["jsonb[]"], contains, R"(["1.5","\"x\""])", true), "[0]");
  EXPECT_EQ(matching(gateway, names["jsonb[]"], contains, R"([1.5,"x"])", false), "[0]");
  EXPECT_EQ(matching(gateway, names["int4range"], overlaps, "null"), "invalid_value");
}

TEST_F(TypesServerTest, ArraysLoseTheirLowerBounds) {
  Gateway gateway(connection);
  server->sql(
      "create table bounds(id int primary key, v int[], r text[]); insert into bounds values "
      "(1, '[0:1]={5,6}', '[2:3][-1:0]={{a,b},{c,\"d e\"}}')");
  EXPECT_EQ(gateway.fetch(R"({"table_name":"bounds"})").rows,
            R"({"id":1,"v":[5,6],"r":[["a","b"],["c","d e"]]})");
}

}  // namespace
}  // namespace athena::postgres::testing

#include <gtest/gtest.h>

#include "engines/postgres/dialect_fixture.h"

namespace athena::postgres {
namespace {

using testing::types;
using testing::wide_table;

constexpr std::string_view kUuid = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";

/// The WHERE clause of a select with that condition, or the code of its error.
class Conditions : public ::testing::Test {
 protected:
  [[nodiscard]] std::string where(const std::string& condition) const {
    const auto compiled = compile.select("\"columns\":\"id\",\"limit\":5,\"conditions\":[" + condition + "]");
    if (compiled.error) return compiled.code();
    const auto begin = compiled.text.find(" WHERE ");
    if (begin == std::string::npos) return "no condition: " + compiled.text;
    auto text = compiled.text.substr(begin + 7);
    text.erase(text.find(" LIMIT 5"), 8);
    return text;
  }
  [[nodiscard]] std::string where(std::string_view column, std::string_view op,
                                  std::string_view value) const {
    return where("{\"column\":\"" + std::string(column) + "\",\"operator\":\"" + std::string(op) +
                 "\",\"value\":" + std::string(value) + "}");
  }

  /// By the parser or by the compiler, with one of the codes for a bad value.
  static bool refused(const std::string& code) {
    return code == "invalid_value" || code == "invalid_payload";
  }

  PostgresDialect dialect{types()};
  sql::testing::Compile compile{dialect, wide_table()};
};

TEST_F(Conditions, Comparisons) {
  EXPECT_EQ(where("id", "eq", "7"), "\"id\" = $1  <- 20:'7'");
  EXPECT_EQ(where("id", "eq", "\"7\""), "\"id\" = $1  <- 20:'7'");
  EXPECT_EQ(where("id", "eq", "null"), "\"id\" IS NULL");
  EXPECT_EQ(where("id", "neq", "7"), "\"id\" <> $1  <- 20:'7'");
  EXPECT_EQ(where("id", "neq", "null"), "\"id\" IS NOT NULL");
  EXPECT_EQ(where("id", "isdistinct", "7"), "\"id\" IS DISTINCT FROM $1  <- 20:'7'");
  EXPECT_EQ(where("id", "isdistinct", "null"), "\"id\" IS NOT NULL");
  EXPECT_EQ(where("int4", "gt", "7"), "\"int4\" > $1  <- 23:'7'");
  EXPECT_EQ(where("int4", "gte", "7"), "\"int4\" >= $1  <- 23:'7'");
  EXPECT_EQ(where("int4", "lt", "7"), "\"int4\" < $1  <- 23:'7'");
  EXPECT_EQ(where("int4", "lte", "7"), "\"int4\" <= $1  <- 23:'7'");
  EXPECT_EQ(where("int4", "not.gte", "7"), "NOT (\"int4\" >= $1)  <- 23:'7'");
  EXPECT_EQ(where("tags", "eq", "[\"a\",null]"), "\"tags\" = $1  <- 1009:'{\"a\",NULL}'");
  for (const auto* op : {"gt", "gte", "lt", "lte"}) EXPECT_EQ(where("id", op, "null"), "invalid_value") << op;
  EXPECT_EQ(where("id", "eq", "[1]"), "invalid_value");
  EXPECT_EQ(where("id", "eq", "{}"), "invalid_value");
  EXPECT_EQ(where("jsonb", "eq", "[1]"), "invalid_value");
  EXPECT_EQ(where("tags", "gt", "[1]"), "invalid_value");
}

TEST_F(Conditions, ValuesTakeTheTypeOfTheColumn) {
  EXPECT_EQ(where("numeric", "eq", "1.50"), "\"numeric\" = $1  <- 1700:'1.50'");
  EXPECT_EQ(where("numeric", "eq", "123456789012345678901234567890.10"),
            "\"numeric\" = $1  <- 1700:'123456789012345678901234567890.10'");
  EXPECT_EQ(where("float8", "eq", "\"NaN\""), "\"float8\" = $1  <- 701:'NaN'");
  EXPECT_EQ(where("name", "eq", "9007199254740993"), "\"name\" = $1  <- 25:'9007199254740993'");
  EXPECT_EQ(where("name", "eq", "true"), "\"name\" = $1  <- 25:'true'");
  EXPECT_EQ(where("bool", "eq", "false"), "\"bool\" = $1  <- 16:'false'");
  EXPECT_EQ(where("bool", "eq", "\"yes\""), "\"bool\" = $1  <- 16:'yes'");
  EXPECT_EQ(where("uuid", "eq", "\"urn:uuid:" + std::string(kUuid) + "\""),
            "\"uuid\" = $1  <- 2950:'" + std::string(kUuid) + "'");
  EXPECT_EQ(where("bytea", "eq", "\"0x6869\""), "\"bytea\" = $1  <- 17:'\\x6869'");
  EXPECT_EQ(where("jsonb", "eq", "\"a\\\"b\""), "\"jsonb\" = $1  <- 3802:'\"a\\\"b\"'");
  EXPECT_EQ(where("jsonb", "eq", "1.10"), "\"jsonb\" = $1  <- 3802:'1.10'");
  EXPECT_EQ(where("mood", "eq", "\"sad\""), "\"mood\" = $1  <- 70001:'sad'");
  EXPECT_EQ(where("timestamptz", "lt", "\"2026-03-01T08:00:00Z\""),
            "\"timestamptz\" < $1  <- 1184:'2026-03-01T08:00:00Z'");
  EXPECT_EQ(where("place", "eq", "\"(1,2)\""), "\"place\" = $1  <- 70003:'(1,2)'");
}

TEST_F(Conditions, ValuesThatDoNotFitAreRefusedByName) {
  for (const auto& [column, value] : std::initializer_list<std::pair<const char*, const char*>>{
           {"id", "\"abc\""},       {"id", "1.5"},
           {"id", "1e3"},           {"id", "9223372036854775808"},
           {"int4", "2147483648"},  {"int2", "\"32768\""},
           {"id", "true"},          {"bool", "1"},
           {"bool", "\"maybe\""},   {"uuid", "\"x\""},
           {"uuid", "7"},           {"name", "\"a\\u0000b\""},
           {"bytea", "\"0xzz\""},   {"timestamptz", "20260301"},
           {"timestamptz", "true"}, {"interval", "5"},
           {"inet", "7"},           {"int4range", "1"},
           {"mood", "7"},           {"numeric", "true"}}) {
    const auto compiled = compile.select("\"conditions\":[{\"eq_column\":\"" + std::string(column) +
                                         "\",\"eq_value\":" + value + "}]");
    EXPECT_EQ(compiled.code(), "invalid_value") << column << " " << value;
    EXPECT_EQ(compiled.detail("column"), "\"" + std::string(column) + "\"");
  }
  const auto compiled = compile.select(R"("conditions":[{"column":"int4","value":"old"}])");
  EXPECT_EQ(compiled.error->text(), "The value for column \"int4\" is not a valid int4.");
}

TEST_F(Conditions, Patterns) {
  EXPECT_EQ(where("name", "like", "\"a%\""), "\"name\" LIKE $1  <- 25:'a%'");
  EXPECT_EQ(where("email", "ilike", "\"a%\""), "\"email\" ILIKE $1  <- 25:'a%'");
  EXPECT_EQ(where("bpchar", "like", "\"a%\""), "\"bpchar\" LIKE $1  <- 25:'a%'");
  EXPECT_EQ(where("citext", "like", "\"a%\""), "\"citext\"::text LIKE $1  <- 25:'a%'");
  EXPECT_EQ(where("id", "like", "\"1%\""), "\"id\"::text LIKE $1  <- 25:'1%'");
  EXPECT_EQ(where("uuid", "not.ilike", "\"A%\""), "NOT (\"uuid\"::text ILIKE $1)  <- 25:'A%'");
  EXPECT_EQ(where("name", "match", "\"^a\""), "\"name\" ~ $1  <- 25:'^a'");
  EXPECT_EQ(where("name", "imatch", "\"^a\""), "\"name\" ~* $1  <- 25:'^a'");
  EXPECT_EQ(where("name", "like", "\"a\\\\\\\\\""), "\"name\" LIKE $1  <- 25:'a\\\\'");
  EXPECT_EQ(where("name", "like", "\"a\\\\\""), "invalid_value");
  EXPECT_TRUE(refused(where("name", "like", "7")));
  EXPECT_TRUE(refused(where("name", "like", "null")));
  EXPECT_EQ(where("name", "like", "\"\\u0000\""), "invalid_value");
  const std::string longest(1024, 'a');
  EXPECT_EQ(where("name", "match", "\"" + longest + "\""), "\"name\" ~ $1  <- 25:'" + longest + "'");
  EXPECT_NE(where("name", "match", "\"" + longest + "a\""), "\"name\" ~ $1  <- 25:'" + longest + "a'");
}

TEST_F(Conditions, Is) {
  EXPECT_EQ(where("name", "is", "null"), "\"name\" IS NULL");
  EXPECT_EQ(where("name", "is", "\"null\""), "\"name\" IS NULL");
  EXPECT_EQ(where("name", "is", "\"not_null\""), "\"name\" IS NOT NULL");
  EXPECT_EQ(where("bool", "is", "true"), "\"bool\" IS TRUE");
  EXPECT_EQ(where("bool", "is", "\"false\""), "\"bool\" IS FALSE");
  EXPECT_EQ(where("bool", "is", "\"unknown\""), "\"bool\" IS UNKNOWN");
  EXPECT_EQ(where("bool", "not.is", "true"), "NOT (\"bool\" IS TRUE)");
  EXPECT_EQ(where("int4", "is", "true"), "invalid_value");
  EXPECT_TRUE(refused(where("bool", "is", "7")));
}

TEST_F(Conditions, Lists) {
  EXPECT_EQ(where("id", "in", "[\"1\",2]"), "\"id\" = ANY($1)  <- 1016:'{\"1\",2}'");
  EXPECT_EQ(where("id", "in", "[]"), "FALSE");
  EXPECT_EQ(where("id", "not.in", "[]"), "NOT (FALSE)");
  EXPECT_EQ(where("id", "in", "[null]"), "\"id\" IS NULL");
  EXPECT_EQ(where("id", "in", "[1,null]"), "(\"id\" = ANY($1) OR \"id\" IS NULL)  <- 1016:'{1}'");
  EXPECT_EQ(where("id", "not.in", "[1,null]"), "NOT ((\"id\" = ANY($1) OR \"id\" IS NULL))  <- 1016:'{1}'");
  EXPECT_EQ(where("name", "in", R"(["a,b","c\"d","e\\f","{}","NULL",""," "])"),
            R"("name" = ANY($1)  <- 1009:'{"a,b","c\"d","e\\f","{}","NULL",""," "}')");
  EXPECT_EQ(where("bytea", "in", "[\"\\\\x68\"]"), "\"bytea\" = ANY($1)  <- 1001:'{\"\\\\x68\"}'");
  EXPECT_EQ(where("jsonb", "in", "[{\"a\":1},\"b\"]"), "invalid_value") << "objects are no scalars";
  EXPECT_EQ(where("jsonb", "in", "[\"b\",1]"), "\"jsonb\" = ANY($1)  <- 3807:'{\"\\\"b\\\"\",1}'");
  EXPECT_EQ(where("hstore", "in", "[\"a=>1\"]"), "\"hstore\" IN ($1)  <- 70005:'a=>1'");
  EXPECT_TRUE(refused(where("id", "in", "7")));
  EXPECT_TRUE(refused(where("id", "in", "\"(1,2)\"")));
  EXPECT_TRUE(refused(where("id", "in", "null")));
  EXPECT_EQ(where("id", "in", "[1,\"x\"]"), "invalid_value");
  EXPECT_EQ(where("id", "in", "[[1,2]]"), "invalid_value");
}

TEST_F(Conditions, SetsRangesAndJson) {
  EXPECT_EQ(where("tags", "contains", "[\"a\"]"), "\"tags\" @> $1  <- 1009:'{\"a\"}'");
  EXPECT_EQ(where("tags", "cs", "\"{a}\""), "\"tags\" @> $1  <- 1009:'{a}'");
  EXPECT_EQ(where("nums", "containedBy", "[1,null]"), "\"nums\" <@ $1  <- 1007:'{1,NULL}'");
  EXPECT_EQ(where("nums", "cd", "[[1,2],[3,4]]"), "\"nums\" <@ $1  <- 1007:'{{1,2},{3,4}}'");
  EXPECT_EQ(where("nums", "ov", "[1]"), "\"nums\" && $1  <- 1007:'{1}'");
  EXPECT_EQ(where("jsonb", "contains", "{\"a\":[1.10]}"), "\"jsonb\" @> $1  <- 3802:'{\"a\":[1.10]}'");
  EXPECT_EQ(where("json", "contained", "[1]"), "\"json\"::jsonb <@ $1  <- 3802:'[1]'");
  EXPECT_EQ(where("int4range", "contains", "\"[1,2)\""), "\"int4range\" @> $1  <- 3904:'[1,2)'");
  EXPECT_EQ(where("int4multirange", "overlaps", "\"{[1,2)}\""),
            "\"int4multirange\" && $1  <- 4451:'{[1,2)}'");
  const std::pair<const char*, const char*> ranges[] = {
      {"sl", "<<"}, {"sr", ">>"}, {"nxr", "&<"}, {"nxl", "&>"}, {"adj", "-|-"}};
  for (const auto& [op, symbol] : ranges) {
    EXPECT_EQ(where("int4range", op, "\"[1,2)\""),
              "\"int4range\" " + std::string(symbol) + " $1  <- 3904:'[1,2)'");
    EXPECT_EQ(where("nums", op, "\"{1}\""), "invalid_operator") << op;
  }
  for (const auto* column :
       {"id", "name", "bool", "uuid", "bytea", "timestamptz", "inet", "tsvector", "mood", "place"}) {
    EXPECT_EQ(where(column, "contains", "[1]"), "invalid_operator") << column;
    EXPECT_EQ(where(column, "containedBy", "[1]"), "invalid_operator") << column;
    EXPECT_EQ(where(column, "overlaps", "[1]"), "invalid_operator") << column;
  }
  EXPECT_EQ(where("jsonb", "overlaps", "[1]"), "invalid_operator");
  EXPECT_EQ(where("tags", "contains", "7"), "invalid_value");
  EXPECT_EQ(where("tags", "contains", "null"), "invalid_value");
  EXPECT_EQ(where("int4range", "contains", "7"), "invalid_value");
  EXPECT_EQ(where("nums", "contains", "[\"x\"]"), "invalid_value");
}

TEST_F(Conditions, TextSearch) {
  EXPECT_EQ(where("tsvector", "fts", "\"a b\""), "\"tsvector\" @@ websearch_to_tsquery($1)  <- 25:'a b'");
  EXPECT_EQ(where("tsvector", "wfts", "\"a b\""), "\"tsvector\" @@ websearch_to_tsquery($1)  <- 25:'a b'");
  EXPECT_EQ(where("name", "plfts", "\"a b\""), "to_tsvector(\"name\") @@ plainto_tsquery($1)  <- 25:'a b'");
  EXPECT_EQ(where("name", "phfts", R"({"query":"a","config":"english"})"),
            "to_tsvector($1::regconfig, \"name\") @@ phraseto_tsquery($1::regconfig, $2)  <- 3734:'english', "
            "25:'a'");
  EXPECT_EQ(
      where("tsvector", "fts", R"({"query":"a","config":"x'); DROP TABLE t;--"})"),
      "\"tsvector\" @@ websearch_to_tsquery($1::regconfig, $2)  <- 3734:'x'); DROP TABLE t;--', 25:'a'");
  EXPECT_EQ(where("id", "fts", "\"a\""), "invalid_operator");
  EXPECT_TRUE(refused(where("name", "fts", "7")));
}

TEST_F(Conditions, Casts) {
  EXPECT_EQ(where(R"({"column":"id","column_cast":"text","value":"7"})"), "\"id\"::text = $1  <- 25:'7'");
  EXPECT_EQ(where(R"({"column":"name","value_cast":"varchar","value":"7"})"),
            "\"name\" = $1::varchar  <- 1043:'7'");
  EXPECT_EQ(where(R"({"column":"name","value_cast":"mood","value":"sad"})"),
            "\"name\" = $1::\"public\".\"mood\"  <- 70001:'sad'");
  EXPECT_EQ(where(R"({"column":"id","operator":"in","value_cast":"int4","value":[1]})"),
            "\"id\" = ANY($1::int4[])  <- 1007:'{1}'");
  const std::string uuid(kUuid);
  EXPECT_EQ(where(R"({"column":"uuid","column_cast":"text","value":")" + uuid + "\"}"),
            "\"uuid\" = $1  <- 2950:'" + uuid + "'");
  EXPECT_EQ(where(R"({"column":"uuid","column_cast":"text","value_cast":"text","value":")" + uuid + "\"}"),
            "\"uuid\" = $1  <- 2950:'" + uuid + "'");
  EXPECT_EQ(where(R"({"column":"uuid","column_cast":"text","value":"A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"})"),
            "\"uuid\"::text = $1  <- 25:'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'")
      << "as text it equals no row, and must stay so";
  EXPECT_EQ(where(R"({"column":"uuid","operator":"gt","column_cast":"text","value":")" + uuid + "\"}"),
            "\"uuid\"::text > $1  <- 25:'" + uuid + "'");
  EXPECT_EQ(where(R"({"column":"id","column_cast":"text); DROP TABLE t;--","value":"7"})"),
            "invalid_identifier");
  EXPECT_EQ(where(R"({"column":"id","value_cast":"nosuch","value":"7"})"), "invalid_identifier");
}

TEST_F(Conditions, JsonPaths) {
  EXPECT_EQ(where("jsonb->>k", "eq", "5"), "(\"jsonb\" ->> $1::text) = $2  <- 25:'k', 25:'5'");
  EXPECT_EQ(where("json->a->0->>b", "like", "\"x%\""),
            "(\"json\" -> $1::text -> $2::int4 ->> $3::text) LIKE $4  <- 25:'a', 23:'0', 25:'b', 25:'x%'");
  EXPECT_EQ(where("jsonb->a", "contains", "[1]"), "(\"jsonb\" -> $1::text) @> $2  <- 25:'a', 3802:'[1]'");
  EXPECT_EQ(where(R"({"column":"jsonb->>n","operator":"gt","column_cast":"int4","value":5})"),
            "(\"jsonb\" ->> $1::text)::int4 > $2  <- 25:'n', 23:'5'");
  EXPECT_EQ(where("jsonb->>k'); DROP TABLE t;--", "eq", "\"x\"").substr(0, 31),
            "(\"jsonb\" ->> $1::text) = $2  <-");
  EXPECT_EQ(where("name->>k", "eq", "5"), "invalid_operator");
}

TEST_F(Conditions, Trees) {
  EXPECT_EQ(where(R"({"column":"name","value":"open"},{"operator":"in","column":"id","value":["1",2]},
                     {"operator":"or","value":[{"column":"int4","operator":"gt","value":18},{"column":"name","operator":"ilike","value":"a,b%"}]})"),
            "\"name\" = $1 AND \"id\" = ANY($2) AND (\"int4\" > $3 OR \"name\" ILIKE $4)"
            "  <- 25:'open', 1016:'{\"1\",2}', 23:'18', 25:'a,b%'");
  EXPECT_EQ(where(R"({"operator":"not","value":[{"column":"id","value":1}]})"),
            "NOT (\"id\" = $1)  <- 20:'1'");
  EXPECT_EQ(
      where(
          R"({"operator":"and","value":[{"column":"id","value":1},{"operator":"or","value":[{"column":"id","value":2},{"column":"id","operator":"in","value":[]}]}]})"),
      "(\"id\" = $1 AND (\"id\" = $2 OR FALSE))  <- 20:'1', 20:'2'");
}

TEST_F(Conditions, UnknownColumnsAreNamed) {
  const auto compiled =
      compile.select(R"("conditions":[{"column":"id","value":1},{"column":"nmae","value":2}])");
  EXPECT_EQ(compiled.code(), "undefined_column");
  EXPECT_EQ(compiled.detail("suggestions"), "[\"name\"]");
  EXPECT_EQ(where("t\\\"; DROP TABLE t;--", "eq", "1"), "undefined_column");
}

TEST_F(Conditions, IndexedEquality) {
  const auto indexed = [this](const std::string& conditions) {
    return compile.select("\"conditions\":[" + conditions + "]").indexed_equality;
  };
  EXPECT_TRUE(indexed(R"({"column":"id","value":1})"));
  EXPECT_TRUE(indexed(R"({"column":"name","value":"a"},{"column":"email","operator":"in","value":["a"]})"));
  EXPECT_FALSE(indexed(R"({"column":"name","value":"a"})"));
  EXPECT_FALSE(indexed(R"({"column":"id","operator":"gt","value":1})"));
  EXPECT_FALSE(indexed(R"({"column":"id","operator":"not.eq","value":1})"));
  EXPECT_FALSE(indexed(R"({"column":"id","value":null})"));
  EXPECT_FALSE(indexed(R"({"column":"id","column_cast":"text","value":"1"})"));
  EXPECT_FALSE(
      indexed(R"({"operator":"or","value":[{"column":"id","value":1},{"column":"name","value":"a"}]})"));
  EXPECT_TRUE(
      indexed(R"({"operator":"and","value":[{"column":"id","value":1},{"column":"name","value":"a"}]})"));
}

}  // namespace
}  // namespace athena::postgres

#include <gtest/gtest.h>

#include "engines/sqlite/dialect_fixture.h"

namespace athena::sqlite {
namespace {

using testing::wide_table;

class SqliteConditions : public ::testing::Test {
 protected:
  /// The WHERE clause of a select with that condition, or the code of its error.
  [[nodiscard]] std::string where(const std::string& condition) const {
    const auto compiled = compile.select("\"columns\":\"id\",\"limit\":5,\"conditions\":[" + condition + "]");
    if (compiled.error) return compiled.code();
    const auto begin = compiled.text.find(" WHERE ");
    if (begin == std::string::npos) return "no condition: " + compiled.text;
    auto text = compiled.text.substr(begin + 7);
    text.erase(text.find(" LIMIT ?"), text.find("  <- ") - text.find(" LIMIT ?"));
    if (text.ends_with(", i5")) text.erase(text.size() - 4);
    if (text.ends_with("  <- i5")) text.erase(text.size() - 7);
    return text;
  }
  [[nodiscard]] std::string where(std::string_view column, std::string_view op,
                                  std::string_view value) const {
    return where("{\"column\":\"" + std::string(column) + "\",\"operator\":\"" + std::string(op) +
                 "\",\"value\":" + std::string(value) + "}");
  }

  SqliteDialect dialect;
  sql::testing::Compile compile{dialect, wide_table()};
};

TEST_F(SqliteConditions, Comparisons) {
  EXPECT_EQ(where("id", "eq", "7"), "\"id\" = ?1  <- i7");
  EXPECT_EQ(where("id", "eq", "null"), "\"id\" IS NULL");
  EXPECT_EQ(where("id", "neq", "null"), "\"id\" IS NOT NULL");
  EXPECT_EQ(where("id", "isdistinct", "7"), "\"id\" IS NOT ?1  <- i7");
  EXPECT_EQ(where("id", "not.lte", "7"), "NOT (\"id\" <= ?1)  <- i7");
  EXPECT_EQ(where("id", "gt", "null"), "invalid_value");
  EXPECT_EQ(where("json", "eq", "[1]"), "invalid_value");
}

TEST_F(SqliteConditions, ValuesTakeTheTypeOfTheColumn) {
  EXPECT_EQ(where("integer", "eq", "\" +7\""), "\"integer\" = ?1  <- i7");
  EXPECT_EQ(where("integer", "eq", "true"), "\"integer\" = ?1  <- i1");
  EXPECT_EQ(where("interval", "eq", "\"1 day\""), "\"interval\" = ?1  <- '1 day'")
      << "INTEGER affinity, but no integers";
  EXPECT_EQ(where("real", "eq", "12345678901234567890"), "\"real\" = ?1  <- r12345678901234567890");
  EXPECT_EQ(where("real", "eq", "\"1.5\""), "\"real\" = ?1  <- r1.5");
  EXPECT_EQ(where("real", "eq", "\"-Infinity\""), "\"real\" = ?1  <- r-Infinity");
  EXPECT_EQ(where("numeric", "eq", "1.50"), "\"numeric\" = ?1  <- r1.50");
  EXPECT_EQ(where("numeric", "eq", "\"15\""), "\"numeric\" = ?1  <- i15");
  EXPECT_EQ(where("boolean", "eq", "true"), "\"boolean\" = ?1  <- i1");
  EXPECT_EQ(where("boolean", "eq", "\"no\""), "\"boolean\" = ?1  <- i0");
  EXPECT_EQ(where("boolean", "eq", "1"), "\"boolean\" = ?1  <- i1");
  EXPECT_EQ(where("blob", "eq", "\"\\\\x686900\""), "\"blob\" = ?1  <- b3");
  EXPECT_EQ(where("date", "gte", "\"2026-03-01\""), "\"date\" >= ?1  <- '2026-03-01'");
  EXPECT_EQ(where("date", "gte", "1772000000"), "\"date\" >= ?1  <- i1772000000");
  EXPECT_EQ(where("uuid", "eq", "\"urn:uuid:a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\""),
            "\"uuid\" = ?1  <- 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'");
  EXPECT_EQ(where("text", "eq", "1.10"), "\"text\" = ?1  <- '1.10'");
  EXPECT_EQ(where("text", "eq", "false"), "\"text\" = ?1  <- 'false'");
  EXPECT_EQ(where("json", "eq", "\"a\""), "\"json\" = ?1  <- '\"a\"'");
  EXPECT_EQ(where("plain", "eq", "\"5\""), "\"plain\" = ?1  <- '5'");
  EXPECT_EQ(where("plain", "eq", "6"), "\"plain\" = ?1  <- i6");
  EXPECT_EQ(where("string", "eq", "\"x\""), "\"string\" = ?1  <- 'x'");
}

TEST_F(SqliteConditions, ValuesThatDoNotFitAreRefusedByName) {
  for (const auto& [column, value] :
       std::initializer_list<std::pair<const char*, const char*>>{{"integer", "9223372036854775808"},
                                                                  {"integer", "\"9223372036854775808\""},
                                                                  {"integer", "1.5"},
                                                                  {"integer", "\"x\""},
                                                                  {"numeric", "9223372036854775808"},
                                                                  {"numeric", "\"x\""},
                                                                  {"json", "9223372036854775808"},
                                                                  {"plain", "9223372036854775808"},
                                                                  {"string", "\"9223372036854775808\""},
                                                                  {"real", "1e400"},
                                                                  {"real", "\"nan\""},
                                                                  {"real", "true"},
                                                                  {"boolean", "2"},
                                                                  {"boolean", "\"x\""},
                                                                  {"blob", "\"hi\""},
                                                                  {"blob", "7"},
                                                                  {"uuid", "7"},
                                                                  {"date", "true"},
                                                                  {"text", "\"a\\u0000\""}}) {
    const auto compiled = compile.select("\"conditions\":[{\"eq_column\":\"" + std::string(column) +
                                         "\",\"eq_value\":" + value + "}]");
    EXPECT_EQ(compiled.code(), "invalid_value") << column << " " << value;
    EXPECT_EQ(compiled.detail("column"), "\"" + std::string(column) + "\"");
  }
}

TEST_F(SqliteConditions, Patterns) {
  EXPECT_EQ(where("nocase", "like", "\"a%\""), "athena_like(?1, \"nocase\")  <- 'a%'");
  EXPECT_EQ(where("text", "ilike", "\"a%\""), "athena_ilike(?1, \"text\")  <- 'a%'");
  EXPECT_EQ(where("id", "like", "\"1%\""), "athena_like(?1, \"id\")  <- '1%'");
  EXPECT_EQ(where("text", "like", "\"ab%\""),
            "(\"text\" >= ?1 AND \"text\" < ?2 AND athena_like(?3, \"text\"))  <- 'ab', 'ac', 'ab%'");
  EXPECT_EQ(where("text", "like", "\"a\\\\%b_c\""),
            "(\"text\" >= ?1 AND \"text\" < ?2 AND athena_like(?3, \"text\"))  <- 'a%b', 'a%c', 'a\\%b_c'");
  EXPECT_EQ(where("text", "like", "\"a\xc3\xa9%\""),
            "(\"text\" >= ?1 AND \"text\" < ?2 AND athena_like(?3, \"text\"))  <- 'a', 'b', 'a\xc3\xa9%'")
      << "a byte of a longer character has no successor that is text";
  EXPECT_EQ(where("text", "like", "\"%a\""), "athena_like(?1, \"text\")  <- '%a'");
  EXPECT_EQ(where("text", "not.like", "\"a%\""), "NOT (athena_like(?1, \"text\"))  <- 'a%'");
  EXPECT_EQ(where("text", "like", "\"a\\\\\""), "invalid_value");
}

TEST_F(SqliteConditions, Is) {
  EXPECT_EQ(where("text", "is", "null"), "\"text\" IS NULL");
  EXPECT_EQ(where("boolean", "is", "true"), "\"boolean\" IS TRUE");
  EXPECT_EQ(where("integer", "is", "false"), "\"integer\" IS FALSE");
  EXPECT_EQ(where("boolean", "is", "\"unknown\""), "\"boolean\" IS NULL");
  EXPECT_EQ(where("text", "is", "true"), "invalid_value");
}

TEST_F(SqliteConditions, Lists) {
  EXPECT_EQ(where("id", "in", "[\"1\",2]"), "\"id\" IN (SELECT value FROM json_each(?1))  <- '[1,2]'");
  EXPECT_EQ(where("text", "in", "[1.10,\"a\\\"b\"]"),
            "\"text\" IN (SELECT value FROM json_each(?1))  <- '[\"1.10\",\"a\\\"b\"]'");
  EXPECT_EQ(where("real", "in", "[0.1,2]"), "\"real\" IN (?1, ?2)  <- r0.1, r2");
  EXPECT_EQ(where("blob", "in", "[\"0x00\"]"), "\"blob\" IN (?1)  <- b1");
  EXPECT_EQ(where("id", "in", "[\"007\"]"), "\"id\" IN (?1)  <- i007");
  EXPECT_EQ(where("id", "in", "[-5,0]"), "\"id\" IN (SELECT value FROM json_each(?1))  <- '[-5,0]'");
  EXPECT_EQ(where("id", "in", "[]"), "0");
  EXPECT_EQ(where("id", "not.in", "[]"), "NOT (0)");
  EXPECT_EQ(where("id", "in", "[null]"), "\"id\" IS NULL");
  EXPECT_EQ(where("id", "in", "[1,null]"),
            "(\"id\" IN (SELECT value FROM json_each(?1)) OR \"id\" IS NULL)  <- '[1]'");
  EXPECT_EQ(where("id", "in", "[1,9223372036854775808]"), "invalid_value");
  EXPECT_EQ(where("id", "in", "[[1]]"), "invalid_value");
}

TEST_F(SqliteConditions, JsonArrays) {
  EXPECT_EQ(where("json", "contains", "[1]"),
            "CASE WHEN json_valid(\"t\".\"json\") THEN json_type(\"t\".\"json\") = 'array' AND NOT EXISTS "
            "(SELECT 1 FROM json_each(?1) AS a_wanted"
            " WHERE NOT EXISTS (SELECT 1 FROM json_each(\"t\".\"json\") AS a_present WHERE a_wanted.value IS "
            "a_present.value AND"
            " replace(a_wanted.type, 'real', 'integer') = replace(a_present.type, 'real', 'integer'))) END  "
            "<- '[1]'");
  EXPECT_EQ(where("text", "contains", "[1]"), "invalid_operator");
  EXPECT_EQ(where("id", "overlaps", "[1]"), "invalid_operator");
  EXPECT_EQ(where("json", "contains", "{\"a\":1}"), "invalid_value");
  EXPECT_NE(where("json", "containedBy", "[1]")
                .find("NOT EXISTS (SELECT 1 FROM json_each(\"t\".\"json\") AS a_present"),
            std::string::npos);
  EXPECT_NE(
      where("json", "overlaps", "[1]")
          .find(
              "AND EXISTS (SELECT 1 FROM json_each(\"t\".\"json\") AS a_present, json_each(?1) AS a_wanted"),
      std::string::npos);
}

TEST_F(SqliteConditions, WhatTheEngineLacksIsRefusedWithAnAlternative) {
  for (const auto& [op, value] :
       std::initializer_list<std::pair<const char*, const char*>>{{"match", "\"a\""},
                                                                  {"imatch", "\"a\""},
                                                                  {"fts", "\"a\""},
                                                                  {"plfts", "\"a\""},
                                                                  {"phfts", "\"a\""},
                                                                  {"sl", "\"[1,2)\""},
                                                                  {"sr", "\"[1,2)\""},
                                                                  {"nxr", "\"[1,2)\""},
                                                                  {"nxl", "\"[1,2)\""},
                                                                  {"adj", "\"[1,2)\""}}) {
    const auto compiled = compile.select("\"conditions\":[{\"column\":\"text\",\"operator\":\"" +
                                         std::string(op) + "\",\"value\":" + value + "}]");
    EXPECT_EQ(compiled.code(), "capability_not_supported") << op;
    EXPECT_EQ(compiled.detail("requires"), "\"operator." + std::string(op) + "\"");
    EXPECT_EQ(compiled.detail("engine"), "\"sqlite\"");
    EXPECT_EQ(compiled.detail("has"), "[\"gateway_query\",\"raw_sql\",\"schema_read\",\"provisioning\"]");
    EXPECT_NE(compiled.detail("alternative"), "absent");
  }
}

TEST_F(SqliteConditions, Casts) {
  EXPECT_EQ(where(R"({"column":"id","column_cast":"text","value":"7"})"),
            "CAST(\"id\" AS TEXT) = ?1  <- '7'");
  EXPECT_EQ(where(R"({"column":"nocase","column_cast":"text","value":"7"})"), "\"nocase\" = ?1  <- '7'")
      << "the index stays usable";
  EXPECT_EQ(where(R"({"column":"uuid","column_cast":"text","value":"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"})"),
            "\"uuid\" = ?1  <- 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'");
  EXPECT_EQ(where(R"({"column":"plain","value_cast":"int4","value":"7"})"),
            "\"plain\" = CAST(?1 AS INTEGER)  <- i7");
  EXPECT_EQ(where(R"({"column":"id","column_cast":"int4[]","value":"7"})"), "invalid_identifier");
}

TEST_F(SqliteConditions, JsonPaths) {
  EXPECT_EQ(where("json->>k", "eq", "5"),
            "CASE WHEN json_valid(\"json\") THEN CASE json_type(\"json\", ?1) WHEN 'text' THEN \"json\" ->> "
            "?1 WHEN 'null' THEN NULL ELSE"
            " \"json\" -> ?1 END END = ?2  <- '$.\"k\"', '5'");
  EXPECT_EQ(where("json->a->0", "eq", "5"),
            "CASE WHEN json_valid(\"json\") THEN \"json\" -> ?1 END = ?2  <- '$.\"a\"[0]', '5'");
  EXPECT_EQ(where("text->>a.b", "is", "null").substr(0, 30), "CASE WHEN json_valid(\"text\") T");
  EXPECT_EQ(where("integer->>k", "eq", "5"), "invalid_operator");
  EXPECT_EQ(where("json->>k'); DROP TABLE t;--", "is", "null").find("DROP TABLE t;--\"'"),
            where("json->>k'); DROP TABLE t;--", "is", "null").size() - 17);
}

}  // namespace
}  // namespace athena::sqlite

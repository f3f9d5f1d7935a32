#include "engines/postgres/types.h"

#include <gtest/gtest.h>

#include "engines/postgres/type_name.h"

namespace athena::postgres {
namespace {

using Category = sql::TypeCategory;

std::uint32_t oid_of(std::string_view name) {
  const sql::Type* type = builtin_type(name);
  return type == nullptr ? 0 : type->oid;
}

TEST(BuiltinTypes, AreFoundByNumber) {
  const sql::Type* type = builtin_type(23U);
  ASSERT_NE(type, nullptr);
  EXPECT_EQ(type->name, "int4");
  EXPECT_EQ(type->udt_name, "int4");
  EXPECT_EQ(type->array_oid, 1007U);
  EXPECT_EQ(type->category, Category::integer);
  EXPECT_EQ(type->element, nullptr);

  const sql::Type* array = builtin_type(1007U);
  ASSERT_NE(array, nullptr);
  EXPECT_EQ(array->name, "int4[]");
  EXPECT_EQ(array->udt_name, "_int4");
  EXPECT_EQ(array->category, Category::array);
  EXPECT_EQ(array->element, type);
  EXPECT_EQ(array->array_oid, 0U);

  EXPECT_EQ(builtin_type(0U), nullptr);
  EXPECT_EQ(builtin_type(9999U), nullptr);
  EXPECT_EQ(builtin_type(4294967295U), nullptr);
}

TEST(BuiltinTypes, AreFoundBySqlSpelling) {
  const std::pair<std::string_view, std::uint32_t> expected[] = {
      {"bool", 16},
      {"boolean", 16},
      {"int2", 21},
      {"smallint", 21},
      {"int4", 23},
      {"integer", 23},
      {"int", 23},
      {"int8", 20},
      {"bigint", 20},
      {"numeric", 1700},
      {"decimal", 1700},
      {"float4", 700},
      {"real", 700},
      {"float8", 701},
      {"double precision", 701},
      {"Double\t Precision", 701},
      {"text", 25},
      {"varchar", 1043},
      {"character varying", 1043},
      {"bpchar", 1042},
      {"char", 1042},
      {"\"char\"", 18},
      {"name", 19},
      {"uuid", 2950},
      {"bytea", 17},
      {"date", 1082},
      {"time", 1083},
      {"timetz", 1266},
      {"timestamp", 1114},
      {"timestamptz", 1184},
      {"timestamp with time zone", 1184},
      {"TIMESTAMP WITHOUT TIME ZONE", 1114},
      {"time with time zone", 1266},
      {"interval", 1186},
      {"json", 114},
      {"jsonb", 3802},
      {"inet", 869},
      {"cidr", 650},
      {"macaddr", 829},
      {"macaddr8", 774},
      {"money", 790},
      {"bit", 1560},
      {"varbit", 1562},
      {"bit varying", 1562},
      {"xml", 142},
      {"oid", 26},
      {"regclass", 2205},
      {"pg_lsn", 3220},
      {"tsvector", 3614},
      {"tsquery", 3615},
      {"point", 600},
      {"line", 628},
      {"int4range", 3904},
      {"datemultirange", 4535},
      {"int2vector", 22},
      {"int4[]", 1007},
      {"integer []", 1007},
      {"int4[][]", 1007},
      {"_int4", 1007},
      {"_int4[]", 1007},
      {"timestamp with time zone[]", 1185},
      {"pg_catalog.int4", 23},
      {"pg_catalog.char", 18},
      {"pg_catalog.\"char\"[]", 1002},
      {" text ", 25},
      {"\"int4\"", 23},
  };
  for (const auto& [name, oid] : expected) EXPECT_EQ(oid_of(name), oid) << name;
}

TEST(BuiltinTypes, UnknownNamesAreNotFound) {
  for (const std::string_view name : {"",
                                      " ",
                                      "int5",
                                      "int4[",
                                      "int4]",
                                      "int4[3]",
                                      "varchar(10)",
                                      "\"integer\"",
                                      "pg_catalog.integer",
                                      "public.int4",
                                      "a.b.int4",
                                      "int4; drop table x",
                                      "int4--",
                                      "\"int4",
                                      "int4\"",
                                      "void",
                                      "record",
                                      "unknown",
                                      "cstring",
                                      "int4 int4",
                                      ".int4",
                                      "pg_catalog."}) {
    EXPECT_EQ(builtin_type(name), nullptr) << name;
  }
  EXPECT_EQ(builtin_type(std::string_view("text\0", 5)), nullptr);
  EXPECT_EQ(builtin_type(std::string(64, 'x')), nullptr);
}

TEST(BuiltinTypes, NamesForCastsKeepTheLengthOfValues) {
  // As types of columns they must not cut values; written by a caller they mean what SQL says.
  EXPECT_EQ(builtin_type(1042U)->name, "bpchar");
  EXPECT_EQ(builtin_type("char")->name, "character");
  EXPECT_EQ(builtin_type("character[]")->name, "character[]");
  EXPECT_EQ(builtin_type(1560U)->name, "\"bit\"");
  EXPECT_EQ(builtin_type("bit")->name, "bit");
  EXPECT_EQ(builtin_type(18U)->name, "\"char\"");
  EXPECT_EQ(builtin_type(1002U)->name, "\"char\"[]");
}

TEST(BuiltinTypes, FormatOfUnknownIsText) {
  EXPECT_EQ(format_of(23).kind, query::ValueFormat::Kind::number);
  EXPECT_EQ(format_of(16).kind, query::ValueFormat::Kind::boolean_tf);
  EXPECT_EQ(format_of(3802).kind, query::ValueFormat::Kind::json);
  EXPECT_EQ(format_of(2278).kind, query::ValueFormat::Kind::null);
  EXPECT_EQ(format_of(25).kind, query::ValueFormat::Kind::string);
  EXPECT_EQ(format_of(123456).kind, query::ValueFormat::Kind::string);
}

TEST(TypeName, TakesNamesApart) {
  auto name = parse_type_name("\"My \"\"S\".\"Kind\"[]");
  ASSERT_TRUE(name);
  EXPECT_EQ(name->schema, "My \"S");
  EXPECT_EQ(name->name, "Kind");
  EXPECT_TRUE(name->quoted);
  EXPECT_TRUE(name->array);

  name = parse_type_name("App.Größe");
  ASSERT_TRUE(name);
  EXPECT_EQ(name->schema, "app");
  EXPECT_EQ(name->name, "größe");
  EXPECT_FALSE(name->quoted);
  EXPECT_FALSE(name->array);

  EXPECT_TRUE(parse_type_name(std::string(63, 'x')));
  EXPECT_FALSE(parse_type_name(std::string(64, 'x')));
  EXPECT_FALSE(parse_type_name("\"\""));
  EXPECT_FALSE(parse_type_name("a.\"\""));
  EXPECT_FALSE(parse_type_name(std::string_view("\"a\0b\"", 5)));
  EXPECT_FALSE(parse_type_name("a'b"));
  EXPECT_FALSE(parse_type_name("a)b"));
}

}  // namespace
}  // namespace athena::postgres

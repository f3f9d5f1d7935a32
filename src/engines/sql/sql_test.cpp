#include <gtest/gtest.h>

#include "engines/sql/compiler.h"
#include "engines/sql/conditions.h"
#include "engines/sql/refusals.h"
#include "engines/sql/value_forms.h"

namespace athena::sql {
namespace {

std::string identifier(std::string_view name) {
  std::pmr::string out;
  append_identifier(out, name);
  return std::string(out);
}

TEST(Identifier, IsAlwaysQuoted) {
  EXPECT_EQ(identifier("users"), "\"users\"");
  EXPECT_EQ(identifier(""), "\"\"");
  EXPECT_EQ(identifier("\""), "\"\"\"\"");
  EXPECT_EQ(identifier("a\"; DROP TABLE x;--"), "\"a\"\"; DROP TABLE x;--\"");
  EXPECT_EQ(identifier("\"\"a\""), "\"\"\"\"\"a\"\"\"");
}

Table table_of(std::initializer_list<const char*> names) {
  Table table;
  table.name = "users";
  for (const auto* name : names) table.columns.emplace_back().name = name;
  return table;
}

TEST(FindColumn, TakesTheExactNameThenTheOnlyOneThatDiffersInCase) {
  const Table table = table_of({"id", "Name", "name", "Email", "\xc3\x84"});
  EXPECT_EQ(table.find_column("name"), 2);
  EXPECT_EQ(table.find_column("Name"), 1);
  EXPECT_EQ(table.find_column("NAME"), -1) << "two columns differ only in case";
  EXPECT_EQ(table.find_column("email"), 3);
  EXPECT_EQ(table.find_column("\xc3\xa4"), -1) << "only ASCII letters are folded";
  EXPECT_EQ(table.find_column("nmae"), -1);
  EXPECT_EQ(table.find_column(""), -1);
}

std::string detail(const contract::Error& error, std::string_view name) {
  for (const auto& entry : error.details()) {
    if (entry.name == name) return entry.json;
  }
  return "absent";
}

TEST(Refusals, NameTheColumnAndWhatIsNear) {
  const auto error = undefined_column(table_of({"id", "name"}), "nmae");
  EXPECT_EQ(error.text(), "Column \"nmae\" does not exist in table \"users\".");
  EXPECT_EQ(error.hint(), "Did you mean \"name\"?");
  EXPECT_EQ(detail(error, "column"), "\"nmae\"");
  EXPECT_EQ(detail(error, "table"), "\"users\"");
  EXPECT_EQ(detail(error, "suggestions"), "[\"name\"]");
}

TEST(Refusals, FeatureSaysWhatTheEngineHasInstead) {
  const auto error = feature_refused(contract::Engine::sqlite, "operator.match");
  EXPECT_EQ(error.code(), contract::ErrorCode::capability_not_supported);
  EXPECT_EQ(detail(error, "requires"), "\"operator.match\"");
  EXPECT_EQ(detail(error, "engine"), "\"sqlite\"");
  EXPECT_EQ(detail(error, "has"), "[\"gateway_query\",\"raw_sql\",\"schema_read\",\"provisioning\"]");
  EXPECT_EQ(detail(error, "alternative"), "\"Use operator like or ilike with % and _.\"");
}

TEST(ValueForms, Integers) {
  EXPECT_EQ(integer_form("5"), "5");
  EXPECT_EQ(integer_form(" -7 "), "-7");
  EXPECT_EQ(integer_form("+7"), "7");
  for (const auto* text : {"", " ", "-", "+", "+-5", "1.0", "1e3", "0x10", "5a", "5 5", "--5"}) {
    EXPECT_FALSE(integer_form(text)) << text;
  }
  EXPECT_TRUE(fits_signed("32767", 16));
  EXPECT_FALSE(fits_signed("32768", 16));
  EXPECT_TRUE(fits_signed("-32768", 16));
  EXPECT_FALSE(fits_signed("-32769", 16));
  EXPECT_TRUE(fits_signed("2147483647", 32));
  EXPECT_FALSE(fits_signed("2147483648", 32));
  EXPECT_TRUE(fits_signed("9223372036854775807", 64));
  EXPECT_TRUE(fits_signed("-9223372036854775808", 64));
  EXPECT_FALSE(fits_signed("9223372036854775808", 64));
}

TEST(ValueForms, BooleansAreThoseOfPostgres) {
  for (const auto* text : {"t", "TRUE", "tr", "y", "yes", "on", "1", " true "})
    EXPECT_EQ(boolean_form(text), true) << text;
  for (const auto* text : {"f", "False", "n", "no", "off", "of", "0"})
    EXPECT_EQ(boolean_form(text), false) << text;
  for (const auto* text : {"", "o", "2", "truee", "01", "null"}) EXPECT_FALSE(boolean_form(text)) << text;
}

TEST(ValueForms, Uuids) {
  constexpr std::string_view kCanonical = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";
  EXPECT_EQ(uuid_form(kCanonical), kCanonical);
  EXPECT_EQ(uuid_form("URN:uuid:a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"), kCanonical);
  EXPECT_TRUE(uuid_form("{A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11}"));
  EXPECT_TRUE(uuid_form("a0eebc999c0b4ef8bb6d6bb9bd380a11"));
  EXPECT_TRUE(uuid_form("a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11"));
  for (const auto* text :
       {"", "a0eebc99", "{a0eebc999c0b4ef8bb6d6bb9bd380a11", "a0eebc999c0b4ef8bb6d6bb9bd380a11-",
        "-a0eebc999c0b4ef8bb6d6bb9bd380a11", "g0eebc999c0b4ef8bb6d6bb9bd380a11",
        "a0eebc999c0b4ef8bb6d6bb9bd380a112", "a0-eebc999c0b4ef8bb6d6bb9bd380a11"}) {
    EXPECT_FALSE(uuid_form(text)) << text;
  }
  EXPECT_TRUE(is_canonical_uuid(kCanonical));
  EXPECT_FALSE(is_canonical_uuid("A0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"));
  EXPECT_FALSE(is_canonical_uuid("a0eebc999c0b4ef8bb6d6bb9bd380a11"));
}

TEST(ValueForms, Hexadecimal) {
  EXPECT_EQ(hex_form("\\x6869"), "6869");
  EXPECT_EQ(hex_form("0x"), "");
  for (const auto* text : {"", "x6869", "\\x686", "\\xzz", "6869"}) EXPECT_FALSE(hex_form(text)) << text;
}

}  // namespace
}  // namespace athena::sql

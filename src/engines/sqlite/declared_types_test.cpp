#include <gtest/gtest.h>

#include "engines/sqlite/test_support.h"

// What a JSON value becomes in a column of a declared type, and what comes back.
namespace athena::sqlite::testing {
namespace {

struct Trip {
  const char* declaration;
  const char* given;
  const char* stored;    ///< typeof(x) || ':' || x, or the code of the refusal
  const char* returned;  ///< JSON
};

const Trip kTrips[] = {
    {"INTEGER", "5", "integer:5", "5"},
    {"INTEGER", "\"5\"", "integer:5", "5"},
    {"INTEGER", "true", "integer:1", "1"},
    {"INTEGER", "9223372036854775807", "integer:9223372036854775807", "9223372036854775807"},
    {"INTEGER", "9223372036854775808", "invalid_value", ""},
    {"INTEGER", "\"9223372036854775808\"", "invalid_value", ""},
    {"INTEGER", "1.5", "invalid_value", ""},
    {"INTEGER", "\"five\"", "invalid_value", ""},
    {"INTEGER", "[1]", "invalid_value", ""},
    {"INTEGER", "null", "", "null"},
    {"NUMERIC", "9223372036854775808", "invalid_value", ""},
    {"DECIMAL(10,2)", "\"19.99\"", "real:19.99", "19.99"},
    {"DECIMAL(10,2)", "-3", "integer:-3", "-3"},
    {"REAL", "1e300", "real:1.0e+300", "1e+300"},
    {"REAL", "\"Infinity\"", "real:Inf", "\"Infinity\""},
    {"REAL", "\"NaN\"", "invalid_value", ""},
    {"REAL", "true", "invalid_value", ""},
    {"TEXT", "\"a\"", "text:a", "\"a\""},
    {"TEXT", "1.10", "text:1.10", "\"1.10\""},
    {"TEXT", "12345678901234567890123", "text:12345678901234567890123", "\"12345678901234567890123\""},
    {"TEXT", "false", "text:false", "\"false\""},
    {"TEXT", "{\"a\":1}", "invalid_value", ""},
    {"TEXT", "\"a\\u0000b\"", "invalid_value", ""},
    {"VARCHAR(3)", "\"long enough\"", "text:long enough", "\"long enough\""},
    {"BLOB", "\"\\\\x00ff\"", "blob:", "\"\\\\x00ff\""},
    {"BLOB", "\"0xAB\"", "blob:", "\"\\\\xab\""},
    {"BLOB", "\"text\"", "invalid_value", ""},
    {"BLOB", "7", "invalid_value", ""},
    {"BOOLEAN", "true", "integer:1", "true"},
    {"BOOLEAN", "\"off\"", "integer:0", "false"},
    {"BOOLEAN", "1", "integer:1", "true"},
    {"BOOLEAN", "2", "invalid_value", ""},
    {"JSON", "{\"n\":12345678901234567890}", "text:{\"n\":12345678901234567890}",
     "{\"n\":12345678901234567890}"},
    {"JSON", "[1,\"x\",null]", "text:[1,\"x\",null]", "[1,\"x\",null]"},
    {"JSON", "\"plain\"", "text:\"plain\"", "\"plain\""},
    {"JSON", "\"5\"", "text:\"5\"", "\"5\""},
    {"JSON", "5", "integer:5", "5"},
    {"JSON", "true", "text:true", "true"},
    {"JSONB", "{}", "text:{}", "{}"},
    {"JSON", "18446744073709551616", "invalid_value", ""},
    {"UUID", "\"urn:uuid:A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11\"", "text:A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",
     "\"A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11\""},
    {"UUID", "\"12345678123456781234567812345678\"", "text:12345678-1234-5678-1234-567812345678",
     "\"12345678-1234-5678-1234-567812345678\""},
    {"UUID", "\"1234567812345678123456781234e678\"", "text:12345678-1234-5678-1234-56781234e678",
     "\"12345678-1234-5678-1234-56781234e678\""},
    {"UUID", "\"a0eebc999c0b4ef8bb6d6bb9bd380a11\"", "text:a0eebc999c0b4ef8bb6d6bb9bd380a11",
     "\"a0eebc999c0b4ef8bb6d6bb9bd380a11\""},
    {"DATE", "\"2026-03-01\"", "text:2026-03-01", "\"2026-03-01\""},
    {"DATE", "20260301", "integer:20260301", "20260301"},
    {"TIMESTAMP", "\"99999999999999999999\"", "invalid_value", ""},
    {"TIMESTAMP", "\"2026-03-01T08:00:00Z\"", "text:2026-03-01T08:00:00Z", "\"2026-03-01T08:00:00Z\""},
    {"", "\"x\"", "text:x", "\"x\""},
    {"", "\"5\"", "text:5", "\"5\""},
    {"", "1.5", "real:1.5", "1.5"},
    {"", "true", "integer:1", "1"},
    {"POINT", "\"(1,2)\"", "text:(1,2)", "\"(1,2)\""},
};

TEST(DeclaredTypes, ThereAndBack) {
  Folder folder;
  Outside outside(folder.file("a.db"));
  outside.run("PRAGMA journal_mode = WAL");
  int number = 0;
  for (const auto& trip : kTrips)
    outside.run("CREATE TABLE t" + std::to_string(number++) + " (x " + trip.declaration + ")");
  Fixture fixture(Fixture::options(folder.file("a.db")));
  fixture.wait_ready();
  for (int i = 0; i < number; ++i) {
    const Trip& trip = kTrips[static_cast<std::size_t>(i)];
    const std::string table = "t" + std::to_string(i);
    const std::string what = std::string(trip.declaration) + " " + trip.given;
    const auto reply =
        fixture.insert(R"({"table_name":")" + table + R"(","insert_body":{"x":)" + trip.given + "}}");
    if (!reply.result) {
      EXPECT_EQ(reply.code(), trip.stored) << what << ": " << reply.text();
      EXPECT_EQ(reply.detail("column"), "\"x\"") << what;
      continue;
    }
    const bool blob = std::string_view(trip.stored).starts_with("blob");
    EXPECT_EQ(outside.values(blob ? "SELECT typeof(x) || ':' FROM " + table
                                  : "SELECT ifnull(typeof(x) || ':' || x, '') FROM " + table),
              trip.stored)
        << what;
    const std::string expected = "[" + std::string(trip.returned) + "]";
    EXPECT_EQ(reply.text(), expected) << what;
    EXPECT_EQ(fixture.fetch(R"({"table_name":")" + table + "\"}").text(), expected) << what;
    EXPECT_EQ(fixture.raw("SELECT x FROM " + table).text(), expected) << what;
    if (std::string_view(trip.given) == "null") continue;
    // The value finds its row again.
    EXPECT_EQ(fixture
                  .fetch(R"({"table_name":")" + table +
                         R"(","conditions":[{"operator":"in","column":"x","value":[)" +
                         (trip.given[0] == '{' || trip.given[0] == '[' ? "\"?\"" : trip.given) + "]}]}")
                  .code(),
              "")
        << what;
  }
}

}  // namespace
}  // namespace athena::sqlite::testing

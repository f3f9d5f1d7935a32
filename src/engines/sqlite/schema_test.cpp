#include "engines/sqlite/schema.h"

#include <gtest/gtest.h>

#include "engines/sqlite/test_support.h"

namespace athena::sqlite::testing {
namespace {

class Schema : public ::testing::Test {
 protected:
  Schema() : outside_(folder_.file("a.db")) {
    outside_.run(R"sql(
      CREATE TABLE kinds (id INTEGER PRIMARY KEY, flag BOOLEAN DEFAULT 0, doc JSON, n DECIMAL(10,2) NOT NULL, d DATE, u UUID,
        t VARCHAR(20) COLLATE NOCASE, b BLOB, r DOUBLE PRECISION, anything, twice INTEGER GENERATED ALWAYS AS (id * 2) VIRTUAL,
        kept TEXT GENERATED ALWAYS AS (t || '!') STORED);
      CREATE UNIQUE INDEX kinds_t ON kinds (t);
      CREATE UNIQUE INDEX kinds_t_binary ON kinds (t COLLATE BINARY);
      CREATE UNIQUE INDEX kinds_partial ON kinds (d) WHERE d IS NOT NULL;
      CREATE UNIQUE INDEX kinds_expression ON kinds (lower(u));
      CREATE INDEX kinds_n ON kinds (n, d);
      CREATE TABLE pairs (b TEXT NOT NULL, a INTEGER NOT NULL, v TEXT UNIQUE, PRIMARY KEY (a, b)) WITHOUT ROWID;
      CREATE TABLE "odd ""name" ("select" TEXT);
      CREATE VIEW grown AS SELECT id, t AS label FROM kinds;
      CREATE TRIGGER tr AFTER INSERT ON pairs BEGIN SELECT 1; END;
      INSERT INTO kinds (n, t) VALUES (1.5, 'a'), (2, 'b');
      ANALYZE;
    )sql");
    auto opened = Connection::open(Fixture::options(folder_.file("a.db")), Connection::Role::reader);
    EXPECT_TRUE(opened.has_value());
    connection_ = std::move(*opened);
  }
  sql::TablePtr load(std::string_view name) {
    auto loaded = load_table(*connection_, name);
    EXPECT_TRUE(loaded.has_value()) << loaded.error().text();
    return loaded ? loaded->table : nullptr;
  }
  static std::string keys(const sql::Table& table) {
    std::string text;
    for (const auto& key : table.unique_keys) {
      text += "(";
      for (const auto index : key) text += table.columns[index].name + " ";
      text += ")";
    }
    return text;
  }

  Folder folder_;
  Outside outside_;
  std::unique_ptr<Connection> connection_;
};

TEST_F(Schema, ColumnsAndTypes) {
  const auto table = load("kinds");
  using C = sql::TypeCategory;
  const std::vector<std::pair<std::string, C>> expected{
      {"id", C::integer},  {"flag", C::boolean},   {"doc", C::json},      {"n", C::numeric},
      {"d", C::date_time}, {"u", C::uuid},         {"t", C::text},        {"b", C::bytes},
      {"r", C::floating},  {"anything", C::other}, {"twice", C::integer}, {"kept", C::text}};
  ASSERT_EQ(table->columns.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(table->columns[i].name, expected[i].first);
    EXPECT_EQ(table->columns[i].type->category, expected[i].second) << expected[i].first;
  }
  EXPECT_TRUE(table->columns[0].not_null);
  EXPECT_TRUE(table->columns[0].has_default);
  EXPECT_TRUE(table->columns[1].has_default);
  EXPECT_TRUE(table->columns[3].not_null);
  EXPECT_TRUE(table->columns[2].binary_collation);
  EXPECT_FALSE(table->columns[6].binary_collation);
  EXPECT_EQ(table->columns[10].generated, sql::Generated::virtual_);
  EXPECT_EQ(table->columns[11].generated, sql::Generated::stored);
  EXPECT_EQ(table->quoted, R"("main"."kinds")");
  EXPECT_EQ(table->row_estimate, 2);
  EXPECT_FALSE(table->without_rowid);
}

TEST_F(Schema, KeysThatCanBeConflictTargets) {
  EXPECT_EQ(keys(*load("kinds")), "(id )(t )");
  const auto pairs = load("pairs");
  EXPECT_EQ(keys(*pairs), "(a b )(v )");
  EXPECT_EQ(pairs->primary_key, (sql::Key{1, 0}));
  EXPECT_TRUE(pairs->without_rowid);
  EXPECT_TRUE(pairs->has_user_triggers);
  EXPECT_FALSE(load("kinds")->has_user_triggers);
}

TEST_F(Schema, NamesAreComparedWithoutCaseAndQuoted) {
  EXPECT_EQ(load("KINDS")->name, "kinds");
  EXPECT_EQ(load("odd \"name")->quoted, R"("main"."odd ""name")");
  EXPECT_EQ(load("grown")->kind, sql::Table::Kind::view);
  EXPECT_EQ(load("grown")->columns.size(), 2U);
}

TEST_F(Schema, TheTableOutlivesItsConnection) {
  const auto table = load("kinds");
  connection_.reset();
  EXPECT_EQ(table->columns[1].type->name, "BOOLEAN");
}

TEST_F(Schema, ListsOfTablesAndColumns) {
  auto tables = list_tables(*connection_, {});
  ASSERT_TRUE(tables.has_value());
  std::string names;
  for (const auto& table : *tables) names += table.table_name + ":" + table.table_type + " ";
  EXPECT_EQ(names, "grown:VIEW kinds:BASE TABLE odd \"name:BASE TABLE pairs:BASE TABLE ");
  EXPECT_EQ((*tables)[1].estimated_rows, 2);
  EXPECT_EQ((*tables)[3].estimated_rows, std::nullopt);
  engines::TableQuery query;
  query.include_views = false;
  query.limit = 1;
  query.offset = 1;
  tables = list_tables(*connection_, query);
  ASSERT_EQ(tables->size(), 2U);  // one more than asked for
  EXPECT_EQ((*tables)[0].table_name, "odd \"name");
  query.table_schema = "other";
  EXPECT_EQ(list_tables(*connection_, query).error().code(), contract::ErrorCode::capability_not_supported);

  auto columns = list_columns(*connection_, "kinds");
  ASSERT_TRUE(columns.has_value());
  EXPECT_EQ((*columns)[0].is_nullable, false);
  EXPECT_EQ((*columns)[0].is_primary_key, true);
  EXPECT_EQ((*columns)[1].column_default, "0");
  EXPECT_EQ((*columns)[3].data_type, "DECIMAL(10,2)");
  EXPECT_EQ((*columns)[9].data_type, "");
  EXPECT_EQ((*columns)[10].is_generated, "virtual");
  EXPECT_EQ((*columns)[11].is_generated, "stored");
  EXPECT_EQ((*columns)[11].ordinal_position, 12);
  EXPECT_EQ(list_columns(*connection_, "kinsd").error().code(), contract::ErrorCode::undefined_table);
}

struct Value {
  const char* declaration;
  const char* expression;
  const char* json;
};

const Value kValues[] = {
    {"INTEGER", "9223372036854775807", "9223372036854775807"},
    {"INTEGER", "-9223372036854775808", "-9223372036854775808"},
    {"INTEGER", "1", "1"},
    {"REAL", "1.0", "1.0"},
    {"REAL", "0.1", "0.1"},
    {"REAL", "1e300", "1e+300"},
    {"REAL", "100000000000000000000.0", "1e+20"},
    {"REAL", "9e999", "\"Infinity\""},
    {"REAL", "-9e999", "\"-Infinity\""},
    {"DECIMAL(10,2)", "19.99", "19.99"},
    {"TEXT", "'a\"b'", "\"a\\\"b\""},
    {"TEXT", "''", "\"\""},
    {"TEXT", "CAST(x'41FF42' AS TEXT)",
     "\"A\xEF\xBF\xBD"
     "B\""},
    {"BLOB", "x'00FFab'", "\"\\\\x00ffab\""},
    {"BLOB", "x''", "\"\\\\x\""},
    {"BOOLEAN", "0", "false"},
    {"BOOLEAN", "1", "true"},
    {"BOOL", "1", "true"},
    {"BOOLEAN", "2", "2"},
    {"BOOLEAN", "'yes'", "\"yes\""},
    {"JSON", "'[1, 2.50]'", "[1, 2.50]"},
    {"JSONB", "'{\"a\":null}'", "{\"a\":null}"},
    {"JSON", "'{broken'", "\"{broken\""},
    {"JSON", "'\"text\"'", "\"text\""},
    {"JSON", "char(65279) || '[1]'", "\"\xEF\xBB\xBF[1]\""},
    {"TEXT", "'[1]'", "\"[1]\""},
    {"DATE", "'2026-03-01'", "\"2026-03-01\""},
    {"TIMESTAMP", "'2026-03-01 08:00:00'", "\"2026-03-01 08:00:00\""},
    {"INTEGER", "NULL", "null"},
};

TEST(Values, BecomeJson) {
  Folder folder;
  Outside outside(folder.file("v.db"));
  outside.run("PRAGMA journal_mode = WAL");
  int number = 0;
  std::string bodies;
  for (const auto& value : kValues) {
    const std::string table = "v" + std::to_string(number++);
    outside.run("CREATE TABLE " + table + " (x " + value.declaration + "); INSERT INTO " + table +
                " VALUES (" + value.expression + ")");
  }
  Fixture fixture(Fixture::options(folder.file("v.db")));
  fixture.wait_ready();
  for (int i = 0; i < number; ++i) {
    const auto& value = kValues[static_cast<std::size_t>(i)];
    EXPECT_EQ(fixture.fetch(R"({"table_name":"v)" + std::to_string(i) + "\"}").text(),
              "[" + std::string(value.json) + "]")
        << value.declaration << " " << value.expression;
  }
}

TEST(Values, Utf16DatabasesGiveTheSameText) {
  Folder folder;
  Outside outside(folder.file("v.db"));
  outside.run(
      "PRAGMA encoding = 'UTF-16le'; PRAGMA journal_mode = WAL; CREATE TABLE t (x TEXT); INSERT INTO t "
      "VALUES ('héllo 日本')");
  Fixture fixture(Fixture::options(folder.file("v.db")));
  fixture.wait_ready();
  EXPECT_EQ(fixture.fetch(R"({"table_name":"t"})").text(), "[\"héllo 日本\"]");
}

}  // namespace
}  // namespace athena::sqlite::testing

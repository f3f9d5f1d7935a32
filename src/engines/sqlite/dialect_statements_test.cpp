#include <gtest/gtest.h>

#include "engines/sqlite/dialect_fixture.h"

namespace athena::sqlite {
namespace {

using sql::testing::Compile;
using testing::items;
using testing::users;
using testing::wide_table;
using Names = std::vector<std::string>;

class SqliteStatements : public ::testing::Test {
 protected:
  SqliteDialect dialect;
  Compile on_users{dialect, users()};
  Compile on_items{dialect, items()};
  Compile on_wide{dialect, wide_table()};
};

TEST_F(SqliteStatements, Select) {
  const auto compiled = on_users.select("");
  EXPECT_EQ(compiled.text,
            "SELECT \"id\", \"name\", \"email\", \"age\" FROM \"main\".\"users\" LIMIT ?1  <- i101");
  EXPECT_TRUE(compiled.extra_row);
  EXPECT_EQ(on_users.select(R"("columns":"n:name,age::text","offset":3,"limit":2)").text,
            "SELECT \"name\" AS \"n\", CAST(\"age\" AS TEXT) FROM \"main\".\"users\" ORDER BY "
            "\"users\".\"id\" LIMIT ?1 OFFSET ?2  <- i2, i3");
}

TEST_F(SqliteStatements, NullsSortAsEverywhere) {
  const auto order = [this](const std::string& members) {
    const auto text = on_users.select("\"columns\":\"id\"," + members).text;
    const auto begin = text.find(" ORDER BY ") + 10;
    return text.substr(begin, text.find(" LIMIT") - begin);
  };
  EXPECT_EQ(order(R"("sort_by":"age")"), "\"users\".\"age\" NULLS LAST");
  EXPECT_EQ(order(R"("sort_by":"age.desc")"), "\"users\".\"age\" DESC NULLS FIRST");
  EXPECT_EQ(order(R"("sort_by":"age.asc.nullsfirst")"), "\"users\".\"age\"");
  EXPECT_EQ(order(R"("sort_by":"age.desc.nullslast")"), "\"users\".\"age\" DESC");
  EXPECT_EQ(order(R"("sort_by":"email")"), "\"users\".\"email\"") << "no NULLs, so the index serves";
}

TEST_F(SqliteStatements, Insert) {
  EXPECT_EQ(on_users.insert(R"("insert_body":{"name":"Ada","age":3},"columns":"name")").text,
            "INSERT INTO \"main\".\"users\" (\"name\", \"age\") VALUES (?1, ?2) RETURNING \"name\", \"id\"  "
            "<- 'Ada', i3");
  EXPECT_EQ(on_users.insert(R"("insert_body":[{"name":"A"},{"name":null}],"columns":"id")").text,
            "INSERT INTO \"main\".\"users\" (\"name\") VALUES (?1), (?2) RETURNING \"id\"  <- 'A', NULL");
  EXPECT_EQ(on_users.insert(R"("insert_body":[{},{}],"columns":"id")").text,
            "INSERT INTO \"main\".\"users\" DEFAULT VALUES RETURNING \"id\"\nINSERT INTO \"main\".\"users\" "
            "DEFAULT VALUES RETURNING \"id\"");
  EXPECT_EQ(on_users.insert(R"("insert_body":{},"columns":"id","ignore_duplicates":true)").text,
            "INSERT INTO \"main\".\"users\" (\"id\") VALUES (NULL) ON CONFLICT DO NOTHING RETURNING \"id\"");
  EXPECT_EQ(on_wide.insert(R"("insert_body":{"calc":"x"})").code(), "invalid_value");
  EXPECT_EQ(on_wide.insert(R"("insert_body":{"json":{"a":1.10},"blob":"0x00ff"},"head":true)").text,
            "INSERT INTO \"main\".\"t\" (\"blob\", \"json\") VALUES (?1, ?2) RETURNING \"id\"  <- b2, "
            "'{\"a\":1.10}'");
}

TEST_F(SqliteStatements, InsertChunks) {
  std::string rows = "{\"name\":\"a\",\"age\":1,\"email\":\"e\",\"id\":1}";
  const std::string row = "," + rows;
  for (int i = 1; i < 10000; ++i) rows += row;
  const auto compiled = on_users.insert("\"insert_body\":[" + rows + "]");
  EXPECT_EQ(compiled.statements, 2U);
  EXPECT_TRUE(compiled.transaction);
  EXPECT_FALSE(compiled.reorder);
  ASSERT_EQ(compiled.input_rows.size(), 2U);
  EXPECT_EQ(compiled.input_rows[0].size(), 8000U);
  EXPECT_EQ(compiled.input_rows[1].front(), 8000U);
}

TEST_F(SqliteStatements, Upsert) {
  EXPECT_EQ(
      on_users
          .insert(
              R"("insert_body":[{"email":"a","name":"A"},{"email":"b","name":"B"}],"on_conflict":"email","update_body":{"name":"C"},"columns":["id"])")
          .text,
      "INSERT INTO \"main\".\"users\" (\"name\", \"email\") VALUES (?1, ?2), (?3, ?4) ON CONFLICT "
      "(\"email\") DO UPDATE SET \"name\" = ?5"
      " RETURNING \"id\"  <- 'A', 'a', 'B', 'b', 'C'");
  EXPECT_EQ(on_users.insert(R"("insert_body":{"name":"A"},"on_conflict":"name")").code(),
            "ambiguous_conflict_target");
  EXPECT_EQ(on_users.insert(R"("insert_body":[{"id":1},{"id":"1"}],"on_conflict":"id")").code(),
            "invalid_value");
}

TEST_F(SqliteStatements, Update) {
  EXPECT_EQ(
      on_users.update(R"("set":{"name":"A"},"conditions":[{"column":"id","value":1}],"columns":"id")").text,
      "UPDATE \"main\".\"users\" SET \"name\" = ?1 WHERE \"id\" = ?2 RETURNING \"id\"  <- 'A', i1");
  EXPECT_EQ(
      on_users
          .update(
              R"("set":{"name":"A"},"conditions":[{"column":"age","value":1}],"limit":2,"sort_by":"name","columns":"id")")
          .text,
      "UPDATE \"main\".\"users\" SET \"name\" = ?1 WHERE rowid IN (SELECT rowid FROM \"main\".\"users\" "
      "WHERE \"age\" = ?2"
      " ORDER BY \"users\".\"name\" NULLS LAST LIMIT ?3) RETURNING \"id\"  <- 'A', i1, i2");
  EXPECT_EQ(on_items.update(R"("set":{"name":"A"},"allow_unfiltered":true,"limit":2,"columns":"id")").text,
            "UPDATE \"main\".\"items\" SET \"name\" = ?1 WHERE (\"org\", \"id\") IN (SELECT \"org\", \"id\" "
            "FROM \"main\".\"items\" LIMIT ?2)"
            " RETURNING \"id\"  <- 'A', i2");
}

TEST_F(SqliteStatements, RowIdsHiddenByColumnsAndViews) {
  auto table = users();
  table->columns[1].name = "RowId";
  const Compile hidden{dialect, table};
  EXPECT_EQ(hidden.remove(R"("conditions":[{"column":"age","value":1}],"limit":2)").text,
            "DELETE FROM \"main\".\"users\" WHERE _rowid_ IN (SELECT _rowid_ FROM \"main\".\"users\" WHERE "
            "\"age\" = ?1 LIMIT ?2)  <- i1, i2");
  table = users();
  table->kind = sql::Table::Kind::view;
  table->primary_key.clear();
  const Compile view{dialect, table};
  EXPECT_EQ(view.remove(R"("conditions":[{"column":"age","value":1}],"limit":2)").code(),
            "capability_not_supported");
}

TEST_F(SqliteStatements, Delete) {
  EXPECT_EQ(on_users.remove(R"("resource_id":"7")").text,
            "DELETE FROM \"main\".\"users\" WHERE \"id\" = ?1  <- i7");
  EXPECT_EQ(on_users.remove(R"("conditions":[{"column":"age","value":1}],"offset":2)").text,
            "DELETE FROM \"main\".\"users\" WHERE rowid IN (SELECT rowid FROM \"main\".\"users\" WHERE "
            "\"age\" = ?1 ORDER BY \"users\".\"id\""
            " LIMIT ?2 OFFSET ?3)  <- i1, i-1, i2");
  EXPECT_EQ(on_items.remove(R"("resource_id":"7")").code(), "invalid_payload");
}

}  // namespace
}  // namespace athena::sqlite

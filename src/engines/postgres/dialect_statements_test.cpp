#include <gtest/gtest.h>

#include "engines/postgres/dialect_fixture.h"

namespace athena::postgres {
namespace {

using sql::testing::Compile;
using testing::items;
using testing::logs;
using testing::types;
using testing::users;
using testing::wide_table;
using Names = std::vector<std::string>;

class Statements : public ::testing::Test {
 protected:
  PostgresDialect dialect{types()};
  Compile on_users{dialect, users()};
  Compile on_items{dialect, items()};
  Compile on_logs{dialect, logs()};
  Compile on_wide{dialect, wide_table()};
};

TEST_F(Statements, SelectAll) {
  const auto compiled = on_users.select("");
  EXPECT_EQ(compiled.text, "SELECT \"id\", \"name\", \"email\", \"age\" FROM \"public\".\"users\" LIMIT 101");
  EXPECT_TRUE(compiled.extra_row);
  EXPECT_EQ(compiled.row_limit, 100);
  EXPECT_FALSE(compiled.is_write);
  EXPECT_EQ(compiled.columns, (Names{"id", "name", "email", "age"}));
  const auto limited = on_users.select("\"limit\":0");
  EXPECT_TRUE(limited.text.ends_with(" LIMIT 0"));
  EXPECT_FALSE(limited.extra_row);
  EXPECT_EQ(limited.row_limit, 0);
}

TEST_F(Statements, SelectColumns) {
  const auto compiled =
      on_wide.select(R"("columns":"id,mail:email,id2:id::text,j:jsonb->a->>b,jsonb->>c,ID","limit":1)");
  EXPECT_EQ(
      compiled.text,
      "SELECT \"id\", \"email\" AS \"mail\", \"id\"::text AS \"id2\", (\"jsonb\" -> $1::text ->> $2::text) "
      "AS \"j\", "
      "(\"jsonb\" ->> $3::text), \"id\" FROM \"public\".\"t\" LIMIT 1  <- 25:'a', 25:'b', 25:'c'");
  EXPECT_EQ(compiled.columns, (Names{"id", "mail", "id2", "j", "c", "ID"}));
  EXPECT_EQ(on_users.select(R"("columns":"nmae")").error->text(),
            "Column \"nmae\" does not exist in table \"users\".");
  EXPECT_EQ(on_users.select(R"("columns":["id::nosuch"])").code(), "invalid_identifier");
}

TEST_F(Statements, SelectStarWithEntries) {
  const auto compiled = on_users.select(R"("columns":["name","*","x:id","id"],"limit":1)");
  EXPECT_EQ(compiled.columns, (Names{"name", "id", "email", "age", "x"}));
  EXPECT_EQ(on_users.select(R"("columns":["*","*"],"limit":1)").columns,
            (Names{"id", "name", "email", "age"}));
  EXPECT_EQ(on_users.select(R"("columns":["*","ID"],"limit":1)").columns,
            (Names{"id", "name", "email", "age", "ID"}));
  EXPECT_EQ(on_users.select(R"("columns":["*","id::text"])").code(), "invalid_payload");
  EXPECT_EQ(on_users.select(R"("columns":["id::text","*"])").code(), "invalid_payload");
  EXPECT_EQ(on_users.select(R"("columns":["*","age:id"])").code(), "invalid_payload");
}

TEST_F(Statements, SelectOrder) {
  const auto order = [this](const std::string& members) {
    const auto compiled = on_wide.select("\"columns\":\"id\"," + members);
    if (compiled.error) return compiled.code();
    const auto begin = compiled.text.find(" FROM \"public\".\"t\"") + 18;
    return compiled.text.substr(begin, compiled.text.find(" LIMIT") - begin);
  };
  EXPECT_EQ(order(R"("sort_by":{"field":"name"})"), " ORDER BY \"t\".\"name\"");
  EXPECT_EQ(order(R"("sort_by":{"field":"name","direction":"desc"})"), " ORDER BY \"t\".\"name\" DESC");
  EXPECT_EQ(order(R"("sort_by":{"field":"name","nulls":"first"})"), " ORDER BY \"t\".\"name\" NULLS FIRST");
  EXPECT_EQ(order(R"("sort_by":{"field":"name","nulls":"last"})"), " ORDER BY \"t\".\"name\"");
  EXPECT_EQ(order(R"("sort_by":{"field":"name","direction":"desc","nulls":"last"})"),
            " ORDER BY \"t\".\"name\" DESC NULLS LAST");
  EXPECT_EQ(order(R"("sort_by":{"field":"id","nulls":"first"})"), " ORDER BY \"t\".\"id\"")
      << "a column without NULLs keeps its index";
  EXPECT_EQ(order(R"("sort_by":{"field":"jsonb->>k"})"), " ORDER BY (\"t\".\"jsonb\" ->> $1::text)");
  EXPECT_EQ(order(R"("sort_by":{"field":"name"},"offset":2)"), " ORDER BY \"t\".\"name\", \"t\".\"id\"");
  EXPECT_EQ(order(R"("sort_by":{"field":"id","direction":"desc"},"offset":2)"),
            " ORDER BY \"t\".\"id\" DESC");
  EXPECT_EQ(order(R"("page_size":2)"), " ORDER BY \"t\".\"id\"");
  EXPECT_EQ(order(R"("limit":2)"), "");
  EXPECT_EQ(order(R"("sort_by":{"field":"json"})"), "invalid_operator");
  EXPECT_EQ(order(R"("sort_by":{"field":"nmae"})"), "undefined_column");
  on_wide.settings.stable_paging = false;
  EXPECT_EQ(order(R"("page_size":2)"), "");
}

TEST_F(Statements, SelectOrderFindsAnotherKey) {
  auto table = users();
  table->primary_key.clear();
  table->unique_keys = {{1, 3}, {2}};
  const Compile compile{dialect, table};
  EXPECT_NE(compile.select("\"offset\":1").text.find(" ORDER BY \"users\".\"email\" LIMIT 101 OFFSET $1"),
            std::string::npos)
      << "the first key without NULLs";
  EXPECT_EQ(on_logs.select("\"offset\":1").text.find("ORDER BY"), std::string::npos);
}

TEST_F(Statements, SelectPage) {
  EXPECT_TRUE(on_users.select(R"("page_size":20,"current_page":3)")
                  .text.ends_with(" LIMIT 20 OFFSET $1  <- 20:'40'"));
  EXPECT_TRUE(on_users.select(R"("offset":10)").text.ends_with(" LIMIT 101 OFFSET $1  <- 20:'10'"));
}

TEST_F(Statements, InsertOne) {
  const auto compiled = on_users.insert(R"("insert_body":{"name":"Ada","email":"a@b"})");
  EXPECT_EQ(compiled.text,
            "INSERT INTO \"public\".\"users\" (\"name\", \"email\") VALUES ($1, $2)"
            " RETURNING \"id\", \"name\", \"email\", \"age\"  <- 25:'Ada', 1043:'a@b'");
  EXPECT_TRUE(compiled.is_write);
  EXPECT_FALSE(compiled.transaction);
  EXPECT_EQ(compiled.resource_id, (std::vector<std::uint16_t>{0}));
  const auto other_order = on_users.insert(R"("insert_body":{"email":"a@b","name":"Ada"})");
  EXPECT_EQ(other_order.text, compiled.text) << "one shape whatever the order of members";
}

TEST_F(Statements, InsertReturnsTheResourceIdHidden) {
  const auto named = on_users.insert(R"("insert_body":{"name":"Ada"},"columns":["name","key:id"])");
  EXPECT_EQ(named.columns, (Names{"name", "key"}));
  EXPECT_EQ(named.resource_id, (std::vector<std::uint16_t>{1}));
  const auto hidden = on_users.insert(R"("insert_body":{"name":"Ada"},"columns":["name","id::text"])");
  EXPECT_TRUE(hidden.text.find(" RETURNING \"name\", \"id\"::text, \"id\"  <-") != std::string::npos)
      << hidden.text;
  EXPECT_EQ(hidden.columns, (Names{"name", "id", "[id]"}));
  EXPECT_EQ(hidden.resource_id, (std::vector<std::uint16_t>{2}));
  const auto nothing = on_users.insert(R"("insert_body":{"name":"Ada"},"columns":[])");
  EXPECT_EQ(nothing.columns, (Names{"[id]"}));
  const auto composite = on_items.insert(R"("insert_body":{"name":"Ada"},"columns":["id"])");
  EXPECT_EQ(composite.columns, (Names{"id", "[org]"}));
  EXPECT_EQ(composite.resource_id, (std::vector<std::uint16_t>{1, 0}));
  const auto none = on_logs.insert(R"("insert_body":{"text":"x"},"head":true)");
  EXPECT_EQ(none.text, "INSERT INTO \"public\".\"logs\" (\"text\") VALUES ($1)  <- 25:'x'");
  EXPECT_TRUE(none.columns.empty());
}

TEST_F(Statements, InsertManyAsArrays) {
  const auto compiled = on_users.insert(
      R"("insert_body":[{"name":"A,\"x","age":1},{"age":null,"name":null}],"columns":["id"])");
  EXPECT_EQ(compiled.text,
            "INSERT INTO \"public\".\"users\" (\"name\", \"age\") SELECT r.c1, r.c2 FROM unnest($1::text[], "
            "$2::int4[])"
            " WITH ORDINALITY AS r(c1, c2, n) ORDER BY r.n RETURNING \"id\"  <- 1009:'{\"A,\\\"x\",NULL}', "
            "1007:'{1,NULL}'");
  EXPECT_FALSE(compiled.transaction);
  EXPECT_FALSE(compiled.reorder);
  EXPECT_EQ(compiled.input_rows, (std::vector<std::vector<std::uint32_t>>{{0, 1}}));
}

TEST_F(Statements, InsertManyWithArrayColumns) {
  const auto compiled =
      on_wide.insert(R"("insert_body":[{"id":1,"tags":["a"]},{"id":2,"tags":[]}],"columns":["id"])");
  EXPECT_EQ(compiled.text,
            "INSERT INTO \"public\".\"t\" (\"id\", \"tags\") VALUES ($1, $2), ($3, $4) RETURNING \"id\""
            "  <- 20:'1', 1009:'{\"a\"}', 20:'2', 1009:'{}'");
}

TEST_F(Statements, InsertRowValuesAndHstore) {
  const auto compiled = on_wide.insert(
      R"("insert_body":{"id":1,"place":{"x":1,"y":[2]},"hstore":{"a\"":"b\\","n":null,"i":1}},"columns":["id"])");
  EXPECT_EQ(compiled.text,
            "INSERT INTO \"public\".\"t\" (\"id\", \"place\", \"hstore\") VALUES ($1, "
            "jsonb_populate_record(NULL::\"public\".\"place\", $2), $3) RETURNING \"id\"  <- 20:'1', "
            "3802:'{\"x\":1,\"y\":[2]}', "
            "70005:'\"a\\\"\"=>\"b\\\\\",\"n\"=>NULL,\"i\"=>\"1\"'");
  EXPECT_EQ(on_wide.insert(R"("insert_body":{"tags":{"a":1}})").code(), "invalid_value");
  EXPECT_EQ(on_wide.insert(R"("insert_body":{"name":["a"]})").code(), "invalid_value");
  EXPECT_EQ(on_wide.insert(R"("insert_body":{"name":{"a":1}})").code(), "invalid_value");
}

TEST_F(Statements, InsertJson) {
  const auto compiled = on_wide.insert(
      R"("insert_body":{"json":"a","jsonb":null,"docs":["a",{"b":[1.10]},[1],null]},"columns":["id"])");
  EXPECT_TRUE(
      compiled.text.ends_with(R"(  <- 114:'"a"', 3802:NULL, 3807:'{"\"a\"","{\"b\":[1.10]}","[1]",NULL}')"))
      << compiled.text;
}

TEST_F(Statements, InsertRagged) {
  const auto compiled =
      on_users.insert(R"("insert_body":[{"name":"A"},{"age":1},{"name":"B"},{}],"columns":["id"])");
  EXPECT_EQ(compiled.text,
            "INSERT INTO \"public\".\"users\" (\"name\") SELECT r.c1 FROM unnest($1::text[]) WITH ORDINALITY "
            "AS r(c1, n) ORDER BY r.n"
            " RETURNING \"id\"  <- 1009:'{\"A\",\"B\"}'\n"
            "INSERT INTO \"public\".\"users\" (\"age\") VALUES ($1) RETURNING \"id\"  <- 23:'1'\n"
            "INSERT INTO \"public\".\"users\" DEFAULT VALUES RETURNING \"id\"");
  EXPECT_TRUE(compiled.transaction);
  EXPECT_TRUE(compiled.reorder);
  EXPECT_EQ(compiled.input_rows, (std::vector<std::vector<std::uint32_t>>{{0, 2}, {1}, {3}}));
}

TEST_F(Statements, InsertRaggedIgnoringDuplicatesKeepsRuns) {
  const auto compiled = on_users.insert(
      R"("insert_body":[{"name":"A"},{"age":1},{"name":"B"}],"columns":["id"],"ignore_duplicates":true)");
  EXPECT_EQ(compiled.input_rows, (std::vector<std::vector<std::uint32_t>>{{0}, {1}, {2}}));
  EXPECT_TRUE(compiled.transaction);
  EXPECT_FALSE(compiled.reorder);
  EXPECT_TRUE(compiled.text.starts_with(
      "INSERT INTO \"public\".\"users\" (\"name\") VALUES ($1) ON CONFLICT DO NOTHING RETURNING \"id\""));
}

TEST_F(Statements, InsertMissingMembersAsNull) {
  const auto compiled =
      on_users.insert(R"("insert_body":[{"name":"A"},{"age":1}],"columns":["id"],"default_to_null":true)");
  EXPECT_EQ(compiled.statements, 1U);
  EXPECT_TRUE(compiled.text.ends_with("  <- 1009:'{\"A\",NULL}', 1007:'{NULL,1}'")) << compiled.text;
}

TEST_F(Statements, InsertDefaultsOnly) {
  EXPECT_EQ(on_users.insert(R"("insert_body":[{},{}],"columns":["id"])").text,
            "INSERT INTO \"public\".\"users\" (\"id\") VALUES (DEFAULT), (DEFAULT) RETURNING \"id\"");
  EXPECT_EQ(on_users.insert(R"("insert_body":{},"columns":["id"],"ignore_duplicates":true)").text,
            "INSERT INTO \"public\".\"users\" DEFAULT VALUES ON CONFLICT DO NOTHING RETURNING \"id\"");
  EXPECT_EQ(on_users.insert(R"("insert_body":[])").statements, 0U);
}

TEST_F(Statements, InsertChunks) {
  std::string rows;
  for (int i = 0; i < 3; ++i)
    rows += std::string(i == 0 ? "" : ",") + "{\"id\":" + std::to_string(i) + ",\"tags\":[]}";
  EXPECT_EQ(on_wide.insert("\"insert_body\":[" + rows + "]").statements, 1U);
  // 10,000 rows of 13 columns are 130,000 values.
  std::string row = "{\"tags\":[]";
  for (const auto* name : {"id", "name", "email", "int2", "int4", "numeric", "float8", "bool", "uuid",
                           "bytea", "jsonb", "inet"}) {
    row += ",\"" + std::string(name) + "\":null";
  }
  row += "}";
  rows = row;
  for (int i = 1; i < 10000; ++i) rows += "," + row;
  const auto compiled = on_wide.insert("\"insert_body\":[" + rows + "],\"columns\":[\"id\"]");
  EXPECT_EQ(compiled.statements, 3U);
  EXPECT_TRUE(compiled.transaction);
  EXPECT_FALSE(compiled.reorder);
  ASSERT_EQ(compiled.input_rows.size(), 3U);
  EXPECT_EQ(compiled.input_rows[0].size(), 60000U / 13U);
  EXPECT_EQ(compiled.input_rows[2].back(), 9999U);
}

TEST_F(Statements, Upsert) {
  EXPECT_EQ(
      on_users
          .insert(
              R"("insert_body":{"email":"a","name":"A"},"on_conflict":"email","update_body":{"name":"B"},"columns":["id"])")
          .text,
      "INSERT INTO \"public\".\"users\" (\"name\", \"email\") VALUES ($1, $2) ON CONFLICT (\"email\") DO "
      "UPDATE SET \"name\" = $3"
      " RETURNING \"id\"  <- 25:'A', 1043:'a', 25:'B'");
  EXPECT_EQ(
      on_users.insert(R"("insert_body":{"email":"a","name":"A"},"on_conflict":["email"],"columns":["id"])")
          .text,
      "INSERT INTO \"public\".\"users\" (\"name\", \"email\") VALUES ($1, $2) ON CONFLICT (\"email\") DO "
      "UPDATE SET"
      " \"name\" = EXCLUDED.\"name\" RETURNING \"id\"  <- 25:'A', 1043:'a'");
  EXPECT_NE(on_users.insert(R"("insert_body":{"email":"a"},"on_conflict":["email"])")
                .text.find("DO UPDATE SET \"email\" = EXCLUDED.\"email\" RETURNING"),
            std::string::npos);
  EXPECT_NE(on_items.insert(R"("insert_body":{"id":1,"org":2},"on_conflict":["id","org"])")
                .text.find(" ON CONFLICT (\"org\", \"id\") DO UPDATE SET \"org\" = EXCLUDED.\"org\", \"id\" "
                           "= EXCLUDED.\"id\" RETURNING"),
            std::string::npos);
  EXPECT_NE(on_users.insert(R"("insert_body":{"email":"a"},"on_conflict":"email","ignore_duplicates":true)")
                .text.find(" ON CONFLICT (\"email\") DO NOTHING RETURNING"),
            std::string::npos);
}

TEST_F(Statements, UpsertTargets) {
  const auto code = [this](const std::string& members) { return on_users.insert(members).code(); };
  EXPECT_EQ(code(R"("insert_body":{"name":"a"},"on_conflict":"name")"), "ambiguous_conflict_target");
  EXPECT_EQ(code(R"("insert_body":{"name":"a"},"on_conflict":"id,email")"), "ambiguous_conflict_target");
  EXPECT_EQ(code(R"("insert_body":{"name":"a"},"on_conflict":"nmae")"), "undefined_column");
  EXPECT_EQ(code(R"("insert_body":{"name":"a"},"on_conflict":["email\"); DROP TABLE users;--"])"),
            "undefined_column");
  EXPECT_EQ(code(R"("insert_body":{"name":"a"},"update_body":{"name":"b"})"), "ambiguous_conflict_target");
  EXPECT_EQ(code(R"("insert_body":{"name":"a","email":"e","age":1},"update_body":{"name":"b"})"),
            "ambiguous_conflict_target")
      << "two unique constraints are given";
  EXPECT_EQ(code(R"("insert_body":{"id":1},"update_body":{"name":"b"},"ignore_duplicates":true)"),
            "invalid_payload");
  const auto refused = on_users.insert(R"("insert_body":{"name":"a"},"on_conflict":"name")");
  EXPECT_EQ(refused.detail("candidates"), R"(["id","email","name,age"])");
  const auto target = [this](const std::string& members) {
    const auto text = on_users.insert(members + ",\"update_body\":{\"name\":\"b\"}").text;
    const auto begin = text.find(" ON CONFLICT (") + 13;
    return text.substr(begin, text.find(" DO UPDATE") - begin);
  };
  EXPECT_EQ(target(R"("insert_body":{"id":1,"email":"e"})"), "(\"id\")") << "the primary key goes first";
  EXPECT_EQ(target(R"("insert_body":[{"id":1,"email":"e"},{"email":"f"}])"), "(\"email\")")
      << "the key is not in every row";
  EXPECT_EQ(target(R"("insert_body":{"name":"n","age":1})"), "(\"name\", \"age\")");
}

TEST_F(Statements, UpsertOfOneKeyTwice) {
  const auto code = [](const sql::testing::Compiled& compiled) {
    return compiled.error ? compiled.code() : "ok";
  };
  EXPECT_EQ(code(on_users.insert(R"("insert_body":[{"id":1},{"id":"01"}],"on_conflict":"id")")),
            "invalid_value");
  EXPECT_EQ(on_users.insert(R"("insert_body":[{"id":1},{"id":1}],"on_conflict":"id")").detail("member"),
            "\"insert_body[1]\"");
  EXPECT_EQ(code(on_users.insert(R"("insert_body":[{"id":1},{"id":2}],"on_conflict":"id")")), "ok");
  EXPECT_EQ(
      code(on_items.insert(R"("insert_body":[{"id":1,"org":11},{"id":11,"org":1}],"on_conflict":"id,org")")),
      "ok");
  EXPECT_EQ(code(on_users.insert(
                R"("insert_body":[{"name":null,"age":1},{"name":null,"age":1}],"on_conflict":"name,age")")),
            "ok");
  EXPECT_EQ(code(on_users.insert(
                R"("insert_body":[{"id":1},{"id":1}],"on_conflict":"id","ignore_duplicates":true)")),
            "ok");
  EXPECT_EQ(code(on_users.insert(R"("insert_body":[{"id":1},{"id":1}])")), "ok")
      << "the database says unique_violation";
}

TEST_F(Statements, InsertRefusals) {
  EXPECT_EQ(on_users.insert(R"("insert_body":{"nmae":"a"})").code(), "undefined_column");
  EXPECT_EQ(on_users.insert(R"("insert_body":[{"name":"a"},{"nmae":"a"}])").code(), "undefined_column");
  EXPECT_EQ(on_users.insert(R"("insert_body":{"name":"a","NAME":"b"})").code(), "invalid_payload");
  EXPECT_EQ(on_users.insert(R"("insert_body":[{"age":1},{"age":"x"}])").code(), "invalid_value");
  EXPECT_EQ(on_wide.insert(R"("insert_body":{"total":1})").code(), "invalid_value");
  EXPECT_EQ(on_wide.insert(R"("insert_body":{"serial":1})").code(), "invalid_value");
  EXPECT_EQ(on_users.insert(R"("insert_body":{"id\") VALUES (1); DROP TABLE users;--":1})").code(),
            "undefined_column");
}

TEST_F(Statements, Update) {
  EXPECT_EQ(
      on_users
          .update(
              R"("conditions":[{"eq_column":"id","eq_value":12}],"update_body":{"name":"Ada","age":null},"columns":"id,name")")
          .text,
      "UPDATE \"public\".\"users\" SET \"name\" = $1, \"age\" = $2 WHERE \"id\" = $3 RETURNING \"id\", "
      "\"name\""
      "  <- 25:'Ada', 23:NULL, 20:'12'");
  EXPECT_EQ(on_users.update(R"("update_body":{"name":"Ada"},"allow_unfiltered":true,"columns":[])").text,
            "UPDATE \"public\".\"users\" SET \"name\" = $1  <- 25:'Ada'");
}

TEST_F(Statements, UpdateWithoutReturning) {
  EXPECT_EQ(
      on_users.update(R"("set":{"name":"Ada"},"conditions":[{"column":"id","value":1}],"head":true)").text,
      "UPDATE \"public\".\"users\" SET \"name\" = $1 WHERE \"id\" = $2  <- 25:'Ada', 20:'1'");
  EXPECT_EQ(on_users.update(R"("set":{"name":"Ada"},"allow_unfiltered":true,"head":true)").text,
            "UPDATE \"public\".\"users\" SET \"name\" = $1  <- 25:'Ada'");
}

TEST_F(Statements, UpdateChosenRows) {
  EXPECT_EQ(
      on_items
          .update(
              R"("set":{"name":"A"},"conditions":[{"column":"name","value":"B"}],"sort_by":"id.desc","limit":3,"columns":"id")")
          .text,
      "WITH t AS MATERIALIZED (SELECT \"org\", \"id\" FROM \"public\".\"items\" WHERE \"name\" = $1 ORDER BY "
      "\"items\".\"id\" DESC"
      " LIMIT $2 FOR UPDATE) UPDATE \"public\".\"items\" AS x SET \"name\" = $3 FROM t WHERE (x.\"org\", "
      "x.\"id\") = (t.\"org\", t.\"id\")"
      " RETURNING x.\"id\"  <- 25:'B', 20:'3', 25:'A'");
  EXPECT_EQ(
      on_logs.update(R"("set":{"text":"A"},"conditions":[{"column":"text","value":"B"}],"limit":3)").code(),
      "capability_not_supported");
  EXPECT_EQ(on_logs.update(R"("set":{"text":"A"},"conditions":[{"column":"text","value":"B"}],"limit":3)")
                .detail("requires"),
            "\"update.limit\"");
}

TEST_F(Statements, UpdateRefusals) {
  EXPECT_EQ(on_users.update(R"("set":{"name":"A"})").code(), "filter_required");
  EXPECT_EQ(on_users.update(R"("set":{"nmae":"A"},"allow_unfiltered":true)").code(), "undefined_column");
  EXPECT_EQ(on_users.update(R"("set":{"age":"A"},"allow_unfiltered":true)").code(), "invalid_value");
  EXPECT_EQ(on_users.update(R"("set":{"name":"A","NAME":"B"},"allow_unfiltered":true)").code(),
            "invalid_payload");
  EXPECT_EQ(on_wide.update(R"("set":{"total":1},"allow_unfiltered":true)").code(), "invalid_value");
  EXPECT_EQ(on_users.update(R"("set":{"name":"A"},"conditions":[{"column":"nmae","value":1}])").code(),
            "undefined_column");
}

TEST_F(Statements, Delete) {
  EXPECT_EQ(on_users.remove(R"("resource_id":12)").text,
            "DELETE FROM \"public\".\"users\" WHERE \"id\" = $1  <- 20:'12'");
  EXPECT_TRUE(on_users.remove(R"("resource_id":12)").indexed_equality);
  EXPECT_EQ(
      on_users.remove(R"("conditions":[{"column":"age","operator":"lt","value":3}],"columns":"id")").text,
      "DELETE FROM \"public\".\"users\" WHERE \"age\" < $1 RETURNING \"id\"  <- 23:'3'");
  EXPECT_EQ(on_users.remove("").code(), "filter_required");
  EXPECT_EQ(on_users.remove(R"("resource_id":"x")").code(), "invalid_value");
}

TEST_F(Statements, DeleteBothGiven) {
  EXPECT_EQ(on_users.remove(R"("resource_id":"7","conditions":[{"eq_column":"id","eq_value":7}])").text,
            "DELETE FROM \"public\".\"users\" WHERE \"id\" = $1  <- 20:'7'");
  EXPECT_EQ(on_users.remove(R"("resource_id":"7","conditions":[{"eq_column":"id","eq_value":8}])").text,
            "DELETE FROM \"public\".\"users\" WHERE \"id\" = $1 AND \"id\" = $2  <- 20:'8', 20:'7'");
  EXPECT_EQ(
      on_users.remove(R"("resource_id":"7","conditions":[{"column":"id","operator":"neq","value":7}])").text,
      "DELETE FROM \"public\".\"users\" WHERE \"id\" <> $1 AND \"id\" = $2  <- 20:'7', 20:'7'");
  EXPECT_EQ(on_items.remove(R"("resource_id":"7","conditions":[{"column":"id","value":"7"}])").text,
            "DELETE FROM \"public\".\"items\" WHERE \"id\" = $1  <- 23:'7'");
}

TEST_F(Statements, DeleteByCompositeKey) {
  EXPECT_EQ(on_items.remove(R"("resource_id":{"id":1,"org":"2"})").text,
            "DELETE FROM \"public\".\"items\" WHERE \"id\" = $1 AND \"org\" = $2  <- 23:'1', 23:'2'");
  EXPECT_EQ(on_items.remove(R"("resource_id":{"id":1})").code(), "invalid_payload");
  EXPECT_EQ(on_items.remove(R"("resource_id":{"id":1,"org":null})").code(), "invalid_payload");
  EXPECT_EQ(on_items.remove(R"("resource_id":{})").code(), "invalid_payload");
  EXPECT_EQ(on_items.remove(R"("resource_id":{"id":1,"org":2,"name":"x"})").code(), "invalid_payload");
  const auto scalar = on_items.remove(R"("resource_id":1)");
  EXPECT_EQ(scalar.code(), "invalid_payload");
  EXPECT_NE(scalar.error->text().find("org, id"), std::string::npos) << scalar.error->text();
  EXPECT_EQ(on_logs.remove(R"("resource_id":1)").code(), "invalid_payload");
  auto table = logs();
  table->columns.push_back(sql::testing::column("logs_id", builtin_type("int4")));
  const Compile named{dialect, table};
  EXPECT_EQ(named.remove(R"("resource_id":1)").text,
            "DELETE FROM \"public\".\"logs\" WHERE \"logs_id\" = $1  <- 23:'1'");
}

TEST_F(Statements, DeleteChosenRows) {
  EXPECT_EQ(on_users.remove(R"("conditions":[{"column":"age","value":3}],"limit":2,"columns":"*")").text,
            "WITH t AS MATERIALIZED (SELECT \"id\" FROM \"public\".\"users\" WHERE \"age\" = $1 LIMIT $2 FOR "
            "UPDATE) DELETE FROM"
            " \"public\".\"users\" AS x USING t WHERE (x.\"id\") = (t.\"id\") RETURNING x.\"id\", "
            "x.\"name\", x.\"email\", x.\"age\""
            "  <- 23:'3', 20:'2'");
  EXPECT_EQ(on_logs.remove(R"("conditions":[{"column":"text","value":"B"}],"limit":3)").detail("requires"),
            "\"delete.limit\"");
}

TEST_F(Statements, HostileNamesOfTheDatabaseAreQuoted) {
  auto table = std::make_shared<sql::Table>();
  sql::testing::set_name(*table, "sch\"ema", "ta\"ble; DROP TABLE x;--");
  table->columns = {sql::testing::column("co\"l", builtin_type("int4"), true)};
  table->primary_key = {0};
  table->unique_keys = {{0}};
  const Compile compile{dialect, table};
  EXPECT_EQ(
      compile
          .select(
              R"("columns":["a\"b:co\"l"],"sort_by":{"field":"co\"l"},"limit":1,"conditions":[{"column":"co\"l","value":1}])")
          .text,
      "SELECT \"co\"\"l\" AS \"a\"\"b\" FROM \"sch\"\"ema\".\"ta\"\"ble; DROP TABLE x;--\" WHERE \"co\"\"l\" "
      "= $1 ORDER BY"
      " \"ta\"\"ble; DROP TABLE x;--\".\"co\"\"l\" LIMIT 1  <- 23:'1'");
  EXPECT_EQ(compile.insert(R"("insert_body":{"co\"l":1},"on_conflict":["co\"l"],"columns":[])").text,
            "INSERT INTO \"sch\"\"ema\".\"ta\"\"ble; DROP TABLE x;--\" (\"co\"\"l\") VALUES ($1) ON CONFLICT "
            "(\"co\"\"l\") DO UPDATE SET"
            " \"co\"\"l\" = EXCLUDED.\"co\"\"l\" RETURNING \"co\"\"l\"  <- 23:'1'");
}

}  // namespace
}  // namespace athena::postgres

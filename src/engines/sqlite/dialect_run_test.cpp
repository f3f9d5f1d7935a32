#include <gtest/gtest.h>
#include <sqlite3.h>

#include <charconv>

#include "engines/sql/random_conditions.h"
#include "engines/sqlite/dialect_fixture.h"

namespace athena::sqlite {
namespace {

using sql::Bind;
using sql::testing::RandomConditions;
using testing::declared;

/// Compiled plans on a database of its own: does SQLite take them, and do they mean what the request said?
class Database {
 public:
  explicit Database(const char* schema) {
    sqlite3_open(":memory:", &handle_);
    // A column that is not there must be an error here, not a text in quotes.
    sqlite3_db_config(handle_, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
    for (const auto* name : {"athena_like", "athena_ilike"}) {
      sqlite3_create_function(handle_, name, 2, SQLITE_UTF8 | SQLITE_DETERMINISTIC, nullptr, &like, nullptr,
                              nullptr);
    }
    execute(schema);
  }
  ~Database() { sqlite3_close(handle_); }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  void execute(const char* text) {
    char* message = nullptr;
    EXPECT_EQ(sqlite3_exec(handle_, text, nullptr, nullptr, &message), SQLITE_OK) << message << "\n" << text;
    sqlite3_free(message);
  }

  /// Rows as `a,b;c,d` with NULL for NULL, or the error.
  std::string run(const sql::Plan& plan) {
    std::string rows;
    for (const auto& statement : plan.statements) {
      sqlite3_stmt* prepared = nullptr;
      if (sqlite3_prepare_v2(handle_, statement.text.data(), static_cast<int>(statement.text.size()),
                             &prepared, nullptr) != SQLITE_OK) {
        return std::string(sqlite3_errmsg(handle_)) + " in " + std::string(statement.text);
      }
      EXPECT_EQ(static_cast<std::size_t>(sqlite3_bind_parameter_count(prepared)), statement.binds.size())
          << statement.text;
      for (std::size_t i = 0; i < statement.binds.size(); ++i)
        bind(prepared, static_cast<int>(i + 1), statement.binds[i]);
      int code = SQLITE_ROW;
      while ((code = sqlite3_step(prepared)) == SQLITE_ROW) {
        if (!rows.empty()) rows += ';';
        for (int i = 0; i < sqlite3_column_count(prepared); ++i) {
          const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(prepared, i));
          rows += (i > 0 ? "," : "") + std::string(text == nullptr ? "NULL" : text);
        }
        EXPECT_EQ(static_cast<std::size_t>(sqlite3_column_count(prepared)), statement.columns.size());
      }
      sqlite3_finalize(prepared);
      if (code != SQLITE_DONE)
        return std::string(sqlite3_errmsg(handle_)) + " in " + std::string(statement.text);
    }
    return rows;
  }

 private:
  static void like(sqlite3_context* context, int /*count*/, sqlite3_value** values) {
    const auto* pattern = reinterpret_cast<const char*>(sqlite3_value_text(values[0]));
    const auto* value = reinterpret_cast<const char*>(sqlite3_value_text(values[1]));
    if (pattern == nullptr || value == nullptr) return sqlite3_result_null(context);
    sqlite3_result_int(context, sqlite3_strlike(pattern, value, '\\') == 0 ? 1 : 0);
  }
  static void bind(sqlite3_stmt* statement, int position, const Bind& bind) {
    const std::string text(bind.text);
    switch (bind.kind) {
      case Bind::Kind::null:
        sqlite3_bind_null(statement, position);
        break;
      case Bind::Kind::integer:
        sqlite3_bind_int64(statement, position, std::stoll(text));
        break;
      case Bind::Kind::real:
        sqlite3_bind_double(statement, position, std::stod(text));
        break;
      case Bind::Kind::text:
        sqlite3_bind_text(statement, position, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
        break;
      case Bind::Kind::blob:
        sqlite3_bind_blob(statement, position, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
        break;
    }
  }

  sqlite3* handle_ = nullptr;
};

class Run : public ::testing::Test {
 protected:
  Run() {
    sql::testing::set_name(*table_, "main", "a_docs");
    table_->columns = {
        sql::testing::column("id", declared("INTEGER"), true), sql::testing::column("key", declared("TEXT")),
        sql::testing::column("value", declared("JSON")), sql::testing::column("n", declared("REAL"))};
    table_->columns[1].binary_collation = true;
    table_->primary_key = {0};
    table_->unique_keys = {{0}};
  }

  std::string run(const std::string& members, char operation = 's') {
    std::pmr::monotonic_buffer_resource memory;
    const contract::GatewaySettings settings;
    const std::string text = "{\"table_name\":\"a_docs\"," + members + "}";
    auto body = query::parse_body(text, memory);
    if (!body) return body.error().text();
    const query::ParseContext context{memory, settings, 100};
    query::ReadOptions options;
    const auto finish = [&](auto parsed) -> std::string {
      if (!parsed) return parsed.error().text();
      auto plan = sql::compile(query::Request(std::move(*parsed)), {dialect_, table_, memory, settings});
      return plan ? database_.run(*plan) : plan.error().text();
    };
    switch (operation) {
      case 'i':
        return finish(query::parse_insert(**body, context));
      case 'u':
        return finish(query::parse_update(**body, context, options));
      case 'd':
        return finish(query::parse_delete(**body, context));
      default:
        return finish(query::parse_select(**body, context, options));
    }
  }
  std::string ids(const std::string& condition) {
    return run("\"columns\":\"id\",\"sort_by\":\"id\",\"conditions\":[" + condition + "]");
  }
  std::string ids(const std::string& column, const std::string& op, const std::string& value) {
    return ids("{\"column\":\"" + column + "\",\"operator\":\"" + op + "\",\"value\":" + value + "}");
  }

  // Columns named like those of json_each, and a table whose name begins like the aliases.
  Database database_{R"(
    CREATE TABLE a_docs (id INTEGER PRIMARY KEY, "key" TEXT, value JSON, n REAL);
    INSERT INTO a_docs VALUES
      (1, 'abc', '[1,"a",true,null,{"x":1}]', 1.5),
      (2, 'abd', '{"k":"text","n":1.50,"t":true,"z":null,"o":{"a":[10,20]},"a.b":7}', NULL),
      (3, 'b', 'not json', 0.1),
      (4, NULL, NULL, 2),
      (5, 'a%c', '[]', -1),
      (6, 'zz', '["1",1.0]', 1e300);
  )"};
  std::shared_ptr<sql::Table> table_ = std::make_shared<sql::Table>();
  SqliteDialect dialect_;
};

TEST_F(Run, JsonPaths) {
  EXPECT_EQ(
      run(R"("columns":["value->>k","value->>n","value->>t","value->>z","value->>o","value->o->a->>1","j:value->k","value->>a.b","value->>q"],"conditions":[{"column":"id","value":2}])"),
      "text,1.50,true,NULL,{\"a\":[10,20]},20,\"text\",7,NULL");
  EXPECT_EQ(run(R"("columns":["id","value->>k"],"sort_by":"id")"),
            "1,NULL;2,text;3,NULL;4,NULL;5,NULL;6,NULL")
      << "a row without valid JSON has no members";
  EXPECT_EQ(ids("value->>n", "eq", "1.50"), "2");
  EXPECT_EQ(ids("value->>t", "eq", "true"), "2");
  EXPECT_EQ(ids("value->o->a", "eq", "\"x\""), "");
  EXPECT_EQ(ids("value->o->a->>0", "in", "[10]"), "2");
  EXPECT_EQ(ids(R"({"column":"value->o->a->>0","operator":"gt","column_cast":"int4","value":9})"), "2");
  EXPECT_EQ(run(R"("columns":"id","sort_by":"value->>k.desc.nullslast","limit":1)"), "2");
}

TEST_F(Run, JsonArrays) {
  EXPECT_EQ(ids("value", "contains", "[1]"), "1;6");
  EXPECT_EQ(ids("value", "contains", "[\"1\"]"), "6");
  EXPECT_EQ(ids("value", "contains", "[true]"), "1") << "true is not 1";
  EXPECT_EQ(ids("value", "contains", "[null,\"a\"]"), "1");
  EXPECT_EQ(ids("value", "contains", "[{\"x\":1}]"), "1");
  EXPECT_EQ(ids("value", "contains", "[]"), "1;5;6") << "not the object, the broken text, the NULL";
  EXPECT_EQ(ids("value", "containedBy", "[1,\"1\",2]"), "5;6");
  EXPECT_EQ(ids("value", "overlaps", "[\"a\",\"1\"]"), "1;6");
  EXPECT_EQ(ids("value", "overlaps", "[]"), "");
  EXPECT_EQ(ids("value", "not.contains", "[1]"), "2;5") << "NOT of NULL stays NULL";
  EXPECT_EQ(ids("value->o->a", "contains", "[20]"), "2");
  // In an expression the elements are JSON texts, and so is a value in quotes.
  const auto matching = [this](const std::string& term) {
    return ids("{\"operator\":\"or\",\"value\":\"" + term + "\"}");
  };
  EXPECT_EQ(matching("value.contains.(1)"), "1;6");
  EXPECT_EQ(matching(R"(value.contains.\"[\\\"1\\\"]\")"), "6");
  EXPECT_EQ(matching("value.contains.(a)"), matching(R"(value.contains.\"[\\\"a\\\"]\")"));
  EXPECT_EQ(run(R"("conditions":[{"column":"value","operator":"contains","value":[1]}],"columns":"id")", 'd'),
            "1;6");
}

TEST_F(Run, ListsAndPatterns) {
  EXPECT_EQ(ids("id", "in", "[\"1\",3,99]"), "1;3");
  EXPECT_EQ(ids("key", "in", "[\"b\",null]"), "3;4");
  EXPECT_EQ(ids("n", "in", "[0.1,2,\"1e300\"]"), "3;4;6");
  EXPECT_EQ(ids("id", "in", "[]"), "");
  EXPECT_EQ(ids("id", "not.in", "[]"), "1;2;3;4;5;6");
  EXPECT_EQ(ids("key", "like", "\"ab%\""), "1;2");
  EXPECT_EQ(ids("key", "like", "\"a\\\\%c\""), "5");
  EXPECT_EQ(ids("key", "not.like", "\"ab%\""), "3;5;6");
  EXPECT_EQ(ids("n", "isdistinct", "2"), "1;2;3;5;6");
}

TEST_F(Run, OrderAndPages) {
  EXPECT_EQ(run(R"("columns":"id","sort_by":"n")"), "5;3;1;4;6;2");
  EXPECT_EQ(run(R"("columns":"id","sort_by":"n.desc")"), "2;6;4;1;3;5");
  EXPECT_EQ(run(R"("columns":"id","sort_by":"n.desc.nullslast","page_size":2,"current_page":2)"), "1;3");
  EXPECT_EQ(
      run(R"("columns":["key:id","id::text"],"sort_by":"key","limit":2,"conditions":[{"column":"key","operator":"is","value":"not_null"}])"),
      "5,5;1,1")
      << "sorted by the column, not by the alias of its name";
}

TEST_F(Run, Writes) {
  EXPECT_EQ(run(R"("insert_body":[{"key":"p"},{"n":"2.5"},{}],"columns":["id","key","n"])", 'i'),
            "7,p,NULL;8,NULL,2.5;9,NULL,NULL");
  EXPECT_EQ(run(R"("insert_body":{},"ignore_duplicates":true,"columns":"id")", 'i'), "10");
  EXPECT_EQ(
      run(R"("insert_body":[{"id":1,"key":"q"},{"id":20,"key":"q"}],"on_conflict":"id","columns":["id","key"])",
          'i'),
      "1,q;20,q");
  EXPECT_EQ(
      run(R"("insert_body":[{"id":1,"key":"r"},{"id":21}],"ignore_duplicates":true,"columns":["id","key"])",
          'i'),
      "21,NULL");
  EXPECT_EQ(run(R"("insert_body":{"id":1},"update_body":{"key":"s"},"columns":["id","key"])", 'i'), "1,s");
  EXPECT_EQ(
      run(R"("set":{"key":"u"},"conditions":[{"column":"id","operator":"lte","value":6}],"sort_by":"id.desc","limit":2,"columns":"id")",
          'u'),
      "5;6");
  EXPECT_EQ(
      run(R"("set":{"value":{"a":1}},"conditions":[{"column":"id","value":3}],"columns":"value->>a")", 'u'),
      "1");
  EXPECT_EQ(run(R"("resource_id":"3","columns":"id")", 'd'), "3");
  EXPECT_EQ(run(R"("resource_id":"3","columns":"id")", 'd'), "");
  EXPECT_EQ(
      run(R"("conditions":[{"column":"key","value":"u"}],"sort_by":"id","offset":1,"columns":"id")", 'd'),
      "6");
}

TEST_F(Run, WithoutRowid) {
  Database database(
      "CREATE TABLE p (a INT, b INT, c INT, PRIMARY KEY (a, b)) WITHOUT ROWID; INSERT INTO p VALUES "
      "(1,1,1),(1,2,2),(2,1,3)");
  auto table = std::make_shared<sql::Table>();
  sql::testing::set_name(*table, "main", "p");
  for (const auto* name : {"a", "b", "c"})
    table->columns.push_back(sql::testing::column(name, declared("INT"), true));
  table->primary_key = {0, 1};
  table->unique_keys = {{0, 1}};
  table->without_rowid = true;
  std::pmr::monotonic_buffer_resource memory;
  const contract::GatewaySettings settings;
  auto body = query::parse_body(
      R"({"table_name":"p","conditions":[{"column":"c","operator":"gte","value":1}],"sort_by":"c.desc","limit":2,"columns":"a,b"})",
      memory);
  auto request = query::parse_delete(**body, query::ParseContext{memory, settings, 100});
  ASSERT_TRUE(request);
  auto plan = sql::compile(query::Request(std::move(*request)), {dialect_, table, memory, settings});
  ASSERT_TRUE(plan);
  EXPECT_EQ(database.run(*plan), "1,2;2,1");
}

TEST(RunRandom, TreesMeanWhatTheySay) {
  Database database("CREATE TABLE t (id INTEGER PRIMARY KEY, a INT, b INT, c INT)");
  auto table = std::make_shared<sql::Table>();
  sql::testing::set_name(*table, "main", "t");
  for (const auto* name : {"id", "a", "b", "c"})
    table->columns.push_back(sql::testing::column(name, declared("INT")));
  RandomConditions random(20260301);
  std::vector<RandomConditions::Row> rows;
  for (int i = 0; i < 60; ++i) {
    rows.push_back(random.row());
    std::string values = std::to_string(i);
    for (const auto& cell : rows.back()) values += "," + (cell ? std::to_string(*cell) : "NULL");
    database.execute(("INSERT INTO t VALUES (" + values + ")").c_str());
  }
  const SqliteDialect dialect;
  const contract::GatewaySettings settings;
  for (int round = 0; round < 1000; ++round) {
    std::pmr::monotonic_buffer_resource memory;
    query::Select select{{},
                         query::List<query::Projection>(&memory),
                         query::List<query::Predicate>(&memory),
                         query::List<query::SortTerm>(&memory),
                         {}};
    auto& id = select.columns.emplace_back();
    id.column.name = "id";
    select.sort.emplace_back().column.name = "id";
    for (int i = 1 + random.pick(3); i > 0; --i) select.conditions.push_back(random.tree(3));
    std::string expected;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      bool all = true;
      for (const auto& condition : select.conditions)
        all = all && RandomConditions::holds(condition, rows[i]) == true;
      if (all) expected += (expected.empty() ? "" : ";") + std::to_string(i);
    }
    auto plan = sql::compile(query::Request(std::move(select)), {dialect, table, memory, settings});
    ASSERT_TRUE(plan) << plan.error().text();
    ASSERT_EQ(database.run(*plan), expected) << plan->statements[0].text;
  }
}

}  // namespace
}  // namespace athena::sqlite

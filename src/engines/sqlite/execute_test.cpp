#include <gtest/gtest.h>

#include "engines/sqlite/test_support.h"

namespace athena::sqlite::testing {
namespace {

using Operation = Fixture::Operation;

constexpr const char* kSchema = R"sql(
  CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT UNIQUE, age INTEGER CHECK (age >= 0),
                      vip BOOLEAN NOT NULL DEFAULT 0, settings JSON);
  CREATE TABLE posts (id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users (id), body TEXT);
  CREATE TABLE seats (row_no INTEGER NOT NULL, seat TEXT NOT NULL, taken_by TEXT, PRIMARY KEY (row_no, seat)) WITHOUT ROWID;
  INSERT INTO users VALUES (1, 'Ada', 'ada@example.com', 36, 1, '{"theme": "dark"}'), (2, 'Bob', NULL, 17, 0, 'not json'),
                           (3, 'Élan', 'elan@example.com', NULL, 0, NULL);
)sql";

class Execute : public ::testing::Test {
 protected:
  Execute() : outside_(folder_.file("a.db")) {
    outside_.run(std::string("PRAGMA journal_mode = WAL;") + kSchema);
    fixture_.emplace(Fixture::options(folder_.file("a.db")), 2);
    fixture_->wait_ready();
  }
  Folder folder_;
  Outside outside_;
  std::optional<Fixture> fixture_;
};

TEST_F(Execute, FetchByKey) {
  const auto reply =
      fixture_->fetch(R"({"table_name":"users","conditions":[{"operator":"eq","column":"id","value":1}]})");
  EXPECT_EQ(reply.text(), R"([1,"Ada","ada@example.com",36,true,{"theme": "dark"}])");
}

TEST_F(Execute, JsonColumnsAreEmbeddedOnlyWhenValid) {
  const auto reply = fixture_->fetch(R"({"table_name":"users","columns":["settings"]})");
  EXPECT_EQ(reply.text(), R"([{"theme": "dark"}]["not json"][null])");
}

TEST_F(Execute, LikeAndIlike) {
  const auto ids = [this](const std::string& op, const std::string& pattern) {
    return fixture_
        ->fetch(R"({"table_name":"users","columns":["id"],"conditions":[{"operator":")" + op +
                R"(","column":"name","value":")" + pattern + R"("}]})")
        .text();
  };
  EXPECT_EQ(ids("like", "A%"), "[1]");
  EXPECT_EQ(ids("like", "a%"), "");
  EXPECT_EQ(ids("ilike", "a%"), "[1]");
  EXPECT_EQ(ids("ilike", "é%"), "[3]");
  EXPECT_EQ(ids("like", "_ob"), "[2]");
  EXPECT_EQ(outside_.values("SELECT count(*) FROM users WHERE name LIKE 'a%'"),
            "1");  // SQLite's own LIKE is as it was
}

TEST_F(Execute, InsertUpdateDelete) {
  auto reply = fixture_->insert(
      R"({"table_name":"users","insert_body":{"name":"Cid","age":20,"vip":true,"settings":{"a":[1,2]}}})");
  EXPECT_EQ(reply.text(), R"([4,"Cid",null,20,true,{"a":[1,2]}])");
  EXPECT_EQ(reply.result->rows_affected, 1);
  reply =
      fixture_
          ->send(
              Operation::update,
              R"({"table_name":"users","set":{"age":21},"conditions":[{"operator":"eq","column":"id","value":4}]})")
          .get();
  EXPECT_EQ(reply.result.value().rows_affected, 1);
  EXPECT_EQ(outside_.values("SELECT age FROM users WHERE id = 4"), "21");
  reply = fixture_
              ->send(Operation::remove,
                     R"({"table_name":"users","conditions":[{"operator":"eq","column":"id","value":4}]})")
              .get();
  EXPECT_EQ(reply.result.value().rows_affected, 1);
  EXPECT_EQ(outside_.values("SELECT count(*) FROM users"), "3");
}

TEST_F(Execute, ViolationsHaveTheirCodesAndNames) {
  auto reply =
      fixture_->insert(R"({"table_name":"users","insert_body":{"name":"X","email":"ada@example.com"}})");
  EXPECT_EQ(reply.code(), "unique_violation");
  EXPECT_EQ(reply.text(), R"(duplicate key value violates unique constraint "users_email_key")");
  EXPECT_EQ(reply.detail("constraint"), R"("users_email_key")");
  EXPECT_EQ(reply.detail("table"), R"("users")");
  EXPECT_EQ(reply.detail("column"), R"("email")");
  EXPECT_EQ(reply.detail("sqlite_code"), R"("SQLITE_CONSTRAINT_UNIQUE")");
  reply = fixture_->insert(R"({"table_name":"users","insert_body":{"id":1,"name":"X"}})");
  EXPECT_EQ(reply.text(), R"(duplicate key value violates unique constraint "users_pkey")");
  reply = fixture_->insert(
      R"({"table_name":"seats","insert_body":[{"row_no":1,"seat":"A"},{"row_no":1,"seat":"A"}]})");
  EXPECT_EQ(reply.text(), R"(duplicate key value violates unique constraint "seats_pkey")");
  EXPECT_EQ(outside_.values("SELECT count(*) FROM seats"), "0");
  reply = fixture_->insert(R"({"table_name":"posts","insert_body":{"user_id":99}})");
  EXPECT_EQ(reply.code(), "foreign_key_violation");
  reply = fixture_->insert(R"({"table_name":"users","insert_body":{"name":null}})");
  EXPECT_EQ(reply.code(), "not_null_violation");
  EXPECT_EQ(reply.detail("column"), R"("name")");
  reply = fixture_->insert(R"({"table_name":"users","insert_body":{"name":"X","age":-1}})");
  EXPECT_EQ(reply.code(), "check_constraint_violation");
}

TEST_F(Execute, UnknownNamesAreRefusedWithSuggestions) {
  auto reply = fixture_->fetch(R"({"table_name":"usres"})");
  EXPECT_EQ(reply.code(), "undefined_table");
  EXPECT_EQ(reply.text(), R"(Table "usres" does not exist.)");
  EXPECT_EQ(reply.detail("suggestions"), R"(["users"])");
  EXPECT_EQ(reply.result.error().hint(), R"(Did you mean "users"?)");
  reply = fixture_->fetch(R"({"table_name":"users","columns":["nmae"]})");
  EXPECT_EQ(reply.code(), "undefined_column");
  reply = fixture_->fetch(R"({"table_name":"sqlite_schema"})");
  EXPECT_EQ(reply.code(), "undefined_table");
}

TEST_F(Execute, OnlySchemaMain) {
  EXPECT_EQ(
      fixture_
          ->fetch(
              R"({"table_name":"main.users","columns":["name"],"conditions":[{"operator":"eq","column":"id","value":1}]})")
          .text(),
      R"(["Ada"])");
  const auto reply = fixture_->fetch(R"({"table_name":"other.users"})");
  EXPECT_EQ(reply.code(), "capability_not_supported");
  EXPECT_EQ(reply.detail("requires"), R"("schema_name")");
}

TEST_F(Execute, SchemaChangesOfOtherProcessesAreSeen) {
  EXPECT_EQ(fixture_->fetch(R"({"table_name":"users","limit":1})").text(),
            R"([1,"Ada","ada@example.com",36,true,{"theme": "dark"}])");
  outside_.run("ALTER TABLE users ADD COLUMN city TEXT DEFAULT 'Ghent'");
  EXPECT_EQ(fixture_->fetch(R"({"table_name":"users","limit":1})").text(),
            R"([1,"Ada","ada@example.com",36,true,{"theme": "dark"},"Ghent"])");
  outside_.run("ALTER TABLE users RENAME COLUMN city TO town");
  EXPECT_EQ(fixture_->fetch(R"({"table_name":"users","columns":["town"],"limit":1})").text(), R"(["Ghent"])");
  EXPECT_EQ(fixture_->fetch(R"({"table_name":"users","columns":["city"],"limit":1})").code(),
            "undefined_column");
  // A write that was compiled for the old columns.
  outside_.run("ALTER TABLE users DROP COLUMN settings");
  EXPECT_EQ(fixture_->insert(R"({"table_name":"users","insert_body":{"name":"Dora"}})").text(),
            R"([4,"Dora",null,null,false,"Ghent"])");
  outside_.run("DROP TABLE posts");
  EXPECT_EQ(fixture_->fetch(R"({"table_name":"posts"})").code(), "undefined_table");
  outside_.run("CREATE TABLE posts (other TEXT)");
  EXPECT_EQ(fixture_->insert(R"({"table_name":"posts","insert_body":{"other":"x"}})", 1).text(), R"(["x"])");
  EXPECT_EQ(fixture_->fetch(R"({"table_name":"posts"})").text(), R"(["x"])");
}

TEST_F(Execute, DataChangesOfOtherProcessesAreSeen) {
  const std::string body =
      R"({"table_name":"users","columns":["name"],"conditions":[{"operator":"eq","column":"id","value":2}]})";
  EXPECT_EQ(fixture_->fetch(body).text(), R"(["Bob"])");
  outside_.run("UPDATE users SET name = 'Bobby' WHERE id = 2");
  EXPECT_EQ(fixture_->fetch(body).text(), R"(["Bobby"])");
}

TEST_F(Execute, UpsertAndBulkInsert) {
  auto reply = fixture_->insert(
      R"({"table_name":"users","insert_body":{"email":"ada@example.com","name":"Ada L."},"on_conflict":["email"],"update_body":{"name":"Ada L."}})");
  EXPECT_EQ(reply.code(), "") << reply.text();
  EXPECT_EQ(outside_.values("SELECT name FROM users WHERE id = 1"), "Ada L.");
  std::string rows;
  for (int i = 0; i < 5000; ++i) {
    rows += (i == 0 ? "" : ",") + std::string(R"({"row_no":)") + std::to_string(i) +
            (i % 2 == 0 ? R"(,"seat":"A"})" : R"(,"seat":"B","taken_by":"x"})");
  }
  reply = fixture_->insert(R"({"table_name":"seats","insert_body":[)" + rows + "]}");
  ASSERT_TRUE(reply.result) << reply.text();
  EXPECT_EQ(reply.result->rows_affected, 5000);
  ASSERT_EQ(reply.rows->rows.size(), 5000U);
  EXPECT_EQ(reply.rows->rows[0], R"([0,"A",null])");
  EXPECT_EQ(reply.rows->rows[4999], R"([4999,"B","x"])");
  for (int i = 0; i < 5000; ++i)
    ASSERT_TRUE(reply.rows->rows[static_cast<std::size_t>(i)].starts_with("[" + std::to_string(i) + ","));
}

TEST_F(Execute, ManyCallersAtOnceOnTwoShards) {
  std::vector<std::future<Fixture::Reply>> pending;
  for (int i = 0; i < 300; ++i) {
    const unsigned shard = static_cast<unsigned>(i) % 2;
    if (i % 3 == 0) {
      pending.push_back(fixture_->send(
          Operation::insert, R"({"table_name":"posts","insert_body":{"user_id":1,"body":"p"}})", shard));
    } else {
      pending.push_back(
          fixture_->send(Operation::fetch, R"({"table_name":"users","sort":[{"column":"id"}]})", shard));
    }
  }
  for (auto& reply : pending) EXPECT_EQ(reply.get().code(), "");
  EXPECT_EQ(outside_.values("SELECT count(*) FROM posts"), "100");
}

}  // namespace
}  // namespace athena::sqlite::testing

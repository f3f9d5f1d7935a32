#include "engines/sqlite/constraints.h"

#include <gtest/gtest.h>

#include "engines/sqlite/create_table.h"
#include "engines/sqlite/test_support.h"

namespace athena::sqlite::testing {
namespace {

std::string line(const engines::ConstraintInfo& info) {
  std::string text = info.constraint_type + " " + info.constraint_name + " [";
  for (const auto& column : info.columns) text += column + " ";
  text += "] " + info.definition;
  if (info.reference) {
    text += " -> " + info.reference->schema + "." + info.reference->table + "(";
    for (const auto& column : info.reference->columns) text += column + " ";
    text += ") " + info.reference->on_delete + "/" + info.reference->on_update;
  }
  return text + "\n";
}

class Constraints : public ::testing::Test {
 protected:
  Constraints() : outside_(folder_.file("a.db")) {
    outside_.run(R"sql(
      CREATE TABLE users (
        id INTEGER PRIMARY KEY, -- CHECK (in a comment)
        email TEXT NOT NULL UNIQUE COLLATE NOCASE,
        age INTEGER DEFAULT (1 + 2) CHECK (age >= 0) CONSTRAINT not_old CHECK (age < 150),
        "odd ""name" TEXT DEFAULT 'CHECK (x)' CHECK ("odd ""name" <> ')'),
        twice INTEGER GENERATED ALWAYS AS (id * 2) VIRTUAL,
        CONSTRAINT both UNIQUE (age, email)
        UNIQUE ("odd ""name", age)
        CHECK (length(email) > 3) CHECK (age <> 7),
        CONSTRAINT late CHECK (email LIKE '%@%')
      );
      CREATE UNIQUE INDEX users_lower ON users (lower(email));
      CREATE TABLE posts (
        user_id INTEGER NOT NULL REFERENCES users ON DELETE CASCADE ON UPDATE SET NULL,
        number INTEGER,
        reply_user INTEGER, reply_number INTEGER,
        other INTEGER CONSTRAINT to_other REFERENCES nowhere (x),
        CONSTRAINT posts_key PRIMARY KEY (user_id, number),
        FOREIGN KEY (reply_user, reply_number) REFERENCES posts (user_id, number) DEFERRABLE INITIALLY DEFERRED
      ) WITHOUT ROWID;
      CREATE TABLE plain (a, b);
      CREATE VIEW seen AS SELECT id FROM users;
      CREATE VIRTUAL TABLE words USING fts5 (w);
      ALTER TABLE plain ADD COLUMN c INTEGER CHECK (c > 0) REFERENCES users (id);
    )sql");
    auto opened = Connection::open(Fixture::options(folder_.file("a.db")), Connection::Role::reader);
    EXPECT_TRUE(opened.has_value());
    connection_ = std::move(*opened);
  }
  std::string all(std::string_view table) {
    auto constraints = list_constraints(*connection_, table);
    if (!constraints) return std::string(contract::info(constraints.error().code()).name);
    std::string text;
    for (const auto& info : *constraints) text += line(info);
    return text;
  }

  Folder folder_;
  Outside outside_;
  std::unique_ptr<Connection> connection_;
};

TEST_F(Constraints, OfATable) {
  EXPECT_EQ(all("USERS"),
            "CHECK late [] CHECK (email LIKE '%@%')\n"
            "CHECK not_old [age ] CHECK (age < 150)\n"
            "CHECK users_age_check [age ] CHECK (age >= 0)\n"
            "CHECK users_check [] CHECK (length(email) > 3)\n"
            "CHECK users_check1 [] CHECK (age <> 7)\n"
            "CHECK users_odd \"name_check [odd \"name ] CHECK (\"odd \"\"name\" <> ')')\n"
            "PRIMARY KEY users_pkey [id ] PRIMARY KEY (id)\n"
            "UNIQUE both [age email ] UNIQUE (age, email)\n"
            "UNIQUE users_email_key [email ] UNIQUE (email)\n"
            "UNIQUE users_odd \"name_age_key [odd \"name age ] UNIQUE (\"odd \"\"name\", age)\n");
}

TEST_F(Constraints, ForeignKeys) {
  EXPECT_EQ(
      all("posts"),
      "FOREIGN KEY posts_reply_user_reply_number_fkey [reply_user reply_number ] FOREIGN KEY (reply_user, "
      "reply_number) REFERENCES posts(user_id, number) -> main.posts(user_id number ) NO ACTION/NO ACTION\n"
      "FOREIGN KEY posts_user_id_fkey [user_id ] FOREIGN KEY (user_id) REFERENCES users(id) ON UPDATE SET "
      "NULL "
      "ON DELETE CASCADE -> main.users(id ) CASCADE/SET NULL\n"
      "FOREIGN KEY to_other [other ] FOREIGN KEY (other) REFERENCES nowhere(x) -> main.nowhere(x ) NO "
      "ACTION/NO ACTION\n"
      "PRIMARY KEY posts_key [user_id number ] PRIMARY KEY (user_id, number)\n");
  EXPECT_EQ(
      all("plain"),
      "CHECK plain_c_check [c ] CHECK (c > 0)\n"
      "FOREIGN KEY plain_c_fkey [c ] FOREIGN KEY (c) REFERENCES users(id) -> main.users(id ) NO ACTION/NO "
      "ACTION\n");
}

TEST_F(Constraints, NoneAndUnknown) {
  EXPECT_EQ(all("seen"), "");
  EXPECT_EQ(all("words"), "");
  EXPECT_EQ(all("usres"), "undefined_table");
  EXPECT_EQ(all(""), "undefined_table");
  EXPECT_EQ(all("words_data"), "undefined_table");
}

TEST_F(Constraints, DescribeIsAllOfThem) {
  auto tables = describe_tables(*connection_, 100);
  ASSERT_TRUE(tables.has_value());
  std::string text;
  for (const auto& entry : *tables) {
    text += entry.table.table_name + ":" + std::to_string(entry.columns.size()) + ":" +
            std::to_string(entry.constraints.size()) + " ";
  }
  EXPECT_EQ(text, "plain:3:2 posts:5:4 seen:1:0 users:5:10 words:1:0 ");
  EXPECT_EQ(describe_tables(*connection_, 2)->size(), 3U);
}

TEST(WrittenConstraints, TextThatIsNoTable) {
  for (const char* sql : {"", "CREATE", "CREATE TABLE", "CREATE TABLE t", "CREATE TABLE t (",
                          "CREATE VIEW v AS SELECT (1)", "CREATE VIRTUAL TABLE v USING x (CHECK (1))",
                          "CREATE TABLE t AS SELECT (1)", "(((", "CREATE TABLE t (,,,)", "CREATE TABLE t (a",
                          "CREATE TABLE t (a,", "CREATE TABLE t (a CHECK", "CREATE TABLE t (a CHECK ("}) {
    const auto found = written_constraints(sql);
    EXPECT_LE(found.size(), 1U) << sql;
  }
  EXPECT_EQ(written_constraints("CREATE TABLE IF NOT EXISTS main.[t (] (a CHECK (a IN (1, (2)))) STRICT")
                .at(0)
                .check,
            "(a IN (1, (2)))");
}

TEST(SchemaRoutes, ThroughTheBackend) {
  Folder folder;
  Outside outside(folder.file("a.db"));
  outside.run("CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE b (a_id REFERENCES a (id))");
  Fixture fixture(Fixture::options(folder.file("a.db")));
  fixture.wait_ready();
  const auto constraints = [&](std::string schema, std::string table) {
    return fixture
        .start<contract::Result<std::vector<engines::ConstraintInfo>>>(
            0, [&fixture, schema,
                table] { return fixture.backend().constraints(schema, table, base::Deadline::in(5s)); })
        .get();
  };
  EXPECT_EQ(constraints("", "b").value().size(), 1U);
  EXPECT_EQ(constraints("MAIN", "a").value().size(), 1U);
  EXPECT_EQ(constraints("other", "a").error().code(), contract::ErrorCode::capability_not_supported);
  EXPECT_EQ(constraints("", "c").error().code(), contract::ErrorCode::undefined_table);
  outside.run("ALTER TABLE a ADD COLUMN n CHECK (n > 0)");
  EXPECT_EQ(constraints("", "a").value().size(), 2U);  // every call looks at the file
  const auto described =
      fixture
          .start<contract::Result<std::vector<engines::TableDescription>>>(
              0, [&fixture] { return fixture.backend().describe("", 10, base::Deadline::in(5s)); })
          .get();
  EXPECT_EQ(described.value().size(), 2U);
  const auto migrations =
      fixture
          .start<contract::Result<std::optional<std::vector<engines::MigrationInfo>>>>(
              0, [&fixture] { return fixture.backend().migrations(10, base::Deadline::in(5s)); })
          .get();
  EXPECT_FALSE(migrations.value().has_value());
}

}  // namespace
}  // namespace athena::sqlite::testing

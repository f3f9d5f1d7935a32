#include "services/auth/rights.h"

#include <gtest/gtest.h>

#include <random>

namespace athena::auth {
namespace {

bool covers(std::vector<std::string> granted, const RequiredRight& required) {
  return Rights(std::move(granted)).cover(required);
}

const RequiredRight kUsersRead = RequiredRight::table("", "users", Verb::read);
const RequiredRight kUsersWrite = RequiredRight::table("", "users", Verb::write);
const RequiredRight kPrivateUsersRead = RequiredRight::table("private", "users", Verb::read);
const RequiredRight kQuery = RequiredRight::fixed("gateway.query");
const RequiredRight kSchemaRead = RequiredRight::fixed("schema.read");
const RequiredRight kManagementRead = RequiredRight::fixed("management.read");

TEST(RightsTest, TheTableOfTheContract) {
  struct Row {
    std::string granted;
    bool users_read, users_write, private_users_read, query, schema_read, management_read;
  };
  for (const auto& row : {Row{"users.read", true, false, false, false, false, false},
                          Row{"users.*", true, true, false, false, false, false},
                          Row{"*.read", true, false, false, false, false, false},
                          Row{"private.*.read", false, false, true, false, false, false},
                          Row{"gateway.read", true, false, true, false, true, false},
                          Row{"gateway.*", true, true, true, true, true, false},
                          Row{"management.*", false, false, false, false, false, true},
                          Row{"*", true, true, true, true, true, true}}) {
    EXPECT_EQ(covers({row.granted}, kUsersRead), row.users_read) << row.granted;
    EXPECT_EQ(covers({row.granted}, kUsersWrite), row.users_write) << row.granted;
    EXPECT_EQ(covers({row.granted}, kPrivateUsersRead), row.private_users_read) << row.granted;
    EXPECT_EQ(covers({row.granted}, kQuery), row.query) << row.granted;
    EXPECT_EQ(covers({row.granted}, kSchemaRead), row.schema_read) << row.granted;
    EXPECT_EQ(covers({row.granted}, kManagementRead), row.management_read) << row.granted;
  }
}

TEST(RightsTest, NothingGrantedCoversNothing) {
  for (const auto& required : {kUsersRead, kPrivateUsersRead, kQuery, kSchemaRead, kManagementRead})
    EXPECT_FALSE(covers({}, required));
}

TEST(RightsTest, RightsAreComparedWithCase) {
  EXPECT_FALSE(covers({"Users.read"}, kUsersRead));
  EXPECT_FALSE(covers({"users.Read"}, kUsersRead));
  EXPECT_TRUE(covers({"Users.read"}, RequiredRight::table("", "Users", Verb::read)));
}

TEST(RightsTest, WildcardsOfOneLengthCoverThatLengthOnly) {
  EXPECT_TRUE(covers({"*.*"}, kUsersRead));
  EXPECT_FALSE(covers({"*.*"}, kPrivateUsersRead));
  EXPECT_TRUE(covers({"*.*.*"}, kPrivateUsersRead));
  EXPECT_FALSE(covers({"*.*.*"}, kUsersRead));
  EXPECT_FALSE(covers({"*.*.*"}, kQuery));
  EXPECT_FALSE(covers({"*.*"}, kQuery));
  EXPECT_FALSE(covers({"private.*"}, kPrivateUsersRead));
  EXPECT_TRUE(covers({"private.users.*"}, kPrivateUsersRead));
  EXPECT_TRUE(covers({"management.tables.*"}, RequiredRight::fixed("management.tables.write")));
  EXPECT_TRUE(covers({"management.*"}, RequiredRight::fixed("management.tables.write")));
  EXPECT_FALSE(covers({"management.tab*"}, RequiredRight::fixed("management.tables.write")));
  EXPECT_FALSE(covers({"management.*"}, RequiredRight::fixed("management")));
}

TEST(RightsTest, GatewayNeverCoversManagementOrCdc) {
  for (const auto* fixed : {"management.read", "management.tables.drop", "cdc.read", "cdc.publish"}) {
    EXPECT_FALSE(covers({"gateway.*", "*.read", "*.write", "*.delete", "*.*", "*.*.*", "schema.read"},
                        RequiredRight::fixed(fixed)))
        << fixed;
  }
}

TEST(RightsTest, NamesThatNoRightCanSpellNeedTheGatewaysVerb) {
  for (const auto* table : {"my table", "a.b", "1st", "tab*", "*", "caf\xc3\xa9", "x-y", "gateway", "schema",
                            "management", "admin", "storage", "cdc"}) {
    const auto read = RequiredRight::table("", table, Verb::read);
    EXPECT_EQ(read.text(), "gateway.read") << table;
    EXPECT_TRUE(covers({"gateway.read"}, read)) << table;
    if (std::string_view(table) != "*" && std::string_view(table) != "gateway")
      EXPECT_FALSE(covers({std::string(table) + ".read"}, read)) << table;
    EXPECT_FALSE(covers({"users.read"}, read)) << table;
    EXPECT_FALSE(covers({"gateway.write"}, read)) << table;
  }
  EXPECT_EQ(RequiredRight::table("management", "tables", Verb::write).text(), "gateway.write");
  EXPECT_FALSE(covers({"management.*"}, RequiredRight::table("management", "tables", Verb::write)));
  EXPECT_FALSE(covers({"*.read"}, RequiredRight::table("private", "my table", Verb::read)));
  EXPECT_FALSE(covers({"private.*.read"}, RequiredRight::table("private", "my table", Verb::read)));
  EXPECT_TRUE(covers({"*.read"}, RequiredRight::table("", "my table", Verb::read)));
}

TEST(RightsTest, TextsOfRights) {
  EXPECT_EQ(kPrivateUsersRead.text(), "private.users.read");
  EXPECT_EQ(kUsersWrite.text(), "users.write");
  EXPECT_EQ(RequiredRight::table("", "users", Verb::remove).text(), "users.delete");
  EXPECT_EQ(kQuery.text(), "gateway.query");
}

TEST(RightsTest, GrantedRightsAreSortedAndMerged) {
  EXPECT_EQ(Rights({"b", "a", "b"}).granted(), (std::vector<std::string>{"a", "b"}));
}

TEST(RightsTest, NamesOfRights) {
  for (const auto* good : {"*", "users.read", "*.read", "a.b.c.d.e.f.g.h", "gateway.*", "A-1_$.read"})
    EXPECT_TRUE(is_right_name(good)) << good;
  for (const auto* bad : {"", ".", "a.", ".a", "a..b", "a b.read", "a.b.c.d.e.f.g.h.i", "caf\xc3\xa9.read"})
    EXPECT_FALSE(is_right_name(bad)) << bad;
  EXPECT_TRUE(is_right_name(std::string(200, 'a')));
  EXPECT_FALSE(is_right_name(std::string(201, 'a')));
}

/// Random rights and requirements from few words, so that they meet often.
class RandomRights {
 public:
  std::string right() {
    static const std::vector<std::string> words{"users",  "orders", "private", "*",      "gateway",
                                                "schema", "read",   "write",   "delete", "management"};
    std::string text = words[random_() % words.size()];
    for (auto more = random_() % 3; more > 0; --more) text += "." + words[random_() % words.size()];
    return text;
  }
  std::vector<std::string> rights() {
    std::vector<std::string> result;
    for (auto count = random_() % 4; count > 0; --count) result.push_back(right());
    return result;
  }
  RequiredRight required() {
    static const std::vector<std::string> tables{"users", "orders", "read", "my table", "gateway", "schema"};
    static const std::vector<std::string> schemas{"", "private", "users", "management", "my schema"};
    static const std::vector<std::string> fixed{"gateway.query", "schema.read", "management.tables.write",
                                                "gateway.rpc.execute"};
    if (random_() % 4 == 0) return RequiredRight::fixed(fixed[random_() % fixed.size()]);
    return RequiredRight::table(schemas[random_() % schemas.size()], tables[random_() % tables.size()],
                                static_cast<Verb>(random_() % 3));
  }

 private:
  std::mt19937 random_{20260301};
};

TEST(RightsPropertyTest, AddingAGrantNeverTakesAccessAway) {
  RandomRights random;
  for (int i = 0; i < 100000; ++i) {
    auto granted = random.rights();
    const auto required = random.required();
    const bool before = covers(granted, required);
    granted.push_back(random.right());
    if (before) ASSERT_TRUE(covers(granted, required)) << required.text() << " with " << granted.back();
  }
}

TEST(RightsPropertyTest, OneGrantIsEnough) {
  RandomRights random;
  for (int i = 0; i < 50000; ++i) {
    const auto granted = random.rights();
    const auto required = random.required();
    const bool any = std::any_of(granted.begin(), granted.end(),
                                 [&](const auto& right) { return covers({right}, required); });
    ASSERT_EQ(covers(granted, required), any) << required.text();
  }
}

TEST(RightsPropertyTest, AWildcardNeverCoversATableWithMoreParts) {
  RandomRights random;
  for (int i = 0; i < 50000; ++i) {
    const auto granted = random.right();
    const auto required = random.required();
    if (!required.of_table() || granted == "*" || granted.starts_with("gateway.")) continue;
    const auto parts = [](std::string_view text) { return std::count(text.begin(), text.end(), '.'); };
    if (parts(granted) != parts(required.text()))
      ASSERT_FALSE(covers({granted}, required)) << granted << " for " << required.text();
  }
}

}  // namespace
}  // namespace athena::auth

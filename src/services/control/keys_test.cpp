#include "services/control/keys.h"

#include <gmock/gmock.h>

#include "base/unix_time.h"
#include "services/control/audit.h"
#include "services/control/enforcement.h"
#include "services/control/key_loader.h"
#include "services/control/migrations.h"
#include "services/control/rights.h"
#include "services/control/store_fixture.h"
#include "services/control/texts.h"

namespace athena::control {
namespace {

using contract::ErrorCode;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class KeysTest : public testing::StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    if (IsSkipped()) return;
    session = open();
    const auto migrated = migrate(*session, {Groups{}, true, "test"});
    ASSERT_TRUE(migrated.has_value()) << migrated.error().message;
  }

  static KeyFields named(const std::string& name, std::vector<std::string> rights = {}) {
    KeyFields fields;
    fields.name = name;
    if (!rights.empty()) fields.rights = std::move(rights);
    EXPECT_TRUE(check(fields, true).has_value());
    return fields;
  }
  CreatedKey create(const KeyFields& fields) {
    auto created = create_key(*session, fields, 1000, actor);
    return std::move(created.value().value());
  }
  std::int64_t count(const std::string& table) {
    return as_integer(session->execute("SELECT count(*) FROM " + table).value().rows[0][0]);
  }

  std::unique_ptr<Session> session;
  Actor actor{Actor::Kind::admin_key, "alice", "request-1", "10.0.0.7", "curl/8", new_uuid()};
};
ATHENA_BOTH_HOMES(KeysTest);

TEST_P(KeysTest, TheSecretIsInNoTable) {
  const auto created = create(named("reporting", {"gateway.query", "schema.read"}));
  EXPECT_EQ(created.text.substr(0, 4), "ath_");
  EXPECT_EQ(created.text.size(), 4 + 16 + 1 + 64);
  const auto secret = created.text.substr(21);
  const auto row = session->execute("SELECT public_id, key_salt, key_hash FROM api_keys").value().rows.at(0);
  EXPECT_EQ(as_text(row[0]), created.text.substr(4, 16));
  EXPECT_EQ(as_text(row[2]), key_hash(as_text(row[1]), secret));
  for (const auto* table : {"api_keys", "admin_audit_log"}) {
    const auto rows = session->execute("SELECT * FROM " + std::string(table)).value().rows;
    ASSERT_FALSE(rows.empty());
    for (const auto& cells : rows) {
      for (const auto& cell : cells) {
        if (const auto* text = std::get_if<std::string>(&cell))
          EXPECT_EQ(text->find(secret), std::string::npos);
      }
    }
  }
  EXPECT_THAT(created.record.rights, ElementsAre("gateway.query", "schema.read"));
}

TEST_P(KeysTest, FindGivesWhatCreateGave) {
  auto fields = named("k");
  fields.description = std::optional<std::string>("for reports");
  fields.client_name = std::optional<std::string>(" App ");
  fields.expires_at_ms = std::optional<std::int64_t>(base::unix_ms() + 60000);
  ASSERT_TRUE(check(fields, true).has_value());
  const auto record = create(fields).record;
  const auto found = find_key(*session, record.id).value().value();
  EXPECT_EQ(found.client_name, "App");
  EXPECT_EQ(found.description, "for reports");
  EXPECT_EQ(found.expires_at, record.expires_at);
  EXPECT_EQ(found.created_at, record.created_at);
  EXPECT_TRUE(found.is_active);
  EXPECT_EQ(found.last_used_at, std::nullopt);
}

TEST_P(KeysTest, UnknownRightsAreNamedAndNothingIsWritten) {
  const auto refused =
      create_key(*session, named("k", {"gateway.query", "no.such", "nor.this"}), 1000, actor);
  ASSERT_TRUE(refused.has_value());
  ASSERT_FALSE(refused->has_value());
  const auto error = refused->error();
  EXPECT_EQ(error.code(), ErrorCode::unknown_right);
  EXPECT_EQ(error.details().at(0).json, R"(["no.such","nor.this"])");
  EXPECT_EQ(count("api_keys"), 0);
  EXPECT_EQ(count("admin_audit_log"), 0);
}

TEST_P(KeysTest, AreLimited) {
  create(named("one"));
  EXPECT_EQ(create_key(*session, named("two"), 1, actor).value().error().code(), ErrorCode::limit_reached);
}

TEST_P(KeysTest, UpdateKeepsWhatIsAbsentAndClearsNull) {
  auto fields = named("k", {"schema.read"});
  fields.client_name = std::optional<std::string>("app");
  const auto before = create(fields).record;
  KeyFields change;
  change.client_name = std::optional<std::string>();
  const auto after = update_key(*session, before.id, change, actor).value().value();
  EXPECT_EQ(after.client_name, std::nullopt);
  EXPECT_EQ(after.name, "k");
  EXPECT_THAT(after.rights, ElementsAre("schema.read"));
  KeyFields rights;
  rights.rights = std::vector<std::string>{};
  EXPECT_THAT(update_key(*session, before.id, rights, actor).value().value().rights, IsEmpty());
  EXPECT_THAT(find_key(*session, before.id).value().value().rights, IsEmpty());
}

TEST_P(KeysTest, AnUpdateThatChangesNothingLeavesNoTrace) {
  const auto before = create(named("k")).record;
  const auto audited = count("admin_audit_log");
  KeyFields same;
  same.name = "k";
  same.is_active = true;
  const auto after = update_key(*session, before.id, same, actor).value().value();
  EXPECT_EQ(after.updated_at, before.updated_at);
  EXPECT_EQ(count("admin_audit_log"), audited);
  EXPECT_FALSE(session->in_transaction());
}

TEST_P(KeysTest, ArchivedKeysAreGoneForGood) {
  const auto record = create(named("k")).record;
  EXPECT_EQ(archive_key(*session, record.public_id, actor).value().value().id, record.id);
  EXPECT_EQ(archive_key(*session, record.id, actor).value().error().code(), ErrorCode::not_found);
  EXPECT_EQ(update_key(*session, record.id, named("x"), actor).value().error().code(), ErrorCode::not_found);
  EXPECT_THAT(list_keys(*session, {}).value(), IsEmpty());
  KeyFilter all;
  all.include_archived = true;
  const auto listed = list_keys(*session, all).value();
  ASSERT_EQ(listed.size(), 1U);
  EXPECT_FALSE(listed[0].is_active);
}

TEST_P(KeysTest, AreListedNewestFirstByPageAndFilter) {
  for (const auto* name : {"alpha", "Beta 100%", "gamma"}) create(named(name));
  KeyFilter filter;
  filter.limit = 2;
  auto listed = list_keys(*session, filter).value();
  ASSERT_EQ(listed.size(), 3U);  // one more than asked for
  EXPECT_EQ(listed[0].name, "gamma");
  filter.before_row = listed[1].row_id;
  listed = list_keys(*session, filter).value();
  ASSERT_EQ(listed.size(), 1U);
  EXPECT_EQ(listed[0].name, "alpha");
  KeyFilter named_so;
  named_so.name_part = "BETA 100%";
  EXPECT_EQ(list_keys(*session, named_so).value().size(), 1U);
  named_so.name_part = "%";
  EXPECT_EQ(list_keys(*session, named_so).value().size(), 1U);
}

TEST_P(KeysTest, RightsFollowTheirNameAndLeaveWithIt) {
  RightFields fields;
  fields.name = "orders.read";
  const auto right = create_right(*session, fields, actor).value().value();
  EXPECT_EQ(create_right(*session, fields, actor).value().error().code(), ErrorCode::already_exists);
  const auto key = create(named("k", {"orders.read"})).record;
  fields.name = "invoices.read";
  ASSERT_TRUE(update_right(*session, right.id, fields, actor).value().has_value());
  EXPECT_THAT(find_key(*session, key.id).value().value().rights, ElementsAre("invoices.read"));
  ASSERT_TRUE(delete_right(*session, right.id, actor).value().has_value());
  EXPECT_THAT(find_key(*session, key.id).value().value().rights, IsEmpty());
  EXPECT_EQ(delete_right(*session, right.id, actor).value().error().code(), ErrorCode::not_found);
}

TEST(RightNames, HaveTheirForm) {
  const auto good = [](const std::string& name) {
    RightFields fields;
    fields.name = name;
    return check(fields, true).has_value();
  };
  for (const auto* name : {"*", "a", "a.b", "orders.*", "A-b_$.c", "1.2.3.4.5.6.7.8"})
    EXPECT_TRUE(good(name)) << name;
  for (const auto* name : {"", ".", "a.", ".a", "a..b", "a b", "1.2.3.4.5.6.7.8.9", "ä"})
    EXPECT_FALSE(good(name)) << name;
  EXPECT_TRUE(good(std::string(200, 'a')));
  EXPECT_FALSE(good(std::string(201, 'a')));
}

TEST_P(KeysTest, ChangesAreAudited) {
  const auto record = create(named("k")).record;
  archive_key(*session, record.id, actor).value().value();
  const auto entries = list_audit(*session, {}).value();
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].action, "api_key.archive");
  EXPECT_EQ(entries[1].action, "api_key.create");
  EXPECT_EQ(entries[1].actor, "alice");
  EXPECT_EQ(entries[1].object_id, record.id);
  EXPECT_EQ(entries[1].before, std::nullopt);
  EXPECT_NE(entries[1].after->find(record.public_id), std::string::npos);
  AuditFilter filter;
  filter.action_prefix = "api_key.c";
  EXPECT_EQ(list_audit(*session, filter).value().size(), 1U);
  filter.action_prefix = "api_key_";
  EXPECT_THAT(list_audit(*session, filter).value(), IsEmpty());
}

TEST_P(KeysTest, ARolledBackChangeLeavesNothing) {
  const auto version = [this] {
    return as_integer(session->execute("SELECT version FROM athena_control_version WHERE scope = 'keys'")
                          .value()
                          .rows[0][0]);
  };
  const auto before = version();
  {
    auto change = Change::begin(*session, Scope::keys, actor).value();
    ASSERT_TRUE(change.audit({"api_key.create", "api_key", "x", {}, {}}).has_value());
  }
  EXPECT_EQ(version(), before);
  EXPECT_EQ(count("admin_audit_log"), 0);
}

class KeyLoaderTest : public KeysTest {
 protected:
  std::shared_ptr<const auth::KeyState> state;
  int published = 0;
  KeyLoader loader{true, [this](std::shared_ptr<const auth::KeyState> loaded) {
                     state = std::move(loaded);
                     ++published;
                   }};
};
ATHENA_BOTH_HOMES(KeyLoaderTest);

TEST_P(KeyLoaderTest, LoadsEverythingThenOnlyWhatChanged) {
  const auto first = create(named("one", {"schema.read"})).record;
  ASSERT_TRUE(loader.refresh(*session).has_value());
  ASSERT_TRUE(state);
  EXPECT_TRUE(state->loaded);
  ASSERT_NE(state->keys.find(first.public_id), nullptr);
  EXPECT_TRUE(state->enforcement.everywhere());
  ASSERT_TRUE(loader.refresh(*session).has_value());
  EXPECT_EQ(published, 1);

  const auto second = create(named("two")).record;
  KeyFields change;
  change.is_active = false;
  update_key(*session, first.id, change, actor).value().value();
  ASSERT_TRUE(loader.refresh(*session).has_value());
  EXPECT_EQ(published, 2);
  EXPECT_EQ(state->keys.size(), 2U);
  EXPECT_FALSE(state->keys.find(first.public_id)->is_active());
  ASSERT_NE(state->keys.find(second.public_id), nullptr);

  archive_key(*session, first.id, actor).value().value();
  ASSERT_TRUE(loader.refresh(*session).has_value());
  EXPECT_EQ(state->keys.find(first.public_id), nullptr);
  EXPECT_EQ(state->keys.size(), 1U);
}

TEST_P(KeyLoaderTest, ARemovedRightReachesEveryKeyThatHadIt) {
  RightFields fields;
  fields.name = "orders.read";
  const auto right = create_right(*session, fields, actor).value().value();
  const auto key = create(named("k", {"orders.read", "schema.read"})).record;
  ASSERT_TRUE(loader.refresh(*session).has_value());
  const auto orders = auth::RequiredRight::table({}, "orders", auth::Verb::read);
  const auto schema = auth::RequiredRight::fixed("schema.read");
  const auto covers = [&](const auth::RequiredRight& right) {
    return state->keys.find(key.public_id)->rights().cover(right);
  };
  EXPECT_TRUE(covers(orders));
  delete_right(*session, right.id, actor).value().value();
  ASSERT_TRUE(loader.refresh(*session).has_value());
  EXPECT_FALSE(covers(orders));
  EXPECT_TRUE(covers(schema));
}

TEST_P(KeyLoaderTest, EnforcementFollowsTheOperator) {
  ASSERT_TRUE(loader.refresh(*session).has_value());
  EXPECT_TRUE(state->enforcement.everywhere());
  ATHENA_ASSERT_STORED(set_global_enforcement(*session, false, actor));
  ASSERT_TRUE(set_client_enforcement(*session, "App", true, actor).has_value());
  ASSERT_TRUE(loader.refresh(*session).has_value());
  EXPECT_FALSE(state->enforcement.everywhere());
  EXPECT_TRUE(state->enforcement.for_client(" APP "));
  EXPECT_EQ(set_client_enforcement(*session, "APP", false, actor).value().client_name, "App");
  ASSERT_TRUE(clear_client_enforcement(*session, "aPP", actor).value().has_value());
  EXPECT_EQ(clear_client_enforcement(*session, "app", actor).value().error().code(), ErrorCode::not_found);
  ASSERT_TRUE(loader.refresh(*session).has_value());
  EXPECT_FALSE(state->enforcement.for_client("app"));
}

}  // namespace
}  // namespace athena::control

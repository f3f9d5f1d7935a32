#include "services/control/clients.h"

#include <gmock/gmock.h>

#include "services/control/audit.h"
#include "services/control/client_loader.h"
#include "services/control/client_secrets.h"
#include "services/control/migrations.h"
#include "services/control/store_fixture.h"
#include "services/control/texts.h"

namespace athena::control {
namespace {

using contract::ErrorCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr const char* kUri = "postgres://app:s3cret@db:5432/shop";

class ClientsTest : public testing::StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    if (IsSkipped()) return;
    session = open();
    const auto migrated = migrate(*session, {Groups{}, true, "test"});
    ASSERT_TRUE(migrated.has_value()) << migrated.error().message;
  }

  static ClientFields named(const std::string& name, const std::string& uri = kUri) {
    ClientFields fields;
    fields.client_name = name;
    fields.pg_uri = std::optional<std::string>(uri);
    EXPECT_TRUE(check(fields, true).has_value());
    return fields;
  }
  static contract::Result<void> anything(const ClientRow&) { return {}; }
  ClientRow create(const ClientFields& fields) {
    return create_client(*session, fields, anything, actor).value().value();
  }
  ClientRow update(const std::string& name, const ClientFields& fields) {
    return update_client(*session, name, fields, anything, actor).value().value();
  }
  ClientRow find(const std::string& name) { return find_client(*session, name).value().value(); }
  static ClientRow configured(const std::string& name) {
    ClientRow row;
    row.client_name = name;
    row.pg_uri = kUri;
    row.config_uri_template = masked_uri(kUri);
    row.description = "from the file";
    row.metadata = R"({"limits":{"max_rows":5}})";
    return row;
  }
  SyncReport sync(const std::vector<ClientRow>& rows) {
    return sync_config(*session, rows, {Actor::Kind::bootstrap, {}, {}, {}, {}, {}}).value();
  }
  std::int64_t version() {
    return as_integer(session->execute("SELECT version FROM athena_control_version WHERE scope = 'clients'")
                          .value()
                          .rows[0][0]);
  }
  std::vector<std::string> names(const ClientFilter& filter) {
    std::vector<std::string> result;
    for (const auto& row : list_clients(*session, filter).value()) result.push_back(row.client_name);
    return result;
  }

  std::unique_ptr<Session> session;
  Actor actor{Actor::Kind::admin_key, "alice", "request-1", "10.0.0.7", "curl/8", new_uuid()};
};
ATHENA_BOTH_HOMES(ClientsTest);

TEST_P(ClientsTest, FindGivesWhatCreateGaveInAnyCase) {
  auto fields = named(" Shop ");
  fields.engine = "neon";
  fields.description = std::optional<std::string>("orders");
  fields.connection = std::optional<std::string>(R"({"sslmode":"require","pool":{"max_connections":3}})");
  fields.metadata = R"({"host_labels":["shop"],"own":{"deep":[1,"two",null]}})";
  fields.is_frozen = true;
  const auto created = create(fields);
  EXPECT_EQ(created.client_name, "Shop");
  EXPECT_EQ(created.source, "database");
  const auto found = find(" sHOP");
  EXPECT_EQ(found.id, created.id);
  EXPECT_EQ(found.engine, "neon");
  EXPECT_EQ(canonical_json(found.connection), canonical_json(*fields.connection.value()));
  EXPECT_EQ(canonical_json(found.metadata), canonical_json(*fields.metadata));
  EXPECT_EQ(found.lifecycle(), contract::Lifecycle::frozen);
  EXPECT_EQ(found.pg_uri, kUri);
  EXPECT_EQ(found.change_version, version());
  EXPECT_EQ(find_client(*session, "other").value().error().code(), ErrorCode::not_found);
}

TEST_P(ClientsTest, RecordsAndAuditShowNoSecret) {
  auto fields = named("shop");
  fields.connection = std::optional<std::string>(R"({"password":"s3cret","sslkey":"/k"})");
  const auto row = create(fields);
  EXPECT_THAT(json_of(row), HasSubstr("postgres://app:***@db:5432/shop"));
  EXPECT_THAT(json_of(row), Not(HasSubstr("s3cret")));
  ClientFields change;
  change.pg_uri = std::optional<std::string>("postgres://app:an0ther@db/shop");
  update("shop", change);
  freeze_client(*session, "shop", true, actor).value().value();
  delete_client(*session, "shop", actor).value().value();
  const auto entries = list_audit(*session, {}).value();
  ASSERT_EQ(entries.size(), 4U);
  std::vector<std::string> actions;
  for (const auto& entry : entries) {
    actions.push_back(entry.action);
    for (const auto& text : {entry.before.value_or(""), entry.after.value_or("")}) {
      EXPECT_THAT(text, Not(HasSubstr("s3cret")));
      EXPECT_THAT(text, Not(HasSubstr("an0ther")));
    }
  }
  EXPECT_THAT(actions, ElementsAre("client.delete", "client.freeze", "client.update", "client.create"));
  EXPECT_EQ(canonical_json(*entries[1].before), R"({"is_frozen":false})");
  EXPECT_EQ(canonical_json(*entries[1].after), R"({"is_frozen":true})");
  EXPECT_EQ(entries[0].object_id, "shop");
}

TEST_P(ClientsTest, ANameIsTakenInAnyCaseUntilItsClientIsDeleted) {
  const auto first = create(named("shop"));
  EXPECT_EQ(create_client(*session, named("SHOP"), anything, actor).value().error().code(),
            ErrorCode::already_exists);
  const auto before = version();
  delete_client(*session, "Shop", actor).value().value();
  EXPECT_EQ(delete_client(*session, "shop", actor).value().error().code(), ErrorCode::not_found);
  EXPECT_EQ(freeze_client(*session, "shop", true, actor).value().error().code(), ErrorCode::not_found);
  EXPECT_EQ(version(), before + 1);  // what was refused left no trace
  const auto second = create(named("SHOP"));
  EXPECT_NE(second.id, first.id);
  EXPECT_THAT(names({.include_deleted = true}), ElementsAre("shop", "SHOP"));
  EXPECT_THAT(names({}), ElementsAre("SHOP"));
}

TEST_P(ClientsTest, PatchKeepsClearsAndChangesNothing) {
  auto fields = named("shop");
  fields.description = std::optional<std::string>("orders");
  const auto created = create(fields);
  const auto before = version();
  EXPECT_EQ(update("shop", {}).updated_at, created.updated_at);
  ClientFields same;
  same.description = std::optional<std::string>("orders");
  same.pg_uri = std::optional<std::string>(kUri);
  EXPECT_EQ(update("shop", same).updated_at, created.updated_at);
  EXPECT_EQ(version(), before);
  ClientFields cleared;
  cleared.description = std::optional<std::string>();
  EXPECT_EQ(update("SHOP", cleared).description, std::nullopt);
  EXPECT_EQ(find("shop").pg_uri, kUri);
  EXPECT_EQ(version(), before + 1);
  ClientFields nothing_left;
  nothing_left.pg_uri = std::optional<std::string>();
  EXPECT_EQ(update_client(*session, "shop", nothing_left, anything, actor).value().error().code(),
            ErrorCode::missing_field);
  ClientFields variable;
  variable.pg_uri_env_var = std::optional<std::string>("SHOP_URI");
  const auto moved = update("shop", variable);
  EXPECT_EQ(moved.pg_uri, std::nullopt);
  EXPECT_EQ(moved.pg_uri_env_var, "SHOP_URI");
  ClientFields connection;
  connection.connection = std::optional<std::string>(R"({"uri":"postgres://h/d"})");
  EXPECT_EQ(update("shop", connection).pg_uri_env_var, std::nullopt);
}

TEST_P(ClientsTest, WhatDoesNotFitIsNotWritten) {
  const CheckClient never = [](const ClientRow&) -> contract::Result<void> {
    return contract::Error(ErrorCode::invalid_value, "no");
  };
  EXPECT_EQ(create_client(*session, named("shop"), never, actor).value().error().code(),
            ErrorCode::invalid_value);
  EXPECT_THAT(names({}), IsEmpty());
  create(named("shop"));
  ClientFields change;
  change.description = std::optional<std::string>("x");
  EXPECT_EQ(update_client(*session, "shop", change, never, actor).value().error().code(),
            ErrorCode::invalid_value);
  EXPECT_EQ(find("shop").description, std::nullopt);
}

TEST_P(ClientsTest, AHostLabelBelongsToOneClient) {
  auto fields = named("shop");
  fields.metadata = R"({"host_labels":["Shop","store"]})";
  create(fields);
  auto other = named("other");
  other.metadata = R"({"host_labels":["STORE"]})";
  EXPECT_EQ(create_client(*session, other, anything, actor).value().error().code(),
            ErrorCode::unique_violation);
  create(named("other"));
  ClientFields change;
  change.metadata = R"({"host_labels":["shop"]})";
  EXPECT_EQ(update_client(*session, "other", change, anything, actor).value().error().code(),
            ErrorCode::unique_violation);
  ClientFields own;
  own.metadata = R"({"host_labels":["shop"],"more":1})";
  update("shop", own);  // its own label is no conflict
  delete_client(*session, "shop", actor).value().value();
  update("other", change);  // and a deleted client claims none
}

TEST_P(ClientsTest, PagesAreCompleteAndInOrder) {
  for (const auto* name : {"delta", "Alpha", "charlie", "bravo"}) create(named(name));
  delete_client(*session, "alpha", actor).value().value();
  create(named("alpha"));
  ClientFilter filter{.include_deleted = true, .limit = 2};
  std::vector<std::string> all;
  for (;;) {
    auto rows = list_clients(*session, filter).value();
    const bool more = rows.size() > 2;
    if (more) rows.resize(2);
    for (const auto& row : rows) all.push_back(row.client_name);
    if (!more) break;
    filter.after_row = rows.back().row_id;
    filter.after_name = contract::client_key(rows.back().client_name);
  }
  EXPECT_THAT(all, ElementsAre("Alpha", "alpha", "bravo", "charlie", "delta"));
}

TEST_P(ClientsTest, TheConfigurationIsWrittenOnceAndOverwritesNothing) {
  EXPECT_THAT(sync({configured("shop"), configured("other")}).inserted, ElementsAre("shop", "other"));
  const auto inserted = find("shop");
  EXPECT_EQ(inserted.source, "config");
  EXPECT_TRUE(inserted.last_synced_from_config_at.has_value());
  EXPECT_EQ(inserted.config_uri_template, "postgres://app:***@db:5432/shop");
  ClientFields change;
  change.description = std::optional<std::string>("by hand");
  EXPECT_EQ(update("shop", change).source, "config");
  change = {};
  change.pg_uri = std::optional<std::string>("postgres://elsewhere/shop");
  EXPECT_EQ(update("shop", change).source, "merged");
  session->execute("UPDATE athena_clients SET last_synced_from_config_at = NULL").value();
  const auto before = version();
  auto again = configured("SHOP");
  again.is_frozen = true;
  EXPECT_THAT(sync({again, configured("other")}).inserted, IsEmpty());
  EXPECT_EQ(version(), before);
  const auto kept = find("shop");
  EXPECT_TRUE(kept.last_synced_from_config_at.has_value());
  EXPECT_EQ(kept.description, "by hand");
  EXPECT_EQ(kept.pg_uri, "postgres://elsewhere/shop");
  EXPECT_EQ(kept.source, "merged");
  EXPECT_FALSE(kept.is_frozen);
  EXPECT_EQ(kept.client_name, "shop");
}

TEST_P(ClientsTest, DeletedClientsOfTheConfigurationStayDeleted) {
  sync({configured("shop")});
  delete_client(*session, "shop", actor).value().value();
  for (int start = 0; start < 2; ++start) {
    const auto report = sync({configured("Shop")});
    EXPECT_THAT(report.inserted, IsEmpty());
    EXPECT_THAT(report.deleted, ElementsAre("Shop"));
  }
  EXPECT_THAT(names({}), IsEmpty());
  create(named("shop"));
  EXPECT_THAT(sync({configured("shop")}).deleted, IsEmpty());
  EXPECT_EQ(find("shop").source, "database");
}

TEST_P(ClientsTest, TwoInstancesInsertAClientOnce) {
  auto other = open();
  const std::vector<ClientRow> rows{configured("shop")};
  sync(rows);
  auto second = sync_config(*other, rows, actor).value();
  EXPECT_THAT(second.inserted, IsEmpty());
  EXPECT_EQ(as_integer(session->execute("SELECT count(*) FROM athena_clients").value().rows[0][0]), 1);
}

TEST_P(ClientsTest, TheLoaderFollowsEveryChange) {
  std::shared_ptr<const ClientCatalogue> seen;
  int published = 0;
  ClientLoader loader([&](std::shared_ptr<const ClientCatalogue> catalogue) {
    seen = std::move(catalogue);
    ++published;
  });
  const auto live = [&] {
    std::vector<std::string> result;
    for (const auto& row : seen->live) result.push_back(row.client_name + (row.is_frozen ? "*" : ""));
    return result;
  };
  sync({configured("shop")});
  auto watcher = open();
  ATHENA_ASSERT_STORED(loader.refresh(*watcher));
  EXPECT_THAT(live(), ElementsAre("shop"));
  ATHENA_ASSERT_STORED(loader.refresh(*watcher));
  EXPECT_EQ(published, 1);  // nothing changed
  create(named("other"));
  freeze_client(*session, "shop", true, actor).value().value();
  ATHENA_ASSERT_STORED(loader.refresh(*watcher));
  EXPECT_THAT(live(), ElementsAre("shop*", "other"));
  delete_client(*session, "shop", actor).value().value();
  ATHENA_ASSERT_STORED(loader.refresh(*watcher));
  EXPECT_THAT(live(), ElementsAre("other"));
  EXPECT_TRUE(seen->deleted.contains("shop"));
  create(named("SHOP"));
  ATHENA_ASSERT_STORED(loader.refresh(*watcher));
  EXPECT_THAT(live(), ElementsAre("other", "SHOP"));
  EXPECT_FALSE(seen->deleted.contains("shop"));
  delete_client(*session, "other", actor).value().value();
  ClientLoader fresh([&](std::shared_ptr<const ClientCatalogue> catalogue) { seen = std::move(catalogue); });
  ATHENA_ASSERT_STORED(fresh.refresh(*watcher));
  EXPECT_THAT(live(), ElementsAre("SHOP"));
  EXPECT_THAT(seen->deleted, ElementsAre("other"));
}

TEST_P(ClientsTest, ThereAreAtMostTenThousand) {
  std::vector<Row> rows;
  for (std::int64_t i = 0; i < kMostClients; ++i)
    rows.push_back({new_uuid(), "c" + std::to_string(i), std::string("postgres://h/d"), std::string("{}")});
  ATHENA_ASSERT_STORED(session->insert_many("athena_clients",
                                            {"athena_client_id", "client_name", "pg_uri", "metadata"}, rows));
  EXPECT_EQ(create_client(*session, named("shop"), anything, actor).value().error().code(),
            ErrorCode::limit_reached);
  delete_client(*session, "c7", actor).value().value();
  create(named("shop"));
}

struct Refused {
  const char* what;
  void (*change)(ClientFields&);
  ErrorCode code;
};
std::optional<std::optional<std::string>> some(const char* text) {
  return std::optional<std::string>(text);
}

TEST(ClientFieldsTest, WhatIsNoClientIsRefused) {
  const Refused cases[] = {
      {"no name", [](ClientFields& f) { f.client_name.reset(); }, ErrorCode::missing_field},
      {"bad name", [](ClientFields& f) { f.client_name = "a b"; }, ErrorCode::invalid_value},
      {"reserved name", [](ClientFields& f) { f.client_name = "Statistics"; }, ErrorCode::invalid_value},
      {"engine", [](ClientFields& f) { f.engine = "oracle"; }, ErrorCode::invalid_value},
      {"no place", [](ClientFields& f) { f.pg_uri.reset(); }, ErrorCode::missing_field},
      {"scheme", [](ClientFields& f) { f.pg_uri = some("mysql://h/d"); }, ErrorCode::invalid_value},
      {"masked", [](ClientFields& f) { f.pg_uri = some("postgres://a:***@h/d"); }, ErrorCode::invalid_value},
      {"both", [](ClientFields& f) { f.pg_uri_env_var = some("X"); }, ErrorCode::invalid_payload},
      {"two uris", [](ClientFields& f) { f.connection = some(R"({"uri":"postgres://h/d"})"); },
       ErrorCode::invalid_payload},
      {"variable", [](ClientFields& f) { f.pg_uri.reset(), f.pg_uri_env_var = some("A-B"); },
       ErrorCode::invalid_value},
      {"masked member", [](ClientFields& f) { f.connection = some(R"({"password":"***"})"); },
       ErrorCode::invalid_value},
      {"description", [](ClientFields& f) { f.description = std::string(2001, 'x'); },
       ErrorCode::invalid_value},
      {"metadata size", [](ClientFields& f) { f.metadata = R"({"a":")" + std::string(65536, 'x') + "\"}"; },
       ErrorCode::invalid_value},
      {"engine in metadata", [](ClientFields& f) { f.metadata = R"({"engine":"sqlite"})"; },
       ErrorCode::invalid_value},
      {"labels", [](ClientFields& f) { f.metadata = R"({"host_labels":"shop"})"; },
       ErrorCode::invalid_payload},
      {"rest_ignore_jwt", [](ClientFields& f) { f.metadata = R"({"rest_ignore_jwt":"yes"})"; },
       ErrorCode::invalid_payload},
      {"capability on", [](ClientFields& f) { f.metadata = R"({"capabilities":{"raw_cql":true}})"; },
       ErrorCode::invalid_value},
  };
  for (const auto& one : cases) {
    ClientFields fields;
    fields.client_name = "shop";
    fields.pg_uri = some("postgres://h/d");
    ASSERT_TRUE(check(fields, true).has_value());
    one.change(fields);
    const auto checked = check(fields, true);
    ASSERT_FALSE(checked.has_value()) << one.what;
    EXPECT_EQ(checked.error().code(), one.code) << one.what << ": " << checked.error().text();
  }
}

TEST(ClientFieldsTest, AChangeNeedsNothing) {
  ClientFields fields;
  EXPECT_TRUE(check(fields, false).has_value());
  fields.metadata = R"({"capabilities":{"raw_sql":false},"own":1})";
  fields.pg_uri = some("${SHOP_URI}");
  EXPECT_TRUE(check(fields, false).has_value());
}

}  // namespace
}  // namespace athena::control

#include "app/config.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "app/config_file.h"
#include "app/config_keys.h"
#include "app/data_dir.h"

namespace athena::app {
namespace {

class ConfigTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() /
              ("athena-config-" + std::to_string(getpid()) + "-" +
               ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  base::Result<Config, std::string> load(const std::string& yaml,
                                         std::map<std::string, std::string> variables = {},
                                         bool strict = false) {
    const auto path = (folder_ / "config.yaml").string();
    std::ofstream(path) << yaml;
    ConfigRequest request;
    request.config_path = path;
    request.strict = strict;
    return load_config(request, Environment(std::move(variables)));
  }
  std::string error(const std::string& yaml, std::map<std::string, std::string> variables = {},
                    bool strict = false) {
    auto config = load(yaml, std::move(variables), strict);
    return config ? "" : config.error();
  }

  std::filesystem::path folder_;
};

TEST_F(ConfigTest, ListFormAndMappingFormMeanTheSame) {
  const auto list = load(
      "api: [ { port: 5001 }, { keep_alive_secs: 7 } ]\ngateway: [ { admission: {x: 1} }, { max_rows: 50 } "
      "]\n");
  const auto map = load("api: { port: 5001, keep_alive_secs: 7 }\ngateway: { max_rows: 50 }\n");
  ASSERT_TRUE(list) << list.error();
  ASSERT_TRUE(map) << map.error();
  EXPECT_EQ(list->http.port, 5001);
  EXPECT_EQ(list->http.keep_alive, map->http.keep_alive);
  EXPECT_EQ(list->gateway.max_rows, 50);
  ASSERT_EQ(list->warnings.size(), 1U);
  EXPECT_NE(list->warnings[0].find("gateway.admission_x"), std::string::npos);
}

TEST_F(ConfigTest, EveryMistakeIsListedAtOnceWithItsLine) {
  const auto text = error(
      "api:\n  port: 99999\n  cors_admin: maybe\ngateway:\n  max_rows: 0\n  max_rows: 5\n  response_shape: "
      "tree\n");
  EXPECT_NE(text.find("config.yaml:2: api.port: must be a whole number from 0 to 65535, not 99999"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("config.yaml:3: api.cors_admin: must be true or false"), std::string::npos) << text;
  EXPECT_NE(text.find("config.yaml:5: gateway.max_rows: must be a whole number from 1"), std::string::npos)
      << text;
  EXPECT_NE(text.find("config.yaml:6: gateway.max_rows: given twice, first in line 5"), std::string::npos)
      << text;
  EXPECT_NE(text.find("gateway.response_shape: must be one of auto rows array"), std::string::npos) << text;
}

TEST_F(ConfigTest, ThreeLinesMakeAPostgresClient) {
  const auto config = load("postgres_clients:\n  - bench: \"postgres://me@localhost/db\"\n");
  ASSERT_TRUE(config) << config.error();
  ASSERT_EQ(config->clients.size(), 1U);
  EXPECT_EQ(config->clients[0].client_name, "bench");
  EXPECT_EQ(config->clients[0].engine, contract::Engine::postgresql);
  EXPECT_EQ(std::get<contract::PostgresConnection>(config->clients[0].connection).uri,
            "postgres://me@localhost/db");
  EXPECT_TRUE(config->clients[0].capabilities.has(contract::Capability::gateway_query));
}

TEST_F(ConfigTest, TokensAreReplacedOnceAndUnsetOnesAreNamed) {
  const auto config =
      load("postgres_clients: { app: \"${URI}\", b: \"${NONE:-postgres://x/y}\", c: \"a$${z}\" }\n",
           {{"URI", "postgres://u:${NOT_AGAIN}@h/d"}});
  ASSERT_TRUE(config) << config.error();
  const auto uri = [&](std::size_t i) {
    return std::get<contract::PostgresConnection>(config->clients[i].connection).uri;
  };
  EXPECT_EQ(uri(0), "postgres://u:${NOT_AGAIN}@h/d");
  EXPECT_EQ(uri(1), "postgres://x/y");
  EXPECT_EQ(uri(2), "a${z}");
  const auto text = error("postgres_clients: { app: \"${APP_PG_URI}\", two: \"${OTHER}\" }\n");
  EXPECT_NE(text.find("postgres_clients.app: environment variable APP_PG_URI is not set"), std::string::npos)
      << text;
  EXPECT_NE(text.find("postgres_clients.two: environment variable OTHER is not set"), std::string::npos)
      << text;
}

TEST_F(ConfigTest, EnvironmentWinsOverTheFileAndTheFlagOverBoth) {
  const std::string yaml = "api: { port: 5001 }\n";
  EXPECT_EQ(load(yaml, {{"PORT", "5002"}})->http.port, 5002);
  EXPECT_EQ(load(yaml, {{"PORT", "5002"}, {"ATHENA_API_PORT", "5003"}})->http.port, 5003);
  EXPECT_NE(error(yaml, {{"ATHENA_API_PORT", "many"}}).find("$ATHENA_API_PORT"), std::string::npos);
  EXPECT_EQ(load(yaml, {{"ATHENA_API_BIND", "0.0.0.0, [::]"}})->http.bind,
            (std::vector<std::string>{"0.0.0.0", "[::]"}));
}

TEST_F(ConfigTest, UnknownKeysWarnAndFailWhenStrict) {
  const auto config = load("gateway: { max_row: 5 }\nredis: { url: x }\n");
  ASSERT_TRUE(config) << config.error();
  ASSERT_EQ(config->warnings.size(), 2U);
  EXPECT_NE(config->warnings[0].find("did you mean gateway.max_rows?"), std::string::npos)
      << config->warnings[0];
  EXPECT_NE(error("gateway: { max_row: 5 }\n", {}, true).find("unknown key"), std::string::npos);
  EXPECT_NE(error("gateway: { max_row: 5 }\n", {{"ATHENA_CONFIG_STRICT", "1"}}).find("unknown key"),
            std::string::npos);
}

TEST_F(ConfigTest, ClientMistakesNameFileAndLineAndNeverTheUri) {
  const auto text = error(
      "clients:\n"
      "  a: { engine: oracle, uri: \"x://secret\" }\n"
      "  b: { engine: sqlite }\n"
      "  c: { engine: postgresql, uri: \"postgres://u:secret@h/d\", colour: red }\n"
      "  d: { engine: scylla, hosts: [h] }\n"
      "  e: \"postgres://u:secret@h/d\"\n"
      "  direct: { engine: sqlite, path: x.db }\n"
      "  f: { engine: sqlite, path: x.db, readers: 99 }\n"
      "  g: { engine: sqlite, path: g.db }\n"
      "postgres_clients: { G: \"postgres://u:secret@h/d\" }\n");
  for (const char* part :
       {"config.yaml:2: clients.a.engine: unknown engine", "clients.b: path is needed",
        "config.yaml:4: clients.c.colour: unknown member", "scylla is not built into this version",
        "config.yaml:6: clients.e: must be a mapping with an engine", "reserved",
        "clients.f.readers: must be a whole number from 1 to 32", "a client of this name is there already"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
  EXPECT_EQ(text.find("secret"), std::string::npos) << text;
}

TEST_F(ConfigTest, SqlitePathsStayWhereTheyMayBe) {
  EXPECT_NE(error("clients: { a: { engine: sqlite, path: ../x.db } }\n").find("must stay in the data folder"),
            std::string::npos);
  EXPECT_NE(error("clients: { a: { engine: sqlite, path: /etc/x.db } }\n").find("sqlite_allowed_dirs"),
            std::string::npos);
  EXPECT_NE(error("engines: { sqlite_allowed_dirs: [/srv/data] }\nclients: { a: { engine: sqlite, path: "
                  "/srv/data/../x.db } }\n")
                .find("sqlite_allowed_dirs"),
            std::string::npos);
  auto config = load(
      "engines: { sqlite_allowed_dirs: [/srv/data] }\n"
      "clients: { a: { engine: sqlite, path: /srv/data/x.db }, b: { engine: sqlite, path: y.db } }\n");
  ASSERT_TRUE(config) << config.error();
  resolve_sqlite_paths(*config, "/data");
  EXPECT_EQ(std::get<contract::SqliteConnection>(config->clients[1].connection).path, "/data/sqlite/y.db");
}

TEST_F(ConfigTest, WithoutClientsThereIsTheLocalOne) {
  const auto config = load("api: { port: 1 }\n");
  ASSERT_TRUE(config) << config.error();
  ASSERT_EQ(config->clients.size(), 1U);
  EXPECT_EQ(config->clients[0].client_name, "local");
}

TEST_F(ConfigTest, LifecyclePoolAndMetadataAreRead) {
  const auto config = load(
      "pool: { max_connections: 7 }\n"
      "clients:\n"
      "  a: { engine: postgres, uri: \"postgres://h/d\", is_frozen: true, pool: { min_connections: 1 },\n"
      "       metadata: { limits: { max_rows: 9 }, capabilities: { schema_read: false } } }\n"
      "  b: { engine: neon, uri: \"postgres://h/d\", is_active: false, is_frozen: true }\n");
  ASSERT_TRUE(config) << config.error();
  const auto& a = config->clients[0];
  EXPECT_EQ(a.lifecycle, contract::Lifecycle::frozen);
  EXPECT_EQ(std::get<contract::PostgresConnection>(a.connection).pool.max_connections, 7);
  EXPECT_EQ(std::get<contract::PostgresConnection>(a.connection).pool.min_connections, 1);
  EXPECT_EQ(a.limits.max_rows, 9);
  EXPECT_FALSE(a.capabilities.has(contract::Capability::schema_read));
  EXPECT_EQ(config->clients[1].lifecycle, contract::Lifecycle::inactive);
  EXPECT_EQ(std::get<contract::PostgresConnection>(config->clients[1].connection).sslmode, "require");
}

TEST_F(ConfigTest, EachOfTheEightPlacesIsFoundAndTheEarlierWins) {
  const auto root = folder_.string();
  const Environment environment({{"APPDATA", root + "/1"},
                                 {"LOCALAPPDATA", root + "/2"},
                                 {"USERPROFILE", root + "/3"},
                                 {"XDG_CONFIG_HOME", root + "/4"},
                                 {"HOME", root + "/5"}});
  const auto places = lookup_places(environment);
  ASSERT_EQ(places.size(), 8U);
  for (std::size_t i = places.size() - 1; i-- > 0;) {
    std::filesystem::create_directories(std::filesystem::path(places[i].path).parent_path());
    std::ofstream(places[i].path) << "api: { port: " << 6000 + i << " }\n";
    const auto config = load_config({}, environment);
    ASSERT_TRUE(config) << config.error();
    EXPECT_EQ(config->http.port, 6000 + i);
    EXPECT_EQ(config->source_label, places[i].label);
  }
  const auto nothing = lookup_places(Environment(std::map<std::string, std::string>{}));
  EXPECT_EQ(nothing[0].state, "skipped, $APPDATA is not set");
}

TEST_F(ConfigTest, AMissingNamedFileFails) {
  ConfigRequest request;
  request.config_path = (folder_ / "none.yaml").string();
  const auto config = load_config(request, Environment(std::map<std::string, std::string>{}));
  ASSERT_FALSE(config);
  EXPECT_NE(config.error().find("Failed to load config"), std::string::npos);
}

TEST_F(ConfigTest, TheSampleIsAValidConfiguration) {
  const auto config = load(sample_config());
  ASSERT_TRUE(config) << config.error();
  EXPECT_TRUE(config->warnings.empty());
  EXPECT_EQ(config->api.cors_allowed_origins.size(), 2U);
}

TEST_F(ConfigTest, DefaultsOfTheTableAreThoseInForce) {
  // Applying every default changes nothing: the table and the structures agree.
  Config changed;
  for (const auto& key : config_keys()) {
    const auto applied = apply_key(changed, key, key.default_text);
    EXPECT_TRUE(applied) << key.section << "." << key.name << " " << applied.error();
  }
  const Config fresh;
  EXPECT_EQ(changed.http.port, fresh.http.port);
  EXPECT_EQ(changed.http.max_body_bytes, fresh.http.max_body_bytes);
  EXPECT_EQ(changed.http.keep_alive, fresh.http.keep_alive);
  EXPECT_EQ(changed.http.drain_timeout, fresh.http.drain_timeout);
  EXPECT_EQ(changed.gateway.max_rows, fresh.gateway.max_rows);
  EXPECT_EQ(changed.gateway.max_timeout_ms, fresh.gateway.max_timeout_ms);
  EXPECT_EQ(changed.gateway.process_max_connections, fresh.gateway.process_max_connections);
  EXPECT_EQ(changed.pool.max_connections, fresh.pool.max_connections);
  EXPECT_EQ(changed.pool.slow_shape_ms, fresh.pool.slow_shape_ms);
}

TEST_F(ConfigTest, DotenvIsReadAsShellsWriteIt) {
  const auto variables =
      parse_dotenv("# note\nA=1\nexport B=\"two words\"\nC='x' \nD=v # comment\nbroken\n=x\n");
  EXPECT_EQ(variables,
            (std::map<std::string, std::string>{{"A", "1"}, {"B", "two words"}, {"C", "x"}, {"D", "v"}}));
}

TEST_F(ConfigTest, AnAdminKeyFileIsMadeOnceAndMustBePrivate) {
  const auto data = (folder_ / "data").string();
  ASSERT_TRUE(prepare_data_dir(data));
  const Environment none(std::map<std::string, std::string>{});
  const auto first = load_admin_keys({}, data, none);
  ASSERT_TRUE(first) << first.error();
  EXPECT_EQ(first->generated_key.size(), 64U);
  const auto second = load_admin_keys({}, data, none);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->generated_key, first->generated_key);
  EXPECT_EQ(first->note.find(first->generated_key), std::string::npos);
  std::filesystem::permissions(data + "/admin.key", std::filesystem::perms::others_read,
                               std::filesystem::perm_options::add);
  EXPECT_FALSE(load_admin_keys({}, data, none));
  const auto named = load_admin_keys({}, data, Environment({{"ATHENA_KEY_12", " s3cret "}}));
  ASSERT_TRUE(named);
  EXPECT_EQ(named->keys[0].digest, base::sha256("s3cret"));
}

}  // namespace
}  // namespace athena::app

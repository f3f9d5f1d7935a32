#include "app/config_clients.h"
#include "app/config_fixture.h"

namespace athena::app {
namespace {

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
       {"config.yaml:2: clients.a.engine: unknown engine oracle", "clients.b: path is needed",
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

TEST_F(ConfigTest, HostLabelsBelongToOneClient) {
  const auto config = load(
      "clients:\n  a: { engine: sqlite, path: a.db, metadata: { host_labels: [Shop, b_1], note: x } }\n");
  ASSERT_TRUE(config) << config.error();
  EXPECT_EQ(config->clients[0].host_labels, (std::vector<std::string>{"shop", "b_1"}));
  EXPECT_EQ(error("clients:\n  a: { engine: sqlite, path: a.db, metadata: { host_labels: [shop] } }\n"
                  "  b: { engine: sqlite, path: b.db, metadata: { host_labels: [x, SHOP] } }\n"),
            "The configuration has mistakes:\n"
            "config.yaml:3: clients.b: the host label shop belongs to the client a already");
  for (const char* label : {"a.b", "\"\"", "[a]", "x y", "ä"})
    EXPECT_NE(error("clients: { a: { engine: sqlite, path: a.db, metadata: { host_labels: [" +
                    std::string(label) + "] } } }\n")
                  .find("clients.a.metadata.host_labels: a label has"),
              std::string::npos)
        << label;
}

TEST_F(ConfigTest, MetadataIsChecked) {
  const auto wrong = [&](const std::string& metadata) {
    return error("clients: { a: { engine: sqlite, path: a.db, metadata: { " + metadata + " } } }\n");
  };
  EXPECT_NE(
      wrong("limits: { max_rows: 0 }").find("clients.a.metadata.limits.max_rows: must be a whole number"),
      std::string::npos);
  EXPECT_NE(wrong("capabilities: { flying: false }").find("unknown capability"), std::string::npos);
  EXPECT_NE(wrong("capabilities: { raw_sql: maybe }").find("must be true or false"), std::string::npos);
  EXPECT_NE(wrong("limits: 5").find("must be a mapping"), std::string::npos);
  EXPECT_NE(wrong("host_labels: shop").find("must be a list"), std::string::npos);
  EXPECT_EQ(wrong("anything: { else: [1, 2] }"), "");
}

TEST_F(ConfigTest, AUriThatCannotBeReadIsAMistakeWithoutIt) {
  const auto text =
      error("postgres_clients:\n  a: \"postgres://u:hunter2@[\"\n  b: { uri: \"mysql://u:hunter2@h\" }\n");
  EXPECT_NE(text.find("config.yaml:2: postgres_clients.a.uri: The PostgreSQL URI is malformed."),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("config.yaml:3: postgres_clients.b.uri: "), std::string::npos) << text;
  EXPECT_EQ(text.find("hunter2"), std::string::npos) << text;
}

TEST_F(ConfigTest, ASecretMayComeFromANamedVariable) {
  const auto config =
      load("clients: { a: { engine: postgresql, uri_env_var: MY_URI } }\n", {{"MY_URI", "postgres://h/d"}});
  ASSERT_TRUE(config) << config.error();
  EXPECT_EQ(error("clients: { a: { engine: postgresql, uri_env_var: MY_URI } }\n"),
            "The configuration has mistakes:\n"
            "config.yaml:1: clients.a.uri_env_var: environment variable MY_URI is not set");
}

TEST_F(ConfigTest, ALoggingUriRegistersAClientUnlessTheFileHasIt) {
  auto config = load("", {{"POSTGRES_ATHENA_LOGGING_URI", "postgres://log/d"}});
  ASSERT_TRUE(config) << config.error();
  ASSERT_EQ(config->clients.size(), 1U);
  EXPECT_EQ(config->clients[0].client_name, "athena_logging");
  EXPECT_EQ(config->client_origins[0], "variable POSTGRES_ATHENA_LOGGING_URI");
  config = load("postgres_clients: { Athena_Logging: \"postgres://own/d\" }\n",
                {{"POSTGRES_ATHENA_LOGGING_URI", "postgres://log/d"}});
  ASSERT_TRUE(config) << config.error();
  ASSERT_EQ(config->clients.size(), 1U);
  EXPECT_EQ(std::get<contract::PostgresConnection>(config->clients[0].connection).uri, "postgres://own/d");
  config = load(
      "gateway: { logging: { pg_uri: \"postgres://f/d\" } }\nclients: { a: { engine: sqlite, path: a.db } "
      "}\n");
  ASSERT_TRUE(config) << config.error();
  EXPECT_EQ(config->clients.size(), 2U);
  EXPECT_EQ(error("gateway: { logging_pg_uri: \"postgres://u:hunter2@[\" }\n").find("hunter2"),
            std::string::npos);
}

TEST_F(ConfigTest, UrisAreShownWithoutWhatIsSecret) {
  EXPECT_EQ(shown_uri("postgres://u:pw@h:5433/d?sslkey=x"), "postgres://u:***@h:5433/d");
  EXPECT_EQ(shown_uri("host=h user=u password='p w' dbname=d"), "postgres://u:***@h:5432/d");
  EXPECT_EQ(shown_uri("postgres://a:1,b:2/d"), "postgres://a:1,b:2/d");
  EXPECT_EQ(shown_uri("postgres://u:pw@["), "***");
}

}  // namespace
}  // namespace athena::app

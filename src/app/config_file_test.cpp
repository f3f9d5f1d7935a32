#include "app/config_file.h"
#include "app/config_fixture.h"

namespace athena::app {
namespace {

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

TEST_F(ConfigTest, TokensAreReplacedOnceAndUnsetOnesAreNamed) {
  const auto config = load(
      "postgres_clients: { app: \"${URI}\", b: \"${NONE:-postgres://x/y}\", c: \"postgres://h/a$${z}\" }\n",
      {{"URI", "postgres://u:x${NOT_AGAIN}@h/d"}});
  ASSERT_TRUE(config) << config.error();
  const auto uri = [&](std::size_t i) {
    return std::get<contract::PostgresConnection>(config->clients[i].connection).uri;
  };
  EXPECT_EQ(uri(0), "postgres://u:x${NOT_AGAIN}@h/d");
  EXPECT_EQ(uri(1), "postgres://x/y");
  EXPECT_EQ(uri(2), "postgres://h/a${z}");
  const auto text = error("postgres_clients: { app: \"${APP_PG_URI}\", two: \"${OTHER}\" }\n");
  EXPECT_NE(text.find("postgres_clients.app: environment variable APP_PG_URI is not set"), std::string::npos)
      << text;
  EXPECT_NE(text.find("postgres_clients.two: environment variable OTHER is not set"), std::string::npos)
      << text;
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

TEST_F(ConfigTest, EveryUnsetVariableIsNamedOnceWithItsPlace) {
  EXPECT_EQ(error("postgres_clients:\n  app: \"${A}${B}\"\napi:\n  docs_url: \"${C}\"\n"),
            "The configuration has mistakes:\n"
            "config.yaml:2: postgres_clients.app: environment variable A is not set\n"
            "config.yaml:2: postgres_clients.app: environment variable B is not set\n"
            "config.yaml:4: api.docs_url: environment variable C is not set");
}

TEST_F(ConfigTest, AnEmptyVariableIsSet) {
  const Variables empty{{"EMPTY", ""}};
  EXPECT_EQ(load("postgres_clients: { a: \"postgres://u:${EMPTY}@h/d\" }\n", empty)->clients.size(), 1U);
  EXPECT_EQ(load("api: { docs_url: \"${EMPTY:-/d/}\" }\n", empty)->api.docs_url, "/d/");
  EXPECT_EQ(error("postgres_clients: { a: { uri: \"${EMPTY}\" } }\n", empty),
            "The configuration has mistakes:\nconfig.yaml:1: postgres_clients.a: uri is needed");
}

TEST_F(ConfigTest, SectionsAndMembersMayStandThereOnce) {
  EXPECT_EQ(error("api:\n  port: 1\ngateway:\n  max_rows: 5\napi:\n  port: 2\n"),
            "The configuration has mistakes:\nconfig.yaml:5: api: given twice, first in line 1");
  EXPECT_EQ(error("api:\n  - port: 1\n  - port: 2\n"),
            "The configuration has mistakes:\nconfig.yaml:3: api.port: given twice, first in line 2");
  EXPECT_EQ(error("gateway:\n  breaker_open_seconds: 1\n  breaker:\n    open_seconds: 2\n"),
            "The configuration has mistakes:\n"
            "config.yaml:4: gateway.breaker_open_seconds: given twice, first in line 2");
  EXPECT_NE(error("clients:\n  a:\n    engine: sqlite\n    path: x\n    path: y\n")
                .find("config.yaml:5: clients.a.path: given twice, first in line 4"),
            std::string::npos);
}

TEST_F(ConfigTest, NestedMapsAreFlattened) {
  const auto config =
      load("gateway:\n  breaker: { open: { seconds: 7 } }\nlog: [ { access: { log: yes } } ]\n");
  ASSERT_TRUE(config) << config.error();
  EXPECT_EQ(config->gateway.breaker_open_seconds, 7);
  EXPECT_TRUE(config->api.access_log);
  EXPECT_TRUE(config->warnings.empty());
}

TEST_F(ConfigTest, WhatIsNoConfigurationIsRefusedAsAWhole) {
  EXPECT_NE(error("api: {port: [\n").find("Failed to load config 'config.yaml': config.yaml:"),
            std::string::npos);
  EXPECT_NE(error("- 1\n- 2\n").find("config.yaml:1: the file must be a mapping of sections"),
            std::string::npos);
  EXPECT_NE(error("api: {}\n---\napi: {}\n").find("must be one document"), std::string::npos);
  EXPECT_NE(error("api: {}\n# \xff\n").find("config.yaml:2: the file is not UTF-8"), std::string::npos);
  EXPECT_NE(error(std::string(1024 * 1024 + 1, '#')).find("larger than 1 MiB"), std::string::npos);
  EXPECT_EQ(error(""), "");
  EXPECT_EQ(error("# nothing\n"), "");
}

TEST_F(ConfigTest, ShapesThatDontFitAreNamed) {
  EXPECT_NE(error("api: 5\n").find("config.yaml:1: api: must be a mapping or a list of one-key maps"),
            std::string::npos);
  EXPECT_NE(error("api: [ port ]\n").find("each entry of the list must be a one-key map"), std::string::npos);
  EXPECT_NE(error("api: { port: [1] }\n").find("api.port: must be a whole number"), std::string::npos);
  EXPECT_NE(
      error("api: { allowed_hosts: [ [a] ] }\n").find("api.allowed_hosts: must be a list of plain values"),
      std::string::npos);
  EXPECT_NE(error("gateway: { wildcard_hosts: [ {patern: \"*.a\"} ] }\n").find("maps with pattern"),
            std::string::npos);
  EXPECT_NE(error("api: { admin_keys: { a: [b] } }\n").find("api.admin_keys"), std::string::npos);
  EXPECT_NE(error("? [a, b]\n: 1\n").find("a name is expected here"), std::string::npos);
  EXPECT_NE(error("api: { docs_url: \"/a\\0b\" }\n").find("api.docs_url: holds a NUL byte"),
            std::string::npos);
}

TEST_F(ConfigTest, AliasesCannotMakeItLargeOrEndless) {
  std::string laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 7; ++i) {
    const auto before = "*a" + std::to_string(i - 1);
    laughs += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) laughs += (j > 0 ? ", " : "") + before;
    laughs += "]\n";
  }
  EXPECT_NE(error("clients:\n  x:\n" + std::string("    ") + "m: &m {a: 1}\n" + laughs).find("must be a"),
            std::string::npos);
  std::string nested = "clients: { x: { v0: &v0 [" + std::string(2000, '1') + "], ";
  for (int i = 1; i < 6; ++i) {
    nested += "v" + std::to_string(i) + ": &v" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) nested += (j > 0 ? ", *v" : "*v") + std::to_string(i - 1);
    nested += "], ";
  }
  EXPECT_NE(error(nested + "z: 1 } }\n").find("larger than 1 MiB"), std::string::npos);
  EXPECT_NE(error("clients: { x: &x { y: *x } }\n"), "");
  EXPECT_NE(error("gateway: &g { a: *g }\n"), "");
  std::string deep = "clients: { x: ";
  for (int i = 0; i < 100; ++i) deep += "{ a: ";
  EXPECT_NE(error(deep + "1" + std::string(101, '}') + "\n").find("nested too deeply"), std::string::npos);
}

}  // namespace
}  // namespace athena::app

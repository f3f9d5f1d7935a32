#include "app/config_fixture.h"

namespace athena::app {
namespace {

TEST_F(ConfigTest, EnvironmentWinsOverTheFileAndTheFlagOverBoth) {
  const std::string yaml = "api: { port: 5001 }\n";
  EXPECT_EQ(load(yaml, {{"PORT", "5002"}})->http.port, 5002);
  EXPECT_EQ(load(yaml, {{"PORT", "5002"}, {"ATHENA_API_PORT", "5003"}})->http.port, 5003);
  EXPECT_NE(error(yaml, {{"ATHENA_API_PORT", "many"}}).find("$ATHENA_API_PORT"), std::string::npos);
  EXPECT_EQ(load(yaml, {{"ATHENA_API_BIND", "0.0.0.0, [::]"}})->http.bind,
            (std::vector<std::string>{"0.0.0.0", "[::]"}));
}

TEST_F(ConfigTest, UnknownKeysWarnAndFailWhenStrict) {
  const auto config = load("gateway: { max_row: 5 }\nredos: { url: x }\n");
  ASSERT_TRUE(config) << config.error();
  ASSERT_EQ(config->warnings.size(), 2U);
  EXPECT_NE(config->warnings[0].find("did you mean gateway.max_rows?"), std::string::npos)
      << config->warnings[0];
  EXPECT_NE(error("gateway: { max_row: 5 }\n", {}, true).find("unknown key"), std::string::npos);
  EXPECT_NE(error("gateway: { max_row: 5 }\n", {{"ATHENA_CONFIG_STRICT", "1"}}).find("unknown key"),
            std::string::npos);
}

TEST_F(ConfigTest, DotenvIsReadAsShellsWriteIt) {
  const auto variables =
      parse_dotenv("# note\nA=1\nexport B=\"two words\"\nC='x' \nD=v # comment\nbroken\n=x\n");
  EXPECT_EQ(variables,
            (std::map<std::string, std::string>{{"A", "1"}, {"B", "two words"}, {"C", "x"}, {"D", "v"}}));
}

TEST_F(ConfigTest, ValuesAreClampedToValidationRanges) {
  const std::string ranges =
      "validation_ranges:\n  gateway.max_rows: { min: 10, max: 400 }\n  api.port: { min: 6000 }\n";
  const auto high = load("gateway:\n  max_rows: 500\n" + ranges);
  ASSERT_TRUE(high) << high.error();
  EXPECT_EQ(high->gateway.max_rows, 400);
  EXPECT_EQ(high->http.port, 6000);
  ASSERT_EQ(high->warnings.size(), 2U);
  EXPECT_NE(high->warnings[0].find("gateway.max_rows: 500 ("), std::string::npos) << high->warnings[0];
  EXPECT_NE(high->warnings[0].find("10 to 400; 400 is used"), std::string::npos) << high->warnings[0];
  EXPECT_EQ(load("gateway: { max_rows: 5 }\n" + ranges)->gateway.max_rows, 10);
  EXPECT_EQ(load("gateway: { max_rows: 50 }\n" + ranges)->gateway.max_rows, 50);
  EXPECT_EQ(load(ranges, {{"ATHENA_GATEWAY_MAX_ROWS", "401"}})->gateway.max_rows, 400);
  EXPECT_EQ(load("gateway: { max_rows: 500 }\n")->gateway.max_rows, 500);
}

TEST_F(ConfigTest, WrongValidationRangesAreMistakes) {
  const auto wrong = [&](const std::string& range) {
    return error("validation_ranges: { " + range + " }\n");
  };
  EXPECT_NE(wrong("gateway.max_rows: { min: 0 }").find("min must be a whole number from 1"),
            std::string::npos);
  EXPECT_NE(wrong("gateway.max_rows: { min: 9, max: 8 }").find("min is above max"), std::string::npos);
  EXPECT_NE(wrong("gateway.max_rows: { most: 8 }").find("has only min and max"), std::string::npos);
  EXPECT_NE(wrong("gateway.max_rows: 8").find("must be a map"), std::string::npos);
  EXPECT_NE(wrong("log.level: { min: 1 }").find("is not a number"), std::string::npos);
  const auto config = load("validation_ranges: { gateway.max_row: { min: 1 } }\n");
  ASSERT_TRUE(config) << config.error();
  EXPECT_NE(config->warnings.at(0).find("did you mean gateway.max_rows?"), std::string::npos);
}

TEST_F(ConfigTest, NamedVariablesAreWeakerThanThoseOfTheKey) {
  const Variables named{{"ATHENA_PG_POOL_IDLE_TIMEOUT_SECS", "7"},
                        {"ATHENA_PG_POOL_TEST_BEFORE_ACQUIRE", "off"},
                        {"NO_COLOR", "anything"},
                        {"ATHENA_TRACING_LOG_DIR", "/var/log/x"},
                        {"ATHENA_TLS_CERT", "/c.pem"},
                        {"ATHENA_TLS_KEY", "/k.pem"},
                        {"ATHENA_DATA_DIR", "/data"}};
  auto config = load("pool: { idle_timeout_seconds: 5 }\nlog: { ansi: true }\n", named);
  ASSERT_TRUE(config) << config.error();
  EXPECT_EQ(config->pool.idle_timeout_seconds, 7);
  EXPECT_FALSE(config->pool.test_before_acquire);
  EXPECT_EQ(config->log.ansi, "false");
  EXPECT_EQ(config->log.dir, "/var/log/x");
  EXPECT_EQ(config->http.tls_cert_file, "/c.pem");
  EXPECT_EQ(config->http.tls_key_file, "/k.pem");
  EXPECT_EQ(config->data_dir, "/data");
  auto stronger = named;
  stronger["ATHENA_ANSI"] = "1";
  stronger["ATHENA_POOL_IDLE_TIMEOUT_SECONDS"] = "9";
  config = load("", stronger);
  ASSERT_TRUE(config) << config.error();
  EXPECT_EQ(config->log.ansi, "true");
  EXPECT_EQ(config->pool.idle_timeout_seconds, 9);
  EXPECT_TRUE(config->warnings.empty());
}

TEST_F(ConfigTest, EveryKeyCanBeSetByItsVariableWhichIsNamedAsOrigin) {
  for (const auto& key : config_keys()) {
    std::string text;
    switch (key.type) {
      case KeyType::boolean:
        text = key.default_text == "true" ? "false" : "true";
        break;
      case KeyType::integer:
        text = std::to_string(std::to_string(key.maximum) == key.default_text ? key.minimum : key.maximum);
        break;
      case KeyType::choice:
        text = key.choices.back();
        break;
      case KeyType::map:
        text = "bob=" + std::string(64, 'a');
        break;
      default:
        for (const char* candidate : {"/some/where", "*.a.example", "10.0.0.0/8", "10.0.0.1",
                                      "https://a.example", "postgres://h/d"}) {
          const auto value = parse_key(key, candidate);
          if (text.empty() && value && key.name != "logging_pg_uri") text = candidate;
        }
        if (text.empty()) text = "postgres://h/d";
    }
    const auto variable = variable_of(key);
    Variables variables{{variable, text}};
    if (key.name == "logging_client" || key.name == "auth_client") {
      variables[variable] = "athena_logging";
      variables["ATHENA_GATEWAY_LOGGING_PG_URI"] = "postgres://h/d";
    }
    if (key.name.starts_with("tls_")) {
      variables["ATHENA_TLS_CERT"] = "/c";
      variables["ATHENA_TLS_KEY"] = "/k";
    }
    const auto config = load("", variables);
    ASSERT_TRUE(config) << variable << "=" << text << ": " << config.error();
    EXPECT_EQ(effective(*config, key.full_name()).origin, "variable " + variable);
    EXPECT_NE(effective(*config, key.full_name()).value, *parse_key(key, key.default_text)) << variable;
    EXPECT_EQ(config->warnings.size(), key.state == KeyState::in_use ? 0U : 1U) << variable;
  }
}

TEST_F(ConfigTest, OriginsAndWhatTheyHideAreKept) {
  request_.port = 5004;
  const auto config = load("api:\n  port: 5001\n", {{"PORT", "5002"}, {"ATHENA_API_PORT", "5003"}});
  ASSERT_TRUE(config) << config.error();
  const auto& port = effective(*config, "api.port");
  EXPECT_EQ(port.value.text, "5004");
  EXPECT_EQ(port.origin, "flag --port");
  ASSERT_EQ(port.hidden.size(), 4U);
  EXPECT_EQ(port.hidden[0].origin, "variable ATHENA_API_PORT");
  EXPECT_EQ(port.hidden[1].origin, "variable PORT");
  EXPECT_EQ(port.hidden[2].origin, request_.config_path + ":2");
  EXPECT_EQ(port.hidden[3].origin, "default");
  EXPECT_EQ(effective(*config, "gateway.max_rows").origin, "default");
}

TEST_F(ConfigTest, AHiddenValueIsCheckedToo) {
  EXPECT_NE(error("api: { port: many }\n", {{"ATHENA_API_PORT", "5003"}}).find("config.yaml:1: api.port"),
            std::string::npos);
  EXPECT_EQ(error("", {{"ATHENA_API_PORT", "x"}, {"PORT", "y"}}),
            "The configuration has mistakes:\n"
            "$PORT: api.port: must be a whole number from 0 to 65535, not y\n"
            "$ATHENA_API_PORT: api.port: must be a whole number from 0 to 65535, not x");
}

TEST_F(ConfigTest, VariablesOfASectionThatSetNothingAreNamed) {
  const auto config = load("", {{"ATHENA_GATEWAY_MAX_ROW", "5"},
                                {"ATHENA_API_KEY", "k"},
                                {"ATHENA_OTHER", "x"},
                                {"ATHENA_PG_POOL_MAX_CONNECTIONS", "5"},
                                {"ATHENA_CONFIG_PATH", ""}});
  ASSERT_TRUE(config) << config.error();
  EXPECT_EQ(config->warnings,
            (std::vector<std::string>{"$ATHENA_GATEWAY_MAX_ROW: sets no key of gateway; did you mean "
                                      "ATHENA_GATEWAY_MAX_ROWS?"}));
}

TEST_F(ConfigTest, KeysOfWhatIsNotBuiltAreCheckedAndNamedInOneWarning) {
  const auto config = load(
      "redis: { url: \"redis://:secret@h\" }\ngateway: { admission: { window_secs: 5 } }\n"
      "urls: { a: \"http://h\" }\n");
  ASSERT_TRUE(config) << config.error();
  EXPECT_EQ(config->warnings,
            (std::vector<std::string>{"has no effect in this version: gateway.admission_window_secs, "
                                      "redis.url, urls"}));
  EXPECT_NE(error("redis: { timeout_ms: many }\n").find("config.yaml:1: redis.timeout_ms: must be"),
            std::string::npos);
}

TEST_F(ConfigTest, KeysWithoutEffectHaveOneWarningEach) {
  const auto config = load(
      "api: { immortal_cache: true }\ngateway: { auto_cast_uuid_filter_values_to_text: true }\n"
      "daemon: { a: 1, b: 2 }\ntypesense: { c: 3 }\n");
  ASSERT_TRUE(config) << config.error();
  ASSERT_EQ(config->warnings.size(), 4U);
  EXPECT_EQ(config->warnings[0], "api.immortal_cache is accepted, but has no effect");
  EXPECT_EQ(error("daemon: { a: 1 }\n", {}, true), "");
}

TEST_F(ConfigTest, WildcardPatternsComeFromListsOfMapsAndTheEnvironment) {
  const std::string yaml = "gateway: { wildcard_hosts: [ {pattern: \"*.DB.example\"}, \"*.b.example\" ] }\n";
  EXPECT_EQ(load(yaml)->gateway.wildcard_hosts, (std::vector<std::string>{"*.db.example", "*.b.example"}));
  const auto more = load(yaml, {{"ATHENA_WILDCARD_HOST_PATTERN", "*.c.example"},
                                {"ATHENA_WILDCARD_HOST_ROUTING_ENABLED", "true"}});
  ASSERT_TRUE(more) << more.error();
  EXPECT_EQ(more->gateway.wildcard_hosts.size(), 3U);
  EXPECT_EQ(load(yaml, {{"ATHENA_WILDCARD_HOST_PATTERN", "*.c.example"}})->gateway.wildcard_hosts.size(), 2U);
  EXPECT_NE(
      error(yaml, {{"ATHENA_WILDCARD_HOST_PATTERN", "c"}, {"ATHENA_WILDCARD_HOST_ROUTING_ENABLED", "1"}})
          .find("$ATHENA_WILDCARD_HOST_PATTERN: gateway.wildcard_hosts: must be a pattern"),
      std::string::npos);
  EXPECT_NE(error(yaml, {{"ATHENA_WILDCARD_HOST_ROUTING_ENABLED", "maybe"}})
                .find("$ATHENA_WILDCARD_HOST_ROUTING_ENABLED: must be true or false"),
            std::string::npos);
}

TEST_F(ConfigTest, TrustingEveryProxyIsAWarning) {
  const auto config = load("", {{"ATHENA_RATE_LIMIT_TRUST_X_FORWARDED_FOR", "true"}});
  ASSERT_TRUE(config) << config.error();
  EXPECT_TRUE(config->api.trust_every_proxy);
  EXPECT_EQ(config->warnings.size(), 1U);
  EXPECT_FALSE(load("", {{"ATHENA_RATE_LIMIT_TRUST_X_FORWARDED_FOR", "0"}})->api.trust_every_proxy);
}

TEST_F(ConfigTest, CertificateAndKeyComeTogether) {
  EXPECT_NE(
      error("api: { tls_cert_file: /c }\n").find("config.yaml:1: api.tls_cert_file: certificate and key"),
      std::string::npos);
  EXPECT_NE(error("", {{"ATHENA_TLS_KEY", "/k"}}).find("both or not at all"), std::string::npos);
  EXPECT_EQ(error("api: { tls_cert_file: /c, tls_key_file: /k }\n"), "");
}

TEST_F(ConfigTest, ThereIsSomethingToListenOn) {
  EXPECT_NE(error("api: { bind: [] }\n").find("nothing to listen on"), std::string::npos);
  EXPECT_EQ(error("api: { bind: [], unix_socket: /s }\n"), "");
}

TEST_F(ConfigTest, StrictComesFromEachPlace) {
  const std::string yaml = "gateway: { max_row: 5 }\n";
  EXPECT_EQ(error(yaml), "");
  for (const auto& text : {error(yaml, {}, true), error(yaml, {{"ATHENA_CONFIG_STRICT", "1"}}),
                           error(yaml + "config: { strict: true }\n")}) {
    EXPECT_EQ(text,
              "The configuration has mistakes:\nconfig.yaml:1: gateway.max_row: unknown key; did you mean "
              "gateway.max_rows?");
  }
  EXPECT_NE(
      error("gatway: { max_rows: 5 }\n", {}, true).find("gatway: unknown section; did you mean gateway?"),
      std::string::npos);
}

TEST_F(ConfigTest, AReloadReadsTheSameFileAndNamesWhatWaits) {
  const auto running = load("api: { port: 5001, keep_alive_secs: 5 }\n");
  ASSERT_TRUE(running) << running.error();
  std::ofstream(request_.config_path)
      << "api: { port: 5002, keep_alive_secs: 6, data_dir: /x }\nredis: {url: r}\n";
  ConfigRequest request;  // the file is remembered
  const Environment none(Variables{});
  const auto fresh = reload_config(request, none, *running);
  ASSERT_TRUE(fresh) << fresh.error();
  EXPECT_EQ(fresh->http.keep_alive, std::chrono::seconds(6));
  EXPECT_EQ(changed_but_not_reloadable(*running, *fresh),
            (std::vector<std::string>{"api.port", "api.data_dir"}));
  EXPECT_TRUE(changed_but_not_reloadable(*running, *running).empty());
  std::ofstream(request_.config_path) << "api: { port: x }\n";
  EXPECT_FALSE(reload_config(request, none, *running));
  std::filesystem::remove(request_.config_path);
  EXPECT_FALSE(reload_config(request, none, *running));
}

TEST_F(ConfigTest, TheEnvironmentIsReadAgainWithWhatWasTakenFromTheProcess) {
  setenv("PGPASSWORD", "kept", 1);
  setenv("ATHENA_TEST_OF_REFRESH", "before", 1);
  const auto captured = Environment::capture(false);
  EXPECT_EQ(getenv("PGPASSWORD"), nullptr);
  EXPECT_EQ(captured.get("PGPASSWORD"), "kept");
  EXPECT_EQ(captured.refreshed().get("PGPASSWORD"), "kept");
  EXPECT_EQ(captured.refreshed().all(), captured.all());
  const Environment made(Variables{{"A", "1"}});
  EXPECT_EQ(made.refreshed().get("A"), "1");
  unsetenv("ATHENA_TEST_OF_REFRESH");
}

}  // namespace
}  // namespace athena::app

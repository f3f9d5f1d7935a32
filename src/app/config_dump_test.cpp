#include "app/config_dump.h"
#include "app/config_fixture.h"

namespace athena::app {
namespace {

TEST_F(ConfigTest, ADumpShowsWhatDiffersAndIsAConfigurationAgain) {
  const std::string yaml =
      "api: { port: 5001, cors_allowed_origins: [\"http://a:1\"] }\ngateway: { max_rows: 10000, "
      "error_verbosity: terse }\n"
      "clients: { n: { engine: sqlite, path: n.db, readers: 2, metadata: { host_labels: [x], limits: { "
      "max_rows: 3 }, "
      "capabilities: { raw_sql: false } } } }\n";
  const auto config = load(yaml);
  ASSERT_TRUE(config) << config.error();
  const auto text = dump_config(*config, DumpFormat::yaml, false);
  EXPECT_EQ(
      text,
      "api:\n  port: 5001\n  cors_allowed_origins: [\"http://a:1\"]\ngateway:\n  error_verbosity: \"terse\"\n"
      "clients:\n  n:\n    engine: \"sqlite\"\n    path: \"n.db\"\n    readers: 2\n"
      "    metadata: {\"host_labels\": [\"x\"], \"limits\": {\"max_rows\": 3}, \"capabilities\": "
      "{\"raw_sql\": "
      "false}}\n");
  for (const bool all : {false, true}) {
    const auto again = load(dump_config(*config, DumpFormat::yaml, all));
    ASSERT_TRUE(again) << again.error();
    EXPECT_EQ(dump_config(*again, DumpFormat::yaml, true), dump_config(*config, DumpFormat::yaml, true));
    const auto json = load(dump_config(*config, DumpFormat::json, all));  // JSON is YAML
    ASSERT_TRUE(json) << json.error();
    EXPECT_EQ(dump_config(*json, DumpFormat::yaml, true), dump_config(*config, DumpFormat::yaml, true));
  }
  EXPECT_EQ(dump_config(*load(""), DumpFormat::yaml, false), "{}\n");
}

TEST_F(ConfigTest, AListFormDumpsLikeTheMappingForm) {
  const auto list = load("api: [ { port: 5 }, { admin_keys: { a: " + std::string(64, 'a') +
                         " } } ]\npostgres_clients: [ { x: \"postgres://h/d\" } ]\n");
  const auto map = load("api: { port: 5, admin_keys: { a: " + std::string(64, 'a') +
                        " } }\npostgres_clients: { x: { uri: \"postgres://h/d\" } }\n");
  ASSERT_TRUE(list) << list.error();
  ASSERT_TRUE(map) << map.error();
  EXPECT_EQ(dump_config(*list, DumpFormat::yaml, true), dump_config(*map, DumpFormat::yaml, true));
}

TEST_F(ConfigTest, NothingSecretIsDumpedOrExplained) {
  const auto config = load("api: { admin_keys: { a: " + std::string(64, 'f') +
                               " } }\nredis: { url: \"redis://hunter2\" }\n"
                               "gateway: { logging_pg_uri: \"postgres://u:hunter2@h/d\" }\n"
                               "postgres_clients: { x: \"postgres://u:hunter2@h/d?password=hunter2\" }\n",
                           {{"ATHENA_REDIS_URL", "redis://hunter2b"}});
  ASSERT_TRUE(config) << config.error();
  std::string all =
      dump_config(*config, DumpFormat::yaml, true) + dump_config(*config, DumpFormat::json, true);
  for (const auto& key : config_keys()) all += *explain_key(*config, key.full_name());
  all += *explain_key(*config, "clients.x") + *explain_key(*config, "postgres_clients.athena_logging");
  EXPECT_EQ(all.find("hunter2"), std::string::npos);
  EXPECT_EQ(all.find("ffff"), std::string::npos);
}

TEST_F(ConfigTest, ExplainNamesEverything) {
  const auto config =
      load("gateway:\n  request_timeout_ms: 500\n", {{"ATHENA_GATEWAY_REQUEST_TIMEOUT_MS", "600"}});
  ASSERT_TRUE(config) << config.error();
  EXPECT_EQ(*explain_key(*config, "gateway.request_timeout_ms"),
            "gateway.request_timeout_ms\n"
            "  meaning     Deadline of a request that names none.\n"
            "  value       600\n  default     30000\n  type        integer\n  range       1 to 86400000\n"
            "  unit        ms\n  reloadable  yes\n  variable    ATHENA_GATEWAY_REQUEST_TIMEOUT_MS\n"
            "  origin      variable ATHENA_GATEWAY_REQUEST_TIMEOUT_MS\n"
            "  hides       500 (" +
                request_.config_path + ":2)\n  hides       30000 (default)\n");
  EXPECT_FALSE(explain_key(*config, "gateway.request_timeout"));
  EXPECT_FALSE(explain_key(*config, "clients.none"));
  EXPECT_NE(explain_key(*config, "redis.url")->find("no effect in this version"), std::string::npos);
  EXPECT_NE(explain_key(*config, "clients.local")->find("origin      default"), std::string::npos);
}

}  // namespace
}  // namespace athena::app

#include "app/config_fixture.h"

namespace athena::app {
namespace {

TEST_F(ConfigTest, DefaultsOfTheTableAreThoseInForce) {
  // Applying every default changes nothing: the table and the structures agree.
  Config changed;
  for (const auto& key : config_keys()) {
    const auto value = parse_key(key, key.default_text);
    ASSERT_TRUE(value) << key.full_name() << " " << value.error();
    apply_value(changed, key, *value);
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

TEST_F(ConfigTest, EveryKeyInUseHasOnePlaceAndAMeaning) {
  std::vector<std::string> names;
  for (const auto& key : config_keys()) {
    const int setters = (key.set_boolean ? 1 : 0) + (key.set_integer ? 1 : 0) + (key.set_text ? 1 : 0) +
                        (key.set_list ? 1 : 0) + (key.set_map ? 1 : 0);
    EXPECT_EQ(setters, key.state == KeyState::in_use ? 1 : 0) << key.full_name();
    EXPECT_EQ(key.meaning.empty(), key.state != KeyState::in_use) << key.full_name();
    EXPECT_EQ(find_key(key.full_name()), &key) << key.full_name() << " stands there twice";
    EXPECT_TRUE(parse_key(key, key.default_text)) << key.full_name();
    EXPECT_EQ(key.type == KeyType::choice, !key.choices.empty()) << key.full_name();
    if (key.type == KeyType::integer) {
      EXPECT_LT(key.minimum, key.maximum) << key.full_name();
    }
    names.push_back(variable_of(key));
  }
  // No variable sets two keys.
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
  for (const auto& named : named_variables()) EXPECT_NE(find_key(named.key), nullptr) << named.variable;
}

TEST_F(ConfigTest, UnitsComeFromTheName) {
  EXPECT_EQ(find_key("api.keep_alive_secs")->unit(), "s");
  EXPECT_EQ(find_key("pool.idle_timeout_seconds")->unit(), "s");
  EXPECT_EQ(find_key("gateway.request_timeout_ms")->unit(), "ms");
  EXPECT_EQ(find_key("api.max_body_bytes")->unit(), "bytes");
  EXPECT_EQ(find_key("gateway.max_rows")->unit(), "");
}

TEST_F(ConfigTest, ValuesAreReadByTheTypeOfTheKey) {
  const auto& flag = *find_key("api.cors_admin");
  for (const char* text : {"true", "YES", "On", "1"}) EXPECT_EQ(parse_key(flag, text)->text, "true") << text;
  for (const char* text : {"false", "no", "OFF", "0"})
    EXPECT_EQ(parse_key(flag, text)->text, "false") << text;
  for (const char* text : {"", "maybe", "2", " true"}) EXPECT_FALSE(parse_key(flag, text)) << text;
  const auto& number = *find_key("gateway.max_rows");
  EXPECT_EQ(parse_key(number, "0042")->text, "42");
  for (const char* text : {"", "1.5", "1e3", "0x10", "+5", "-1", "5 ", "10000001", "99999999999999999999"})
    EXPECT_FALSE(parse_key(number, text)) << text;
  const auto& list = *find_key("api.allowed_hosts");
  EXPECT_EQ(parse_key(list, " a.example , ,b.example")->items,
            (std::vector<std::string>{"a.example", "b.example"}));
  EXPECT_EQ(parse_key(*find_key("log.ansi"), "0")->text, "false");
  EXPECT_EQ(parse_key(*find_key("log.level"), "WARN")->text, "warn");
}

TEST_F(ConfigTest, ValuesThatNeedAFormAreHeldToIt) {
  const auto good = [](std::string_view key, std::string_view text) {
    return parse_key(*find_key(key), text).has_value();
  };
  const std::string digest(64, 'a');
  for (const char* text : {"10.0.0.0/8", "10.1.2.3", "::1/128", "fd00::/8", "0.0.0.0/0"})
    EXPECT_TRUE(good("api.trusted_proxies", text)) << text;
  for (const char* text :
       {"10.0.0.0/33", "10.0.0/8", "::1/129", "proxy.example", "10.0.0.0/", "10.0.0.0/8x", "/8"})
    EXPECT_FALSE(good("api.trusted_proxies", text)) << text;
  for (const char* text : {"*.db.example.com", "*.x"})
    EXPECT_TRUE(good("gateway.wildcard_hosts", text)) << text;
  for (const char* text : {"db.example.com", "*", "a.*.b", "*.*.b", "*db.example", "*.a/b", "*.", "*.a:80"})
    EXPECT_FALSE(good("gateway.wildcard_hosts", text)) << text;
  for (const char* text : {"https://app.example", "http://localhost:3000", "http://[::1]:80"})
    EXPECT_TRUE(good("api.cors_allowed_origins", text)) << text;
  for (const char* text :
       {"*", "app.example", "https://app.example/", "ftp://a", "https://", "http://a:99999"})
    EXPECT_FALSE(good("api.cors_allowed_origins", text)) << text;
  for (const char* text : {"127.0.0.1", "[::]", "::1", "localhost"})
    EXPECT_TRUE(good("api.bind", text)) << text;
  for (const char* text : {"example.com", "127.0.0.1:80", "*", "[::1"})
    EXPECT_FALSE(good("api.bind", text)) << text;
  for (const char* text : {"/docs/", "https://docs.example/x"})
    EXPECT_TRUE(good("api.docs_url", text)) << text;
  for (const char* text : {"docs", "//evil.example", "javascript:x", "/a b"})
    EXPECT_FALSE(good("api.docs_url", text)) << text;
  EXPECT_TRUE(good("api.admin_keys", "bob=" + digest));
  EXPECT_FALSE(good("api.admin_keys", "bob=" + digest + "a"));
  EXPECT_FALSE(good("api.admin_keys", digest));
  EXPECT_FALSE(good("api.unix_socket", "/" + std::string(108, 's')));
  EXPECT_FALSE(good("engines.sqlite_allowed_dirs", "relative"));
}

TEST_F(ConfigTest, SecretsAreMaskedInMistakesAndValues) {
  const auto& key = *find_key("api.admin_keys");
  const auto wrong = parse_key(key, "bob=hunter2");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().find("hunter2"), std::string::npos);
  EXPECT_EQ(shown(key, *parse_key(key, "bob=" + std::string(64, 'a'))), "bob=***");
  EXPECT_EQ(shown(*find_key("redis.url"), *parse_key(*find_key("redis.url"), "redis://x")), "***");
}

TEST_F(ConfigTest, NearNamesAreFoundAcrossSections) {
  EXPECT_EQ(near_keys("gateway.max_row").front(), "gateway.max_rows");
  EXPECT_EQ(near_keys("max_stream_rows").front(), "gateway.max_stream_rows");
  EXPECT_TRUE(near_keys("zzzzzzzzzzzz").empty());
}

}  // namespace
}  // namespace athena::app

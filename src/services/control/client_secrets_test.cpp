#include "services/control/client_secrets.h"

#include <gtest/gtest.h>

namespace athena::control {
namespace {

TEST(MaskedUri, ShowsEverythingButThePassword) {
  EXPECT_EQ(masked_uri("postgres://app:s3cret@db:5432/shop?sslmode=require"),
            "postgres://app:***@db:5432/shop?sslmode=require");
  EXPECT_EQ(masked_uri("postgresql://db/shop"), "postgresql://db/shop");
  EXPECT_EQ(masked_uri("postgres://app@db/shop"), "postgres://app@db/shop");
  EXPECT_EQ(masked_uri("postgres:///shop?host=/run/pg&user=app&password=s3cret"),
            "postgres:///shop?host=/run/pg&user=app&password=***");
  EXPECT_EQ(masked_uri("postgres://h/d?sslpassword=s3cret"), "postgres://h/d?sslpassword=***");
  EXPECT_EQ(masked_uri("jdbc:postgresql://h/d?user=a&password=s3cret"),
            "jdbc:postgresql://h/d?user=a&password=***");
}

TEST(MaskedUri, NeverShowsAPasswordThatWasNotEscaped) {
  for (const auto* uri :
       {"postgres://app:a@s3cret@db/shop", "postgres://app:a/s3cret@db/shop",
        "postgres://app:s3cret/@db/shop", "postgres://app:?s3cret@db/shop", "host=db password=s3cret",
        "postgres://app:${P:-s3cret}@db/shop", "postgres://app:x${P}s3cret@db/shop",
        "postgres://${U:-a:b}:s3cret@db/shop", "postgres://app:${s3cret@db/shop", "s3cret",
        "postgres://h/d?password=a${X}s3cret", "postgres://a:s3cret@b@db/d?x=y@z"}) {
    EXPECT_EQ(masked_uri(uri).find("s3cret"), std::string::npos) << uri << " → " << masked_uri(uri);
  }
}

TEST(MaskedUri, NamesOfVariablesAreNoSecrets) {
  EXPECT_EQ(masked_uri("${SHOP_URI}"), "${SHOP_URI}");
  EXPECT_EQ(masked_uri("postgres://app:${SHOP_PW}@db/shop"), "postgres://app:${SHOP_PW}@db/shop");
}

TEST(MaskedUri, WhatIsMaskedIsRecognised) {
  for (const auto* uri :
       {"postgres://app:s3cret@db/shop", "host=db password=s3cret", "postgres:///shop?password=s3cret"}) {
    EXPECT_FALSE(has_masked_password(uri));
    EXPECT_TRUE(has_masked_password(masked_uri(uri))) << masked_uri(uri);
  }
  EXPECT_FALSE(has_masked_password("postgres://db/shop"));
}

TEST(MaskedConnection, HidesSecretsOfEveryEngine) {
  const auto masked = masked_connection(
      R"({"uri":"postgres://a:s3cret@h/d","hosts":["10.0.0.5:9042"],"username":"app","password":"s3cret","key":"s3cret",)"
      R"("token":"s3cret","apikey":"s3cret","headers":{"x-custom":"s3cret"},"secret_key":"s3cret","session_token":"s3cret",)"
      R"("access_key_id":"s3cret","postgres_uri":"postgres://a:s3cret@h/d","replicas":["postgres://a:s3cret@h/d"],)"
      R"("sslkey":"/etc/key.pem","password_env_var":"PW","pool":{"max_connections":5},"nothing":null})");
  EXPECT_EQ(masked.find("s3cret"), std::string::npos) << masked;
  for (const auto* shown :
       {"10.0.0.5:9042", "\"username\":\"app\"", "/etc/key.pem", "\"password_env_var\":\"PW\"",
        "\"max_connections\":5", "\"nothing\":null", "postgres://a:***@h/d"})
    EXPECT_NE(masked.find(shown), std::string::npos) << shown << " in " << masked;
  EXPECT_TRUE(has_masked_secret(masked));
  EXPECT_FALSE(has_masked_secret(R"({"uri":"postgres://a:b@h/d","description":"***"})"));
}

TEST(CanonicalJson, EqualDocumentsAreEqualTexts) {
  EXPECT_EQ(canonical_json(R"({"b":[{"y":1,"x":"z"}],"a":true})"), R"({"a":true,"b":[{"x":"z","y":1}]})");
  EXPECT_NE(canonical_json(R"({"a":[1,2]})"), canonical_json(R"({"a":[2,1]})"));
  EXPECT_EQ(canonical_json(""), "");
}

}  // namespace
}  // namespace athena::control

#include "engines/postgres/target.h"

#include <gtest/gtest.h>

namespace athena::postgres {
namespace {

contract::PostgresConnection with_uri(std::string uri) {
  contract::PostgresConnection connection;
  connection.uri = std::move(uri);
  return connection;
}

TEST(Target, TheFormsOfAUri) {
  for (const char* uri :
       {"postgres://ada:s%20ecret@db.example:5433/shop?sslmode=require",
        "postgresql://ada:s%20ecret@db.example:5433/shop?sslmode=require",
        "jdbc:postgresql://db.example:5433/shop?user=ada&password=s%20ecret&sslmode=require",
        "host=db.example port=5433 user=ada password='s ecret' dbname=shop sslmode=require"}) {
    const auto target = parse_target(with_uri(uri));
    ASSERT_TRUE(target) << uri;
    ASSERT_EQ(target->hosts.size(), 1U);
    EXPECT_EQ(target->hosts[0].host, "db.example");
    EXPECT_EQ(target->hosts[0].port, "5433");
    EXPECT_FALSE(target->hosts[0].is_unix_socket());
    EXPECT_EQ(target->user, "ada");
    EXPECT_EQ(target->password, "s ecret");
    EXPECT_EQ(target->database, "shop");
    EXPECT_EQ(target->sslmode, Target::SslMode::require);
  }
}

TEST(Target, SeveralHosts) {
  const auto target = parse_target(with_uri("postgresql://u@a:1,b:2,c:3/d"));
  ASSERT_TRUE(target);
  ASSERT_EQ(target->hosts.size(), 3U);
  EXPECT_EQ(target->hosts[2].host, "c");
  EXPECT_EQ(target->hosts[2].port, "3");
  EXPECT_FALSE(parse_target(with_uri("host=a,b,c port=1,2")));
}

TEST(Target, UnixSocket) {
  const auto target = parse_target(with_uri("postgresql://postgres@/bench?host=/run/pg&port=5999"));
  ASSERT_TRUE(target);
  EXPECT_TRUE(target->hosts[0].is_unix_socket());
  EXPECT_EQ(target->hosts[0].host, "/run/pg");
}

TEST(Target, TheUriWinsOverTheDefinition) {
  auto connection = with_uri("postgresql://u@h/d?sslrootcert=/uri.pem");
  connection.sslmode = "verify-full";
  connection.sslrootcert = "/definition.pem";
  connection.sslcert = "/cert.pem";
  const auto target = parse_target(connection);
  ASSERT_TRUE(target);
  EXPECT_EQ(target->sslmode, Target::SslMode::verify_full);
  const std::vector<std::pair<std::string, std::string>> wanted = {{"sslcert", "/cert.pem"},
                                                                   {"sslrootcert", "/uri.pem"}};
  EXPECT_EQ(target->parameters, wanted);
}

TEST(Target, RefusalsHoldNothingOfTheText) {
  for (const char* uri :
       {"postgresql://u:topsecret@h:notaport/d", "postgresql://u:topsecret@h:70000/d",
        "postgresql://u:topsecret@[::1/d", "topsecret", "postgresql://u:topsecret@h/d?sslmode=maybe",
        "postgresql://u:topsecret@h/d?unknown=1", "postgresql://u:top%zzsecret@h/d"}) {
    const auto target = parse_target(with_uri(uri));
    ASSERT_FALSE(target) << uri;
    EXPECT_EQ(target.error().code(), contract::ErrorCode::invalid_payload);
    EXPECT_EQ(target.error().text().find("secret"), std::string::npos) << target.error().text();
  }
}

TEST(Target, NothingOfTheAccountIsRead) {
  for (const char* keyword :
       {"service=shop", "passfile=/root/.pgpass", "replication=database", "gssencmode=require"}) {
    EXPECT_FALSE(parse_target(with_uri(std::string("host=h user=u ") + keyword))) << keyword;
  }
}

TEST(StartupOptions, EscapesWhatTheServerWouldSplit) {
  StartupOptions options;
  options.set("search_path", "\"my schema\", public").set("x", "a\\b").append_raw("-c y=1");
  EXPECT_EQ(options.text(), "-c search_path=\"my\\ schema\",\\ public -c x=a\\\\b -c y=1");
}

}  // namespace
}  // namespace athena::postgres

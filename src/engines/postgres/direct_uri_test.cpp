#include "engines/postgres/direct_uri.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engines/postgres/connect.h"
#include "engines/postgres/target.h"

namespace athena::postgres {
namespace {

using contract::ErrorCode;

contract::Result<DirectUri> parse(std::string_view text) {
  return parse_direct_uri("x-pg-uri", text);
}

TEST(DirectUri, TheThreeForms) {
  for (const char* text :
       {"postgres://ada:s%20ecret@db.example:5433/shop?sslmode=require",
        "postgresql://ada:s%20ecret@db.example:5433/shop?sslmode=require",
        "postgresql://db.example:5433/shop?user=ada&password=s%20ecret&sslmode=require",
        "jdbc:postgresql://db.example:5433/shop?user=ada&password=s%20ecret&sslmode=require",
        "jdbc:postgresql://db.example:5433/shop?&sslmode=require&&user=ada&password=s%20ecret&"}) {
    const auto uri = parse(text);
    ASSERT_TRUE(uri) << text;
    EXPECT_EQ(uri->host, "db.example");
    EXPECT_EQ(uri->port, 5433);
    EXPECT_EQ(uri->user, "ada");
    EXPECT_EQ(uri->password, "s ecret");
    EXPECT_EQ(uri->database, "shop");
    EXPECT_EQ(uri->sslmode, "require");
  }
}

TEST(DirectUri, WhatIsNotGiven) {
  const auto uri = parse("postgres://ada@db.example");
  ASSERT_TRUE(uri);
  EXPECT_EQ(uri->port, 5432);
  EXPECT_EQ(uri->database, "ada") << "as libpq does it, but not left to it";
  EXPECT_EQ(uri->password, "");
  EXPECT_EQ(uri->sslmode, "");
  EXPECT_TRUE(parse("postgres://ada@db.example/"));
  EXPECT_TRUE(parse("postgres://ada@db.example?sslmode=disable"));
}

TEST(DirectUri, EverythingElse) {
  const auto uri = parse(
      "postgres://a%40b:p%3a%2F%3F%23%5B%27%5C@[2606:4700::1111]:65535/d%2Fb?application_name=my%20app"
      "&connect_timeout=3&channel_binding=require&sslmode=verify-full");
  ASSERT_TRUE(uri);
  EXPECT_EQ(uri->user, "a@b");
  EXPECT_EQ(uri->password, "p:/?#['\\");
  EXPECT_EQ(uri->host, "[2606:4700::1111]");
  EXPECT_EQ(uri->port, 65535);
  EXPECT_EQ(uri->database, "d/b");
  EXPECT_EQ(uri->application_name, "my app");
  EXPECT_EQ(uri->connect_timeout_seconds, 3);
  EXPECT_EQ(uri->channel_binding, "require");
}

TEST(DirectUri, ParametersThatAreNotAllowedAreNamed) {
  for (const char* name : {"host",          "hostaddr",
                           "port",          "dbname",
                           "service",       "options",
                           "passfile",      "sslcert",
                           "sslkey",        "sslrootcert",
                           "sslcrl",        "sslpassword",
                           "gssencmode",    "target_session_attrs",
                           "replication",   "client_encoding",
                           "socketFactory", "keepalives",
                           "requirepeer",   "krbsrvname"}) {
    const auto uri = parse("postgres://ada:secret@db.example/shop?" + std::string(name) + "=topvalue");
    ASSERT_FALSE(uri) << name;
    EXPECT_EQ(uri.error().code(), ErrorCode::invalid_value) << name;
    EXPECT_EQ(uri.error().text(),
              "The parameter " + std::string(name) + " of the URI in x-pg-uri is not allowed.");
    ASSERT_EQ(uri.error().details().size(), 2U);
    EXPECT_EQ(uri.error().details()[1].json, '"' + std::string(name) + '"');
  }
}

TEST(DirectUri, NoPartOfTheTextIsRepeated) {
  for (const char* text :
       {"postgres://ada:1?TOPSECRET@db.example/shop", "postgres://ada:1?TOPSECRET", "postgres://TOPSECRET",
        "postgres://ada:TOP@SECRET@db.example/shop", "postgres://ada:TOPSECRET@db.example:99999/shop",
        "postgres://ada:TOPSECRET@db.example/shop?sslmode=TOPSECRET",
        "postgres://ada:%zzTOPSECRET@db.example", "postgres://ada:TOPSECRET@db.example/shop?TOPSECRET=1",
        "mysql://TOPSECRET", "TOPSECRET", "postgres://ada:TOPSECRET@/shop",
        "postgres://ada:TOPSECRET@%2Ftmp/shop", "postgres://ada:TOPSECRET@a,b/shop"}) {
    const auto uri = parse(text);
    ASSERT_FALSE(uri) << text;
    EXPECT_EQ(uri.error().text().find("SECRET"), std::string::npos) << uri.error().text();
    EXPECT_NE(uri.error().text().find("x-pg-uri"), std::string::npos) << uri.error().text();
    const auto error = uri.error();
    for (const auto& detail : error.details()) EXPECT_EQ(detail.json.find("SECRET"), std::string::npos);
  }
}

TEST(DirectUri, Malformed) {
  for (const auto& text :
       std::vector<std::string>{"postgres:/ada@db.example/shop",
                                "postgres:ada@db",
                                "POSTGRES://ada@db.example/shop",
                                "jdbc:postgres://ada@db.example/shop",
                                "jdbc:mysql://ada@db.example/shop",
                                "http://ada@db.example/shop",
                                "host=db.example user=ada",
                                "postgres://ada@db.example:/shop",
                                "postgres://ada@db.example:0/shop",
                                "postgres://ada@db.example:65536/shop",
                                "postgres://ada@db.example:+1/shop",
                                "postgres://ada@db.example:1x",
                                "postgres://ada@db.example,other.example/shop",
                                "postgres://ada@db.example:1,db.example:2/shop",
                                "postgres://a:b:c@db.example/shop",
                                "postgres://a@b@db.example/shop",
                                "postgres://ada@db.example/shop#x",
                                "postgres://ada@db.example/shop/more",
                                "postgres://ada@db.example/a@b",
                                "postgres://ada@[::1/shop",
                                "postgres://ada@[::1]x/shop",
                                "postgres://ada@[::1]:/shop",
                                "postgres://ada@db.example/%00",
                                "postgres://a%00@db.example/shop",
                                "postgres://ada@db.example/%",
                                "postgres://ada@db.example/%4",
                                "postgres://ada@db.example/%g0",
                                "postgres://ada@db.example/shop?sslmode",
                                "postgres://ada@db.example/shop?sslmode=no",
                                "postgres://ada@db.example/shop?sslmode=Require",
                                "postgres://ada@db.example/shop?connect_timeout=0",
                                "postgres://ada@db.example/shop?connect_timeout=-1",
                                "postgres://ada@db.example/shop?connect_timeout=1x",
                                "postgres://ada@db.example/shop?connect_timeout=9999",
                                "postgres://ada@db.example/shop?channel_binding=maybe",
                                "postgres://ada@db.example/shop?user=bob",
                                "postgres://ada:x@db.example/shop?password=y",
                                "postgres://ada@db.example/shop?user=",
                                "postgres://ada@db.example/shop?sslmode=disable&sslmode=require",
                                "postgres://ada@db.example/shop?connect_timeout=1&connect_timeout=2",
                                "postgres://ada@db.example/shop?SSLMODE=require",
                                "postgres://ada@db.example/shop?=x",
                                "postgres://ada@db.example/shop?%68ost=x",
                                "postgres://ada:a b@db.example/shop",
                                "postgres://ad\xC3\xA4@db.example/shop",
                                "postgres://ada@db.example/sh\nop",
                                "postgres://ada@db.example/" + std::string(5000, 'a')}) {
    const auto uri = parse(text);
    ASSERT_FALSE(uri) << text;
    EXPECT_EQ(uri.error().code(), ErrorCode::invalid_value) << text;
  }
}

TEST(DirectUri, WithoutHostOrUser) {
  for (const char* text :
       {"postgres:///shop", "postgres://ada@/shop", "postgres://", "postgres://:pw@db.example/shop",
        "postgres://db.example/shop", "jdbc:postgresql://db.example/shop", "postgres://@db.example"}) {
    const auto uri = parse(text);
    ASSERT_FALSE(uri) << text;
    EXPECT_EQ(uri.error().code(), ErrorCode::invalid_payload) << text;
  }
}

TEST(DirectUri, SocketPaths) {
  for (const char* text : {"postgres://ada@%2Fvar%2Frun%2Fpostgresql/shop", "postgres://ada@%2ftmp",
                           "postgres://ada@%40abstract/shop"}) {
    const auto uri = parse(text);
    ASSERT_FALSE(uri) << text;
    EXPECT_EQ(uri.error().code(), ErrorCode::target_not_allowed) << text;
  }
  // `/` ends the host: that is a URI without one.
  EXPECT_EQ(parse("postgres://ada@/var/run").error().code(), ErrorCode::invalid_value);
}

TEST(DirectUri, ThePinnedTextIsReadAsItWasMeant) {
  const auto uri = parse(
      "postgres://a%27b:p%27%5C%20x%3D1%20hostaddr%3D1.1.1.1@db.example:5433/d%20b?sslmode=verify-full"
      "&application_name=x%27y&channel_binding=prefer&connect_timeout=2");
  ASSERT_TRUE(uri);
  const auto text = pinned_connection_text(*uri, "db.example", "8.8.8.8");
  contract::PostgresConnection connection;
  connection.uri = text;
  const auto target = parse_target(connection);
  ASSERT_TRUE(target);
  ASSERT_EQ(target->hosts.size(), 1U);
  EXPECT_EQ(target->hosts[0].host, "db.example");
  EXPECT_EQ(target->hosts[0].hostaddr, "8.8.8.8");
  EXPECT_EQ(target->hosts[0].port, "5433");
  EXPECT_EQ(target->user, "a'b");
  EXPECT_EQ(target->password, "p'\\ x=1 hostaddr=1.1.1.1");
  EXPECT_EQ(target->database, "d b");
  EXPECT_EQ(target->sslmode, Target::SslMode::verify_full);
  EXPECT_EQ(target->user_options, "");
}

TEST(DirectUri, SpellingsOfOneUriShareATextAndOthersDoNot) {
  const auto text = [](std::string_view uri_text, std::string_view address = "8.8.8.8") {
    const auto uri = parse(uri_text);
    EXPECT_TRUE(uri) << uri_text;
    return uri ? pinned_connection_text(*uri, "db.example", address) : std::string();
  };
  const auto first = text("postgres://ada:pw@db.example/shop");
  for (const char* same :
       {"postgresql://ada:pw@DB.example.:5432/shop", "jdbc:postgresql://db.example/shop?password=pw&user=ada",
        "postgres://%61da:p%77@db.example/shop?sslmode=prefer"}) {
    EXPECT_EQ(text(same), first) << same;
  }
  for (const char* other : {"postgres://ada:pw2@db.example/shop", "postgres://bob:pw@db.example/shop",
                            "postgres://ada:pw@db.example/other", "postgres://ada:pw@db.example:5433/shop",
                            "postgres://ada:pw@db.example/shop?sslmode=require",
                            "postgres://ada:pw@db.example/shop?application_name=x"}) {
    EXPECT_NE(text(other), first) << other;
  }
  EXPECT_NE(text("postgres://ada:pw@db.example/shop", "9.9.9.9"), first);
}

}  // namespace
}  // namespace athena::postgres

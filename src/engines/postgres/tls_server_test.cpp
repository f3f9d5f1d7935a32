// TLS and authentication against a server of the test's own. Skipped without one.
#include <gtest/gtest.h>

#include <thread>

#include "engines/postgres/test_support.h"

namespace athena::postgres::testing {
namespace {

using namespace std::chrono_literals;
using Kind = Gateway::Kind;

class TlsServerTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    server = std::make_unique<Server>(true);
    if (!server->running()) return;
    server->sql(
        "create role ada login password 'secret'; create table t(id int primary key, filler text);"
        "insert into t select i, repeat('y',1000) from generate_series(1,10000) i; grant all on t to ada;"
        "create view mine as select ssl, coalesce(client_dn,'') as dn from pg_stat_ssl where pid = "
        "pg_backend_pid();"
        "create view slow as select 1 as id, pg_sleep(30)::text as z; grant all on mine, slow to ada; "
        "analyze");
  }
  static void TearDownTestSuite() { server.reset(); }
  void SetUp() override {
    if (!server->running()) GTEST_SKIP() << "no PostgreSQL here";
  }
  static contract::PostgresConnection to(const std::string& login, const std::string& rest = "") {
    contract::PostgresConnection connection;
    connection.uri =
        "postgresql://" + login + "@localhost:" + std::to_string(server->port()) + "/postgres" + rest;
    return connection;
  }
  static std::unique_ptr<Server> server;
};
std::unique_ptr<Server> TlsServerTest::server;

TEST_F(TlsServerTest, PreferTakesTlsWhereTheServerOffersIt) {
  Gateway gateway(to("ada:secret"));
  EXPECT_EQ(gateway.fetch(R"({"table_name":"mine"})").rows, R"({"ssl":true,"dn":""})");
  Gateway plain(to("ada:secret", "?sslmode=disable"));
  EXPECT_EQ(plain.fetch(R"({"table_name":"mine"})").rows, R"({"ssl":false,"dn":""})");
}

TEST_F(TlsServerTest, LargeResultsAndManyAtOnce) {
  Gateway gateway(to("ada:secret", "?sslmode=require"));
  const auto large = gateway.fetch(R"({"table_name":"t","limit":10000})");
  ASSERT_EQ(large.code(), "ok");
  EXPECT_EQ(large.summary.rows_returned, 10000);
  EXPECT_GT(large.rows.size(), 10'000'000U);
  std::vector<std::future<Answer>> sent;
  for (int i = 1; i <= 300; ++i) {
    sent.push_back(gateway.send(
        Kind::fetch,
        R"({"table_name":"t","columns":["id"],"conditions":[{"operator":"eq","column":"id","value":)" +
            std::to_string(i) + "}]}",
        {}));
  }
  for (int i = 1; i <= 300; ++i) {
    EXPECT_EQ(sent[static_cast<std::size_t>(i - 1)].get().rows, R"({"id":)" + std::to_string(i) + "}");
  }
}

TEST_F(TlsServerTest, VerificationOfTheServer) {
  const std::string root = server->folder() + "/root.crt";
  Gateway right(to("ada:secret", "?sslmode=verify-full&sslrootcert=" + root));
  EXPECT_EQ(right.fetch(R"({"table_name":"mine"})").code(), "ok");
  Gateway unknown(to("ada:secret", "?sslmode=verify-full"));
  const auto refused = unknown.fetch(R"({"table_name":"mine"})");
  EXPECT_EQ(refused.code(), "backend_unreachable");
  EXPECT_EQ(refused.detail("reason"), "\"tls\"");
}

TEST_F(TlsServerTest, AWrongPassword) {
  Gateway gateway(to("ada:wrong"));
  const auto refused = gateway.fetch(R"({"table_name":"mine"})");
  EXPECT_EQ(refused.code(), "backend_unreachable");
  EXPECT_EQ(refused.detail("reason"), "\"authentication\"");
  EXPECT_EQ(refused.error->text().find("ada"), std::string::npos);
  Gateway none(to("ada"));
  EXPECT_EQ(none.fetch(R"({"table_name":"mine"})").detail("reason"), "\"authentication\"");
}

TEST_F(TlsServerTest, ACancelDoesNotGoInPlainText) {
  Gateway gateway(to("ada:secret", "?sslmode=require"));
  ASSERT_EQ(gateway.fetch(R"({"table_name":"mine"})").code(), "ok");
  for (const bool exclusive : {false, true}) {
    Gateway::Options options;
    options.timeout = 400ms;
    options.exclusive = exclusive;
    EXPECT_EQ(gateway.fetch(R"({"table_name":"slow"})", options).code(), "deadline_exceeded");
    std::this_thread::sleep_for(400ms);
    EXPECT_EQ(server->sql(
                  "select count(*) from pg_stat_activity where query like '%\"slow\"%' and state = 'active' "
                  "and pid <> pg_backend_pid()"),
              "0");
    EXPECT_EQ(gateway.fetch(R"({"table_name":"mine"})").code(), "ok");
  }
}

TEST_F(TlsServerTest, NamesThatDoNotResolve) {
  contract::PostgresConnection connection;
  connection.uri = "postgresql://ada@does-not-exist.invalid/postgres";
  Gateway gateway(connection);
  const auto answer = gateway.fetch(R"({"table_name":"mine"})");
  EXPECT_EQ(answer.code(), "backend_unreachable");
  EXPECT_EQ(answer.detail("reason"), "\"dns\"");
}

}  // namespace
}  // namespace athena::postgres::testing

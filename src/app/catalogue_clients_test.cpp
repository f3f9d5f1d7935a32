#include "app/catalogue_clients.h"

#include <gmock/gmock.h>

#include "app/config_fixture.h"
#include "services/control/client_secrets.h"

namespace athena::app {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const std::string kFile = R"(
postgres_clients:
  plain: postgres://app:s3cret@db/plain
  whole: ${WHOLE}
  parts:
    uri: postgres://app:${PW}@db/parts
    pool: {max_connections: 7}
    search_path: a,b
  named: {uri_env_var: WHOLE, description: by name}
clients:
  lite:
    engine: sqlite
    path: lite.db
    readers: 2
    is_frozen: true
    metadata: {limits: {max_rows: 5}, host_labels: ["123", shop], own: "007"}
)";

class CatalogueClientsTest : public ConfigTest {
 protected:
  void SetUp() override {
    ConfigTest::SetUp();
    auto loaded = load(kFile, environment.all());
    ASSERT_TRUE(loaded.has_value()) << loaded.error();
    config = std::move(*loaded);
    resolve_sqlite_paths(config, "/data");
  }
  const ConfiguredClient& row(const std::string& name) { return config.client_rows.at(index(name)); }
  const contract::ClientDefinition& client(const std::string& name) { return config.clients.at(index(name)); }
  std::size_t index(const std::string& name) {
    for (std::size_t i = 0; i < config.clients.size(); ++i) {
      if (config.clients[i].client_name == name) return i;
    }
    return config.clients.size();
  }
  DefinedClient define(const control::ClientRow& client_row) {
    return define_client(client_row, config, "/data", environment);
  }

  Environment environment{
      std::map<std::string, std::string>{{"WHOLE", "postgres://app:s3cret@db/whole"}, {"PW", "s3cret"}}};
  Config config;
};

TEST_F(CatalogueClientsTest, ARowMeansWhatTheFileMeant) {
  for (const auto* name : {"plain", "whole", "parts", "named", "lite"}) {
    const auto defined = define(row(name).row);
    EXPECT_THAT(defined.problems, IsEmpty())
        << name << ": " << (defined.problems.empty() ? "" : defined.problems[0].text());
    EXPECT_EQ(defined.unusable, "") << name;
    const auto& file = client(name);
    EXPECT_EQ(defined.definition.connection, file.connection) << name;
    EXPECT_EQ(defined.definition.engine, file.engine) << name;
    EXPECT_EQ(defined.definition.lifecycle, file.lifecycle) << name;
    EXPECT_EQ(defined.definition.description, file.description) << name;
    EXPECT_EQ(defined.definition.host_labels, file.host_labels) << name;
    EXPECT_EQ(defined.definition.limits.max_rows, file.limits.max_rows) << name;
  }
}

TEST_F(CatalogueClientsTest, VariablesAreKeptByTheirNames) {
  EXPECT_EQ(row("plain").row.pg_uri, "postgres://app:s3cret@db/plain");
  EXPECT_EQ(row("plain").row.config_uri_template, "postgres://app:***@db/plain");
  EXPECT_EQ(row("whole").row.pg_uri, std::nullopt);
  EXPECT_EQ(row("whole").row.pg_uri_env_var, "WHOLE");
  EXPECT_EQ(row("whole").row.config_uri_template, "${WHOLE}");
  EXPECT_EQ(row("parts").row.pg_uri, "postgres://app:${PW}@db/parts");
  EXPECT_EQ(row("named").row.pg_uri_env_var, "WHOLE");
  EXPECT_EQ(row("lite").row.pg_uri, std::nullopt);
  EXPECT_EQ(control::canonical_json(row("lite").row.connection), R"({"path":"lite.db","readers":2})");
  EXPECT_EQ(control::canonical_json(row("lite").row.metadata),
            R"({"host_labels":[123,"shop"],"limits":{"max_rows":5},"own":"007"})");
  EXPECT_TRUE(row("lite").gives_frozen && row("lite").gives_metadata);
  EXPECT_FALSE(row("lite").gives_active || row("lite").gives_description || row("plain").gives_frozen);
}

TEST_F(CatalogueClientsTest, AnUnsetVariableIsTroubleAndNoMistake) {
  environment = Environment(std::map<std::string, std::string>{});
  for (const auto* name : {"whole", "parts", "named"}) {
    const auto defined = define(row(name).row);
    EXPECT_THAT(defined.problems, IsEmpty()) << name;
    EXPECT_EQ(defined.unset_variable, std::string(name) == "parts" ? "PW" : "WHOLE");
    EXPECT_EQ(defined.unusable, "environment variable " + defined.unset_variable + " is not set");
  }
}

TEST_F(CatalogueClientsTest, ARowThatMakesNoClientIsKeptWithItsTrouble) {
  control::ClientRow broken;
  broken.client_name = "broken";
  broken.engine = "scylla";
  broken.connection = R"({"hosts":["h:9042"]})";
  auto defined = define(broken);
  EXPECT_EQ(defined.definition.client_name, "broken");
  EXPECT_EQ(defined.definition.engine, contract::Engine::scylla);
  EXPECT_THAT(defined.unusable, HasSubstr("not built into this version"));
  broken.engine = "postgresql";
  broken.connection = "";
  broken.config_uri_template = "postgres://app:***@db/x";  // of an instance whose file had the password
  EXPECT_THAT(define(broken).unusable, HasSubstr("config_uri_template"));
  broken.config_uri_template = "s3cret:this is no URI";
  defined = define(broken);
  EXPECT_NE(defined.unusable, "");
  EXPECT_THAT(defined.unusable, Not(HasSubstr("s3cret")));
}

TEST_F(CatalogueClientsTest, RefusalsNameTheMemberAsItWasSent) {
  control::ClientRow one;
  one.client_name = "one";
  one.engine = "sqlite";
  const auto refused = [&] { return refusal(define(one).problems.at(0), one); };
  one.connection = "{}";
  EXPECT_EQ(refused().code(), contract::ErrorCode::missing_field);
  one.connection = R"({"path":"x.db","colour":1})";
  EXPECT_EQ(refused().code(), contract::ErrorCode::invalid_payload);
  EXPECT_THAT(refused().text(), HasSubstr("connection.colour"));
  one.connection = R"({"path":"/etc/passwd"})";
  EXPECT_EQ(refused().code(), contract::ErrorCode::invalid_value);
  one.engine = "postgresql";
  one.connection = "";
  one.pg_uri = "postgres://h:port/d";
  EXPECT_THAT(refused().text(), HasSubstr("pg_uri"));
}

}  // namespace
}  // namespace athena::app

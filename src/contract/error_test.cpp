#include "contract/error.h"

#include <gtest/gtest.h>

#include "base/json_reader.h"
#include "contract/capability.h"
#include "contract/client_definition.h"
#include "contract/envelope.h"

namespace athena::contract {
namespace {

std::string envelope(const Error& error, const ErrorEnvelope& context) {
  base::Buffer out;
  append_error(out, error, context);
  return std::string(out.view());
}

TEST(ErrorTest, TheCatalogueIsSound) {
  std::vector<std::string_view> names;
  for (const auto& entry : error_catalogue()) {
    EXPECT_GE(entry.status, 400) << entry.name;
    EXPECT_LT(entry.status, 600) << entry.name;
    EXPECT_FALSE(entry.when.empty()) << entry.name;
    EXPECT_EQ(std::count(names.begin(), names.end(), entry.name), 0) << entry.name;
    names.push_back(entry.name);
    EXPECT_EQ(&info(entry.code), &entry);
  }
}

TEST(ErrorTest, TheEnvelopeIsThatOfTheContract) {
  const std::vector<std::string> suggestions{"name"};
  const auto error = Error(ErrorCode::undefined_column, "Column \"nmae\" does not exist in table \"users\".")
                         .with("column", "nmae")
                         .with("table", "users")
                         .with("suggestions", std::span<const std::string>(suggestions))
                         .hint(did_you_mean(suggestions));
  EXPECT_EQ(
      envelope(error, {"id-1", "fetch"}),
      R"({"status":"error","code":"undefined_column","message":"The specified column does not exist",)"
      R"("error":"Column \"nmae\" does not exist in table \"users\".","request_id":"id-1",)"
      R"("hint":"Did you mean \"name\"?","data":{"operation":"fetch","details":{"column":"nmae","table":"users",)"
      R"("suggestions":["name"]}}})");
}

TEST(ErrorTest, TerseLeavesTheDatabaseOut) {
  Error error(ErrorCode::unique_violation,
              "duplicate key value violates unique constraint \"users_email_key\"");
  error.with_database("sql_state", "23505").with("member", std::string_view("insert_body"));
  const auto text = envelope(error, {"r", "insert", true, false});
  EXPECT_EQ(text.find("users_email_key"), std::string::npos);
  EXPECT_EQ(text.find("23505"), std::string::npos);
  EXPECT_NE(text.find(R"("details":{"member":"insert_body"})"), std::string::npos);
  EXPECT_NE(envelope(error, {"r", "insert", false, true}).find(R"("message":"duplicate key)"),
            std::string::npos);
}

TEST(ErrorTest, RetryAfterIsThereForEvery429And503AndNoOther) {
  for (const auto& entry : error_catalogue()) {
    const auto seconds = retry_after_seconds(Error(entry.code));
    if (entry.status == 429 || entry.status == 503) {
      EXPECT_GE(seconds, 1U) << entry.name;
    } else {
      EXPECT_EQ(seconds, 0U) << entry.name;
    }
  }
  EXPECT_EQ(retry_after_seconds(Error(ErrorCode::circuit_open).retry_after(42)), 42U);
}

TEST(ErrorTest, NearNamesAreNear) {
  const std::vector<std::string_view> names{"id", "name", "email", "created_at", "Name2"};
  EXPECT_EQ(near_names("nmae", names).front(), "name");
  EXPECT_EQ(near_names("NAME", names).front(), "name");
  EXPECT_EQ(near_names("createdat", names).front(), "created_at");
  EXPECT_TRUE(near_names("zzzzzzzz", names).empty());
}

TEST(ClientNameTest, FormAndReservedWords) {
  for (const char* good : {"a", "shop", "A.b_c-1", "0x"}) EXPECT_TRUE(check_client_name(good)) << good;
  for (const char* bad :
       {"", ".a", "a b", "direct", "Unknown", "custom_supabase", "statistics", "\xC3\xA9"}) {
    EXPECT_FALSE(check_client_name(bad)) << bad;
  }
  EXPECT_TRUE(check_client_name(std::string(64, 'a')));
  EXPECT_FALSE(check_client_name(std::string(65, 'a')));
  EXPECT_EQ(client_key(" Shop\t"), "shop");
}

TEST(CapabilityTest, NamesGoBothWays) {
  for (std::size_t i = 0; i < kCapabilityCount; ++i) {
    const auto capability = static_cast<Capability>(i);
    EXPECT_EQ(capability_from_name(name(capability)), capability);
  }
  for (std::size_t i = 0; i < kEngineCount; ++i)
    EXPECT_EQ(engine_from_name(name(static_cast<Engine>(i))), static_cast<Engine>(i));
  EXPECT_EQ(engine_from_name("neon"), Engine::postgresql);
  EXPECT_EQ(engine_from_name("cassandra"), Engine::scylla);
  EXPECT_FALSE(engine_from_name("oracle"));
  EXPECT_EQ(support(Engine::sqlite, "operator.match"), Feature::Support::no);
  EXPECT_EQ(support(Engine::postgresql, "operator.match"), Feature::Support::yes);
  EXPECT_EQ(support(Engine::postgresql, "no.such"), Feature::Support::no);
}

}  // namespace
}  // namespace athena::contract

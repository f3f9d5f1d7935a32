#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "engines/postgres/test_support.h"
#include "services/control/session.h"

/// For tests of what uses the store: each gets a fresh, empty database, and every suite runs on both homes:
///
///   class KeysTest : public StoreTest {};
///   ATHENA_BOTH_HOMES(KeysTest);
///   TEST_P(KeysTest, AreCreated) { auto session = open(); … }
namespace athena::control::testing {

class StoreTest : public ::testing::TestWithParam<Home> {
 protected:
  void SetUp() override {
    if (!make_database()) GTEST_SKIP() << "no PostgreSQL here";
  }
  void TearDown() override {
    std::error_code ignored;
    if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
  }

  /// A session of the test's database, with half a minute for everything.
  std::unique_ptr<Session> open() const {
    auto session = make_session(location);
    session->set_deadline(base::Deadline::in(std::chrono::seconds(30)));
    return session;
  }
  [[nodiscard]] static bool on_postgres() { return GetParam() == Home::postgres; }

  /// The server of this process; one for all tests, started by the first that needs it.
  static postgres::testing::Server& server() {
    static postgres::testing::Server instance;
    return instance;
  }

  StoreLocation location;

 private:
  bool make_database() {
    location.home = GetParam();
    if (location.home == Home::sqlite) {
      std::string folder = "/tmp/athena_store_XXXXXX";
      if (mkdtemp(folder.data()) == nullptr) return false;
      folder_ = folder;
      location.path = folder_ + "/data/control.db";
      return true;
    }
    if (!server().running()) return false;
    static std::atomic<int> made = 0;
    const auto name = "store_" + std::to_string(++made);
    server().sql("CREATE DATABASE " + name);
    location.postgres.uri = "postgresql://postgres@/" + name + "?host=" + server().folder();
    return true;
  }

  std::string folder_;
};

inline std::string home_name(const ::testing::TestParamInfo<Home>& info) {
  return info.param == Home::sqlite ? "sqlite" : "postgres";
}

#define ATHENA_BOTH_HOMES(Suite)                                                                      \
  INSTANTIATE_TEST_SUITE_P(                                                                           \
      , Suite, ::testing::Values(::athena::control::Home::sqlite, ::athena::control::Home::postgres), \
      ::athena::control::testing::home_name)

/// EXPECT/ASSERT that a StoreResult is a value, with the error's text.
#define ATHENA_EXPECT_STORED(expression)                                                                    \
  do {                                                                                                      \
    const auto& stored_ = (expression);                                                                     \
    EXPECT_TRUE(stored_.has_value()) << (stored_                                                            \
                                             ? ""                                                           \
                                             : stored_.error().sql_state + ": " + stored_.error().message); \
  } while (false)
#define ATHENA_ASSERT_STORED(expression)                                                                    \
  do {                                                                                                      \
    const auto& stored_ = (expression);                                                                     \
    ASSERT_TRUE(stored_.has_value()) << (stored_                                                            \
                                             ? ""                                                           \
                                             : stored_.error().sql_state + ": " + stored_.error().message); \
  } while (false)

}  // namespace athena::control::testing

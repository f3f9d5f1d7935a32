#include "services/auth/gatekeeper.h"

#include <gtest/gtest.h>

namespace athena::auth {
namespace {

using contract::ErrorCode;

Gatekeeper gatekeeper(bool enforced, bool in_query = true) {
  return Gatekeeper({{{"ops", base::sha256("first")}, {"", base::sha256("second")}}, enforced, in_query});
}

struct Sent {
  explicit Sent(std::vector<http::Header> lines, std::string_view query = {}) : headers(std::move(lines)) {
    request.headers = headers;
    request.query = query;
  }
  std::vector<http::Header> headers;
  http::Request request;
};

TEST(GatekeeperTest, EveryTransportOfTheAdminKeyWorks) {
  for (const auto& header : {http::Header{"X-Athena-Key", "first"}, http::Header{"x-api-key", "second"},
                             http::Header{"apikey", "first"}, http::Header{"Authorization", "bearer  second"},
                             http::Header{"X-Athena-Admin-Key", "first"}}) {
    const Sent sent({header});
    Decision decision;
    EXPECT_TRUE(gatekeeper(true).authenticate(sent.request, decision)->is_admin()) << header.name;
    EXPECT_EQ(decision.outcome, "allowed");
    EXPECT_TRUE(gatekeeper(false).require_admin(sent.request, decision)) << header.name;
  }
  const Sent query({}, "a=b&api_key=first");
  Decision decision;
  const auto keeper = gatekeeper(true);  // the name it gives is its own
  EXPECT_TRUE(keeper.require_admin(query.request, decision));
  EXPECT_EQ(decision.caller.admin_name, "ops");
  EXPECT_FALSE(gatekeeper(true, false).require_admin(query.request, decision));
}

TEST(GatekeeperTest, EnforcedCallersNeedARightKey) {
  Decision decision;
  EXPECT_EQ(gatekeeper(true).authenticate(Sent({}).request, decision).error().code(),
            ErrorCode::missing_api_key);
  EXPECT_EQ(decision.reason, "missing_api_key");
  EXPECT_EQ(gatekeeper(true).authenticate(Sent({{"apikey", "wrong"}}).request, decision).error().code(),
            ErrorCode::invalid_api_key);
  EXPECT_EQ(decision.reason, "invalid_api_key_format");
  EXPECT_EQ(gatekeeper(true).authenticate(Sent({{"apikey", "ath_1.2"}}).request, decision).error().code(),
            ErrorCode::invalid_api_key);
  EXPECT_EQ(decision.reason, "unknown_api_key");
}

TEST(GatekeeperTest, NotEnforcedAKeyIsNeverRejectedAndGrantsNothing) {
  Decision decision;
  const auto caller = gatekeeper(false).authenticate(Sent({{"apikey", "wrong"}}).request, decision);
  ASSERT_TRUE(caller);
  EXPECT_FALSE(caller->is_admin());
  EXPECT_EQ(decision.outcome, "unenforced");
}

TEST(GatekeeperTest, TheFirstCredentialCounts) {
  Decision decision;
  const Sent sent({{"apikey", "first"}, {"X-Athena-Key", "wrong"}});
  EXPECT_FALSE(gatekeeper(true).authenticate(sent.request, decision));
}

TEST(GatekeeperTest, AdminRoutesRefuseOthersWhetherEnforcedOrNot) {
  Decision decision;
  for (const bool enforced : {true, false}) {
    EXPECT_EQ(gatekeeper(enforced).require_admin(Sent({}).request, decision).error().code(),
              ErrorCode::invalid_admin_key);
    EXPECT_EQ(gatekeeper(enforced).require_admin(Sent({{"apikey", "firs"}}).request, decision).error().code(),
              ErrorCode::invalid_admin_key);
  }
}

}  // namespace
}  // namespace athena::auth

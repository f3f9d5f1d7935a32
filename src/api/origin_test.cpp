#include "api/origin.h"

#include <gtest/gtest.h>

namespace athena::api {
namespace {

struct Sent {
  explicit Sent(std::vector<http::Header> lines) : headers(std::move(lines)) { request.headers = headers; }
  std::vector<http::Header> headers;
  http::Request request;
};

bool allowed(std::vector<http::Header> headers, const ApiSettings& settings = {}, bool enforced = false,
             bool admin = false) {
  return check_origin(Sent(std::move(headers)).request, settings, enforced, admin).allowed;
}

TEST(OriginTest, HostsAreCheckedWhileKeysAreNotEnforced) {
  for (const char* host :
       {"localhost", "localhost:4052", "127.0.0.1:1", "[::1]:4052", "10.1.2.3", "LOCALHOST."}) {
    EXPECT_TRUE(allowed({{"Host", host}})) << host;
  }
  EXPECT_FALSE(allowed({{"Host", "evil.example"}}));
  EXPECT_FALSE(allowed({{"Host", "localhost.evil.example"}}));
  EXPECT_FALSE(allowed({{"Host", "127.0.0.1.evil.example"}}));
  EXPECT_TRUE(allowed({{"Host", "evil.example"}}, {}, /*enforced=*/true));
  ApiSettings settings;
  settings.allowed_hosts = {"db.internal"};
  EXPECT_TRUE(allowed({{"Host", "DB.internal:80"}}, settings));
  EXPECT_TRUE(allowed({}));  // HTTP/1.0
}

TEST(OriginTest, ForeignOriginsAreRefusedWhetherEnforcedOrNot) {
  for (const bool enforced : {false, true}) {
    EXPECT_FALSE(allowed({{"Host", "localhost:4052"}, {"Origin", "http://evil.example"}}, {}, enforced));
    EXPECT_FALSE(allowed({{"Host", "localhost:4052"}, {"Origin", "null"}}, {}, enforced));
    EXPECT_FALSE(allowed({{"Host", "localhost:4052"}, {"Origin", "http://localhost:4053"}}, {}, enforced));
    EXPECT_TRUE(allowed({{"Host", "localhost:4052"}, {"Origin", "http://localhost:4052"}}, {}, enforced));
  }
  EXPECT_FALSE(allowed({{"Host", "localhost:4052"}, {"Origin", "https://localhost:4052"}}));
}

TEST(OriginTest, AllowedOriginsPassButNotToAdminRoutes) {
  ApiSettings settings;
  settings.cors_allowed_origins = {"http://app.example"};
  const std::vector<http::Header> headers{{"Host", "localhost"}, {"Origin", "http://app.example"}};
  EXPECT_TRUE(allowed(headers, settings));
  EXPECT_FALSE(allowed(headers, settings, false, /*admin=*/true));
  settings.cors_admin = true;
  EXPECT_TRUE(allowed(headers, settings, false, true));
  settings.cors_allowed_origins.clear();
  settings.cors_allow_any_origin = true;
  EXPECT_TRUE(allowed(headers, settings));
}

TEST(OriginTest, DevAllowsEveryLoopbackOriginAndNoOther) {
  ApiSettings settings;
  settings.cors_loopback = true;
  for (const char* origin : {"http://localhost:3000", "https://127.9.9.9:1", "http://[::1]:5173"}) {
    EXPECT_TRUE(allowed({{"Host", "localhost"}, {"Origin", origin}}, settings)) << origin;
  }
  for (const char* origin : {"http://localhost.evil.example", "http://128.0.0.1", "null"}) {
    EXPECT_FALSE(allowed({{"Host", "localhost"}, {"Origin", origin}}, settings)) << origin;
  }
}

}  // namespace
}  // namespace athena::api

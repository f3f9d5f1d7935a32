#include "api/origin.h"

#include <gtest/gtest.h>

namespace athena::api {
namespace {

struct Sent {
  explicit Sent(std::vector<http::Header> lines) : headers(std::move(lines)) { request.headers = headers; }
  std::vector<http::Header> headers;
  http::Request request;
};

ApiSettings behind_proxy() {
  ApiSettings settings;
  const std::vector<std::string> ranges{"10.0.0.0/8"};
  settings.trusted_ranges = *http::AddressRanges::parse(ranges);
  return settings;
}

bool allowed_from(std::string_view peer, bool tls, std::vector<http::Header> headers,
                  const ApiSettings& settings, bool enforced = false) {
  Sent sent(std::move(headers));
  sent.request.peer = peer;
  sent.request.tls = tls;
  return check_origin(sent.request, settings, enforced, false).allowed;
}

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

TEST(OriginTest, OddHostsAreForeign) {
  for (const char* host :
       {"localhost:4052@evil.example", "localhost/evil", "127.0.0.1:x", "[::1", "[localhost]", "::1",
        "[::1]evil", "127.1", "0x7f000001", "localhost, evil.example", "localhost evil", ".", ":80",
        "evil.example#localhost", "localhost:999999"}) {
    EXPECT_FALSE(allowed({{"Host", host}})) << host;
  }
  EXPECT_TRUE(allowed({{"Host", "localhost:"}}));
}

TEST(OriginTest, NamesOfWildcardPatternsAreAnswered) {
  ApiSettings settings;
  settings.host_pattern_matches = [](std::string_view host) { return host == "shop.db.example"; };
  EXPECT_TRUE(allowed({{"Host", "shop.db.example:4052"}}, settings));
  EXPECT_FALSE(allowed({{"Host", "other.example"}}, settings));
}

TEST(OriginTest, TheOwnOriginHasSchemeHostAndPort) {
  const auto own = [](bool tls, const char* host, const char* origin) {
    return allowed_from("203.0.113.9", tls, {{"Host", host}, {"Origin", origin}}, {}, /*enforced=*/true);
  };
  EXPECT_TRUE(own(true, "db.example", "https://db.example"));
  EXPECT_TRUE(own(true, "db.example:443", "https://DB.example"));
  EXPECT_TRUE(own(false, "db.example", "http://db.example:80"));
  EXPECT_TRUE(own(false, "[::1]:4052", "http://[::1]:4052"));
  EXPECT_FALSE(own(false, "db.example", "https://db.example"));
  EXPECT_FALSE(own(true, "db.example", "http://db.example"));
  EXPECT_FALSE(own(true, "db.example:80", "https://db.example"));
  EXPECT_FALSE(own(false, "db.example:443", "http://db.example"));
  EXPECT_FALSE(own(true, "db.example", "https://db.example:4052"));
  EXPECT_FALSE(own(true, "db.example", "https://db.example.evil"));
  EXPECT_FALSE(own(true, "db.example", "https://db.example@evil.example"));
  EXPECT_FALSE(own(true, "db.example", "https://evil.example/db.example"));
  EXPECT_FALSE(own(true, "db.example", "db.example"));
  EXPECT_FALSE(own(true, "db.example", "ftp://db.example"));
  EXPECT_FALSE(own(true, "", "https://"));
}

TEST(OriginTest, BehindATrustedProxyTheForwardedSchemeAndHostCount) {
  const auto settings = behind_proxy();
  const std::vector<http::Header> headers{{"Host", "athena:4052"},
                                          {"X-Forwarded-Host", "db.example"},
                                          {"X-Forwarded-Proto", "https"},
                                          {"Origin", "https://db.example"}};
  EXPECT_TRUE(allowed_from("10.0.0.1", false, headers, settings, /*enforced=*/true));
  EXPECT_FALSE(allowed_from("192.0.2.1", false, headers, settings, true));
  // the Host rule sees the forwarded name, of trusted proxies only
  EXPECT_FALSE(allowed_from("10.0.0.1", false, {{"Host", "localhost"}, {"X-Forwarded-Host", "evil.example"}},
                            settings));
  EXPECT_TRUE(
      allowed_from("10.0.0.1", false, {{"Host", "athena"}, {"X-Forwarded-Host", "localhost"}}, settings));
  EXPECT_FALSE(
      allowed_from("192.0.2.1", false, {{"Host", "athena"}, {"X-Forwarded-Host", "localhost"}}, settings));
  EXPECT_TRUE(allowed_from("192.0.2.1", false, {{"Host", "localhost"}, {"X-Forwarded-Host", "evil.example"}},
                           settings));
}

TEST(OriginTest, LoopbackOriginsOfDevHaveHttpAndNothingBehindThePort) {
  ApiSettings settings;
  settings.cors_loopback = true;
  for (const char* origin :
       {"http://localhost@evil.example", "http://localhost:80@evil.example", "ftp://localhost",
        "http://localhost/evil", "http://[::2]", "http://[::ffff:10.0.0.1]", "localhost"}) {
    EXPECT_FALSE(allowed({{"Host", "localhost:4052"}, {"Origin", origin}}, settings)) << origin;
  }
}

TEST(OriginTest, CorsHeadersExposeButNeverCarryCredentials) {
  Sent sent({{"Origin", "http://app.example"}, {"Access-Control-Request-Headers", "x-athena-key, x-other"}});
  for (const auto method : {http::Method::get, http::Method::options}) {
    sent.request.method = method;
    http::Response response;
    add_cors_headers(sent.request, response);
    const std::string lines(response.extra_headers.view());
    EXPECT_NE(lines.find("Access-Control-Allow-Origin: http://app.example\r\n"), std::string::npos);
    EXPECT_NE(lines.find("Vary: Origin\r\n"), std::string::npos);
    EXPECT_EQ(lines.find("Credentials"), std::string::npos);
    const bool preflight = method == http::Method::options;
    EXPECT_EQ(lines.find("Access-Control-Allow-Headers: x-athena-key, x-other\r\n") != std::string::npos,
              preflight);
    EXPECT_EQ(lines.find("Access-Control-Max-Age: 600\r\n") != std::string::npos, preflight);
    EXPECT_EQ(lines.find("X-Athena-Cache-Outcome") != std::string::npos, !preflight);
  }
}

}  // namespace
}  // namespace athena::api

#include "api/forwarded.h"

#include <gtest/gtest.h>

namespace athena::api {
namespace {

using Headers = std::vector<http::Header>;

ApiSettings trusting(const std::vector<std::string>& ranges) {
  ApiSettings settings;
  settings.trusted_ranges = *http::AddressRanges::parse(ranges);
  return settings;
}

struct Seen {
  std::string client, host;
  bool https;
};

Seen seen(std::string_view peer, const Headers& headers, const ApiSettings& settings, bool tls = false) {
  http::Request request;
  request.peer = peer;
  request.tls = tls;
  request.headers = headers;
  Forwarded forwarded(request, settings);
  return {std::string(forwarded.client_address()), std::string(forwarded.host()), forwarded.https()};
}

std::string client(const Headers& headers, std::string_view peer = "10.0.0.1") {
  return seen(peer, headers, trusting({"10.0.0.0/8", "fd00::/8"})).client;
}

TEST(Forwarded, StrangersAreIgnored) {
  const Headers headers{{"Host", "real"},
                        {"X-Forwarded-For", "1.2.3.4"},
                        {"X-Real-IP", "1.2.3.5"},
                        {"X-Forwarded-Proto", "https"},
                        {"X-Forwarded-Host", "fake"}};
  for (const std::string_view peer : {"192.0.2.1", "unix", "", "::1", "10.0.0.1x"}) {
    const auto result = seen(peer, headers, trusting({"10.0.0.0/8"}));
    EXPECT_EQ(result.client, peer);
    EXPECT_EQ(result.host, "real");
    EXPECT_FALSE(result.https);
  }
  EXPECT_EQ(seen("127.0.0.1", headers, {}).client, "127.0.0.1");
  EXPECT_TRUE(seen("192.0.2.1", {{"X-Forwarded-Proto", "http"}}, trusting({"10.0.0.0/8"}), true).https);
}

TEST(Forwarded, TheRightMostUntrustedEntryIsTheCaller) {
  EXPECT_EQ(client({{"X-Forwarded-For", "203.0.113.5"}}), "203.0.113.5");
  // what the caller itself sent stands further left
  EXPECT_EQ(client({{"X-Forwarded-For", "6.6.6.6, 203.0.113.5"}}), "203.0.113.5");
  EXPECT_EQ(client({{"X-Forwarded-For", "6.6.6.6,203.0.113.5 , 10.1.1.1,\t10.2.2.2"}}), "203.0.113.5");
  EXPECT_EQ(client({{"X-Forwarded-For", "6.6.6.6"}, {"x-forwarded-for", "203.0.113.5"}}), "203.0.113.5");
  EXPECT_EQ(client({{"X-Forwarded-For", "203.0.113.5"}, {"X-Forwarded-For", "10.9.9.9"}}), "203.0.113.5");
  EXPECT_EQ(client({{"X-Forwarded-For", "203.0.113.5,,"}}), "203.0.113.5");
  EXPECT_EQ(client({{"X-Forwarded-For", "203.0.113.5:4711"}}), "203.0.113.5");
  EXPECT_EQ(client({{"X-Forwarded-For", "[2001:db8::5]:4711"}}), "2001:db8::5");
  EXPECT_EQ(client({{"X-Forwarded-For", "2001:db8::5, fd00::1"}}), "2001:db8::5");
  EXPECT_EQ(client({{"X-Forwarded-For", "2001:db8::5"}}, "fd12::1"), "2001:db8::5");
  EXPECT_EQ(client({{"X-Forwarded-For", "203.0.113.5, ::ffff:10.1.1.1"}}), "203.0.113.5");
}

TEST(Forwarded, ElseXRealIpElseThePeer) {
  EXPECT_EQ(client({}), "10.0.0.1");
  EXPECT_EQ(client({{"X-Real-IP", "203.0.113.9"}}), "203.0.113.9");
  EXPECT_EQ(client({{"X-Forwarded-For", ""}, {"X-Real-IP", "203.0.113.9"}}), "203.0.113.9");
  EXPECT_EQ(client({{"X-Forwarded-For", "10.3.3.3, 10.4.4.4"}, {"X-Real-IP", "203.0.113.9"}}), "203.0.113.9");
  EXPECT_EQ(client({{"X-Forwarded-For", "10.3.3.3, 10.4.4.4"}}), "10.0.0.1");
  EXPECT_EQ(client({{"X-Forwarded-For", "203.0.113.5"}, {"X-Real-IP", "203.0.113.9"}}), "203.0.113.5");
}

TEST(Forwarded, WhatIsNoAddressNamesNobody) {
  for (const char* odd : {"unknown", "evil\"", "1.2.3.4.5", "localhost", "1.2.3.4, unknown",
                          "6.6.6.6, <script>", "[::1", "1.2.3.4 5.6.7.8", "999.1.1.1"}) {
    EXPECT_EQ(client({{"X-Forwarded-For", odd}}), "10.0.0.1") << odd;
    EXPECT_EQ(client({{"X-Real-IP", odd}}), "10.0.0.1") << odd;
  }
}

TEST(Forwarded, SchemeAndHostComeFromWhereTheCallerStands) {
  const auto settings = trusting({"10.0.0.0/8"});
  const auto one =
      seen("10.0.0.1",
           {{"Host", "inner"}, {"X-Forwarded-Proto", "https"}, {"X-Forwarded-Host", "outer:8443"}}, settings);
  EXPECT_TRUE(one.https);
  EXPECT_EQ(one.host, "outer:8443");
  // the caller sent the left ones
  const auto spoofed = seen("10.0.0.1",
                            {{"X-Forwarded-For", "6.6.6.6, 203.0.113.5"},
                             {"X-Forwarded-Proto", "https, http"},
                             {"X-Forwarded-Host", "fake, real"}},
                            settings);
  EXPECT_FALSE(spoofed.https);
  EXPECT_EQ(spoofed.host, "real");
  // two proxies, both append
  const auto two = seen("10.0.0.1",
                        {{"X-Forwarded-For", "6.6.6.6, 203.0.113.5, 10.7.7.7"},
                         {"X-Forwarded-Proto", "http, https, http"},
                         {"X-Forwarded-Host", "fake, outer, middle"}},
                        settings);
  EXPECT_TRUE(two.https);
  EXPECT_EQ(two.host, "outer");
  // two proxies, the inner one replaces
  EXPECT_EQ(
      seen("10.0.0.1", {{"X-Forwarded-For", "203.0.113.5, 10.7.7.7"}, {"X-Forwarded-Host", "only"}}, settings)
          .host,
      "only");
  // a proxy that speaks TLS to the gateway for a caller without it
  EXPECT_FALSE(seen("10.0.0.1", {{"X-Forwarded-Proto", "http"}}, settings, true).https);
  EXPECT_TRUE(seen("10.0.0.1", {{"X-Forwarded-Proto", "gopher"}}, settings, true).https);
  EXPECT_TRUE(seen("10.0.0.1", {}, settings, true).https);
}

TEST(Forwarded, EveryPeerCanBeTrusted) {
  auto settings = trusting({"10.0.0.0/8"});
  settings.trust_every_proxy = true;
  for (const std::string_view peer : {"192.0.2.1", "unix"}) {
    EXPECT_EQ(seen(peer, {{"X-Forwarded-For", "6.6.6.6, 203.0.113.5, 10.1.1.1"}}, settings).client,
              "203.0.113.5");
    EXPECT_EQ(seen(peer, {}, settings).client, peer);
  }
}

TEST(Forwarded, LongChainsAreRead) {
  std::string chain = "203.0.113.5";
  for (int index = 0; index < 2000; ++index) chain += ", 10.0.0.7";
  EXPECT_EQ(client({{"X-Forwarded-For", chain}}), "203.0.113.5");
}

}  // namespace
}  // namespace athena::api

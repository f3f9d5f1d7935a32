#include "services/auth/gatekeeper.h"

#include <gtest/gtest.h>

namespace athena::auth {
namespace {

using contract::ErrorCode;
using Kind = Credential::Kind;

constexpr std::int64_t kNow = 1'772'352'000'000;
const std::string kPublic = "05f8a1b2c3d4e5f6";
const std::string kSecret(64, 'a');
const std::string kText = "ath_" + kPublic + "." + kSecret;

KeyRecord record() {
  KeyRecord key;
  key.id = "5f0c6a1e-6f0a-4c53-8a3c-0d1f6f2b7a10";
  key.public_id = kPublic;
  key.salt.assign(64, '5');
  key.hash = base::sha256(key.salt + ":" + kSecret);
  key.rights = {"users.read"};
  return key;
}

Gatekeeper gatekeeper(bool in_query = true, bool fail_open = false) {
  GatekeeperSettings settings;
  settings.admin_keys = {{"ops", base::sha256("first")}, {"", base::sha256("second")}};
  settings.admin_key_in_query = in_query;
  settings.fail_open = fail_open;
  return Gatekeeper(std::move(settings));
}

KeyState state_of(const std::vector<KeyRecord>& records, bool enforced = true) {
  KeyState state;
  state.keys = KeyTable::build(records);
  state.enforcement = Enforcement(enforced, false);
  return state;
}

struct Sent {
  explicit Sent(std::vector<http::Header> lines, std::string_view query = {}) : headers(std::move(lines)) {
    request.headers = headers;
    request.query = query;
  }
  std::vector<http::Header> headers;
  http::Request request;
};

/// What comes of `text` in X-Athena-Key; an empty one is none.
Decision decide(const KeyState& state, const std::string& text, const Purpose& purpose = {},
                std::int64_t now = kNow) {
  static const auto keeper = gatekeeper();
  const Sent sent({{"X-Athena-Key", text}});
  return keeper.decide(keeper.examine(sent.request, state.keys), state, purpose, std::chrono::seconds(0),
                       now);
}

TEST(GatekeeperTest, EveryTransportOfTheAdminKeyWorks) {
  const auto keeper = gatekeeper();
  for (const auto& header : {http::Header{"X-Athena-Key", "first"}, http::Header{"x-api-key", "second"},
                             http::Header{"apikey", "first"}, http::Header{"Authorization", "bearer  second"},
                             http::Header{"X-Athena-Admin-Key", "first"}}) {
    const Sent sent({header});
    EXPECT_EQ(keeper.examine(sent.request, {}).kind, Kind::admin) << header.name;
    EXPECT_EQ(keeper.examine_admin(sent.request).kind, Kind::admin) << header.name;
  }
  const Sent query({}, "a=b&api_key=first");
  EXPECT_EQ(keeper.examine(query.request, {}).admin_name, "ops");
  EXPECT_EQ(keeper.examine_admin(query.request).admin_name, "ops");
  EXPECT_EQ(gatekeeper(false).examine_admin(query.request).kind, Kind::none);
}

TEST(GatekeeperTest, EveryTransportOfAKeyWorks) {
  const auto keeper = gatekeeper();
  const auto state = state_of({record()});
  const std::string bearer = "Bearer " + kText;
  for (const auto& header : {http::Header{"X-Athena-Key", kText}, http::Header{"X-API-KEY", kText},
                             http::Header{"apikey", kText}, http::Header{"authorization", bearer}}) {
    const Sent sent({header});
    const auto credential = keeper.examine(sent.request, state.keys);
    EXPECT_EQ(credential.kind, Kind::key) << header.name;
    ASSERT_NE(credential.key, nullptr);
    EXPECT_EQ(credential.key->public_id(), kPublic);
  }
  // These hold admin keys only.
  const Sent admin_place({{"X-Athena-Admin-Key", kText}});
  EXPECT_EQ(keeper.examine(admin_place.request, state.keys).kind, Kind::refused);
  const std::string in_query = "api_key=" + kText;
  EXPECT_EQ(keeper.examine(Sent({}, in_query).request, state.keys).kind, Kind::refused);
}

TEST(GatekeeperTest, TheFirstCredentialCounts) {
  const auto keeper = gatekeeper();
  const auto kind = [&](std::vector<http::Header> headers) {
    const Sent sent(std::move(headers));
    return keeper.examine(sent.request, {}).kind;
  };
  EXPECT_EQ(kind({{"apikey", "first"}, {"X-Athena-Key", "wrong"}}), Kind::refused);
  EXPECT_EQ(kind({{"X-Athena-Key", ""}, {"apikey", "first"}}), Kind::admin);
  EXPECT_EQ(kind({{"X-Athena-Key", "first"}, {"X-Athena-Key", "wrong"}}), Kind::admin);
  EXPECT_EQ(kind({{"Authorization", "Basic abc"}, {"X-Athena-Admin-Key", "first"}}), Kind::admin);
  EXPECT_EQ(kind({}), Kind::none);
  const Sent both({{"X-Athena-Key", "wrong"}, {"X-Athena-Admin-Key", "first"}});
  EXPECT_EQ(keeper.examine_admin(both.request).kind, Kind::admin);
  EXPECT_EQ(keeper.examine(both.request, {}).kind, Kind::refused);
}

TEST(GatekeeperTest, AdminRoutesRefuseKeys) {
  const auto keeper = gatekeeper();
  for (const auto& text : {std::string("firs"), std::string("firstt"), kText}) {
    const Sent sent({{"X-Athena-Key", text}});
    EXPECT_EQ(keeper.examine_admin(sent.request).kind, Kind::refused) << text;
    EXPECT_EQ(keeper.examine_admin(sent.request).reason, Reason::invalid_admin_key);
  }
}

TEST(GatekeeperTest, ChecksComeInTheirOrder) {
  const auto reason = [](const KeyRecord& key, const std::string& text, const Purpose& purpose = {"shop"}) {
    return decide(state_of({key}), text, purpose).reason;
  };
  auto bad = record();
  bad.is_active = false;
  bad.expires_at_ms = kNow - 1;
  bad.client_name = "app";
  // All wrong at once: the first of the order is told, and nothing of the key before its secret is proved.
  EXPECT_EQ(reason(bad, "ath_" + kPublic), Reason::bad_format);
  EXPECT_EQ(reason(bad, "ath_0000000000000000." + kSecret), Reason::unknown);
  EXPECT_EQ(reason(bad, "ath_" + kPublic + "." + std::string(64, 'b')), Reason::bad_secret);
  EXPECT_EQ(reason(bad, kText), Reason::inactive);
  bad.is_active = true;
  EXPECT_EQ(reason(bad, kText), Reason::expired);
  bad.expires_at_ms = kNow;  // not later than now
  EXPECT_EQ(reason(bad, kText), Reason::expired);
  bad.expires_at_ms = kNow + 1;
  EXPECT_EQ(reason(bad, kText), Reason::client_mismatch);
  EXPECT_EQ(reason(bad, kText, {"app"}), Reason::authenticated);
}

TEST(GatekeeperTest, BadFormats) {
  const auto state = state_of({record()});
  for (const auto& text :
       {std::string("ath_"), std::string("ath_."), "ath_." + kSecret, "ath_" + kPublic + ".",
        "ath_" + kPublic, kText + ".x", kText + " x", kText + "\xc3\xa9",
        "ath_" + std::string(252, 'a') + ".a", "ath_" + kPublic + "/" + kSecret}) {
    EXPECT_EQ(decide(state, text).reason, Reason::bad_format) << text;
  }
  EXPECT_EQ(decide(state, "ath_" + std::string(250, 'a') + ".a").reason, Reason::unknown);
  EXPECT_EQ(decide(state, "ATH_" + kPublic + "." + kSecret).reason, Reason::invalid_admin_key);
  EXPECT_EQ(decide(state, "ath_" + std::string(16, '-') + "." + kSecret).reason, Reason::unknown);
}

TEST(GatekeeperTest, UnknownIdsWrongSecretsAndBadFormatsAreOneReply) {
  const auto state = state_of({record()});
  std::string text;
  for (const auto& presented :
       {"ath_0000000000000000." + kSecret, "ath_" + kPublic + "." + std::string(64, 'b'), "ath_" + kPublic,
        std::string("wrong")}) {
    const auto decision = decide(state, presented);
    EXPECT_FALSE(decision.allowed);
    EXPECT_TRUE(decision.failed_credential);
    const auto error = denial(decision, {}, state);
    EXPECT_EQ(error.code(), ErrorCode::invalid_api_key);
    if (!text.empty()) EXPECT_EQ(error.text(), text);
    text = error.text();
    EXPECT_TRUE(error.details().empty());
  }
}

TEST(GatekeeperTest, BindingIgnoresSpelling) {
  auto key = record();
  key.client_name = " App";
  const auto state = state_of({key});
  for (const auto* client : {"app", "APP", " app ", "App\t"}) {
    const auto decision = decide(state, kText, {client});
    EXPECT_TRUE(decision.allowed) << client;
    EXPECT_EQ(decision.caller.kind, Caller::Kind::key);
  }
  EXPECT_EQ(decide(state, kText, {"apps"}).reason, Reason::client_mismatch);
  EXPECT_FALSE(decide(state, kText, {"apps"}).failed_credential);
  EXPECT_TRUE(decide(state, kText, {""}).allowed);  // no client named: a later stage tells that
  EXPECT_EQ(decide(state, kText, {"app", true}).reason, Reason::client_mismatch);
}

TEST(GatekeeperTest, MissingKeys) {
  auto decision = decide(state_of({}), "");
  EXPECT_EQ(decision.reason, Reason::missing);
  EXPECT_FALSE(decision.allowed);
  EXPECT_FALSE(decision.failed_credential);
  EXPECT_EQ(decision.outcome(), "denied");
  EXPECT_NE(denial(decision, {}, state_of({})).hint().find("athena keys create"), std::string::npos);
  EXPECT_TRUE(denial(decision, {}, state_of({record()})).hint().empty());
}

TEST(GatekeeperTest, NotEnforcedAKeyIsCheckedNeverRejectedAndGrantsNothing) {
  const auto state = state_of({record()}, false);
  for (const auto& text : {kText, std::string("wrong"), "ath_" + kPublic + ".b", std::string()}) {
    const auto decision = decide(state, text);
    EXPECT_TRUE(decision.allowed) << text;
    EXPECT_EQ(decision.outcome(), "unenforced");
    EXPECT_EQ(decision.caller.kind, Caller::Kind::anonymous);
    EXPECT_FALSE(decision.failed_credential);
  }
  EXPECT_EQ(name(decide(state, kText).reason, true), "api_key_authenticated_unenforced");
  EXPECT_EQ(name(decide(state, "").reason, true), "api_key_not_enforced");
  EXPECT_TRUE(decide(state, "first").caller.is_admin());
}

TEST(GatekeeperTest, TheOverrideOfTheNamedClientDecides) {
  auto state = state_of({record()}, false);
  state.enforcement.set_client("App", true);
  EXPECT_FALSE(decide(state, "", {" aPP "}).allowed);
  EXPECT_TRUE(decide(state, "", {"other"}).allowed);
  EXPECT_FALSE(decide(state, "", {"app", true}).allowed);
  EXPECT_TRUE(decide(state, "", {"other", true}).allowed);
  state.enforcement = Enforcement(true, false);
  state.enforcement.set_client("open", false);
  EXPECT_TRUE(decide(state, "", {"open"}).allowed);
  // The label of a direct URI opens nothing.
  EXPECT_FALSE(decide(state, "", {"open", true}).allowed);
}

TEST(GatekeeperTest, WithoutItsStore) {
  const Sent none({});
  const Sent key({{"apikey", kText}});
  const Sent admin({{"apikey", "first"}});
  for (const bool open : {false, true}) {
    const auto keeper = gatekeeper(true, open);
    auto state = state_of({record()});
    const auto decide_at = [&](const Sent& sent, std::chrono::seconds age) {
      return keeper.decide(keeper.examine(sent.request, state.keys), state, {}, age, kNow);
    };
    EXPECT_TRUE(decide_at(key, std::chrono::seconds(300)).allowed);
    EXPECT_EQ(decide_at(key, std::chrono::seconds(301)).allowed, open);
    EXPECT_EQ(decide_at(key, std::chrono::seconds(301)).reason, Reason::store_unavailable);
    EXPECT_EQ(decide_at(none, std::chrono::seconds(301)).allowed, open);
    EXPECT_TRUE(decide_at(admin, std::chrono::seconds(301)).allowed);
    state.loaded = false;
    EXPECT_EQ(decide_at(none, std::chrono::seconds(0)).allowed, open);
    EXPECT_FALSE(decide_at(none, std::chrono::seconds(0)).caller.enforced);
    EXPECT_TRUE(decide_at(admin, std::chrono::seconds(0)).caller.is_admin());
    EXPECT_EQ(denial(decide_at(none, std::chrono::seconds(0)), {}, state).code(),
              ErrorCode::auth_store_unavailable);
  }
}

TEST(CallerTest, RightsCountWhereKeysAreAskedFor) {
  const auto read = RequiredRight::table("", "users", Verb::read);
  const auto write = RequiredRight::table("", "users", Verb::write);
  const auto state = state_of({record()});
  const auto caller = decide(state, kText).caller;
  EXPECT_TRUE(caller.may(read));
  EXPECT_FALSE(caller.may(write));
  EXPECT_TRUE(decide(state, "second").caller.may(write));
  EXPECT_TRUE(decide(state_of({record()}, false), kText).caller.may(write));
  const auto error = lacking(write);
  EXPECT_EQ(error.code(), ErrorCode::missing_api_key_rights);
  EXPECT_NE(error.text().find("users.write"), std::string::npos);
}

}  // namespace
}  // namespace athena::auth

#include "http/router.h"

#include <gtest/gtest.h>

namespace athena::http {
namespace {

using Outcome = RouteMatch::Outcome;

const RoutePattern kTable[] = {
    {MethodSet(Method::get), "/"},
    {MethodSet(Method::get), "/ping"},
    {MethodSet(Method::post), "/gateway/fetch"},
    {MethodSet(Method::put), "/gateway/fetch"},
    {MethodSet(Method::get), "/admin/keys/{id}"},
    {MethodSet(Method::delete_, Method::patch), "/admin/keys/{id}"},
    {MethodSet(Method::get), "/admin/{what}/all"},
    {MethodSet(Method::get), "/admin/keys/mine"},
    {MethodSet(Method::get), "/data/{table}/{id}"},
    {MethodSet(Method::get), "/db/own"},
};

class RouterTest : public ::testing::Test {
 protected:
  Router router{kTable};
};

TEST_F(RouterTest, FindsLiterals) {
  EXPECT_EQ(router.find(Method::get, "/").route, 0);
  EXPECT_EQ(router.find(Method::get, "/ping").route, 1);
  EXPECT_EQ(router.find(Method::head, "/ping").route, 1);
  EXPECT_EQ(router.find(Method::post, "/gateway/fetch").route, 2);
  EXPECT_EQ(router.find(Method::put, "/gateway/fetch").route, 3);
}

TEST_F(RouterTest, TellsUnknownPathsFromWrongMethods) {
  EXPECT_EQ(router.find(Method::get, "/Ping").outcome, Outcome::unknown_path);
  EXPECT_EQ(router.find(Method::get, "").outcome, Outcome::unknown_path);
  EXPECT_EQ(router.find(Method::get, "*").outcome, Outcome::unknown_path);
  EXPECT_EQ(router.find(Method::get, "/ping/x").outcome, Outcome::unknown_path);
  const auto match = router.find(Method::get, "/gateway/fetch");
  EXPECT_EQ(match.outcome, Outcome::wrong_method);
  EXPECT_EQ(allow_header(match.allowed), "POST, PUT, OPTIONS");
  EXPECT_EQ(router.find(Method::other, "/ping").outcome, Outcome::wrong_method);
  EXPECT_EQ(allow_header(router.find(Method::post, "/ping").allowed), "GET, HEAD, OPTIONS");
}

TEST_F(RouterTest, FillsParameters) {
  const auto match = router.find(Method::patch, "/admin/keys/a%2Fb");
  EXPECT_EQ(match.route, 5);
  ASSERT_EQ(match.parameter_count, 1U);
  EXPECT_EQ(match.parameters[0].name, "id");
  EXPECT_EQ(match.parameters[0].value, "a%2Fb");
  EXPECT_EQ(allow_header(match.allowed), "GET, HEAD, PATCH, DELETE, OPTIONS");
  const auto two = router.find(Method::get, "/data/users/5");
  ASSERT_EQ(two.parameter_count, 2U);
  EXPECT_EQ(two.parameters[1].value, "5");
  EXPECT_EQ(router.find(Method::get, "/data/users/").outcome, Outcome::unknown_path);
  EXPECT_EQ(router.find(Method::get, "/data//5").outcome, Outcome::unknown_path);
}

TEST_F(RouterTest, PrefersLiterals) {
  EXPECT_EQ(router.find(Method::get, "/admin/keys/mine").route, 7);
  EXPECT_EQ(router.find(Method::get, "/admin/keys/all").route, 4);
  EXPECT_EQ(router.find(Method::get, "/admin/clients/all").route, 6);
}

TEST_F(RouterTest, KnowsTheAlias) {
  EXPECT_EQ(router.find(Method::get, "/db/own").route, 9);
  EXPECT_EQ(router.find(Method::get, "/db/ping").route, 1);
  EXPECT_EQ(router.find(Method::post, "/db/gateway/fetch").route, 2);
  EXPECT_EQ(router.find(Method::post, "/db/fetch").route, 2);
  EXPECT_EQ(router.find(Method::get, "/db/fetch").outcome, Outcome::wrong_method);
  EXPECT_EQ(router.find(Method::get, "/db").route, 0);  // as GET /db/ arrives here
  EXPECT_EQ(router.find(Method::post, "/db").outcome, Outcome::wrong_method);
  EXPECT_EQ(router.find(Method::get, "/db/nothing").outcome, Outcome::unknown_path);
  EXPECT_EQ(router.find(Method::get, "/db/db/ping").outcome, Outcome::unknown_path);
  EXPECT_EQ(router.find(Method::get, "/own").outcome, Outcome::unknown_path);
}

TEST(Message, ReadsHeaders) {
  const Header headers[] = {{"X-A", ""}, {"x-a", "1"}, {"X-A", "2"}};
  Request request;
  request.headers = headers;
  EXPECT_EQ(request.header("X-a"), "1");
  EXPECT_EQ(request.header("X"), "");
  EXPECT_TRUE(header_is_true("TRUE") && header_is_true("1") && header_is_true("Yes") && header_is_true("on"));
  EXPECT_FALSE(header_is_true("") || header_is_true("2") || header_is_true("tru"));
}

TEST(Message, DropsWhatWouldEndAHeaderLine) {
  Response response;
  response.add_header("X", "a\r\nSet-Cookie: b");
  EXPECT_EQ(response.extra_headers.view(), "X: aSet-Cookie: b\r\n");
}

}  // namespace
}  // namespace athena::http

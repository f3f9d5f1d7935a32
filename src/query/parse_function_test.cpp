#include <gtest/gtest.h>

#include "query/parse_test_support.h"

namespace athena::query {
namespace {

class ParseFunction : public testing::Test {
 protected:
  static std::string dump(const contract::Result<FunctionCall>& result) {
    if (!result) return test::dump(result.error());
    const FunctionCall& call = *result;
    std::string text = test::dump(call.function) + "(";
    for (const auto& argument : call.arguments) {
      if (text.back() != '(') text += ", ";
      text += std::string(argument.name) + "=" + test::json(*argument.value);
    }
    text += ")";
    if (!call.columns.empty()) text += " select " + test::dump(call.columns);
    if (!call.conditions.empty()) text += " where " + test::dump(call.conditions);
    if (!call.sort.empty()) text += " order " + test::dump(call.sort);
    const std::string page = test::dump(call.page);
    if (page != "limit 100 offset 0 default") text += " " + page;
    if (call.count == CountMode::exact) text += " count";
    if (call.head) text += " head";
    if (call.read_only) text += " read_only";
    return text;
  }
  std::string body(std::string_view function, const std::string& text) {
    return dump(parse_function_call(function, parser_.body(text), names_, parser_.context()));
  }
  std::string url(std::string_view function, std::vector<UrlParameter> parameters) {
    return dump(parse_function_url(function, parameters, names_, parser_.context()));
  }
  std::string called(std::string_view function, const std::string& text) {
    auto target = parse_function_name(function, parser_.body(text), parser_.context());
    return target ? test::dump(*target) : test::dump(target.error());
  }
  std::vector<std::string_view> names_ = {"minage", "org", "tags", "o"};
  test::Parser parser_;
};

TEST_F(ParseFunction, Names) {
  EXPECT_EQ(called("", R"({"function":"f"})"), "f");
  EXPECT_EQ(called("", R"({"function_name":"s.f"})"), "s|f");
  EXPECT_EQ(called("", R"({"function":"f","schema":"s"})"), "s|f");
  EXPECT_EQ(called("", R"({"function":"\"odd.f\"","schema":"public"})"), "public|odd.f");
  EXPECT_EQ(called("f", R"({})"), "f");
  EXPECT_EQ(called("s.f", R"({"function":"g"})"), "s|f");
  EXPECT_EQ(called("f", R"({"schema":"s","args":{}})"), "s|f");
  EXPECT_EQ(called("f", R"({"schema":"s","tab":"t"})"), "f") << "then it is an argument";
  EXPECT_EQ(called("", "{}"), "missing_field member=\"function\": Missing function");
  EXPECT_EQ(called("", R"({"function":" "})"), "missing_field member=\"function\": Missing function");
  EXPECT_EQ(called("", R"({"function":5})").substr(0, 16), "invalid_payload ");
  EXPECT_EQ(called("", R"({"function":"f","function_name":"g"})").substr(0, 16), "invalid_payload ");
  EXPECT_EQ(called("", R"({"function":"s.f","schema":"x"})"),
            "invalid_payload member=\"schema\": schema contradicts the schema of function.");
  EXPECT_EQ(called("", R"({"function":"a.b.c"})").substr(0, 19), "invalid_identifier ");
  EXPECT_EQ(called("a\x01", "{}").substr(0, 19), "invalid_identifier ");
  parser_.settings.allow_schema_names_prefixed_as_table_name = false;
  EXPECT_EQ(called("s.f", "{}"), "s|f") << "that setting is about tables";
}

TEST_F(ParseFunction, Body) {
  EXPECT_EQ(
      body(
          "",
          R"({"function":"list_users","args":{"minage":18},"order":{"column":"name","ascending":false},"limit":1,"count":"exact"})"),
      "list_users(minage=18) order name desc limit 1 offset 0 count");
  EXPECT_EQ(
      body(
          "",
          R"({"function":"f","select":"a,x:b","filters":[{"column":"a","value":1},{"op":"or","value":"b.eq.2"}],
                      "offset":5,"head":true,"conditions":[{"column":"z","value":1}],"page_size":7,"sort_by":"z"})"),
      "f() select a, x:b where a eq 1 and (b eq \"2\") limit 100 offset 5 default stable head");
  EXPECT_EQ(body("f", R"({"minage":18,"org":null})"), "f(minage=18, org=null)");
  EXPECT_EQ(body("s.f", "{}"), "s|f()");
  EXPECT_EQ(body("f", R"({"args":{"minage":18},"schema":"s"})"), "s|f(minage=18)");
  EXPECT_EQ(body("f", R"({"minage":18,"limit":5})"), "f() limit 5 offset 0") << "not all are arguments";
  names_ = {"schema", "limit"};
  EXPECT_EQ(body("f", R"({"limit":5})"), "f(limit=5)");
  EXPECT_EQ(body("f", R"({"schema":"s"})"), "s|f()");
  names_ = {"schema", "tab"};
  EXPECT_EQ(body("f", R"({"schema":"s","tab":"t"})"), "f(schema=\"s\", tab=\"t\")");
  names_ = {};
  EXPECT_EQ(body("", R"({"function":"f"})"), "f()");
}

TEST_F(ParseFunction, BodyRefusals) {
  EXPECT_EQ(body("", R"({"function":"f","args":[1]})"),
            "invalid_payload member=\"args\": args must be an object.");
  EXPECT_EQ(body("", R"({"function":"f","count":"planned"})"),
            "invalid_payload member=\"count\": count must be exact.");
  EXPECT_EQ(body("", R"({"function":"f","filters":{"a":1}})").substr(0, 32),
            "invalid_payload member=\"filters\"");
  EXPECT_EQ(body("", R"({"function":"f","filters":[{"column":"a","op":"x","value":1}]})").substr(0, 17),
            "invalid_operator ");
  EXPECT_EQ(body("", R"({"function":"f","limit":10001})").substr(0, 16), "limit_too_large ");
  EXPECT_EQ(body("", R"({"function":"f","head":1})").substr(0, 16), "invalid_payload ");
  EXPECT_EQ(body("", R"({"function":"f","select":5})").substr(0, 16), "invalid_payload ");
}

TEST_F(ParseFunction, Url) {
  EXPECT_EQ(
      url("list_users", {{"org", "1"},
                         {"tags", "{a,b}"},
                         {"o", R"({"x":1})"},
                         {"active", "eq.true"},
                         {"role", "in.{a,b}"},
                         {"x", "is.null"},
                         {"order", "name.desc"}}),
      R"(list_users(org="1", tags="{a,b}", o="{\"x\":1}") where active eq "true" and role in ["a","b"] and x is null order name desc read_only)");
  EXPECT_EQ(url("f", {{"schema", "s"},
                      {"select", "a"},
                      {"count", "exact"},
                      {"limit", "5"},
                      {"offset", "1"},
                      {"head", "true"}}),
            "s|f() select a limit 5 offset 1 stable count head read_only");
  EXPECT_EQ(url("f", {{"age", "gte.18"}, {"age", "not.lt.5"}, {"m->>k", "eq.a, b"}}),
            R"(f() where age gte "18" and not age lt "5" and m->>k eq "a, b" read_only)");
  EXPECT_EQ(url("f", {{"org", "eq.1"}}), "f(org=\"eq.1\") read_only")
      << "an argument, whatever it looks like";
}

TEST_F(ParseFunction, UrlRefusals) {
  EXPECT_EQ(url("f", {{"minge", "5"}}),
            "undefined_column column=\"minge\" suggestions=[\"minage\"]: The parameter \"minge\" is no "
            "argument of the "
            "function, and its value is no filter like eq.1.");
  for (const char* value : {"", "eq", "x.1", "not.x.1", "or.(a.eq.1)"}) {
    EXPECT_EQ(url("f", {{"c", value}}).substr(0, 17), "undefined_column ") << value;
  }
  EXPECT_EQ(url("f", {{"c", "in.(1"}}).substr(0, 28), "invalid_payload member=\"c\": ");
  EXPECT_EQ(url("f", {{"c", "is.x"}}).substr(0, 14), "invalid_value ");
  EXPECT_EQ(url("f", {{"org", "1"}, {"org", "2"}}),
            "invalid_payload member=\"org\": org is given more than once.");
  EXPECT_EQ(url("f", {{"limit", "x"}}).substr(0, 16), "invalid_payload ");
  EXPECT_EQ(url("f", {{"limit", "-1"}}).substr(0, 16), "invalid_payload ");
  EXPECT_EQ(url("f", {{"head", "1"}}).substr(0, 16), "invalid_payload ");
  EXPECT_EQ(url("s.f", {{"schema", "x"}}).substr(0, 16), "invalid_payload ");
  parser_.settings.max_conditions = 1;
  EXPECT_EQ(url("f", {{"a", "eq.1"}, {"a", "eq.2"}}).substr(0, 16), "limit_too_large ");
}

}  // namespace
}  // namespace athena::query

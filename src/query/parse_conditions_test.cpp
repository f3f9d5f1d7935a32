#include <gtest/gtest.h>

#include "query/parse_test_support.h"

namespace athena::query {
namespace {

class ParseConditions : public testing::Test {
 protected:
  std::string conditions(const std::string& value) {
    return test::fetch_part(parser_, "\"conditions\":" + value, &Select::conditions);
  }
  /// A condition on column c.
  std::string compared(const std::string& op, const std::string& value) {
    return conditions(R"([{"column":"c","operator":")" + op + R"(","value":)" + value + "}]");
  }
  test::Parser parser_;
};

TEST_F(ParseConditions, None) {
  EXPECT_EQ(conditions("null"), "");
  EXPECT_EQ(conditions("[]"), "");
  EXPECT_EQ(test::fetch_part(parser_, R"("where":{},"where_filters":[])", &Select::conditions), "");
}

TEST_F(ParseConditions, Members) {
  EXPECT_EQ(conditions(R"([{"column":"a","value":1}])"), "a eq 1");
  EXPECT_EQ(conditions(R"([{"eq_column":"a","eq_value":1}])"), "a eq 1");
  EXPECT_EQ(conditions(R"([{"column":"a","value":1,"eq_column":"b","eq_value":2}])"), "a eq 1");
  EXPECT_EQ(conditions(R"([{"column":null,"eq_column":"b","value":null,"eq_value":2}])"), "b eq null");
  EXPECT_EQ(conditions(R"([{"op":"gt","column":"a","value":1.10}])"), "a gt 1.10");
  EXPECT_EQ(conditions(R"([{"operator":"lt","op":"gt","column":"a","value":1}])"), "a lt 1");
  EXPECT_EQ(conditions(R"([{"operator":null,"column":"a","value":"x"}])"), "a eq \"x\"");
  EXPECT_EQ(conditions(R"([{"column":"meta->a->>b","value":9007199254740993}])"),
            "meta->a->>b eq 9007199254740993");
  EXPECT_EQ(conditions(R"([{"column":"a","value":1,"column_cast":"text","value_cast":"int4[]"}])"),
            "a::text eq 1::int4[]");
  EXPECT_EQ(conditions(R"([{"column":"a","value":1,"eq_column_cast":"text","eq_value_cast":"text"}])"),
            "a::text eq 1::text");
  EXPECT_EQ(conditions(R"([{"column":"a::text","value":1}])"), "a::text eq 1");
  EXPECT_EQ(conditions(R"([{"column":"a","value":1},{"column":"b","value":2}])"), "a eq 1 and b eq 2");
  EXPECT_EQ(
      test::fetch_part(
          parser_,
          R"("where":{"c":3},"where_filters":[{"column":"b","value":2}],"conditions":[{"column":"a","value":1}])",
          &Select::conditions),
      "a eq 1 and b eq 2 and c eq 3");
}

TEST_F(ParseConditions, EveryOperatorAndAlias) {
  const std::vector<std::vector<std::string>> groups = {{"eq"},
                                                        {"neq"},
                                                        {"isdistinct"},
                                                        {"gt"},
                                                        {"gte"},
                                                        {"lt"},
                                                        {"lte"},
                                                        {"like"},
                                                        {"ilike"},
                                                        {"match"},
                                                        {"imatch"},
                                                        {"contains", "cs"},
                                                        {"containedBy", "contained_by", "contained", "cd"},
                                                        {"overlaps", "ov"},
                                                        {"sl"},
                                                        {"sr"},
                                                        {"nxr"},
                                                        {"nxl"},
                                                        {"adj"},
                                                        {"fts", "wfts"},
                                                        {"plfts"},
                                                        {"phfts"}};
  for (const auto& names : groups) {
    for (const auto& op : names) {
      EXPECT_EQ(compared(op, "\"x\""), "c " + names.front() + " \"x\"");
      EXPECT_EQ(compared("not." + op, "\"x\""), "not c " + names.front() + " \"x\"");
    }
  }
  EXPECT_EQ(compared("in", "[1,\"2\",null]"), "c in [1,\"2\",null]");
  EXPECT_EQ(compared("not.in", "[]"), "not c in []");
  EXPECT_EQ(compared("not.is", "null"), "not c is null");
}

TEST_F(ParseConditions, UnknownOperators) {
  for (const char* op :
       {"equals", "EQ", "= 1 OR 1=1 --", "not.not.eq", "not.", "not", "", "eq ", "Containedby", "cast"}) {
    if (std::string_view(op) == "not") continue;
    EXPECT_EQ(compared(op, "1"),
              "invalid_operator member=\"conditions[0].operator\": conditions[0].operator is the unknown "
              "operator \"" +
                  std::string(op) + "\".");
  }
  EXPECT_EQ(compared(std::string(70, 'x'), "1"),
            "invalid_operator member=\"conditions[0].operator\": conditions[0].operator is the unknown "
            "operator \"" +
                std::string(63, 'x') + "…\".");
}

TEST_F(ParseConditions, ScalarOperands) {
  for (const char* op : {"eq", "neq", "isdistinct"}) {
    for (const char* value : {"1", "\"x\"", "true", "null", "[1,2]"}) {
      EXPECT_EQ(compared(op, value), std::string("c ") + op + " " + value);
    }
    EXPECT_EQ(compared(op, "{}"),
              "invalid_value member=\"conditions[0].value\": conditions[0].value must be a string, a "
              "number, a boolean or null for the operator " +
                  std::string(op) + ".");
  }
  for (const char* op : {"gt", "gte", "lt", "lte"}) {
    for (const char* value : {"1", "\"x\"", "false"})
      EXPECT_EQ(compared(op, value), std::string("c ") + op + " " + value);
    for (const char* value : {"null", "[1]", "{}"}) {
      EXPECT_EQ(compared(op, value),
                "invalid_value member=\"conditions[0].value\": conditions[0].value must be a string, a "
                "number or a boolean for the operator " +
                    std::string(op) + ".");
    }
  }
}

TEST_F(ParseConditions, TextOperands) {
  for (const char* op : {"like", "ilike", "match", "imatch"}) {
    EXPECT_EQ(compared(op, "5"),
              "invalid_payload member=\"conditions[0].value\": conditions[0].value must be a string for "
              "the operator " +
                  std::string(op) + ".");
    EXPECT_EQ(compared(op, "null"),
              "invalid_value member=\"conditions[0].value\": conditions[0].value must be a value, not "
              "null, for the operator " +
                  std::string(op) + ".");
  }
  const std::string longest(1024, 'a');
  EXPECT_EQ(compared("match", "\"" + longest + "\""), "c match \"" + longest + "\"");
  EXPECT_EQ(compared("imatch", "\"" + longest + "a\""),
            "invalid_value member=\"conditions[0].value\": conditions[0].value must be at most 1024 bytes "
            "for the operator "
            "imatch.");
  EXPECT_EQ(compared("like", "\"" + longest + "a\""), "c like \"" + longest + "a\"");
}

TEST_F(ParseConditions, Is) {
  const std::pair<const char*, const char*> cases[] = {
      {"null", "null"},     {"true", "true"},       {"false", "false"},           {"\"null\"", "null"},
      {"\"true\"", "true"}, {"\"false\"", "false"}, {"\"not_null\"", "not_null"}, {"\"unknown\"", "unknown"}};
  for (const auto& [value, test] : cases) EXPECT_EQ(compared("is", value), std::string("c is ") + test);
  for (const char* value : {"5", "\"NULL\"", "\"\"", "[]", "{}"}) {
    EXPECT_EQ(compared("is", value).substr(0, 14), "invalid_value ") << value;
  }
}

TEST_F(ParseConditions, In) {
  parser_.settings.max_in_values = 3;
  EXPECT_EQ(compared("in", "[1,2,3]"), "c in [1,2,3]");
  EXPECT_EQ(compared("in", "[1,2,3,4]"),
            "limit_too_large member=\"conditions[0].value\" limit=4 max=3: conditions[0].value has more "
            "values than 3.");
  for (const char* value : {"\"1,2\"", "1", "null", "{}"}) {
    EXPECT_EQ(compared("in", value),
              "invalid_payload member=\"conditions[0].value\": conditions[0].value must be an array "
              "for the operator in.");
  }
  EXPECT_EQ(compared("in", "[1,[2]]"), "c in [1,[2]]") << "for columns of arrays";
}

TEST_F(ParseConditions, ContainersAndRanges) {
  for (const char* value : {"[1]", "{\"a\":1}", "\"[1,2)\"", "5", "true"}) {
    EXPECT_EQ(compared("contains", value), std::string("c contains ") + value);
    EXPECT_EQ(compared("cd", value), std::string("c containedBy ") + value);
  }
  EXPECT_EQ(compared("cs", "null"), "c contains null") << "json has one";
  EXPECT_EQ(compared("ov", "null").substr(0, 14), "invalid_value ");
  EXPECT_EQ(compared("ov", "[1]"), "c overlaps [1]");
  EXPECT_EQ(compared("ov", "5").substr(0, 16), "invalid_payload ");
  for (const char* op : {"sl", "sr", "nxr", "nxl", "adj"}) {
    EXPECT_EQ(compared(op, "[1,2]").substr(0, 16), "invalid_payload ") << op;
    EXPECT_EQ(compared(op, "null").substr(0, 14), "invalid_value ") << op;
  }
}

TEST_F(ParseConditions, FullText) {
  EXPECT_EQ(compared("fts", R"({"query":"q","config":"english"})"), "c fts(english) \"q\"");
  EXPECT_EQ(compared("plfts", R"({"query":"q"})"), "c plfts \"q\"");
  EXPECT_EQ(compared("fts", "{}"),
            "missing_field member=\"conditions[0].value.query\": Missing conditions[0].value.query");
  EXPECT_EQ(
      compared("fts", R"({"query":5})"),
      "invalid_payload member=\"conditions[0].value.query\": conditions[0].value.query must be a string.");
  EXPECT_EQ(
      compared("fts", R"({"query":"q","config":5})"),
      "invalid_payload member=\"conditions[0].value.config\": conditions[0].value.config must be a string.");
  EXPECT_EQ(compared("fts", R"({"query":"q","config":"a\u0000"})").substr(0, 19), "invalid_identifier ");
  EXPECT_EQ(compared("fts", "[1]").substr(0, 16), "invalid_payload ");
}

TEST_F(ParseConditions, Groups) {
  EXPECT_EQ(
      conditions(
          R"([{"operator":"or","value":[{"column":"a","value":1},{"column":"b","op":"gt","value":2}]}])"),
      "(a eq 1 or b gt 2)");
  EXPECT_EQ(conditions(R"([{"op":"and","eq_value":[{"column":"a","value":1},{"column":"b","value":2}]}])"),
            "(a eq 1 and b eq 2)");
  EXPECT_EQ(
      conditions(R"([{"operator":"not.or","value":[{"column":"a","value":1},{"column":"b","value":2}]}])"),
      "not (a eq 1 or b eq 2)");
  EXPECT_EQ(conditions(R"([{"operator":"or","value":[{"column":"a","value":1},
                           {"operator":"and","value":[{"column":"b","value":2},{"operator":"not.eq","column":"c","value":3}]}]}])"),
            "(a eq 1 or (b eq 2 and not c eq 3))");
  EXPECT_EQ(conditions(R"([{"operator":"not","value":[{"column":"a","value":1}]}])"), "not a eq 1");
  EXPECT_EQ(conditions(R"([{"operator":"not","value":{"column":"a","value":1}}])"), "not a eq 1");
  EXPECT_EQ(conditions(R"([{"operator":"not","value":{"operator":"not","value":{"column":"a","value":1}}}])"),
            "a eq 1");
  EXPECT_EQ(conditions(R"([{"operator":"not","value":{"operator":"not.eq","column":"a","value":1}}])"),
            "a eq 1");
  EXPECT_EQ(conditions(R"([{"operator":"not.not","value":{"column":"a","value":1}}])"), "a eq 1");
}

TEST_F(ParseConditions, GroupRefusals) {
  for (const char* op : {"or", "and", "not"}) {
    EXPECT_EQ(conditions(std::string(R"([{"operator":")") + op + R"("}])"),
              "missing_field member=\"conditions[0].value\": Missing conditions[0].value");
    EXPECT_EQ(conditions(std::string(R"([{"operator":")") + op + R"(","value":[5]}])"),
              "invalid_payload member=\"conditions[0].value[0]\": conditions[0].value[0] must be an object.");
  }
  EXPECT_EQ(conditions(R"([{"operator":"or","value":[]}])"),
            "invalid_payload member=\"conditions[0].value\": conditions[0].value must not be empty.");
  EXPECT_EQ(conditions(R"([{"operator":"or","value":{"column":"a","value":1}}])"),
            "invalid_payload member=\"conditions[0].value\": conditions[0].value must be an expression or an "
            "array of conditions.");
  EXPECT_EQ(conditions(R"([{"operator":"or","value":null}])"),
            "invalid_payload member=\"conditions[0].value\": conditions[0].value must be an expression or an "
            "array of conditions.");
  for (const char* value : {"[]", R"([{"column":"a","value":1},{"column":"b","value":2}])", "5"}) {
    EXPECT_EQ(
        conditions(std::string(R"([{"operator":"not","value":)") + value + "}]"),
        "invalid_payload member=\"conditions[0].value\": conditions[0].value must be an expression or one "
        "condition.");
  }
}

TEST_F(ParseConditions, Refusals) {
  EXPECT_EQ(conditions(R"({"id":1})"),
            "invalid_payload member=\"conditions\": conditions must be an array of conditions.");
  EXPECT_EQ(conditions(R"(["id"])"),
            "invalid_payload member=\"conditions[0]\": conditions[0] must be an object.");
  EXPECT_EQ(conditions("[null]"),
            "invalid_payload member=\"conditions[0]\": conditions[0] must be an object.");
  EXPECT_EQ(conditions(R"([{"column":"a","value":1},{"column":"a","value":1},{"column":7,"value":1}])"),
            "invalid_payload member=\"conditions[2].column\": conditions[2].column must be a string.");
  EXPECT_EQ(conditions(R"([{"eq_column":7,"value":1}])"),
            "invalid_payload member=\"conditions[0].eq_column\": conditions[0].eq_column must be a string.");
  EXPECT_EQ(conditions(R"([{"column":"a","operator":3,"value":1}])"),
            "invalid_payload member=\"conditions[0].operator\": conditions[0].operator must be a string.");
  EXPECT_EQ(conditions(R"([{"value":1}])"),
            "missing_field member=\"conditions[0].column\": Missing conditions[0].column");
  EXPECT_EQ(conditions(R"([{"column":" ","value":1}])"),
            "missing_field member=\"conditions[0].column\": Missing conditions[0].column");
  EXPECT_EQ(conditions(R"([{"column":"a"}])"),
            "missing_field member=\"conditions[0].value\": Missing conditions[0].value");
  EXPECT_EQ(conditions("[{}]"),
            "missing_field member=\"conditions[0].column\": Missing conditions[0].column");
  EXPECT_EQ(conditions(R"([{"column":"a\u0000","value":1}])"),
            "invalid_identifier member=\"conditions[0].column\": conditions[0].column has a name with a "
            "control character.");
  EXPECT_EQ(
      conditions(R"([{"column":"a","value":1,"column_cast":5}])"),
      "invalid_payload member=\"conditions[0].column_cast\": conditions[0].column_cast must be a string.");
  EXPECT_EQ(conditions(R"([{"column":"a","value":1,"eq_value_cast":"x;y"}])"),
            "invalid_identifier member=\"conditions[0].eq_value_cast\": conditions[0].eq_value_cast casts to "
            "\"x;y\", which is "
            "no type.");
  EXPECT_EQ(test::fetch_part(parser_, R"("where_filters":[{"column":"a","op":"nope","value":1}])",
                             &Select::conditions)
                .substr(0, 49),
            "invalid_operator member=\"where_filters[0].op\": wh");
}

TEST_F(ParseConditions, NumberOfTerms) {
  parser_.settings.max_conditions = 3;
  const std::string term = R"({"column":"a","value":1})";
  EXPECT_EQ(conditions("[" + term + "," + term + "," + term + "]"), "a eq 1 and a eq 1 and a eq 1");
  EXPECT_EQ(conditions("[" + term + "," + term + "," + term + "," + term + "]"),
            "limit_too_large member=\"conditions\" limit=4 max=3: conditions has more conditions than 3.");
  EXPECT_EQ(conditions("[" + term + "," + term + R"(,{"op":"or","value":[)" + term + "," + term + "]}]"),
            "limit_too_large member=\"conditions[2].value[1].column\" limit=4 max=3: "
            "conditions[2].value[1].column is beyond "
            "the allowed number of conditions, 3.");
  EXPECT_EQ(
      test::fetch_part(parser_, "\"conditions\":[" + term + "," + term + R"(],"where":{"b":{"gt":1,"lt":5}})",
                       &Select::conditions)
          .substr(0, 15),
      "limit_too_large");
}

TEST_F(ParseConditions, Depth) {
  const auto nested = [](int depth) {
    std::string text = R"({"column":"a","value":1})";
    for (int i = 0; i < depth; ++i) text = R"({"op":"or","value":[)" + text + "]}";
    return "[" + text + "]";
  };
  EXPECT_EQ(conditions(nested(16)), std::string(16, '(') + "a eq 1" + std::string(16, ')'));
  const std::string refused = conditions(nested(17));
  EXPECT_EQ(refused.substr(0, 16), "invalid_payload ");
  EXPECT_NE(refused.find("is nested deeper than 16 levels."), std::string::npos);
  std::string negations = R"({"column":"a","value":1})";
  for (int i = 0; i < 17; ++i) negations = R"({"op":"not","value":)" + negations + "}";
  EXPECT_EQ(conditions("[" + negations + "]").substr(0, 16), "invalid_payload ");
}

TEST_F(ParseConditions, MembersForEngines) {
  std::string text = R"({"table_name":"t","conditions":[)";
  for (int i = 0; i < 12; ++i) text += std::string(i > 0 ? "," : "") + R"({"column":"a","value":1})";
  auto result =
      parser_.select(text + R"(,{"op":"or","value":[{"column":"b","value":2}]}],"where":{"c":{"gt":1}}})");
  ASSERT_TRUE(result.has_value());
  const auto& conditions = result->conditions;
  ASSERT_EQ(conditions.size(), 14U);
  EXPECT_EQ(conditions[0].member, "conditions[0]");
  EXPECT_EQ(conditions[7].member, "conditions[7]");
  EXPECT_EQ(conditions[11].member, "conditions[11]");
  EXPECT_EQ(conditions[12].children[0].member, "conditions[12].value[0]");
  EXPECT_EQ(conditions[13].member, "where.c.gt");
}

TEST_F(ParseConditions, Casing) {
  parser_.settings.force_camel_case_to_snake_case = true;
  EXPECT_EQ(conditions(R"([{"column":"userId->someKey","value":"keepThis"}])"),
            "user_id->someKey eq \"keepThis\"");
  EXPECT_EQ(test::fetch_part(parser_, R"("where":{"userId":{"gt":1},"or":[{"fullName":"aB"}]})",
                             &Select::conditions),
            "user_id gt 1 and (full_name eq \"aB\")");
}

class ParseWhere : public testing::Test {
 protected:
  std::string where(const std::string& value) {
    return test::fetch_part(parser_, "\"where\":" + value, &Select::conditions);
  }
  test::Parser parser_;
};

TEST_F(ParseWhere, Forms) {
  EXPECT_EQ(where(R"({"a":1,"b":null})"), "a eq 1 and b eq null");
  EXPECT_EQ(where(R"({"age":{"gte":18,"lt":50}})"), "age gte 18 and age lt 50");
  EXPECT_EQ(where(R"({"age":{"gte":18},"or":[{"vip":true},{"city":{"in":["Ghent"]}}]})"),
            R"(age gte 18 and (vip eq true or city in ["Ghent"]))");
  EXPECT_EQ(where(R"({"and":[{"a":1,"b":2},{"c":{"not.in":[3]}}]})"),
            "((a eq 1 and b eq 2) and not c in [3])");
  EXPECT_EQ(where(R"({"not":{"a":1}})"), "not a eq 1");
  EXPECT_EQ(where(R"({"not":{"a":1,"b":2}})"), "not (a eq 1 and b eq 2)");
  EXPECT_EQ(where(R"({"not":{"not":{"a":1}}})"), "a eq 1");
  EXPECT_EQ(where(R"({"not":{"or":[{"a":1},{"b":2}]}})"), "not (a eq 1 or b eq 2)");
  EXPECT_EQ(where(R"({"tags":[1,2]})"), "tags eq [1,2]");
  EXPECT_EQ(where(R"({"meta->>k":"v"})"), "meta->>k eq \"v\"");
  EXPECT_EQ(where(R"({"meta->>a.b":"v"})"), "meta->>a.b eq \"v\"") << "a dot in a JSON key is no relation";
  EXPECT_EQ(where(R"({"a":{"is":null}})"), "a is null");
}

TEST_F(ParseWhere, Refusals) {
  EXPECT_EQ(where("[1]"), "invalid_payload member=\"where\": where must be an object.");
  EXPECT_EQ(where("\"a=1\""), "invalid_payload member=\"where\": where must be an object.");
  EXPECT_EQ(where(R"({"a":{}})"), "invalid_payload member=\"where.a\": where.a must not be empty.");
  EXPECT_EQ(where(R"({"a":{"equals":1}})"),
            "invalid_operator member=\"where.a.equals\": where.a.equals is the unknown operator \"equals\".");
  EXPECT_EQ(where(R"({"a":{"or":[{"b":1}]}})").substr(0, 17), "invalid_operator ");
  EXPECT_EQ(where(R"({"a":{"gt":null}})").substr(0, 14), "invalid_value ");
  EXPECT_EQ(where(R"({"or":[]})"), "invalid_payload member=\"where.or\": where.or must not be empty.");
  EXPECT_EQ(where(R"({"or":[{}]})"),
            "invalid_payload member=\"where.or[0]\": where.or[0] must not be empty.");
  EXPECT_EQ(where(R"({"or":{"a":1}})"),
            "invalid_payload member=\"where.or\": where.or must be an array of objects.");
  EXPECT_EQ(where(R"({"or":null})"),
            "invalid_payload member=\"where.or\": where.or must be an array of objects.");
  EXPECT_EQ(where(R"({"and":[1]})"),
            "invalid_payload member=\"where.and[0]\": where.and[0] must be an object.");
  EXPECT_EQ(where(R"({"not":{}})"), "invalid_payload member=\"where.not\": where.not must not be empty.");
  EXPECT_EQ(where(R"({"not":[{"a":1}]})"),
            "invalid_payload member=\"where.not\": where.not must be an object.");
  EXPECT_EQ(
      where(R"({"author.name":"x"})"),
      "capability_not_supported requires=\"relations\" member=\"where.author.name\": where.author.name needs "
      "\"relations\", which is not supported.");
  EXPECT_EQ(where(R"({"":1})").substr(0, 19), "invalid_identifier ");
}

TEST_F(ParseWhere, DepthAndNumber) {
  std::string text = R"({"a":1})";
  for (int i = 0; i < 17; ++i) text = R"({"or":[)" + text + "]}";
  EXPECT_EQ(where(text).substr(0, 16), "invalid_payload ");
  std::string many = "{\"a\":0";
  for (int i = 0; i < 256; ++i) many += ",\"a" + std::to_string(i) + "\":1";
  EXPECT_EQ(where(many + "}").substr(0, 16), "limit_too_large ");
}

}  // namespace
}  // namespace athena::query

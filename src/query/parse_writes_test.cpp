#include <gtest/gtest.h>

#include "query/parse_test_support.h"

namespace athena::query {
namespace {

using test::dump;

class ParseInsert : public testing::Test {
 protected:
  std::string insert(const std::string& members) {
    auto result = parser_.insert(R"({"table_name":"t",)" + members + "}");
    if (!result) return dump(result.error());
    const Insert& request = *result;
    std::string text = request.array_input ? "[" + dump(request.rows) + "]" : dump(request.rows);
    if (request.has_conflict_target) {
      text += " on (";
      for (const auto column : request.on_conflict) text += std::string(column) + ";";
      text += ")";
    }
    if (!request.update_body.empty()) text += " set " + dump(request.update_body);
    if (request.ignore_duplicates) text += " ignore";
    if (request.default_to_null) text += " nulls";
    if (request.head) text += " head";
    if (request.return_nothing) text += " nothing";
    if (!request.returning.empty()) text += " returning " + dump(request.returning);
    return text;
  }
  test::Parser parser_;
};

TEST_F(ParseInsert, Forms) {
  EXPECT_EQ(insert(R"("insert_body":{"a":1.10,"b":null})"), R"({"a":1.10,"b":null})");
  EXPECT_EQ(insert(R"("insert_body":[{"a":1},{"b":[2]}])"), R"([{"a":1} {"b":[2]}])");
  EXPECT_EQ(insert(R"("insert_body":{})"), "{}");
  EXPECT_EQ(insert(R"("insert_body":[])"), "[]");
  EXPECT_EQ(insert(R"("insert_body":{"a":1},"on_conflict":"a, b")"), R"({"a":1} on (a;b;))");
  EXPECT_EQ(insert(R"("insert_body":{"a":1},"on_conflict":["b","a","b"])"), R"({"a":1} on (b;a;))");
  EXPECT_EQ(insert(R"("insert_body":{"a":1},"on_conflict":["a,b"])"), R"({"a":1} on (a,b;))");
  EXPECT_EQ(insert(R"("insert_body":{"a":1},"on_conflict":null,"update_body":{"a":2,"b":"x"})"),
            R"({"a":1} set a=2, b="x")");
  EXPECT_EQ(insert(R"("insert_body":{"a":1},"ignore_duplicates":true)"), R"({"a":1} ignore)");
  EXPECT_EQ(insert(R"("insert_body":{"a":1},"ignore_duplicates":false,"update_body":{"b":1})"),
            R"({"a":1} set b=1)");
  EXPECT_EQ(insert(R"("insert_body":{"a":1},"default_to_null":true,"count":"exact")"), R"({"a":1} nulls)");
  EXPECT_EQ(insert(R"("insert_body":{"a":1},"head":true)"), R"({"a":1} head nothing)");
  EXPECT_EQ(insert(R"("insert_body":{"a":1},"columns":[])"), R"({"a":1} nothing)");
  EXPECT_EQ(insert(R"("insert_body":{"a":1},"columns":"*")"), R"({"a":1})");
  EXPECT_EQ(insert(R"("insert_body":{"a":1},"columns":"")"), R"({"a":1})");
  EXPECT_EQ(insert(R"("insert_body":{"a":1},"columns":["x:a","b->>k"])"), R"({"a":1} returning x:a, b->>k)");
  EXPECT_EQ(insert(R"("insert_body":{"odd \"name":1})"), R"({"odd \"name":1})");
}

TEST_F(ParseInsert, Refusals) {
  EXPECT_EQ(insert(R"("x":1)"), R"(missing_field member="insert_body": Missing insert_body)");
  EXPECT_EQ(insert(R"("insert_body":null)"), R"(missing_field member="insert_body": Missing insert_body)");
  EXPECT_EQ(insert(R"("insert_body":"x")"),
            R"(invalid_payload member="insert_body": insert_body must be an object or an array of objects.)");
  EXPECT_EQ(insert(R"("insert_body":[{"a":1},{"a":2},{"a":3},4])"),
            R"(invalid_payload member="insert_body[3]": insert_body[3] must be an object.)");
  EXPECT_EQ(insert(R"("insert_body":{"":1})"),
            R"(invalid_identifier member="insert_body": insert_body has an empty name.)");
  EXPECT_EQ(
      insert(R"("insert_body":[{"a":1},{"a\u0000":1}])"),
      R"(invalid_identifier member="insert_body[1]": insert_body[1] has a name with a control character.)");
  EXPECT_EQ(insert(R"("insert_body":{")" + std::string(64, 'a') + R"(":1})").substr(0, 19),
            "invalid_identifier ");
  EXPECT_EQ(insert(R"("insert_body":{"a":1},"on_conflict":5)"),
            R"(invalid_payload member="on_conflict": on_conflict must be a string or an array of strings.)");
  EXPECT_EQ(insert(R"("insert_body":{"a":1},"on_conflict":["a",5])"),
            R"(invalid_payload member="on_conflict[1]": on_conflict[1] must be a string.)");
  EXPECT_EQ(insert(R"("insert_body":{"a":1},"on_conflict":[])"),
            R"(invalid_payload member="on_conflict": on_conflict names no column.)");
  EXPECT_EQ(insert(R"("insert_body":{"a":1},"on_conflict":" ")"),
            R"(invalid_payload member="on_conflict": on_conflict names no column.)");
  EXPECT_EQ(insert(R"("insert_body":{"a":1},"on_conflict":"a,,b")"),
            R"(invalid_identifier member="on_conflict": on_conflict has an empty name.)");
  EXPECT_EQ(insert(R"("insert_body":{"a":1},"update_body":{})"),
            R"(invalid_payload member="update_body": update_body must not be empty.)");
  EXPECT_EQ(insert(R"("insert_body":{"a":1},"update_body":[])"),
            R"(invalid_payload member="update_body": update_body must be an object.)");
  EXPECT_EQ(
      insert(R"("insert_body":{"a":1},"update_body":{"b":1},"ignore_duplicates":true)"),
      R"(invalid_payload member="ignore_duplicates": ignore_duplicates cannot be used with update_body.)");
  for (const char* flag : {"ignore_duplicates", "default_to_null", "head"}) {
    EXPECT_EQ(insert(R"("insert_body":{"a":1},")" + std::string(flag) + "\":\"true\""),
              "invalid_payload member=\"" + std::string(flag) + "\": " + flag + " must be true or false.");
  }
  EXPECT_EQ(insert(R"x("insert_body":{"a":1},"columns":"a(b)")x").substr(0, 24), "capability_not_supported");
}

TEST_F(ParseInsert, NumberOfRows) {
  parser_.settings.max_insert_rows = 2;
  EXPECT_EQ(insert(R"("insert_body":[{},{}])"), "[{} {}]");
  EXPECT_EQ(insert(R"("insert_body":[{},{},{}])"),
            R"(limit_too_large member="insert_body" limit=3 max=2: insert_body has more rows than 2.)");
}

TEST_F(ParseInsert, Casing) {
  parser_.settings.force_camel_case_to_snake_case = true;
  EXPECT_EQ(
      insert(R"("insert_body":[{"userId":1,"data":{"keepThis":"aB"}},{"plain":2}],"on_conflict":"userId",)"
             R"("update_body":{"fullName":"A"},"columns":["fullName"])"),
      R"([{"user_id":1,"data":{"keepThis":"aB"}} {"plain":2}] on (user_id;) set full_name="A" returning full_name)");
  EXPECT_EQ(insert(R"("insert_body":{"userId":1,"user_id":2})"), R"({"user_id":2})");
}

class ParseUpdate : public testing::Test {
 protected:
  std::string update(const std::string& members) {
    return whole(R"("conditions":[{"column":"id","value":1}],)" + members);
  }
  std::string whole(const std::string& members) {
    auto result = parser_.update(R"({"table_name":"t",)" + members + "}");
    if (!result) return dump(result.error());
    const Update& request = *result;
    std::string text = "set " + dump(request.set);
    if (!request.conditions.empty()) text += " where " + dump(request.conditions);
    if (request.allow_unfiltered) text += " unfiltered";
    if (!request.sort.empty()) text += " sort " + dump(request.sort);
    if (request.head) text += " head";
    if (request.return_nothing) text += " nothing";
    if (!request.returning.empty()) text += " returning " + dump(request.returning);
    return text;
  }
  test::Parser parser_;
};

TEST_F(ParseUpdate, Payloads) {
  EXPECT_EQ(update(R"("update_body":{"a":1,"b":null})"), "set a=1, b=null where id eq 1");
  EXPECT_EQ(update(R"("set":{"a":1.10})"), "set a=1.10 where id eq 1");
  EXPECT_EQ(update(R"("data":{"a":[1]})"), "set a=[1] where id eq 1");
  EXPECT_EQ(update(R"("data":{"a":3},"set":{"a":2},"update_body":{"a":1})"), "set a=1 where id eq 1");
  EXPECT_EQ(update(R"("update_body":null,"set":{"a":2})"), "set a=2 where id eq 1");
  EXPECT_EQ(update(R"("columns":[{"column":"a","value":"x"},{"name":"b","value":2}])"),
            "set a=\"x\", b=2 where id eq 1");
  EXPECT_EQ(update(R"("columns":[{"a":"first"},{"b":"pairs","a":"last"}])"),
            "set b=\"pairs\", a=\"last\" where id eq 1");
  EXPECT_EQ(update(R"("columns":[{"name":"Bob"},{"value":5}])"), "set name=\"Bob\", value=5 where id eq 1");
  EXPECT_EQ(update(R"("columns":[{"column":5,"value":6}])"), "set column=5, value=6 where id eq 1");
  EXPECT_EQ(update(R"("columns":[{"column":"a","value":1},{"column":"a","value":2}])"),
            "set a=2 where id eq 1");
}

TEST_F(ParseUpdate, PayloadRefusals) {
  const std::string missing = R"(missing_field member="update_body": Missing update_body)";
  EXPECT_EQ(update(R"("x":1)"), missing);
  EXPECT_EQ(update(R"("update_body":{})"), missing);
  EXPECT_EQ(update(R"("update_body":{},"set":{"a":1})"), missing);
  EXPECT_EQ(update(R"("columns":[{}])"), missing);
  EXPECT_EQ(update(R"("columns":"a,b")"), missing);
  EXPECT_EQ(update(R"("columns":[])"), missing);
  EXPECT_EQ(update(R"("update_body":5)"),
            R"(invalid_payload member="update_body": update_body must be an object.)");
  EXPECT_EQ(update(R"("data":[{"a":1}])"), R"(invalid_payload member="data": data must be an object.)");
  EXPECT_EQ(update(R"("columns":[{"a":1},"b"])"),
            R"(invalid_payload member="columns[1]": columns[1] must be an object.)");
  EXPECT_EQ(update(R"("set":{"a":1},"columns":[{"a":1}])"),
            R"(invalid_payload member="columns[0]": columns[0] must be a string.)");
  EXPECT_EQ(update(R"("set":{"a\n":1})").substr(0, 19), "invalid_identifier ");
  EXPECT_EQ(update(R"("columns":[{"column":"","value":1}])").substr(0, 19), "invalid_identifier ");
}

TEST_F(ParseUpdate, Filters) {
  EXPECT_EQ(whole(R"("set":{"a":1},"allow_unfiltered":true)"), "set a=1 unfiltered");
  EXPECT_EQ(whole(R"("set":{"a":1},"where":{"id":{"eq":1}})"), "set a=1 where id eq 1");
  for (const char* none :
       {R"("x":1)", R"("conditions":[])", R"("conditions":null,"where":{})", R"("where_filters":[])",
        R"("allow_unfiltered":false)", R"("allow_unfiltered":null)"}) {
    EXPECT_EQ(whole(R"("set":{"a":1},)" + std::string(none)),
              "filter_required: An update needs a condition, or allow_unfiltered to change every row.");
  }
  EXPECT_EQ(whole(R"("set":{"a":1},"allow_unfiltered":"yes")"),
            R"(invalid_payload member="allow_unfiltered": allow_unfiltered must be true or false.)");
  EXPECT_EQ(
      whole(R"("set":{"a":1},"conditions":[{"column":"id","op":"nope","value":1}],"allow_unfiltered":true)")
          .substr(0, 17),
      "invalid_operator ");
}

TEST_F(ParseUpdate, Rest) {
  EXPECT_EQ(update(R"("set":{"a":1},"columns":"id,x:name","sort_by":"n.desc","limit":2)"),
            "set a=1 where id eq 1 sort n desc returning id, x:name");
  EXPECT_EQ(update(R"("set":{"a":1},"columns":[])"), "set a=1 where id eq 1 nothing");
  EXPECT_EQ(update(R"("set":{"a":1},"head":true)"), "set a=1 where id eq 1 head nothing");
  EXPECT_EQ(update(R"("set":{"a":1},"count":"exact")"), "set a=1 where id eq 1");
  EXPECT_EQ(update(R"("set":{"a":1},"count":"many")"),
            R"(invalid_payload member="count": count must be exact, planned or estimated.)");
  EXPECT_EQ(update(R"("set":{"a":1},"time_granularity":"day")").substr(0, 24), "invalid_post_processing ");
  EXPECT_EQ(update(R"("set":{"a":1},"strip_nulls":true)"), "set a=1 where id eq 1");
  EXPECT_TRUE(parser_.options.strip_nulls);
}

TEST_F(ParseUpdate, Casing) {
  parser_.settings.force_camel_case_to_snake_case = true;
  EXPECT_EQ(update(R"("set":{"fullName":"aB","full_name":"c"})"), "set full_name=\"c\" where id eq 1");
  EXPECT_EQ(update(R"("columns":[{"column":"fullName","value":"aB"}])"),
            "set full_name=\"aB\" where id eq 1");
}

class ParseDelete : public testing::Test {
 protected:
  std::string remove(const std::string& members) {
    auto result = parser_.remove(R"({"table_name":"t",)" + members + "}");
    if (!result) return dump(result.error());
    const Delete& request = *result;
    std::string text = request.resource_id != nullptr ? "id " + test::json(*request.resource_id) : "";
    if (!request.conditions.empty()) text += " where " + dump(request.conditions);
    if (!request.sort.empty()) text += " sort " + dump(request.sort);
    if (request.page.limit) text += " limit " + std::to_string(*request.page.limit);
    if (request.return_rows) text += " rows";
    if (!request.returning.empty()) text += " returning " + dump(request.returning);
    return text;
  }
  test::Parser parser_;
};

TEST_F(ParseDelete, Forms) {
  EXPECT_EQ(remove(R"("resource_id":12)"), "id 12");
  EXPECT_EQ(remove(R"("resource_id":"7")"), "id \"7\"");
  EXPECT_EQ(remove(R"("resource_id":{"org":1,"id":"2","x":true})"), R"(id {"org":1,"id":"2","x":true})");
  EXPECT_EQ(remove(R"("conditions":[{"column":"id","value":1}])"), " where id eq 1");
  EXPECT_EQ(remove(R"("resource_id":1,"where":{"a":2},"sort_by":"n","limit":3)"),
            "id 1 where a eq 2 sort n asc limit 3");
  EXPECT_EQ(remove(R"("resource_id":1,"columns":"*")"), "id 1 rows");
  EXPECT_EQ(remove(R"("resource_id":1,"columns":["name","key:id"])"), "id 1 rows returning name, key:id");
  EXPECT_EQ(remove(R"("resource_id":1,"columns":[])"), "id 1");
  EXPECT_EQ(remove(R"("resource_id":1,"columns":"")"), "id 1");
  EXPECT_EQ(remove(R"("resource_id":1,"columns":null)"), "id 1");
}

TEST_F(ParseDelete, Refusals) {
  const std::string filter = "filter_required: A delete needs a resource_id or a condition.";
  EXPECT_EQ(remove(R"("x":1)"), filter);
  EXPECT_EQ(remove(R"("conditions":[],"resource_id":null)"), filter);
  EXPECT_EQ(remove(R"("allow_unfiltered":true)"), filter);
  for (const char* value : {"true", "[1]"}) {
    EXPECT_EQ(remove(R"("resource_id":)" + std::string(value)),
              "invalid_payload member=\"resource_id\": resource_id must be a string, a number or an object "
              "of key columns.");
  }
  EXPECT_EQ(remove(R"("resource_id":{})"),
            R"(invalid_payload member="resource_id": resource_id must not be empty.)");
  for (const char* value : {"null", "[1]", "{}"}) {
    EXPECT_EQ(
        remove(R"("resource_id":{"id":)" + std::string(value) + "}"),
        "invalid_payload member=\"resource_id.id\": resource_id.id must be a string, a number or a boolean.");
  }
  EXPECT_EQ(remove(R"("resource_id":{"a\u0000":1})").substr(0, 19), "invalid_identifier ");
  EXPECT_EQ(remove(R"("resource_id":1,"conditions":[{"column":"a"}])").substr(0, 14), "missing_field ");
  EXPECT_EQ(remove(R"("resource_id":1,"columns":5)").substr(0, 16), "invalid_payload ");
}

TEST_F(ParseDelete, Casing) {
  parser_.settings.force_camel_case_to_snake_case = true;
  EXPECT_EQ(remove(R"("resource_id":{"orgId":1})"), R"(id {"org_id":1})");
}

TEST(Request, NamesAndTargets) {
  EXPECT_EQ(name(Operator::contained_by), "containedBy");
  EXPECT_EQ(name(Operator::phfts), "phfts");
  test::Parser parser;
  auto removal = parser.remove(R"({"table_name":"s.t","resource_id":1})");
  ASSERT_TRUE(removal.has_value());
  const Request request(std::move(*removal));
  EXPECT_EQ(dump(target(request)), "s|t");
}

}  // namespace
}  // namespace athena::query

#include <gtest/gtest.h>

#include "query/parse_test_support.h"

namespace athena::query {
namespace {

class ParseColumns : public testing::Test {
 protected:
  std::string columns(const std::string& value) {
    return test::fetch_part(parser_, "\"columns\":" + value, &Select::columns);
  }
  std::string select(const std::string& value) {
    return test::fetch_part(parser_, "\"select\":" + value, &Select::columns);
  }
  test::Parser parser_;
};

TEST_F(ParseColumns, Forms) {
  for (const char* all : {"null", "\"\"", "\" \"", "[]", "\"*\"", "\" * \"", "[\"*\"]", "\"*,*\""}) {
    EXPECT_EQ(columns(all), "") << all;
  }
  EXPECT_EQ(columns(R"("id,name")"), "id, name");
  EXPECT_EQ(columns(R"(" id , name ")"), "id, name");
  EXPECT_EQ(columns(R"(["id","name"])"), "id, name");
  EXPECT_EQ(columns(R"(["*","x:id"])"), "*, x:id");
  EXPECT_EQ(columns(R"("mail:email")"), "mail:email");
  EXPECT_EQ(columns(R"("id::text")"), "id::text");
  EXPECT_EQ(columns(R"("n:age::int4")"), "n:age::int4");
  EXPECT_EQ(columns(R"("tags::text[]")"), "tags::text[]");
  EXPECT_EQ(columns(R"("kind::my_schema.kind")"), "kind::my_schema.kind");
  EXPECT_EQ(columns(R"(["a b","quo\"te","semi;--"])"), "a b, quo\"te, semi;--");
}

TEST_F(ParseColumns, JsonPaths) {
  EXPECT_EQ(columns(R"("meta->a->>b")"), "meta->a->>b");
  EXPECT_EQ(columns(R"("x:meta->0->>12::int4")"), "x:meta->#0->>#12::int4");
  EXPECT_EQ(columns(R"("meta->-1")"), "meta->-1");
  EXPECT_EQ(columns(R"("meta->99999999999")"), "meta->99999999999")
      << "beyond every array: the name of a member";
  EXPECT_EQ(columns(R"(["meta->>xml:lang"])"), "meta->>xml:lang") << "an alias stands before the path";
  EXPECT_EQ(columns(R"(["x:body->>k' || (SELECT 'leak') || '"])"), "x:body->>k' || (SELECT 'leak') || '");
  EXPECT_EQ(columns(R"("meta->")"),
            R"(invalid_identifier member="columns": columns has an empty key in its JSON path.)");
  EXPECT_EQ(columns(R"("->a")"), R"(invalid_identifier member="columns": columns has an empty name.)");
  EXPECT_EQ(columns(R"("meta->a\u0000")"),
            R"(invalid_identifier member="columns": columns has a JSON key with a control character.)");
  EXPECT_EQ(columns(R"(["meta->>a->b"])"),
            R"(invalid_payload member="columns[0]": columns[0] goes on behind ->>, which gives text.)");
  std::string deep = "meta";
  for (int i = 0; i < 65; ++i) deep += "->a";
  EXPECT_EQ(
      columns("\"" + deep + "\""),
      R"(limit_too_large member="columns" limit=65 max=64: columns has a JSON path of more steps than 64.)");
}

TEST_F(ParseColumns, TheSameEntryCountsOnceAndOthersMustNotShareAName) {
  EXPECT_EQ(columns(R"("id,name,id")"), "id, name");
  EXPECT_EQ(columns(R"("b,a,b,c,a,b")"), "b, a, c");
  EXPECT_EQ(columns(R"("x:id,x:id")"), "x:id");
  EXPECT_EQ(columns(R"("m->a,m->a,n")"), "m->a, n");
  EXPECT_EQ(columns(R"("id,ID")"), "id, ID");
  const std::string refused =
      R"(invalid_payload member="columns": columns has two entries with the output name "x"; give one an alias.)";
  EXPECT_EQ(columns(R"("x:id,x:name")"), refused);
  EXPECT_EQ(columns(R"("x,x::text")"), refused);
  EXPECT_EQ(columns(R"("m->x,m->>x")"), refused);
  EXPECT_EQ(columns(R"(["x","meta->x"])"), refused);
}

TEST_F(ParseColumns, ManyEntries) {
  std::string many;
  for (int i = 0; i < 50000; ++i) many += "c" + std::to_string(i % 20000) + ",";
  auto result = parser_.select(R"({"table_name":"t","columns":")" + many + R"(last"})");
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->columns.size(), 20001U);
  EXPECT_EQ(result->columns.back().column.name, "last");
}

TEST_F(ParseColumns, Refusals) {
  EXPECT_EQ(columns("5"),
            R"(invalid_payload member="columns": columns must be a string or an array of strings.)");
  EXPECT_EQ(columns("{}"),
            R"(invalid_payload member="columns": columns must be a string or an array of strings.)");
  EXPECT_EQ(columns(R"(["id",5])"), R"(invalid_payload member="columns[1]": columns[1] must be a string.)");
  EXPECT_EQ(columns(R"(["id",null])"),
            R"(invalid_payload member="columns[1]": columns[1] must be a string.)");
  EXPECT_EQ(columns(R"("id,,name")"), R"(invalid_identifier member="columns": columns has an empty name.)");
  EXPECT_EQ(columns(R"("id,")"), R"(invalid_identifier member="columns": columns has an empty name.)");
  EXPECT_EQ(columns(R"([""])"), R"(invalid_identifier member="columns[0]": columns[0] has an empty name.)");
  EXPECT_EQ(columns(R"([":id"])"),
            R"(invalid_identifier member="columns[0]": columns[0] has an empty name.)");
  EXPECT_EQ(columns(R"(["x:"])"), R"(invalid_identifier member="columns[0]": columns[0] has an empty name.)");
  EXPECT_EQ(
      columns("[\"" + std::string(64, 'a') + ":id\"]"),
      R"(invalid_identifier member="columns[0]": columns[0] has a name of 64 bytes; at most 63 are allowed.)");
  EXPECT_EQ(columns(R"(["a\u0000b"])"),
            R"(invalid_identifier member="columns[0]": columns[0] has a name with a control character.)");
  EXPECT_EQ(columns(R"(["x:*"])"),
            R"(invalid_identifier member="columns[0]": columns[0] gives * an alias or a cast.)");
  EXPECT_EQ(columns(R"(["*::text"])"),
            R"(invalid_identifier member="columns[0]": columns[0] gives * an alias or a cast.)");
}

TEST_F(ParseColumns, Casts) {
  const auto cast = [this](const std::string& type) {
    const std::string text = columns("[\"id::" + type + "\"]");
    return text.substr(0, text.find(' '));
  };
  for (const char* type : {"", "text; DROP TABLE t", "text) OR (1=1", "numeric(10,2)", "text'", "a-b",
                           "int4[][]", "[]", "te\\u0000xt", "text--"}) {
    EXPECT_EQ(cast(type), "invalid_identifier") << type;
  }
  EXPECT_EQ(cast(std::string(200, 'a')), "invalid_identifier");
  EXPECT_EQ(
      columns(R"(["id::text; DROP TABLE t"])"),
      R"(invalid_identifier member="columns[0]": columns[0] casts to "text; DROP TABLE t", which is no type.)");
}

TEST_F(ParseColumns, RelationsAreNotBuilt) {
  for (const char* entry :
       {"author(name)", "a:author(name)", "author!inner(*)", "s.author(id,b(c))", "count()"}) {
    EXPECT_EQ(columns(std::string("[\"") + entry + "\"]"),
              R"(capability_not_supported requires="relations" member="columns[0]": )"
              R"(columns[0] needs "relations", which is not supported.)")
        << entry;
  }
  EXPECT_EQ(columns(R"("id,author(name,b(c)),x")").substr(0, 24), "capability_not_supported");
  EXPECT_EQ(columns(R"x(["(SELECT version())"])x"), "(SELECT version())") << "no relation: an odd name";
  EXPECT_EQ(columns(R"("a(b,c")"), "a(b,c");
}

TEST_F(ParseColumns, Select) {
  EXPECT_EQ(select(R"("id,city")"), "id, city");
  EXPECT_EQ(select(R"({"id":true,"name":true})"), "id, name");
  EXPECT_EQ(select("{}"), "");
  EXPECT_EQ(select(R"({"author":{"select":{"name":true}}})").substr(0, 45),
            R"(capability_not_supported requires="relations")");
  EXPECT_EQ(select(R"({"id":false})"),
            R"(invalid_payload member="select.id": select.id must be true or an object.)");
  EXPECT_EQ(select("7"),
            R"(invalid_payload member="select": select must be a string or an array of strings.)");
  EXPECT_EQ(test::fetch_part(parser_, R"("columns":"a","select":"b")", &Select::columns), "a");
}

TEST_F(ParseColumns, Casing) {
  parser_.settings.force_camel_case_to_snake_case = true;
  EXPECT_EQ(columns(R"(["userId","fooBar:createdAt","metaData->someKey","*"])"),
            "user_id, fooBar:created_at, meta_data->someKey, *");
  EXPECT_EQ(columns(R"("userId,user_id")"), "user_id");
}

}  // namespace
}  // namespace athena::query

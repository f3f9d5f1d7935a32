#include <gtest/gtest.h>

#include "query/parse_test_support.h"

namespace athena::query {
namespace {

class ParseSort : public testing::Test {
 protected:
  std::string sort(const std::string& members) { return test::fetch_part(parser_, members, &Select::sort); }
  test::Parser parser_;
};

TEST_F(ParseSort, Forms) {
  EXPECT_EQ(sort(R"("sort_by":null)"), "");
  EXPECT_EQ(sort(R"("sort_by":"")"), "");
  EXPECT_EQ(sort(R"("sort_by":[])"), "");
  EXPECT_EQ(sort(R"("sort_by":{})"), "");
  EXPECT_EQ(sort(R"("sort_by":{"field":"id"})"), "id asc");
  EXPECT_EQ(sort(R"("sort_by":{"column":"id","direction":"DESCending"})"), "id desc");
  EXPECT_EQ(sort(R"("sort_by":{"column":"id","ascending":false,"nulls":"last"})"), "id desc nullslast");
  EXPECT_EQ(sort(R"("sort_by":{"column":"id","ascending":true,"direction":"desc"})"), "id desc");
  EXPECT_EQ(sort(R"("sort_by":{"field":"id","nulls":"first","direction":null})"), "id asc nullsfirst");
  EXPECT_EQ(sort(R"("orderBy":{"a":"asc","b":"DESC"})"), "a asc, b desc");
  EXPECT_EQ(sort(R"("sortBy":[{"field":"a"},{"b":"desc"},{"column":"m->>k","nulls":"last"}])"),
            "a asc, b desc, m->>k asc nullslast");
  EXPECT_EQ(sort(R"("order":"a, b.desc,c.asc.nullsfirst,d.nullslast,x.y.desc,m->>k.desc")"),
            "a asc, b desc, c asc nullsfirst, d asc nullslast, x.y desc, m->>k desc");
  EXPECT_EQ(sort(R"("order":"d","orderBy":"c","sortBy":"b","sort_by":"a")"), "a asc");
  EXPECT_EQ(sort(R"("order":"d","orderBy":"c","sortBy":"b","sort_by":null)"), "b asc");
  EXPECT_EQ(sort(R"("order":"d","orderBy":"c")"), "c asc");
}

TEST_F(ParseSort, Refusals) {
  EXPECT_EQ(
      sort(R"("sort_by":5)"),
      "invalid_payload member=\"sort_by\": sort_by must be a string, an object or an array of objects.");
  EXPECT_EQ(sort(R"("sort_by":["id"])"),
            "invalid_payload member=\"sort_by[0]\": sort_by[0] must be an object.");
  EXPECT_EQ(sort(R"("sort_by":{"field":5})"),
            "invalid_payload member=\"sort_by.field\": sort_by.field must be a string.");
  EXPECT_EQ(sort(R"("sort_by":{"field":null})"),
            "missing_field member=\"sort_by.field\": Missing sort_by.field");
  EXPECT_EQ(sort(R"("sort_by":{"field":"id","direction":"up"})"),
            "invalid_payload member=\"sort_by.direction\": sort_by.direction must be asc, ascending, desc or "
            "descending.");
  EXPECT_EQ(sort(R"("sort_by":{"field":"id","direction":1})").substr(0, 16), "invalid_payload ");
  EXPECT_EQ(sort(R"("sort_by":{"field":"id","ascending":"no"})"),
            "invalid_payload member=\"sort_by.ascending\": sort_by.ascending must be true or false.");
  EXPECT_EQ(sort(R"("sort_by":{"field":"id","nulls":"FIRST"})"),
            "invalid_payload member=\"sort_by.nulls\": sort_by.nulls must be first or last.");
  EXPECT_EQ(sort(R"("orderBy":[{"a":"sideways"}])").substr(0, 42),
            "invalid_payload member=\"orderBy[0].a\": ord");
  EXPECT_EQ(sort(R"("order":"a,,b")"), "invalid_identifier member=\"order\": order has an empty name.");
  EXPECT_EQ(sort(R"("order":".desc")"), "invalid_identifier member=\"order\": order has an empty name.");
  EXPECT_EQ(sort(R"("order":"a\u0000")").substr(0, 19), "invalid_identifier ");
}

TEST_F(ParseSort, AtMostSixteenTerms) {
  std::string text;
  for (int i = 0; i < 16; ++i) text += (i > 0 ? ",c" : "c") + std::to_string(i);
  EXPECT_EQ(sort("\"order\":\"" + text + "\"").substr(0, 6), "c0 asc");
  EXPECT_EQ(sort("\"order\":\"" + text + ",x\""),
            "limit_too_large member=\"order\" limit=17 max=16: order is beyond the allowed number of sort "
            "terms, 16.");
}

TEST_F(ParseSort, Casing) {
  parser_.settings.force_camel_case_to_snake_case = true;
  EXPECT_EQ(sort(R"("sort_by":"createdAt.desc,metaData->>someKey")"),
            "created_at desc, meta_data->>someKey asc");
  EXPECT_EQ(sort(R"("sort_by":{"createdAt":"desc"})"), "created_at desc");
}

class ParsePage : public testing::Test {
 protected:
  std::string page(const std::string& members) { return test::fetch_part(parser_, members, &Select::page); }
  std::string update_page(const std::string& members) {
    auto result =
        parser_.update(R"({"table_name":"t","set":{"a":1},"allow_unfiltered":true,)" + members + "}");
    return result ? test::dump(result->page) : test::dump(result.error());
  }
  test::Parser parser_;
};

TEST_F(ParsePage, Arithmetic) {
  EXPECT_EQ(page(R"("x":0)"), "limit 100 offset 0 default");
  EXPECT_EQ(page(R"("limit":0)"), "limit 0 offset 0");
  EXPECT_EQ(page(R"("limit":10000)"), "limit 10000 offset 0");
  EXPECT_EQ(page(R"("page_size":20,"current_page":3)"), "limit 20 offset 40 stable");
  EXPECT_EQ(page(R"("limit":10,"offset":10)"), "limit 10 offset 10 stable");
  EXPECT_EQ(page(R"("limit":50,"current_page":2,"offset":5)"), "limit 50 offset 55 stable");
  EXPECT_EQ(page(R"("limit":9,"page_size":2,"current_page":3)"), "limit 2 offset 4 stable");
  EXPECT_EQ(page(R"("current_page":0)"), "limit 100 offset 0 default stable");
  EXPECT_EQ(page(R"("current_page":1)"), "limit 100 offset 0 default stable");
  EXPECT_EQ(page(R"("current_page":2)"), "limit 100 offset 100 default stable");
  EXPECT_EQ(page(R"("offset":0,"total_pages":"ignored")"), "limit 100 offset 0 default stable");
  EXPECT_EQ(page(R"("limit":1,"offset":9223372036854775807)"), "limit 1 offset 9223372036854775807 stable");
  EXPECT_EQ(page(R"("limit":-0)"), "limit 0 offset 0");
}

TEST_F(ParsePage, Settings) {
  parser_.settings.stable_paging = false;
  parser_.settings.default_limit = 7;
  EXPECT_EQ(page(R"("offset":3)"), "limit 7 offset 3 default");
  parser_.max_rows = 5;
  EXPECT_EQ(page(R"("offset":3)"), "limit 5 offset 3 default");
  EXPECT_EQ(page(R"("limit":5)"), "limit 5 offset 0");
  EXPECT_EQ(page(R"("limit":6)"), "limit_too_large member=\"limit\" limit=6 max=5: limit is larger than 5.");
}

TEST_F(ParsePage, Refusals) {
  for (const char* member : {"limit", "page_size", "current_page", "offset"}) {
    for (const char* value : {"\"5\"", "-1", "1.5", "1e2", "true", "[]", "{}", "-99999999999999999999"}) {
      EXPECT_EQ(page(std::string("\"") + member + "\":" + value),
                "invalid_payload member=\"" + std::string(member) + "\": " + member +
                    " must be a whole number of at least 0.");
    }
  }
  EXPECT_EQ(page(R"("limit":10001)"),
            "limit_too_large member=\"limit\" limit=10001 max=10000: limit is larger than 10000.");
  EXPECT_EQ(page(R"("page_size":10001)"),
            "limit_too_large member=\"page_size\" limit=10001 max=10000: page_size is larger than 10000.");
  EXPECT_EQ(page(R"("limit":10001,"page_size":1)").substr(0, 16), "limit_too_large ");
  EXPECT_EQ(page(R"("limit":99999999999999999999)").substr(0, 59),
            "limit_too_large member=\"limit\" limit=9223372036854775807 ma");
  EXPECT_EQ(page(R"("offset":99999999999999999999)"),
            "invalid_payload member=\"offset\": offset is too large.");
  EXPECT_EQ(page(R"("current_page":99999999999999999999)"),
            "invalid_payload member=\"current_page\": current_page is too large.");
  EXPECT_EQ(page(R"("page_size":10000,"current_page":9223372036854775807)"),
            "invalid_payload member=\"current_page\": current_page leads to an offset that is too large.");
  EXPECT_EQ(page(R"("limit":1,"current_page":2,"offset":9223372036854775807)").substr(0, 16),
            "invalid_payload ");
}

TEST_F(ParsePage, CursorsAreNotBuilt) {
  EXPECT_EQ(page(R"("cursor":"")"),
            "capability_not_supported requires=\"cursor\" member=\"cursor\": cursor needs \"cursor\", which "
            "is not supported.");
  EXPECT_EQ(page(R"("cursor":"x","offset":1)").substr(0, 16), "invalid_payload ");
  EXPECT_EQ(page(R"("cursor":"x","current_page":1)").substr(0, 16), "invalid_payload ");
  EXPECT_EQ(page(R"("cursor":5)"), "invalid_payload member=\"cursor\": cursor must be a string.");
  EXPECT_EQ(page(R"("cursor":null)"), "limit 100 offset 0 default");
}

TEST_F(ParsePage, OfWrites) {
  EXPECT_EQ(update_page(R"("x":0)"), "no limit offset 0");
  EXPECT_EQ(update_page(R"("limit":3)"), "limit 3 offset 0");
  EXPECT_EQ(update_page(R"("offset":3)"), "no limit offset 3 stable");
  EXPECT_EQ(update_page(R"("page_size":3,"current_page":2)"), "limit 3 offset 3 stable");
  EXPECT_EQ(update_page(R"("current_page":1)"), "no limit offset 0 stable");
  EXPECT_EQ(update_page(R"("current_page":2)"),
            "invalid_payload member=\"current_page\": current_page needs limit or page_size.");
  EXPECT_EQ(update_page(R"("limit":10001)").substr(0, 16), "limit_too_large ");
}

class ParseFeatures : public testing::Test {
 protected:
  std::string outcome(const std::string& members) {
    auto result = parser_.select(R"({"table_name":"t",)" + members + "}");
    return result ? std::string("accepted") : test::dump(result.error());
  }
  test::Parser parser_;
};

TEST_F(ParseFeatures, CountAndHead) {
  const auto select = [this](const std::string& members) {
    auto result = parser_.select(R"({"table_name":"t",)" + members + "}");
    EXPECT_TRUE(result.has_value()) << members;
    return result ? std::pair(result->count, result->head) : std::pair(CountMode::none, false);
  };
  EXPECT_EQ(select(R"("count":"exact")"), std::pair(CountMode::exact, false));
  EXPECT_EQ(select(R"("count":"planned")"), std::pair(CountMode::planned, false));
  EXPECT_EQ(select(R"("count":"estimated","head":true)"), std::pair(CountMode::estimated, true));
  EXPECT_EQ(select(R"("count":null,"head":false)"), std::pair(CountMode::none, false));
  for (const char* wrong : {"\"all\"", "\"EXACT\"", "true", "1", "[]"}) {
    EXPECT_EQ(outcome("\"count\":" + std::string(wrong)),
              "invalid_payload member=\"count\": count must be exact, planned or estimated.");
  }
  EXPECT_EQ(outcome(R"("head":1)"), "invalid_payload member=\"head\": head must be true or false.");
}

TEST_F(ParseFeatures, Streams) {
  parser_.stream = true;
  parser_.max_rows = 1000000;
  EXPECT_EQ(test::fetch_part(parser_, R"("x":0)", &Select::page), "limit 1000000 offset 0 default");
  EXPECT_EQ(test::fetch_part(parser_, R"("limit":20000)", &Select::page), "limit 20000 offset 0");
  EXPECT_EQ(outcome(R"("limit":1000001)").substr(0, 16), "limit_too_large ");
  EXPECT_EQ(outcome(R"("group_by":"a")"),
            "invalid_post_processing member=\"group_by\": group_by cannot be used with CSV or NDJSON.");
  EXPECT_EQ(outcome(R"("aggregation_dedup":false)"), "accepted");
}

TEST_F(ParseFeatures, StripNulls) {
  EXPECT_EQ(outcome(R"("strip_nulls":"yes")"),
            "invalid_payload member=\"strip_nulls\": strip_nulls must be true or false.");
  EXPECT_FALSE(parser_.options.strip_nulls);
  EXPECT_EQ(outcome(R"("strip_nulls":true)"), "accepted");
  EXPECT_TRUE(parser_.options.strip_nulls);
}

}  // namespace
}  // namespace athena::query

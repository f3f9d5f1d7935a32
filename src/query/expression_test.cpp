#include "query/expression.h"

#include <gtest/gtest.h>

#include "base/json_writer.h"

#include "query/parse_test_support.h"

namespace athena::query {
namespace {

class Expression : public testing::Test {
 protected:
  contract::Result<Select> parse(const std::string& op, const std::string& text) {
    return parser_.select(R"({"table_name":"t","conditions":[{"operator":")" + op + R"(","value":)" +
                          base::json_string(text) + "}]}");
  }
  std::string outcome(const std::string& op, const std::string& text) {
    auto result = parse(op, text);
    return result ? test::dump(result->conditions) : test::dump(result.error());
  }
  std::string any(const std::string& text) { return outcome("or", text); }
  std::string negated(const std::string& text) { return outcome("not", text); }
  /// `code@position` of a refusal.
  std::string refusal(const std::string& op, const std::string& text) {
    auto result = parse(op, text);
    if (result) return "accepted: " + test::dump(result->conditions);
    std::string position = "nowhere";
    const auto error = result.error();
    for (const auto& detail : error.details()) {
      if (detail.name == "position") position = detail.json;
      if (detail.name == "member") EXPECT_EQ(detail.json, "\"conditions[0].value\"");
    }
    return std::string(contract::info(error.code()).name) + "@" + position;
  }
  std::string bad(const std::string& text) { return refusal("or", text); }

  test::Parser parser_;
};

TEST_F(Expression, Terms) {
  EXPECT_EQ(any("age.gt.18"), "(age gt \"18\")");
  EXPECT_EQ(any("age.gt.18,name.ilike.\"a,b%\""), "(age gt \"18\" or name ilike \"a,b%\")");
  EXPECT_EQ(outcome("and", "a.eq.1,b.eq.2"), "(a eq \"1\" and b eq \"2\")");
  EXPECT_EQ(outcome("not.or", "a.eq.1,b.eq.2"), "not (a eq \"1\" or b eq \"2\")");
  EXPECT_EQ(any("  a.eq.1,\n b.eq. 2 "), "(a eq \"1\" or b eq \" 2 \")") << "spaces belong to bare values";
  EXPECT_EQ(any("a.not.eq.1,not.b.eq.2,not.c.not.eq.3"), "(not a eq \"1\" or not b eq \"2\" or c eq \"3\")");
  EXPECT_EQ(any("a.eq."), "(a eq \"\")");
  EXPECT_EQ(any("a.eq.,b.eq.\"\""), "(a eq \"\" or b eq \"\")");
  EXPECT_EQ(any("a.eq.1)"), "(a eq \"1)\")") << "outside of a group ) is a character";
  EXPECT_EQ(any("a.like.x\"y"), "(a like \"x\\\"y\")");
  EXPECT_EQ(any("a.eq.x.y.z"), "(a eq \"x.y.z\")");
}

TEST_F(Expression, Groups) {
  EXPECT_EQ(any("a.eq.1,and(b.gt.2,c.lt.3)"), "(a eq \"1\" or (b gt \"2\" and c lt \"3\"))");
  EXPECT_EQ(any("not.and(a.eq.1, or(b.eq.2,not.or(c.eq.3, d.in.(1,2))),e.is.null)"),
            "(not (a eq \"1\" and (b eq \"2\" or not (c eq \"3\" or d in [\"1\",\"2\"])) and e is null))");
  EXPECT_EQ(any("and(a.eq.1),or(b.eq.2)"), "((a eq \"1\") or (b eq \"2\"))");
  EXPECT_EQ(any("and(a.eq.\")\")"), "((a eq \")\"))");
  EXPECT_EQ(any("or.eq.1,and.eq.2,\"not\".eq.3"), "(or eq \"1\" or and eq \"2\" or not eq \"3\")");
  EXPECT_EQ(any("and(p.eq.{x},q.match.{x})"), "((p eq [\"x\"] and q match \"{x}\"))");
}

TEST_F(Expression, Columns) {
  EXPECT_EQ(any("meta->>k.eq.1"), "(meta->>k eq \"1\")");
  EXPECT_EQ(any("meta->a->0->>b.eq.1"), "(meta->a->#0->>b eq \"1\")");
  EXPECT_EQ(any("\"odd.na,me\"->\"a.b\"->>\"c\\\"d\".eq.1"), "(odd.na,me->a.b->>c\"d eq \"1\")");
  EXPECT_EQ(any("größe.eq.1,_x$1.eq.2,1a.eq.3"), "(größe eq \"1\" or _x$1 eq \"2\" or 1a eq \"3\")");
  parser_.settings.force_camel_case_to_snake_case = true;
  EXPECT_EQ(any("userId->someKey.eq.aB"), "(user_id->someKey eq \"aB\")");
}

TEST_F(Expression, Values) {
  EXPECT_EQ(any(R"(a.eq."q\"u\\o\te")"), R"((a eq "q\"u\\ote"))");
  EXPECT_EQ(any("a.eq.null,b.neq.null,c.isdistinct.null,d.is.null"),
            "(a eq null or b neq null or c isdistinct null or d is null)");
  EXPECT_EQ(any("a.eq.\"null\",b.gt.null,c.like.null"),
            "(a eq \"null\" or b gt \"null\" or c like \"null\")");
  EXPECT_EQ(any("a.is.not_null,b.is.true,c.is.false,d.is.unknown,e.not.is.null"),
            "(a is not_null or b is true or c is false or d is unknown or not e is null)");
  EXPECT_EQ(any("a.eq.ünïcödé,b.eq.2"), "(a eq \"ünïcödé\" or b eq \"2\")");
  EXPECT_EQ(any("phone.eq.(555) 1,n.eq.{x} y"), "(phone eq \"(555) 1\" or n eq \"{x} y\")");
  EXPECT_EQ(any("name.match.(a|b)$,b.eq.1"), "(name match \"(a|b)$\" or b eq \"1\")");
  EXPECT_EQ(any("r.sl.(1,5),s.sr.\"[1,5)\""), "(r sl \"(1,5)\" or s sr \"[1,5)\")");
}

TEST_F(Expression, Lists) {
  EXPECT_EQ(any("id.in.(1,2),b.in.{3}"), "(id in [\"1\",\"2\"] or b in [\"3\"])");
  EXPECT_EQ(any("a.in.(),b.in.{}"), "(a in [] or b in [])");
  EXPECT_EQ(any("a.in.(,),b.in.(\"\")"), "(a in [\"\",\"\"] or b in [\"\"])");
  EXPECT_EQ(any(R"x(a.in.("x,)","y\"}",z w))x"), R"x((a in ["x,)","y\"}","z w"]))x");
  EXPECT_EQ(any("a.in.(null,1)"), "(a in [\"null\",\"1\"])") << "null is NULL only where it is bare";
  EXPECT_EQ(any("t.cs.{a,b},u.cd.(c),v.ov.{},w.contains.\"{\\\"k\\\":[1,2]}\""),
            "(t contains [\"a\",\"b\"] or u containedBy [\"c\"] or v overlaps [] or w contains "
            "\"{\\\"k\\\":[1,2]}\")");
  EXPECT_EQ(any("t.eq.{a,b}"), "(t eq [\"a\",\"b\"])");
  parser_.settings.max_in_values = 3;
  EXPECT_EQ(any("a.in.(1,2,3)"), "(a in [\"1\",\"2\",\"3\"])");
  EXPECT_EQ(bad("b.eq.1,a.in.(1,2,3,4)"), "limit_too_large@13");
  EXPECT_EQ(bad("a.like(any).(1,2,3,4)"), "limit_too_large@13");
  EXPECT_EQ(refusal("not", "a.in.1,2,3,4"), "limit_too_large@6");
}

TEST_F(Expression, OfNot) {
  EXPECT_EQ(negated("status.eq.x"), "not status eq \"x\"");
  EXPECT_EQ(negated("not.status.eq.x"), "status eq \"x\"");
  EXPECT_EQ(outcome("not.not", "status.eq.x"), "status eq \"x\"");
  EXPECT_EQ(negated("note.eq.a, b"), "not note eq \"a, b\"");
  EXPECT_EQ(negated("note.eq.(a, b) c"), "not note eq \"(a, b) c\"");
  EXPECT_EQ(negated("id.in.1,2"), "not id in [\"1\",\"2\"]");
  EXPECT_EQ(negated("id.in."), "not id in []");
  EXPECT_EQ(negated("id.in.(1,2)"), "not id in [\"1\",\"2\"]");
  EXPECT_EQ(negated("id.in.\"a,b\",c)"), "not id in [\"a,b\",\"c)\"]");
  EXPECT_EQ(negated("t.cs.a,b"), "not t contains [\"a\",\"b\"]");
  EXPECT_EQ(negated("t.cd.a"), "not t containedBy [\"a\"]");
  EXPECT_EQ(negated("m.contains.\"[1,2]\""), "not m contains \"[1,2]\"");
  EXPECT_EQ(negated("or(a.eq.1,b.in.(1,2))"), "not (a eq \"1\" or b in [\"1\",\"2\"])");
  EXPECT_EQ(refusal("not", "a.eq.\"x\",b.eq.1"), "invalid_payload@9");
  EXPECT_EQ(refusal("not", "or(a.eq.1),b.eq.2"), "invalid_payload@11");
  EXPECT_EQ(refusal("not", "or(id.in.1,2)"), "invalid_payload@10") << "inside of a group a list has brackets";
  EXPECT_EQ(refusal("not", ""), "invalid_payload@1");
}

TEST_F(Expression, Modifiers) {
  EXPECT_EQ(any("a.like(any).{x%,y%}"), "((a like \"x%\" or a like \"y%\"))");
  EXPECT_EQ(any("a.like(all).(x%,y%)"), "((a like \"x%\" and a like \"y%\"))");
  EXPECT_EQ(any("a.not.gt(any).{1,2},b.eq(all).{3}"), "(not (a gt \"1\" or a gt \"2\") or (b eq \"3\"))");
  EXPECT_EQ(any("a.eq(any).{1,2},b.not.eq(any).(3)"), "(a in [\"1\",\"2\"] or not b in [\"3\"])");
  EXPECT_EQ(any("a.lt(any).{},b.lt(all).{},c.not.lt(all).()"), "(a in [] or not b in [] or c in [])");
  EXPECT_EQ(any("m->>k.imatch(any).{a,b}"), "((m->>k imatch \"a\" or m->>k imatch \"b\"))");
  EXPECT_EQ(any("t.fts(english).cats & dogs,u.phfts(any).x"),
            "(t fts(english) \"cats & dogs\" or u phfts(any) \"x\")");
  EXPECT_EQ(bad("a.in(any).(1)"), "invalid_payload@5");
  EXPECT_EQ(bad("a.neq(any).(1)"), "invalid_payload@6");
  EXPECT_EQ(bad("a.eq(some).(1)"), "invalid_payload@5");
  EXPECT_EQ(bad("a.eq(any.(1)"), "invalid_payload@9");
  EXPECT_EQ(bad("a.eq(any).1"), "invalid_payload@11");
  EXPECT_EQ(bad("a.eq(any).(1)2"), "invalid_payload@14");
  EXPECT_EQ(bad("a.fts().x"), "invalid_identifier@7");
  EXPECT_EQ(bad("a.match(any).(" + std::string(1025, 'x') + ")"), "invalid_value@14");
}

TEST_F(Expression, Unreadable) {
  EXPECT_EQ(bad(""), "invalid_payload@1");
  EXPECT_EQ(bad("   "), "invalid_payload@4");
  EXPECT_EQ(bad("a"), "invalid_payload@2");
  EXPECT_EQ(bad("a."), "invalid_operator@3");
  EXPECT_EQ(bad("a.eq"), "invalid_payload@5");
  EXPECT_EQ(bad("a.eq.1,"), "invalid_payload@8");
  EXPECT_EQ(bad(",a.eq.1"), "invalid_payload@1");
  EXPECT_EQ(bad("a.equals.1"), "invalid_operator@3");
  EXPECT_EQ(bad("a.or.1"), "invalid_operator@3");
  EXPECT_EQ(bad("a.EQ.1"), "invalid_operator@3");
  EXPECT_EQ(bad("author.name.eq.1"), "invalid_operator@8");
  EXPECT_EQ(bad("a.not.not.eq.1"), "invalid_operator@7");
  EXPECT_EQ(bad("not.not.a.eq.1"), "invalid_operator@9") << "one not., then a column of that name";
  EXPECT_EQ(bad("a.eq.\"x"), "invalid_payload@8");
  EXPECT_EQ(bad("a.eq.\"x\\"), "invalid_payload@9");
  EXPECT_EQ(bad("a.eq.\"x\"y"), "invalid_payload@9");
  EXPECT_EQ(bad("\"a.eq.1"), "invalid_payload@8");
  EXPECT_EQ(bad("\"\".eq.1"), "invalid_identifier@1");
  EXPECT_EQ(bad(std::string(64, 'a') + ".eq.1"), "invalid_identifier@1");
  EXPECT_EQ(bad(std::string("\"a\0b\"", 5) + ".eq.1"), "invalid_identifier@1");
  EXPECT_EQ(bad("$a.eq.1"), "invalid_payload@1");
  EXPECT_EQ(bad("a->.eq.1"), "invalid_payload@4");
  EXPECT_EQ(bad("a->>b->c.eq.1"), "invalid_payload@1");
  EXPECT_EQ(bad("a-b.eq.1"), "invalid_payload@2");
  EXPECT_EQ(bad("(a.eq.1)"), "invalid_payload@1");
  EXPECT_EQ(bad("and(a.eq.1"), "invalid_payload@11");
  EXPECT_EQ(bad("and()"), "invalid_payload@5");
  EXPECT_EQ(bad("and(a.eq.1))"), "invalid_payload@12");
  EXPECT_EQ(bad("and(a.eq.\"1\" )"), "invalid_payload@13");
  EXPECT_EQ(bad("and(a.eq.1)b.eq.2"), "invalid_payload@12");
  EXPECT_EQ(bad("and(a.match.(x|y),b.eq.1)"), "invalid_payload@13")
      << "its ) would end the group and change the meaning";
  EXPECT_EQ(bad("a.in.1"), "invalid_payload@6");
  EXPECT_EQ(bad("a.in.\"1\""), "invalid_payload@6");
  EXPECT_EQ(bad("a.in.(1"), "invalid_payload@8");
  EXPECT_EQ(bad("a.in.(1}"), "invalid_payload@8");
  EXPECT_EQ(bad("a.in.(1,\"2)"), "invalid_payload@9");
  EXPECT_EQ(bad("a.in.( \"2\")"), "invalid_payload@8");
  EXPECT_EQ(bad("a.in.(1)2"), "invalid_payload@9");
  EXPECT_EQ(bad("a.eq.(1, b.eq.2"), "invalid_payload@16");
  EXPECT_EQ(bad("a.is.maybe"), "invalid_value@6");
  EXPECT_EQ(bad("a.gt.1,b.like.{x,y}"), "invalid_payload@19");
  EXPECT_EQ(bad("ä.eq.ö,ü.x.1"), "invalid_operator@10") << "characters count, not bytes";
  EXPECT_EQ(
      any("a.x.1"),
      "invalid_operator member=\"conditions[0].value\": conditions[0].value has the unknown operator \"x\".");
  EXPECT_EQ(
      any("a!"),
      "invalid_payload member=\"conditions[0].value\": conditions[0].value cannot be read: a dot and an "
      "operator is expected before \"!\".");
}

TEST_F(Expression, NumberOfTerms) {
  parser_.settings.max_conditions = 3;
  EXPECT_EQ(any("a.eq.1,a.eq.2,a.eq.3"), "(a eq \"1\" or a eq \"2\" or a eq \"3\")");
  EXPECT_EQ(bad("a.eq.1,a.eq.2,a.eq.3,a.eq.4"), "limit_too_large@22");
  EXPECT_EQ(bad("and(a.eq.1,or(a.eq.2,a.eq.3)),a.eq.4"), "limit_too_large@31");
  EXPECT_EQ(bad("a.gt(any).{1,2,3,4}"), "limit_too_large@11") << "each of them is a comparison";
  EXPECT_EQ(any("a.eq(any).{1,2,3,4}"), "(a in [\"1\",\"2\",\"3\",\"4\"])");
  EXPECT_EQ(
      test::fetch_part(parser_, R"("conditions":[{"op":"or","value":"a.eq.1,b.eq.2"}],"where":{"c":1,"d":2})",
                       &Select::conditions)
          .substr(0, 15),
      "limit_too_large");
}

TEST_F(Expression, Depth) {
  const auto nested = [](int depth) {
    std::string text = "a.eq.1";
    for (int i = 0; i < depth; ++i) text = "and(" + text + ")";
    return text;
  };
  EXPECT_EQ(any(nested(15)), std::string(16, '(') + "a eq \"1\"" + std::string(16, ')'));
  EXPECT_EQ(bad(nested(16)), "invalid_payload@" + std::to_string(16 * 4 + 1));
  EXPECT_EQ(bad(nested(2000)), "invalid_payload@" + std::to_string(16 * 4 + 1));
}

TEST_F(Expression, Fields) {
  auto result = parse("or", "a.eq.1,and(b.like(any).{x,y},c.is.null)");
  ASSERT_TRUE(result.has_value());
  const Predicate& root = result->conditions[0];
  EXPECT_EQ(root.member, "conditions[0]");
  EXPECT_FALSE(root.text_form);
  for (const Predicate* leaf :
       {&root.children[0], &root.children[1].children[0].children[1], &root.children[1].children[1]}) {
    EXPECT_TRUE(leaf->text_form);
    EXPECT_EQ(leaf->member, "conditions[0].value");
  }
  EXPECT_EQ(root.children[1].member, "conditions[0].value");
}

TEST_F(Expression, InTreesOfEntries) {
  EXPECT_EQ(test::fetch_part(parser_,
                             R"("conditions":[{"op":"or","value":[{"op":"and","value":"a.eq.1,b.eq.2"},
                                {"op":"not","eq_value":"c.in.1,2"},{"column":"d","value":3}]}])",
                             &Select::conditions),
            "((a eq \"1\" and b eq \"2\") or not c in [\"1\",\"2\"] or d eq 3)");
}

TEST(Filter, ReadsToTheEnd) {
  test::Parser parser;
  const auto filter = [&parser](std::string_view text) {
    const ParseContext context = parser.context();
    ParseState state(context);
    Predicate out;
    const Path path{"x"};
    return parse_filter(state, "m->>k", text, path, out) ? test::dump(out) : test::dump(state.take_error());
  };
  EXPECT_EQ(filter("eq.a, b"), "m->>k eq \"a, b\"");
  EXPECT_EQ(filter("not.in.{a,b}"), "not m->>k in [\"a\",\"b\"]");
  EXPECT_EQ(filter("in.a,b"), "m->>k in [\"a\",\"b\"]");
  EXPECT_EQ(filter("is.null"), "m->>k is null");
  EXPECT_EQ(filter("like(any).{a,b}"), "(m->>k like \"a\" or m->>k like \"b\")");
  EXPECT_EQ(filter("in.(a"),
            "invalid_payload member=\"x\": x cannot be read: the rest of a list is expected at the end.");
  for (const char* text : {"eq.1", "not.is.null", "like(any).{a}", "eq."})
    EXPECT_TRUE(is_filter(text)) << text;
  for (const char* text : {"", "1", "eq", "a.b", "or.(a.eq.1)", "not.x", ".eq"})
    EXPECT_FALSE(is_filter(text)) << text;
}

}  // namespace
}  // namespace athena::query

#include "engines/sqltext/classify.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "engines/sqltext/count_query.h"
#include "engines/sqltext/keywords.h"
#include "engines/sqltext/lexer.h"

namespace athena::sqltext {
namespace {

struct Case {
  const char* text;
  StatementClass kind;
  bool keywords_differ = false;  ///< told apart by words alone it is another class, never a more harmless one
};

using enum StatementClass;

const Case kCases[] = {
    {"select 1", read},
    {"SELECT * FROM items WHERE id = $1", read},
    {"  /* a */ -- b\n select 1", read},
    {"/* insert */ select 'delete from x'", read},
    {"select $$ update t set a = 1 $$", read},
    {"select \"insert\" from t", read},
    {"values (1), (2)", read},
    {"table items", read},
    {"(select 1)", read},
    {"((select 1) union (select 2)) limit 3", read},
    {"select 1 union all select 2", read},
    {"with a as (select 1) select * from a", read},
    {"with recursive a as (select 1 union select 2) select * from a", read},
    {"show all", read},
    {"show search_path", read},
    {"explain select 1", read},
    {"explain analyze select 1", read, true},
    {"explain (analyze, format json) select 1", read, true},
    {"explain insert into t values (1)", read, true},
    {"explain (analyze false) delete from t", read, true},
    {"explain (analyze off) delete from t", read, true},
    {"explain (analyze 0) delete from t", read, true},
    {"explain (analyze, analyze off) delete from t", read, true},
    {"explain (verbose) create table x as select 1", read},
    {"select substring('abc' for 2)", read, true},
    {"select pg_sleep(1)", read},
    {"select pg_catalog.set_config('a.b', 'c', false)", read},
    {"select a, count(*) from t group by 1 having count(*) > 1 order by 2 desc limit 5 offset 1", read},
    {"select E'\\'; drop table x; --'", read},
    {"select ';'", read},
    {"select 1 -- ; drop table x", read},
    {"insert into t values (1)", write},
    {"insert into t default values returning *", write},
    {"insert into t select * from u on conflict do nothing", write},
    {"update t set a = 1", write},
    {"update t set a = 1 where b = 2 returning a", write},
    {"delete from t", write},
    {"delete from t using u where t.a = u.a", write},
    {"merge into t using u on t.a = u.a when matched then delete", write},
    {"with a as (insert into t values (1) returning *) select * from a", write},
    {"with a as (delete from t returning *) select count(*) from a", write},
    {"with a as (update t set x = 1 returning *) select 1", write},
    {"with a as (select 1) insert into t select * from a", write},
    {"with a as (select 1), b as (with c as (delete from t returning 1) select 1) select 1", write},
    {"select * from t for update", write},
    {"select * from t for no key update skip locked", write},
    {"select * from t for share", write},
    {"select * from (select * from t for key share) x", write},
    {"select * into x from t", write},
    {"select 1 into temp x", write},
    {"(select 1 into x)", write},
    {"explain analyze insert into t values (1)", write},
    {"explain (analyze true) update t set a = 1", write},
    {"explain (analyze false, analyze) delete from t", write},
    {"explain analyze select * from t for update", write},
    {"explain analyze create table x as select 1", ddl, true},
    {"explain analyze execute p", session, true},
    {"create table x (id int)", ddl},
    {"create table x as select 1", ddl},
    {"create temp table x (id int)", ddl},
    {"create index concurrently i on t (a)", ddl},
    {"create or replace function f() returns int language sql as 'select 1'", ddl},
    {"create function f() returns int begin atomic select 1; select 2; end", ddl, true},
    {"create view v as select 1", ddl},
    {"create schema s create table t (a int)", ddl},
    {"alter table t add column b int", ddl},
    {"alter role r set search_path = x", ddl},
    {"drop table t", ddl},
    {"truncate t", ddl},
    {"grant select on t to public", ddl},
    {"revoke all on t from public", ddl},
    {"comment on table t is 'x'", ddl},
    {"call p(1)", ddl},
    {"do $$ begin raise notice 'x'; end $$", ddl},
    {"vacuum t", ddl},
    {"analyze t", ddl},
    {"reindex table t", ddl},
    {"cluster t", ddl},
    {"refresh materialized view m", ddl},
    {"import foreign schema s from server x into y", ddl},
    {"set search_path = x", session},
    {"set local a.b = 'c'", session},
    {"set role x", session},
    {"set session authorization x", session},
    {"set transaction read write", session},
    {"set constraints all deferred", session},
    {"reset all", session},
    {"prepare p as select 1", session},
    {"execute p", session},
    {"deallocate all", session},
    {"declare c cursor for select 1", session},
    {"fetch 1 from c", session},
    {"move 1 in c", session},
    {"close c", session},
    {"lock table t", session},
    {"notify c, 'x'", session},
    {"begin", session},
    {"start transaction read only", session},
    {"commit", session},
    {"end", session},
    {"rollback", session},
    {"abort", session},
    {"savepoint s", session},
    {"release s", session},
    {"rollback to s", session},
    {"prepare transaction 'x'", session},
    {"discard all", session},
    {"checkpoint", session},
    {"copy t to stdout", refused},
    {"copy t from stdin", refused},
    {"copy (select 1) to program 'x'", refused},
    {"COPY t FROM '/etc/passwd'", refused},
    {"listen c", refused},
    {"unlisten *", refused},
    {"load 'x'", refused},
    {"alter system set work_mem = '1MB'", refused},
    {"/**/alter/**/system reset all", refused},
};

TEST(Classify, KnowsEveryStatement) {
  for (const auto& one : kCases) {
    const auto found = classify(one.text);
    EXPECT_EQ(found.kind, one.kind) << one.text << ": " << name(found.kind);
    EXPECT_EQ(found.statements.size(), 1U) << one.text;
  }
}

TEST(Classify, WordsAloneAreNeverMoreHarmless) {
  for (const auto& one : kCases) {
    const auto found = classify_by_keywords(one.text);
    if (!one.keywords_differ) {
      EXPECT_EQ(found.kind, one.kind) << one.text << ": " << name(found.kind);
    } else if (one.kind != ddl && one.kind != session) {
      EXPECT_GE(found.kind, one.kind) << one.text << ": " << name(found.kind);
    } else {
      EXPECT_NE(found.kind, read) << one.text;
    }
    EXPECT_FALSE(found.plain);
  }
}

TEST(Classify, TextThatIsNone) {
  for (const char* text : {"bogus", "select from where", "select 'open", "select (1", "insert t values 1",
                           "select 1; bogus", "select $1a b c d", "/* open"}) {
    const auto found = classify(text);
    EXPECT_EQ(found.kind, unparsable) << text;
    EXPECT_EQ(found.statements.size(), 1U) << text;
    EXPECT_FALSE(found.plain);
  }
  for (const char* text : {"", " ", "-- only\n/* comments */", ";;"}) {
    EXPECT_TRUE(classify(text).statements.empty()) << text;
    EXPECT_TRUE(classify_by_keywords(text).statements.empty()) << text;
  }
}

TEST(Classify, SeveralStatements) {
  const auto reads = classify("select 1; -- a ; b\n select 2;; show all;");
  ASSERT_EQ(reads.statements.size(), 3U);
  EXPECT_EQ(reads.kind, read);
  EXPECT_EQ(reads.statements[1].begin, 9U);
  EXPECT_FALSE(reads.plain);
  const auto mixed = classify("begin; insert into t values (1); select 1; commit");
  ASSERT_EQ(mixed.statements.size(), 4U);
  EXPECT_EQ(mixed.kind, session);
  EXPECT_EQ(mixed.statements[2].kind, read);
  const auto bad = classify("select 1; copy t to stdout");
  EXPECT_EQ(bad.kind, refused);
  EXPECT_EQ(bad.statements[1].command, "COPY");
  EXPECT_EQ(classify_by_keywords("select 1; copy t to stdout").kind, refused);
  EXPECT_EQ(
      classify_by_keywords("select ';'; -- ;\n select $a$;$a$; insert into t values (1)").statements.size(),
      3U);
}

TEST(Classify, Parameters) {
  EXPECT_EQ(classify("select 1").parameters, 0);
  EXPECT_EQ(classify("select $2::int, $1").parameters, 2);
  EXPECT_EQ(classify("select '$3', $$ $4 $$, \"$5\" from t where a = $1 -- $6").parameters, 1);
  EXPECT_EQ(classify_by_keywords("select '$3', $$ $4 $$, \"$5\" from t where a = $12 -- $6").parameters, 12);
}

TEST(Classify, LimitIsConstant) {
  const auto limit = [](const char* text) { return classify(text).limit.value_or(-1); };
  EXPECT_EQ(limit("select 1 limit 10"), 10);
  EXPECT_EQ(limit("select 1 fetch first 7 rows only"), 7);
  EXPECT_EQ(limit("select 1 fetch first row only"), 1);
  EXPECT_EQ(limit("select 1 limit 0"), 0);
  EXPECT_EQ(limit("select 1 union select 2 limit 3"), 3);
  EXPECT_EQ(limit("values (1) limit 2 offset 5"), 2);
  EXPECT_EQ(limit("select 1"), -1);
  EXPECT_EQ(limit("select 1 limit all"), -1);
  EXPECT_EQ(limit("select 1 limit null"), -1);
  EXPECT_EQ(limit("select 1 limit $1"), -1);
  EXPECT_EQ(limit("select 1 limit 2+3"), -1);
  EXPECT_EQ(limit("select 1 limit '3'"), -1);
  EXPECT_EQ(limit("select 1 limit 99999999999999999999"), -1);
  EXPECT_EQ(limit("select * from (select 1 limit 5) x"), -1);
  EXPECT_EQ(limit("select a from t order by a fetch first 3 rows with ties"), -1);
}

TEST(Classify, NamesOfAPlainRead) {
  const auto found = classify(
      "with c as (select * from s.a) select lower(t.name), pg_catalog.upper('x'), x::numeric, (r).f, "
      "u.\"Who\" "
      "from c join t using (id), lateral generate_series(1, 3) g where t.a ~~* 'x' and b between 1 and 2 "
      "limit 5");
  EXPECT_TRUE(found.plain);
  ASSERT_EQ(found.names.relations.size(), 3U);
  EXPECT_EQ(found.names.relations[2], (RelationName{"s", "a", false}));
  EXPECT_EQ(found.names.relations[0], (RelationName{"", "c", true}));
  EXPECT_EQ(found.names.relations[1], (RelationName{"", "t", false}));
  EXPECT_EQ(found.names.functions, (std::vector<std::string>{"lower", "upper", "generate_series"}));
  EXPECT_EQ(found.names.types, (std::vector<std::string>{"numeric"}));
  EXPECT_EQ(found.names.attributes, (std::vector<std::string>{"name", "f", "Who", "a"}));
  EXPECT_EQ(found.names.operators, (std::vector<std::string>{"~~*", "=", "<>", "<=", ">="}));
}

TEST(Classify, NotPlainWhateverTheNamesAre) {
  for (const char* text : {
           "select public.f(1) limit 1",
           "select 'x'::public.mood limit 1",
           "select 1 operator(public.+) 2 limit 1",
           "select * from other.public.t limit 1",
           "select * from t tablesample my_method(1) limit 1",
           "with recursive a as (select 1 union all select 1) select * from a limit 1",
           "select * from t where current of c limit 1",
           "select xmlparse(content 'x') limit 1",
           "select * from t order by a using operator(public.<) limit 1",
           "explain select 1",
           "show all",
           "select 1; select 2 limit 1",
           "select * from t for update limit 1",
           "select \"a\\b\"() limit 1",
       }) {
    EXPECT_FALSE(classify(text).plain) << text;
  }
}

TEST(CountQuery, OnlyCounts) {
  for (const char* text :
       {"select count(*) from t", "SELECT COUNT(id) FROM t WHERE a > 1", "select count(distinct a) from t",
        "select pg_catalog.count(*) from a join b using (id)",
        "select count(*) as n from (select 1 limit 3) x", "with a as (select 1) select count(*) from a",
        "select count(*) filter (where a) from t"}) {
    EXPECT_TRUE(is_count_query(text)) << text;
  }
  for (const char* text : {"select 1",
                           "select count(*), 1 from t",
                           "select count(*) from t group by a",
                           "select count(*) from t having true",
                           "select count(*) from t limit 1",
                           "select count(*) from t offset 1",
                           "select distinct count(*) from t",
                           "select count(*) from t union select 1",
                           "select count(*) + 1 from t",
                           "select my.count(*) from t",
                           "select count(*) over () from t",
                           "select count(*) from t; select 1",
                           "delete from t",
                           "bogus",
                           "",
                           "with a as (delete from t returning 1) select count(*) from a",
                           "select count(*) into x from t",
                           "select count(*) from t for update",
                           "select count(*) from t order by 1",
                           "select \"Count\"(*) from t"}) {
    EXPECT_FALSE(is_count_query(text)) << text;
  }
  EXPECT_FALSE(is_count_query(std::string_view("select count(*)\0from t", 22)));
}

std::string repeat(const char* text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

TEST(Classify, DeepTextIsHarmless) {
  EXPECT_EQ(classify("select " + repeat("(", 100000) + "1" + repeat(")", 100000)).kind, unparsable);
  EXPECT_EQ(classify("select " + repeat("(", 3000) + "1" + repeat(")", 3000)).kind, read);
  EXPECT_EQ(classify("select 1" + repeat("+1", 50000)).kind, read);
  EXPECT_EQ(classify("select 1" + repeat("+1", 99000)).kind, read);
  EXPECT_TRUE(classify("select 1" + repeat("+1", 120000)).too_complex);
  EXPECT_EQ(classify("select 1" + repeat(" union select 1", 15000)).kind, read);
  EXPECT_EQ(classify("select 1,1" + repeat(" union select 1,1", 14000)).kind, read);
  EXPECT_EQ(classify("select 1" + repeat("::int", 50000)).kind, read);
  EXPECT_EQ(classify("select a" + repeat("[1]", 80000)).kind, read);
  EXPECT_EQ(classify("select * from a" + repeat(" cross join a", 19000)).kind, read);
  EXPECT_EQ(classify("select " + repeat("not ", 60000) + "true").kind, unparsable);
  EXPECT_EQ(classify("select * from t where a = 1" + repeat(" or a = 1", 20000)).kind, read);
  EXPECT_EQ(classify(repeat("select 1;", 20000)).statements.size(), 20000U);
  EXPECT_TRUE(classify(repeat("select 1;", 1000000)).too_complex);
}

TEST(Classify, LargeTextIsToldApartByWords) {
  std::string text = "insert into t values (1)";
  while (text.size() < (10U << 20)) text += ",(1)";
  const auto found = classify(text);
  EXPECT_EQ(found.kind, write);
  EXPECT_EQ(found.statements.size(), 1U);
  text = "alter system set a = '";
  text.append(1U << 20, 'x');
  EXPECT_EQ(classify(text + "'").kind, refused);
  EXPECT_EQ(classify("select '" + std::string(1U << 20, ';') + "'").statements.size(), 1U);
  EXPECT_EQ(classify(std::string(1U << 20, '(')).kind, read);  // nothing in it writes
}

TEST(Classify, ManyThreadsAtOnce) {
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([] {
      for (int i = 0; i < 300; ++i) {
        EXPECT_EQ(classify("select " + std::to_string(i) + " limit 3").limit, 3);
        EXPECT_EQ(classify("bogus " + std::to_string(i)).kind, unparsable);
      }
      EXPECT_EQ(classify("select 1" + repeat("+1", 30000)).kind, read);
    });
  }
  for (auto& thread : threads) thread.join();
}

TEST(Lexer, ReadsWhatPostgresReads) {
  const auto tokens = [](std::string_view text) {
    std::vector<std::string> all;
    Lexer lexer(text);
    Token token;
    while (lexer.next(token)) all.emplace_back(token.text);
    return all;
  };
  using List = std::vector<std::string>;
  EXPECT_EQ(tokens("a /* x /* y */ z */ b -- c\nd"), (List{"a", "b", "d"}));
  EXPECT_EQ(tokens("'a''b' \"c\"\"d\" E'e\\'f' 'g\\'"), (List{"'a''b'", "\"c\"\"d\"", "E'e\\'f'", "'g\\'"}));
  EXPECT_EQ(tokens("$a$ $b$ ; $a$ $$;$$ a$b$ $1"), (List{"$a$ $b$ ; $a$", "$$;$$", "a$b$", "$1"}));
  EXPECT_EQ(tokens("E'a' -- c\n '\\';' x").size(), 2U);
  EXPECT_EQ(tokens("'open"), (List{"'open"}));
  EXPECT_EQ(tokens("$open$ x"), (List{"$open$ x"}));
}

}  // namespace
}  // namespace athena::sqltext

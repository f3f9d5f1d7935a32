#include "engines/postgres/schema_cache.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <functional>
#include <memory>
#include <thread>

#include "engines/postgres/catalogue_sql.h"

namespace athena::postgres {
namespace {

namespace asio = base::asio;
using namespace std::chrono_literals;
using contract::ErrorCode;
using Rows = std::vector<TextRow>;

TextRow row(std::initializer_list<const char*> fields) {
  TextRow result;
  for (const char* text : fields)
    result.push_back(text == nullptr ? std::nullopt : std::optional<std::string>(text));
  return result;
}

/// Answers from a function, late when asked to, and counts.
class FakeRunner : public TextQueryRunner {
 public:
  using Parameters = std::vector<std::optional<std::string>>;
  std::function<contract::Result<Rows>(std::string_view sql, const Parameters&)> answer;
  std::chrono::milliseconds delay{0};
  int calls = 0;
  int near_calls = 0;

  base::Task<contract::Result<Rows>> query(std::string sql, Parameters parameters,
                                           base::Deadline deadline) override {
    ++calls;
    if (sql == catalogue_sql::kNearTables) ++near_calls;
    const base::Executor executor = co_await asio::this_coro::executor;
    asio::steady_timer timer(executor, deadline.capped(delay).at());
    boost::system::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(base::use_task, ignored));
    if (deadline.expired()) co_return contract::Error(ErrorCode::deadline_exceeded);
    co_return answer(sql, parameters);
  }
};

/// orders(id identity primary key, note text default …, kind mood, "at" generated) as kTable gives it.
Rows orders_rows(const char* mood_label = "mood") {
  return {row({"0", "0", "public", "orders", "r", "100", "true", nullptr, nullptr, nullptr, nullptr}),
          row({"1", "1", "1", "id", "20", "true", "false", "", "a", nullptr, nullptr}),
          row({"1", "3", "3", "note", "25", "false", "true", "", "", nullptr, nullptr}),
          row({"1", "4", "4", "kind", "20001", "false", "false", "", "", nullptr, nullptr}),
          row({"1", "5", "5", "total", "1700", "false", "false", "s", "", nullptr, nullptr}),
          row({"2", "30001", "1", "true", "true", "true", nullptr, nullptr, nullptr, nullptr, nullptr}),
          row({"2", "30002", "4 3", "false", "true", "true", nullptr, nullptr, nullptr, nullptr, nullptr}),
          row({"2", "30003", "3 0", "false", "false", "true", nullptr, nullptr, nullptr, nullptr, nullptr}),
          row({"2", "30004", "0", "false", "true", "true", nullptr, nullptr, nullptr, nullptr, nullptr}),
          row({"2", "30005", "5", "false", "false", "false", nullptr, nullptr, nullptr, nullptr, nullptr}),
          row({"3", "20001", "20001", "public", mood_label, "e", "E", "20002", "0", "0", ","}),
          row({"3", "20002", "20002", "public", "_mood", "b", "A", "0", "20001", "0", ","})};
}

class SchemaCacheTest : public testing::Test {
 protected:
  SchemaCacheTest() {
    runner.answer = [this](std::string_view sql,
                           const FakeRunner::Parameters& parameters) -> contract::Result<Rows> {
      if (sql == catalogue_sql::kTable && parameters[1] == "orders") return tables;
      if (sql == catalogue_sql::kNearTables) {
        return Rows{row({"audit", "ordres", "0"}), row({"public", "orders", "1"}), row({"public", "x", "1"})};
      }
      if (sql == catalogue_sql::kType && parameters[1] == "mood") {
        Rows rows{row({"0", "0", "20001"})};
        rows.push_back(tables[tables.size() - 2]);
        rows.push_back(tables.back());
        return rows;
      }
      return Rows{};
    };
  }

  SchemaCache& cache() {
    if (!cache_) cache_ = std::make_unique<SchemaCache>(runner, settings);
    return *cache_;
  }

  template <class T>
  void start(base::Task<T> task, std::optional<T>& result) {
    asio::co_spawn(context, std::move(task), [&result](std::exception_ptr failure, T value) {
      if (failure) std::rethrow_exception(failure);
      result.emplace(std::move(value));
    });
  }
  template <class T>
  T run(base::Task<T> task) {
    std::optional<T> result;
    start(std::move(task), result);
    context.restart();
    context.run();
    return std::move(*result);
  }
  contract::Result<sql::TablePtr> find(std::string_view schema, std::string_view table,
                                       std::chrono::milliseconds time = 5000ms) {
    return run(cache().find(schema, table, base::Deadline::in(time)));
  }

  asio::io_context context{1};
  FakeRunner runner;
  contract::GatewaySettings settings;
  Rows tables = orders_rows();
  std::unique_ptr<SchemaCache> cache_;
};

TEST_F(SchemaCacheTest, ReadsATable) {
  const auto found = find("", "orders");
  ASSERT_TRUE(found);
  const sql::Table& table = **found;
  EXPECT_EQ(table.schema, "public");
  EXPECT_EQ(table.quoted, "\"public\".\"orders\"");
  EXPECT_EQ(table.kind, sql::Table::Kind::table);
  EXPECT_EQ(table.row_estimate, 100);
  EXPECT_TRUE(table.has_user_triggers);
  ASSERT_EQ(table.columns.size(), 4U);
  EXPECT_EQ(table.columns[0].name, "id");
  EXPECT_EQ(table.columns[0].type->name, "int8");
  EXPECT_TRUE(table.columns[0].not_null);
  EXPECT_EQ(table.columns[0].generated, sql::Generated::identity_always);
  EXPECT_TRUE(table.columns[1].has_default);
  EXPECT_FALSE(table.columns[1].not_null);
  EXPECT_EQ(table.columns[2].type->name, "\"public\".\"mood\"");
  EXPECT_EQ(table.columns[2].type->category, sql::TypeCategory::enumeration);
  EXPECT_EQ(table.columns[3].generated, sql::Generated::stored);
  EXPECT_EQ(table.primary_key, sql::Key({0}));
  EXPECT_EQ(table.unique_keys, (std::vector<sql::Key>{{0}, {2, 1}}));
  // Also the plain columns before an expression; not those of other access methods.
  EXPECT_EQ(table.leading_index_columns, (std::vector<sql::Key>{{0}, {2, 1}, {1}}));

  EXPECT_EQ(cache().type(20001), table.columns[2].type);
  ASSERT_NE(cache().type(20002), nullptr);
  EXPECT_EQ(cache().type(20002)->name, "\"public\".\"mood\"[]");
  EXPECT_EQ(cache().type(20002)->element, table.columns[2].type);
  EXPECT_EQ(cache().type(23)->name, "int4");
  EXPECT_EQ(cache().type(99999), nullptr);
}

TEST_F(SchemaCacheTest, AsksOncePerName) {
  EXPECT_EQ(cache().find_cached("", "orders"), nullptr);
  const auto first = find("", "orders");
  const auto second = find("", "orders");
  EXPECT_EQ(runner.calls, 1);
  EXPECT_EQ(*first, *second);
  EXPECT_EQ(cache().find_cached("", "orders"), *first);
  EXPECT_EQ(cache().find_cached("public", "orders"), nullptr);
  EXPECT_EQ(cache().find_cached("", "Orders"), nullptr);
  EXPECT_EQ(cache().size(), 1U);
  EXPECT_EQ(cache().reloads(), 0U);
}

TEST_F(SchemaCacheTest, ConcurrentCallersShareOneLoad) {
  runner.delay = 50ms;
  std::optional<contract::Result<sql::TablePtr>> results[5];
  for (auto& result : results) start(cache().find("", "orders", base::Deadline::in(2000ms)), result);
  context.run();
  EXPECT_EQ(runner.calls, 1);
  for (auto& result : results) {
    ASSERT_TRUE(result && *result);
    EXPECT_EQ(**result, *results[0].value());
  }
}

TEST_F(SchemaCacheTest, AWaiterKeepsItsOwnDeadline) {
  runner.delay = 300ms;
  std::optional<contract::Result<sql::TablePtr>> leader, waiter;
  const auto began = base::Clock::now();
  base::Clock::duration waited{};
  start(cache().find("", "orders", base::Deadline::in(2000ms)), leader);
  asio::co_spawn(context, cache().find("", "orders", base::Deadline::in(50ms)),
                 [&](std::exception_ptr, contract::Result<sql::TablePtr> result) {
                   waited = base::Clock::now() - began;
                   waiter.emplace(std::move(result));
                 });
  context.run();
  ASSERT_TRUE(waiter && leader);
  ASSERT_FALSE(*waiter);
  EXPECT_EQ(waiter->error().code(), ErrorCode::deadline_exceeded);
  EXPECT_LT(waited, 200ms);
  EXPECT_TRUE(*leader);
}

TEST_F(SchemaCacheTest, AWaiterOutlivesTheDeadlineOfItsLeader) {
  runner.delay = 100ms;
  std::optional<contract::Result<sql::TablePtr>> leader, waiter;
  start(cache().find("", "orders", base::Deadline::in(30ms)), leader);
  start(cache().find("", "orders", base::Deadline::in(2000ms)), waiter);
  context.run();
  ASSERT_TRUE(waiter && leader);
  EXPECT_FALSE(*leader);
  EXPECT_TRUE(*waiter);
  EXPECT_EQ(runner.calls, 2);
}

TEST_F(SchemaCacheTest, ALeaderThatIsDestroyedWakesItsWaiters) {
  runner.delay = 100ms;
  auto other = std::make_unique<asio::io_context>(1);
  std::optional<contract::Result<sql::TablePtr>> waiter;
  asio::co_spawn(*other, cache().find("", "orders", base::Deadline::in(2000ms)), asio::detached);
  other->poll();  // it waits for the database now
  start(cache().find("", "orders", base::Deadline::in(2000ms)), waiter);
  context.poll();
  EXPECT_EQ(runner.calls, 1);
  other.reset();
  context.restart();
  context.run();
  ASSERT_TRUE(waiter);
  EXPECT_TRUE(*waiter);
  EXPECT_EQ(runner.calls, 2);
}

TEST_F(SchemaCacheTest, AMissingTableIsNamedAndRememberedForTwoSeconds) {
  auto missing = find("", "ordres");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), ErrorCode::undefined_table);
  EXPECT_EQ(missing.error().text(), "Table \"ordres\" does not exist.");
  EXPECT_EQ(missing.error().hint(), "Did you mean \"audit.ordres\"?");
  ASSERT_EQ(missing.error().details().size(), 2U);
  EXPECT_EQ(missing.error().details()[0].name, "table");
  EXPECT_EQ(missing.error().details()[0].json, "\"ordres\"");
  EXPECT_EQ(missing.error().details()[1].name, "suggestions");
  EXPECT_EQ(missing.error().details()[1].json, R"(["audit.ordres","orders"])");
  EXPECT_EQ(runner.calls, 2);
  EXPECT_EQ(runner.near_calls, 1);
  ASSERT_FALSE(find("", "ordres"));
  EXPECT_EQ(runner.calls, 2);
  std::this_thread::sleep_for(2050ms);
  ASSERT_FALSE(find("", "ordres"));
  EXPECT_EQ(runner.calls, 4);
  EXPECT_EQ(cache().size(), 0U);

  missing = find("app", "ordres");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().text(), "Table \"app.ordres\" does not exist.");
}

TEST_F(SchemaCacheTest, NamesThatCannotExistAskNothing) {
  const std::string zero("a\0b", 3);
  for (const std::string& name : {std::string(), std::string(64, 'x'), zero}) {
    const auto missing = find("", name);
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code(), ErrorCode::undefined_table);
  }
  EXPECT_FALSE(find(std::string(64, 'x'), "orders"));
  EXPECT_EQ(runner.calls, 0);
}

TEST_F(SchemaCacheTest, FailuresAreNotRemembered) {
  const auto good = runner.answer;
  runner.answer = [](std::string_view, const FakeRunner::Parameters&) -> contract::Result<Rows> {
    return contract::Error(ErrorCode::backend_unreachable);
  };
  auto failed = find("", "orders");
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code(), ErrorCode::backend_unreachable);
  runner.answer = good;
  EXPECT_TRUE(find("", "orders"));
}

TEST_F(SchemaCacheTest, EntriesAgeOut) {
  settings.schema_cache_ttl_seconds = 1;
  const auto first = find("", "orders");
  std::this_thread::sleep_for(1050ms);
  EXPECT_EQ(cache().find_cached("", "orders"), nullptr);
  tables[2] = row({"1", "3", "3", "remark", "25", "false", "true", "", "", nullptr, nullptr});
  const auto second = find("", "orders");
  ASSERT_TRUE(second);
  EXPECT_EQ(runner.calls, 2);
  EXPECT_EQ(cache().reloads(), 1U);
  EXPECT_GT((*second)->version, (*first)->version);
  EXPECT_EQ((*second)->columns[1].name, "remark");
  EXPECT_EQ((*first)->columns[1].name, "note");
}

TEST_F(SchemaCacheTest, ForgettingATableDropsBothItsNames) {
  const auto first = find("", "orders");
  ASSERT_TRUE(find("public", "orders"));
  EXPECT_EQ(cache().size(), 2U);
  cache().forget(**first);
  EXPECT_EQ(cache().size(), 0U);
  ASSERT_TRUE(find("", "orders"));
  EXPECT_EQ(cache().reloads(), 1U);
  cache().forget_all();
  EXPECT_EQ(cache().find_cached("", "orders"), nullptr);
}

TEST_F(SchemaCacheTest, WhatWasAskedBeforeAForgetDoesNotEnter) {
  runner.delay = 50ms;
  std::optional<contract::Result<sql::TablePtr>> result;
  start(cache().find("", "orders", base::Deadline::in(2000ms)), result);
  context.poll();
  cache().forget_all();
  context.restart();
  context.run();
  ASSERT_TRUE(result && *result);
  EXPECT_EQ(cache().find_cached("", "orders"), nullptr);
}

TEST_F(SchemaCacheTest, TheLeastRecentlyUsedLeavesFirst) {
  runner.answer = [](std::string_view, const FakeRunner::Parameters& parameters) -> contract::Result<Rows> {
    return Rows{row({"0", "0", "public", parameters[1]->c_str(), "r", "-1", "false"})};
  };
  for (int i = 0; i < 4096; ++i) ASSERT_TRUE(find("", "t" + std::to_string(i)));
  EXPECT_NE(cache().find_cached("", "t0"), nullptr);  // used: t1 is the oldest now
  ASSERT_TRUE(find("", "one_more"));
  EXPECT_EQ(cache().size(), 4096U);
  EXPECT_NE(cache().find_cached("", "t0"), nullptr);
  EXPECT_EQ(cache().find_cached("", "t1"), nullptr);
}

TEST_F(SchemaCacheTest, TypesKeepTheirAddressWhileTheirDefinitionStays) {
  const auto first = find("", "orders");
  cache().forget_all();
  const auto second = find("", "orders");
  EXPECT_EQ((*first)->columns[2].type, (*second)->columns[2].type);
  cache().forget_all();
  tables = orders_rows("temper");
  const auto third = find("", "orders");
  EXPECT_NE((*first)->columns[2].type, (*third)->columns[2].type);
  EXPECT_EQ((*third)->columns[2].type->udt_name, "temper");
  EXPECT_EQ((*first)->columns[2].type->udt_name, "mood");
  cache_.reset();  // a running request may hold the table longer
  EXPECT_EQ((*third)->columns[2].type->udt_name, "temper");
}

TEST_F(SchemaCacheTest, NestedTypesBecomeNestedJson) {
  // pair(x int4, "Y" text) · pairs = domain over pair[] · column pairs, column an array of that domain
  tables = {row({"0", "0", "public", "orders", "r", "-1", "false"}),
            row({"1", "1", "1", "list", "20005", "false", "false", "", ""}),
            row({"1", "2", "2", "lists", "20006", "false", "false", "", ""}),
            row({"3", "20003", "20003", "app", "pair", "c", "C", "20004", "0", "0", ","}),
            row({"3", "20004", "20004", "app", "_pair", "b", "A", "0", "20003", "0", ","}),
            row({"3", "20005", "20005", "app", "pairs", "d", "A", "20006", "0", "20004", ","}),
            row({"3", "20006", "20006", "app", "_pairs", "b", "A", "0", "20005", "0", ","}),
            row({"4", "1", "20003", "x", "23"}),
            row({"4", "2", "20003", "Y\"", "25"})};
  const auto found = find("", "orders");
  ASSERT_TRUE(found);
  const sql::Type& list = *(*found)->columns[0].type;
  EXPECT_EQ(list.category, sql::TypeCategory::array);
  EXPECT_EQ(list.name, "\"app\".\"pairs\"");
  ASSERT_NE(list.element, nullptr);
  EXPECT_EQ(list.element->category, sql::TypeCategory::composite);
  base::Buffer out;
  list.format->append_json(out, R"_({"(1,a)","(,)"})_", *list.format);
  EXPECT_EQ(out.view(), R"([{"x":1,"Y\"":"a"},{"x":null,"Y\"":null}])");
  out.clear();
  const sql::Type& lists = *(*found)->columns[1].type;
  lists.format->append_json(out, R"_({"{\"(1,a)\"}",NULL})_", *lists.format);
  EXPECT_EQ(out.view(), R"([[{"x":1,"Y\"":"a"}],null])");
}

TEST_F(SchemaCacheTest, CastsFindTypesOnceTheyAreLoaded) {
  EXPECT_EQ(cache().types().find("mood"), nullptr);
  EXPECT_NE(cache().types().find("int4[]"), nullptr);
  EXPECT_TRUE(run(cache().load_type("Mood[]", base::Deadline::in(1000ms))));
  EXPECT_EQ(runner.calls, 1);
  ASSERT_NE(cache().types().find("mood"), nullptr);
  EXPECT_EQ(cache().types().find("mood")->name, "\"public\".\"mood\"");
  EXPECT_EQ(cache().types().find("MOOD []")->name, "\"public\".\"mood\"[]");
  EXPECT_EQ(cache().types().find("\"MOOD\""), nullptr);
  EXPECT_TRUE(run(cache().load_type("mood", base::Deadline::in(1000ms))));
  EXPECT_TRUE(run(cache().load_type("int4", base::Deadline::in(1000ms))));
  EXPECT_TRUE(run(cache().load_type("not a type; --", base::Deadline::in(1000ms))));
  EXPECT_EQ(runner.calls, 1);

  EXPECT_TRUE(run(cache().load_type("nosuch", base::Deadline::in(1000ms))));
  EXPECT_TRUE(run(cache().load_type("nosuch", base::Deadline::in(1000ms))));
  EXPECT_EQ(runner.calls, 2);
  EXPECT_EQ(cache().types().find("nosuch"), nullptr);
}

TEST_F(SchemaCacheTest, ConcurrentLoadsOfATypeShareOneQuery) {
  runner.delay = 50ms;
  std::optional<contract::Result<void>> results[3];
  for (auto& result : results) start(cache().load_type("mood", base::Deadline::in(1000ms)), result);
  context.run();
  EXPECT_EQ(runner.calls, 1);
  for (auto& result : results) EXPECT_TRUE(result && *result);
}

TEST_F(SchemaCacheTest, OddAnswersAreSurvived) {
  // Types in a circle, a column of an unknown type, rows that are too short, keys of columns that are not
  // there.
  tables = {row({"0", "0", "public", "orders"}),
            row({"1", "1", "1", "a", "20001"}),
            row({"1", "2", "2", "b", "77777"}),
            row({"1"}),
            row({}),
            row({"2", "1", "1 9", "true", "true", "true"}),
            row({"2", "1", "x", "true", "true", "true"}),
            row({"3", "20001", "20001", "s", "loop", "d", "A", "0", "0", "20002", ","}),
            row({"3", "20002", "20002", "s", "_loop", "b", "A", "0", "20001", "0", ","})};
  const auto found = find("", "orders");
  ASSERT_TRUE(found);
  ASSERT_EQ((*found)->columns.size(), 3U);
  EXPECT_EQ((*found)->columns[1].type->udt_name, "unknown");
  EXPECT_TRUE((*found)->primary_key.empty());
  tables = {row({})};
  EXPECT_FALSE(find("public", "orders"));
}

}  // namespace
}  // namespace athena::postgres

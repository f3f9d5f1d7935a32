#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "engines/postgres/dialect_fixture.h"
#include "engines/sql/random_conditions.h"

namespace athena::postgres {
namespace {

using sql::testing::RandomConditions;

/// What is left of a statement when everything in double quotes is taken out; empty when a quote stays open.
std::string without_identifiers(std::string_view text) {
  std::string rest;
  bool inside = false;
  for (const char c : text) {
    if (c == '"') {
      inside = !inside;
    } else if (!inside) {
      rest.push_back(c);
    }
  }
  return inside ? std::string() : rest;
}

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size()))
    ++found;
  return found;
}

query::Select select_of(std::pmr::memory_resource& memory) {
  return {{},
          query::List<query::Projection>(&memory),
          query::List<query::Predicate>(&memory),
          query::List<query::SortTerm>(&memory),
          {}};
}

TEST(RandomTrees, LoseNoTerm) {
  auto table = std::make_shared<sql::Table>();
  sql::testing::set_name(*table, "public", "t");
  for (const auto name : RandomConditions::kColumns)
    table->columns.push_back(sql::testing::column(std::string(name), builtin_type("int4")));
  const PostgresDialect dialect(testing::types());
  const contract::GatewaySettings settings;
  for (unsigned round = 0; round < 1000; ++round) {
    RandomConditions random(round);
    random.nulls_in_lists = false;  // such a list is written as two terms
    std::pmr::monotonic_buffer_resource memory;
    auto select = select_of(memory);
    select.columns.emplace_back().column.name = "a";
    const int conditions = 1 + random.pick(3);
    for (int i = 0; i < conditions; ++i) select.conditions.push_back(random.tree(4));
    auto plan = sql::compile(query::Request(std::move(select)), {dialect, table, memory, settings});
    ASSERT_TRUE(plan);
    const std::string_view text = plan->statements[0].text;
    const std::string rest = without_identifiers(text);
    ASSERT_EQ(count(rest, "$"), plan->statements[0].binds.size()) << text;
    ASSERT_EQ(std::count(rest.begin(), rest.end(), '('), std::count(rest.begin(), rest.end(), ')')) << text;
    const auto where = rest.substr(rest.find(" WHERE ") + 7);
    const std::size_t terms = count(where, " = ") + count(where, " <> ") + count(where, " > ") +
                              count(where, " >= ") + count(where, " < ") + count(where, " <= ") +
                              count(where, " IS ") + count(where, "FALSE");
    ASSERT_EQ(terms, static_cast<std::size_t>(random.leaves())) << text;
  }
}

TEST(RandomNames, AreQuotedOrRefused) {
  const PostgresDialect dialect(testing::types());
  const contract::GatewaySettings settings;
  std::mt19937 random(7);
  const std::string_view alphabet = "\"';-()$1 \\ab\n\x01\xc3\xa9,.*";
  const auto name = [&] {
    std::string text;
    for (auto length = 1 + random() % 12; length > 0; --length)
      text.push_back(alphabet[random() % alphabet.size()]);
    return text;
  };
  int compiled = 0;
  for (int round = 0; round < 2000; ++round) {
    std::pmr::monotonic_buffer_resource memory;
    auto table = std::make_shared<sql::Table>();
    const std::string schema = name();
    const std::string known = name();
    sql::testing::set_name(*table, schema, name());
    table->columns = {sql::testing::column(known, builtin_type("int4"), true),
                      sql::testing::column(known + "j", builtin_type("jsonb"))};
    table->primary_key = {0};
    table->unique_keys = {{0}};
    const std::string alias = name();
    const std::string key = name();
    const std::string wrong = name();
    const std::string json = known + "j";
    const query::JsonStep step{key, true, false};
    auto select = select_of(memory);
    auto& plain = select.columns.emplace_back();
    plain.column.name = known;
    plain.alias = alias;
    auto& path = select.columns.emplace_back();
    path.column.name = json;
    path.column.path = std::span(&step, 1);
    select.sort.emplace_back().column.name = round % 3 == 0 ? wrong : known;
    select.page.limit = 5;
    auto plan = sql::compile(query::Request(std::move(select)), {dialect, table, memory, settings});
    if (!plan) continue;
    ++compiled;
    const std::string rest = without_identifiers(plan->statements[0].text);
    ASSERT_EQ(rest, "SELECT " + std::string(alias == known ? "" : " AS ") +
                        ", ( ->> $1::text) FROM . ORDER BY . LIMIT 5")
        << plan->statements[0].text;
  }
  EXPECT_GT(compiled, 300);
}

}  // namespace
}  // namespace athena::postgres

#include "engines/postgres/describe.h"

#include <optional>
#include <unordered_map>
#include <utility>

#include "engines/postgres/catalogue_sql.h"
#include "engines/postgres/constraints.h"
#include "engines/postgres/schema_cache_list.h"
#include "engines/postgres/schema_cache_types.h"

namespace athena::postgres {
namespace {

constexpr std::size_t kOidOfTable = 4, kOidOfColumn = 9, kOidOfConstraint = 9;

}  // namespace

base::Task<contract::Result<std::vector<engines::TableDescription>>> read_descriptions(
    TextQueryRunner& runner, std::string schema, std::int64_t limit, base::Deadline deadline) {
  std::string list(catalogue_sql::kListTables);
  std::vector<std::optional<std::string>> parameters{schema, "true", std::to_string(limit + 1), "0"};
  auto tables = co_await runner.query(std::move(list), std::move(parameters), deadline);
  if (!tables) co_return std::move(tables).error();

  std::vector<engines::TableDescription> described;
  described.reserve(tables->size());
  std::unordered_map<std::uint32_t, std::size_t> places;
  std::string oids = "{";
  for (const TextRow& row : *tables) {
    places.emplace(number_field(row, kOidOfTable), described.size());
    if (oids.size() > 1) oids.push_back(',');
    oids.append(field(row, kOidOfTable));
    described.push_back({table_info(row), {}, {}});
  }
  if (described.empty()) co_return described;
  oids.push_back('}');
  const auto at = [&](const TextRow& row, std::size_t index) -> engines::TableDescription* {
    const auto place = places.find(number_field(row, index));
    return place == places.end() ? nullptr : &described[place->second];
  };

  std::string columns_of(catalogue_sql::kColumnsOfTables);
  std::vector<std::optional<std::string>> wanted{oids};
  auto columns = co_await runner.query(std::move(columns_of), wanted, deadline);
  if (!columns) co_return std::move(columns).error();
  for (const TextRow& row : *columns) {
    auto* const table = at(row, kOidOfColumn);
    if (table != nullptr && row[0]) table->columns.push_back(column_info(row));
  }

  std::string constraints_of(catalogue_sql::kConstraintsOfTables);
  auto constraints = co_await runner.query(std::move(constraints_of), wanted, deadline);
  if (!constraints) co_return std::move(constraints).error();
  for (const TextRow& row : *constraints) {
    auto* const table = at(row, kOidOfConstraint);
    if (table != nullptr && row[0]) table->constraints.push_back(constraint_info(row));
  }
  for (auto& table : described) sort_constraints(table.constraints);
  co_return described;
}

}  // namespace athena::postgres

#include "engines/postgres/migrations.h"

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "engines/postgres/catalogue_sql.h"
#include "engines/postgres/schema_cache_types.h"

namespace athena::postgres {
namespace {

struct Known {
  std::string_view schema, table;
  std::string_view statement;
};

// In order: the first that exists counts. $1 = how many rows.
constexpr std::array kKnown{
    Known{"supabase_migrations", "schema_migrations",
          "/* athena:catalogue */ SELECT m.version::pg_catalog.text, m.name::pg_catalog.text "
          "FROM supabase_migrations.schema_migrations m ORDER BY m.version DESC LIMIT $1::pg_catalog.int8"},
    Known{"public", "_sqlx_migrations",
          "/* athena:catalogue */ SELECT m.version::pg_catalog.text, m.description::pg_catalog.text "
          "FROM public._sqlx_migrations m ORDER BY m.version DESC LIMIT $1::pg_catalog.int8"},
    Known{"public", "_prisma_migrations",
          "/* athena:catalogue */ SELECT m.migration_name::pg_catalog.text, NULL "
          "FROM public._prisma_migrations m ORDER BY m.migration_name DESC LIMIT $1::pg_catalog.int8"},
    Known{"public", "schema_migrations",
          "/* athena:catalogue */ SELECT m.version::pg_catalog.text, NULL "
          "FROM public.schema_migrations m ORDER BY m.version DESC LIMIT $1::pg_catalog.int8"},
};

const Known* first_of(const std::vector<TextRow>& found) {
  for (const Known& known : kKnown) {
    for (const TextRow& row : found) {
      if (field(row, 0) == known.schema && field(row, 1) == known.table) return &known;
    }
  }
  return nullptr;
}

}  // namespace

base::Task<contract::Result<MigrationList>> read_migrations(TextQueryRunner& runner, std::int64_t limit,
                                                            base::Deadline deadline) {
  std::string text(catalogue_sql::kMigrationTables);
  std::vector<std::optional<std::string>> none;
  auto found = co_await runner.query(std::move(text), std::move(none), deadline);
  if (!found) co_return std::move(found).error();
  const Known* const known = first_of(*found);
  if (known == nullptr) co_return MigrationList();
  std::string statement(known->statement);
  std::vector<std::optional<std::string>> parameters{std::to_string(limit + 1)};
  auto rows = co_await runner.query(std::move(statement), std::move(parameters), deadline);
  if (!rows) co_return std::move(rows).error();
  MigrationList list(std::in_place);
  list->reserve(rows->size());
  for (TextRow& row : *rows) {
    list->push_back({std::string(field(row, 0)), row.size() > 1 ? std::move(row[1]) : std::nullopt});
  }
  co_return list;
}

}  // namespace athena::postgres

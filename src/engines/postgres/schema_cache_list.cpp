#include "engines/postgres/schema_cache_list.h"

#include <charconv>
#include <optional>
#include <utility>

#include "engines/postgres/catalogue_sql.h"
#include "engines/postgres/schema_cache_missing.h"
#include "engines/postgres/schema_cache_types.h"

namespace athena::postgres {

namespace {

std::optional<std::int64_t> count_field(const TextRow& row, std::size_t index) {
  const std::string_view text = field(row, index);
  std::int64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || read.ec != std::errc()) return std::nullopt;
  return number;
}

std::optional<std::string> text_field(const TextRow& row, std::size_t index) {
  return index < row.size() ? row[index] : std::nullopt;
}

}  // namespace

engines::TableInfo table_info(const TextRow& row) {
  engines::TableInfo info;
  info.table_schema = field(row, 0);
  info.table_name = field(row, 1);
  info.table_type = field(row, 2);
  info.estimated_rows = count_field(row, 3);
  return info;
}

engines::ColumnInfo column_info(const TextRow& row) {
  engines::ColumnInfo info;
  info.column_name = field(row, 0);
  info.data_type = field(row, 1);
  info.udt_name = field(row, 2);
  info.column_default = text_field(row, 3);
  info.is_nullable = field(row, 4) == "true";
  info.ordinal_position = static_cast<int>(count_field(row, 5).value_or(0));
  info.is_primary_key = field(row, 6) == "true";
  info.is_generated = text_field(row, 7);
  info.table_schema = field(row, 8);
  return info;
}

base::Task<contract::Result<std::vector<TextRow>>> rows_of_table(TextQueryRunner& runner, std::string sql,
                                                                 std::string schema, std::string table,
                                                                 base::Deadline deadline) {
  std::vector<std::optional<std::string>> parameters{schema, table};
  auto rows = co_await runner.query(std::move(sql), std::move(parameters), deadline);
  if (!rows || !rows->empty()) co_return rows;
  contract::Error error = co_await undefined_table_with_suggestions(runner, schema, table, deadline);
  co_return error;
}

base::Task<contract::Result<std::vector<engines::TableInfo>>> read_tables(TextQueryRunner& runner,
                                                                          engines::TableQuery query,
                                                                          base::Deadline deadline) {
  std::string text(catalogue_sql::kListTables);
  // One more than asked, so that the caller can tell that there are more.
  std::vector<std::optional<std::string>> parameters{
      query.table_schema, query.include_views ? "true" : "false", std::to_string(query.limit + 1),
      std::to_string(query.offset)};
  auto rows = co_await runner.query(std::move(text), std::move(parameters), deadline);
  if (!rows) co_return std::move(rows).error();
  std::vector<engines::TableInfo> tables;
  tables.reserve(rows->size());
  for (const TextRow& row : *rows) tables.push_back(table_info(row));
  co_return tables;
}

base::Task<contract::Result<std::vector<engines::ColumnInfo>>> read_columns(TextQueryRunner& runner,
                                                                            std::string schema,
                                                                            std::string table,
                                                                            base::Deadline deadline) {
  std::string text(catalogue_sql::kListColumns);
  auto rows = co_await rows_of_table(runner, std::move(text), std::move(schema), std::move(table), deadline);
  if (!rows) co_return std::move(rows).error();
  std::vector<engines::ColumnInfo> columns;
  columns.reserve(rows->size());
  for (const TextRow& row : *rows) {
    if (text_field(row, 0)) columns.push_back(column_info(row));
  }
  co_return columns;
}

}  // namespace athena::postgres

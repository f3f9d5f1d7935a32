#include "engines/postgres/schema_cache_table.h"

#include <charconv>
#include <cstdlib>
#include <memory_resource>
#include <string>

#include "engines/postgres/catalogue_sql.h"
#include "engines/postgres/types.h"
#include "engines/sql/dialect.h"

namespace athena::postgres {

namespace {

constexpr std::uint32_t kUnknownOid = 705;  // the server decides

struct Loaded {
  std::shared_ptr<TypeStore> types;
  sql::Table table;
  std::vector<int> attribute_numbers;  ///< beside table.columns
};

bool is_true(const TextRow& row, std::size_t index) {
  return field(row, index) == "true";
}

sql::Table::Kind kind_of(std::string_view relkind) {
  using Kind = sql::Table::Kind;
  if (relkind == "p") return Kind::partitioned;
  if (relkind == "v") return Kind::view;
  if (relkind == "m") return Kind::materialized_view;
  if (relkind == "f") return Kind::foreign;
  return Kind::table;
}

sql::Generated generated_of(std::string_view generated, std::string_view identity) {
  using sql::Generated;
  if (identity == "a") return Generated::identity_always;
  if (identity == "d") return Generated::identity_default;
  if (generated == "s") return Generated::stored;
  if (generated == "v") return Generated::virtual_;
  return Generated::no;
}

void read_head(sql::Table& table, const TextRow& row) {
  table.schema = field(row, 2);
  table.name = field(row, 3);
  table.kind = kind_of(field(row, 4));
  const std::string rows(field(row, 5));
  table.row_estimate = rows.empty() ? -1 : std::strtod(rows.c_str(), nullptr);
  table.has_user_triggers = is_true(row, 6);
  std::pmr::string quoted;
  sql::append_identifier(quoted, table.schema);
  quoted.push_back('.');
  sql::append_identifier(quoted, table.name);
  table.quoted = quoted;
}

void read_column(Loaded& loaded, const TextRow& row) {
  sql::Column column;
  column.name = field(row, 3);
  column.type = loaded.types->find(number_field(row, 4));
  if (column.type == nullptr) column.type = builtin_type(kUnknownOid);
  column.not_null = is_true(row, 5);
  column.has_default = is_true(row, 6);
  column.generated = generated_of(field(row, 7), field(row, 8));
  loaded.table.columns.push_back(std::move(column));
  loaded.attribute_numbers.push_back(static_cast<int>(number_field(row, 2)));
}

/// The columns of an index up to the first that is an expression or none of the table's.
sql::Key read_key(const Loaded& loaded, std::string_view numbers, bool& complete) {
  sql::Key key;
  complete = true;
  const char* at = numbers.data();
  const char* const end = at + numbers.size();
  while (at < end) {
    int number = 0;
    const auto read = std::from_chars(at, end, number);
    std::size_t column = 0;
    while (column < loaded.attribute_numbers.size() && loaded.attribute_numbers[column] != number) ++column;
    if (read.ec != std::errc() || column == loaded.attribute_numbers.size()) {
      complete = false;
      return key;
    }
    key.push_back(static_cast<std::uint16_t>(column));
    at = read.ptr < end ? read.ptr + 1 : end;
  }
  return key;
}

void read_index(Loaded& loaded, const TextRow& row) {
  sql::Table& table = loaded.table;
  bool complete = false;
  const sql::Key key = read_key(loaded, field(row, 2), complete);
  if (key.empty()) return;
  if (complete && is_true(row, 3)) table.primary_key = key;
  if (complete && is_true(row, 4)) table.unique_keys.push_back(key);
  if (is_true(row, 5)) table.leading_index_columns.push_back(key);
}

}  // namespace

std::shared_ptr<sql::Table> read_table(std::span<const TextRow> rows,
                                       const std::shared_ptr<TypeStore>& types) {
  if (rows.empty() || number_field(rows[0], 0) != catalogue_sql::kPartTable || field(rows[0], 3).empty())
    return nullptr;
  auto loaded = std::make_shared<Loaded>();
  loaded->types = types;
  types->add(rows);
  read_head(loaded->table, rows[0]);
  for (const TextRow& row : rows) {
    if (number_field(row, 0) == catalogue_sql::kPartColumn) read_column(*loaded, row);
    if (number_field(row, 0) == catalogue_sql::kPartIndex) read_index(*loaded, row);
  }
  return {loaded, &loaded->table};
}

}  // namespace athena::postgres

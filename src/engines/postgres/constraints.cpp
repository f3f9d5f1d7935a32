#include "engines/postgres/constraints.h"

#include <algorithm>
#include <memory_resource>
#include <optional>
#include <utility>

#include "base/ascii.h"
#include "base/json_reader.h"
#include "engines/postgres/catalogue_sql.h"
#include "engines/postgres/schema_cache_list.h"
#include "engines/postgres/schema_cache_types.h"

namespace athena::postgres {
namespace {

/// The texts of a JSON array.
std::vector<std::string> names_of(std::string_view json) {
  std::vector<std::string> names;
  if (json.empty()) return names;
  std::pmr::monotonic_buffer_resource memory;
  const auto document = base::parse_json(json, memory);
  if (!document || !(*document)->is_array()) return names;
  for (const auto* item : (*document)->items) names.emplace_back(item->text);
  return names;
}

}  // namespace

engines::ConstraintInfo constraint_info(const TextRow& row) {
  engines::ConstraintInfo info;
  info.constraint_name = field(row, 0);
  info.constraint_type = field(row, 1);
  info.columns = names_of(field(row, 2));
  if (!field(row, 4).empty()) {
    info.reference = engines::ConstraintInfo::Reference{
        std::string(field(row, 3)), std::string(field(row, 4)), names_of(field(row, 5)),
        std::string(field(row, 6)), std::string(field(row, 7))};
  }
  info.definition = field(row, 8);
  return info;
}

void sort_constraints(std::vector<engines::ConstraintInfo>& constraints) {
  std::ranges::sort(constraints, [](const auto& a, const auto& b) {
    if (a.constraint_type != b.constraint_type) return a.constraint_type < b.constraint_type;
    const auto low_a = base::lower_case(a.constraint_name), low_b = base::lower_case(b.constraint_name);
    return low_a != low_b ? low_a < low_b : a.constraint_name < b.constraint_name;
  });
}

base::Task<contract::Result<std::vector<engines::ConstraintInfo>>> read_constraints(TextQueryRunner& runner,
                                                                                    std::string schema,
                                                                                    std::string table,
                                                                                    base::Deadline deadline) {
  std::string text(catalogue_sql::kListConstraints);
  auto rows = co_await rows_of_table(runner, std::move(text), std::move(schema), std::move(table), deadline);
  if (!rows) co_return std::move(rows).error();
  std::vector<engines::ConstraintInfo> constraints;
  constraints.reserve(rows->size());
  for (const TextRow& row : *rows) {
    if (!field(row, 0).empty()) constraints.push_back(constraint_info(row));
  }
  sort_constraints(constraints);
  co_return constraints;
}

}  // namespace athena::postgres

#pragma once

#include <cstdint>
#include <memory_resource>
#include <span>
#include <vector>

#include "contract/error.h"
#include "engines/sql/table.h"
#include "query/request.h"

namespace athena::sql {

struct InsertCell {
  std::uint16_t column;
  const query::Value* value;
};

/// The members of one row, in column order.
using InsertRow = std::span<const InsertCell>;

/// Rows that give values for the same columns.
struct InsertGroup {
  explicit InsertGroup(std::pmr::memory_resource& memory) : columns(&memory), rows(&memory) {}
  std::pmr::vector<std::uint16_t> columns;  ///< ascending
  std::pmr::vector<std::uint32_t> rows;     ///< ascending
};

/// Rows of a request with their columns looked up. Errors: undefined_column, invalid_payload (a row that is
/// no object, a column named twice), invalid_value (a generated column).
contract::Result<std::pmr::vector<InsertRow>> resolve_rows(const query::Insert& insert, const Table& table,
                                                           std::pmr::memory_resource& memory);

/// Gives every row the columns of all rows, with NULL where it has none.
void fill_with_null(std::pmr::vector<InsertRow>& rows, std::size_t column_count,
                    std::pmr::memory_resource& memory);

/// Rows with equal columns together, groups in the order of their first row; with `runs` only neighbours, so
/// that the rows of all groups one after the other are in input order.
std::pmr::vector<InsertGroup> group_rows(std::span<const InsertRow> rows, bool runs,
                                         std::pmr::memory_resource& memory);

/// True when the row has a value for the column.
bool has_column(InsertRow row, std::uint16_t column);

}  // namespace athena::sql

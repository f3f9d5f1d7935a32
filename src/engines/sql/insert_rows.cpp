#include "engines/sql/insert_rows.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_map>

#include "engines/sql/assignments.h"
#include "engines/sql/writer.h"

namespace athena::sql {
namespace {

using contract::Error;
using contract::ErrorCode;
using contract::Result;

/// Columns of one row; neighbours mostly have the same members in the same order, so their lookups are
/// remembered.
class RowResolver {
 public:
  RowResolver(const Table& table, std::pmr::memory_resource& memory)
      : table_(table), memory_(memory), previous_(&memory) {}

  Result<InsertRow> resolve(const query::Value& object) {
    const auto members = object.members;
    if (members.empty()) return InsertRow();
    auto* cells =
        static_cast<InsertCell*>(memory_.allocate(members.size() * sizeof(InsertCell), alignof(InsertCell)));
    for (std::size_t i = 0; i < members.size(); ++i) {
      auto column = find(i, members[i].name);
      if (!column) return std::move(column).error();
      cells[i] = {*column, members[i].value};
    }
    std::sort(cells, cells + members.size(),
              [](const InsertCell& a, const InsertCell& b) { return a.column < b.column; });
    for (std::size_t i = 1; i < members.size(); ++i) {
      if (cells[i].column != cells[i - 1].column) continue;
      const std::string& name = table_.columns[cells[i].column].name;
      return Error(ErrorCode::invalid_payload, "Column \"" + name + "\" is given two values.")
          .with("column", std::string_view(name));
    }
    return InsertRow(cells, members.size());
  }

 private:
  struct Known {
    std::string_view name;
    std::uint16_t column;
  };

  Result<std::uint16_t> find(std::size_t position, std::string_view name) {
    if (position < previous_.size() && previous_[position].name == name) return previous_[position].column;
    auto column = find_column(table_, name);
    if (!column) return column;
    auto writable = check_writable(table_.columns[*column]);
    if (!writable) return std::move(writable).error();
    if (position >= previous_.size()) previous_.resize(position + 1);
    previous_[position] = {name, *column};
    return column;
  }

  const Table& table_;
  std::pmr::memory_resource& memory_;
  std::pmr::vector<Known> previous_;
};

bool same_columns(std::span<const std::uint16_t> columns, InsertRow row) {
  return std::equal(columns.begin(), columns.end(), row.begin(), row.end(),
                    [](std::uint16_t column, const InsertCell& cell) { return column == cell.column; });
}

}  // namespace

Result<std::pmr::vector<InsertRow>> resolve_rows(const query::Insert& insert, const Table& table,
                                                 std::pmr::memory_resource& memory) {
  std::pmr::vector<InsertRow> rows(&memory);
  rows.reserve(insert.rows.size());
  RowResolver resolver(table, memory);
  for (const auto* object : insert.rows) {
    if (!object->is_object()) {
      const std::string member = "insert_body[" + std::to_string(rows.size()) + "]";
      return Error(ErrorCode::invalid_payload, "Member " + member + " must be an object.")
          .with("member", std::string_view(member));
    }
    auto row = resolver.resolve(*object);
    if (!row) return std::move(row).error();
    rows.push_back(*row);
  }
  return Result<std::pmr::vector<InsertRow>>(std::move(rows));
}

void fill_with_null(std::pmr::vector<InsertRow>& rows, std::size_t column_count,
                    std::pmr::memory_resource& memory) {
  static const query::Value kNull{};
  std::pmr::vector<bool> given(column_count, false, &memory);
  for (const auto row : rows) {
    for (const auto& cell : row) given[cell.column] = true;
  }
  std::pmr::vector<std::uint16_t> columns(&memory);
  for (std::size_t i = 0; i < column_count; ++i) {
    if (given[i]) columns.push_back(static_cast<std::uint16_t>(i));
  }
  for (auto& row : rows) {
    if (row.size() == columns.size()) continue;
    auto* cells =
        static_cast<InsertCell*>(memory.allocate(columns.size() * sizeof(InsertCell), alignof(InsertCell)));
    std::size_t next = 0;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const bool present = next < row.size() && row[next].column == columns[i];
      cells[i] = {columns[i], present ? row[next].value : &kNull};
      if (present) ++next;
    }
    row = InsertRow(cells, columns.size());
  }
}

std::pmr::vector<InsertGroup> group_rows(std::span<const InsertRow> rows, bool runs,
                                         std::pmr::memory_resource& memory) {
  std::pmr::vector<InsertGroup> groups(&memory);
  std::pmr::unordered_map<std::pmr::string, std::size_t> by_columns(&memory);
  std::size_t current = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (groups.empty() || !same_columns(groups[current].columns, rows[i])) {
      std::size_t found = groups.size();
      if (!runs) {
        std::pmr::string key(&memory);
        for (const auto& cell : rows[i]) {
          key.push_back(static_cast<char>(cell.column & 0xff));
          key.push_back(static_cast<char>(cell.column >> 8));
        }
        found = by_columns.try_emplace(std::move(key), groups.size()).first->second;
      }
      if (found == groups.size()) {
        auto& group = groups.emplace_back(memory);
        group.columns.reserve(rows[i].size());
        for (const auto& cell : rows[i]) group.columns.push_back(cell.column);
      }
      current = found;
    }
    groups[current].rows.push_back(static_cast<std::uint32_t>(i));
  }
  return groups;
}

bool has_column(InsertRow row, std::uint16_t column) {
  return std::any_of(row.begin(), row.end(),
                     [column](const InsertCell& cell) { return cell.column == column; });
}

}  // namespace athena::sql

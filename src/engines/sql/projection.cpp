#include "engines/sql/projection.h"

#include <algorithm>
#include <string>

#include "engines/sql/refusals.h"

namespace athena::sql {
namespace {

using contract::Error;
using contract::ErrorCode;
using contract::Result;
using query::Projection;

// PostgreSQL's limit of a target list; SQLite's is higher.
constexpr std::size_t kMaxOutputColumns = 1664;
constexpr std::size_t kMaxIdentifierBytes = 63;

bool is_bare(const Projection& entry) {
  return entry.column.path.empty() && entry.column.cast.empty() && entry.alias.empty();
}

std::string_view output_name(const Projection& entry) {
  if (!entry.alias.empty()) return entry.alias;
  return entry.column.path.empty() ? entry.column.name : entry.column.path.back().key;
}

bool is_identifier(std::string_view name) {
  return !name.empty() && name.size() <= kMaxIdentifierBytes &&
         std::none_of(name.begin(), name.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

void describe(Writer& out, std::string_view name, const Type* type) {
  query::OutputColumn column;
  column.name = name;
  if (type != nullptr) column.type_name = type->name;
  out.statement().columns.push_back(column);
  out.statement().types.push_back(type);
}

void separate(Writer& out) {
  if (!out.statement().columns.empty()) out.add(", ");
}

constexpr std::uint16_t kNowhere = 0xffff;

/// Where each column of the table stands in the output as it is; kNowhere = not there.
using Positions = std::pmr::vector<std::uint16_t>;

void note(Positions* positions, std::size_t column, std::size_t position) {
  if (positions != nullptr && (*positions)[column] == kNowhere) {
    (*positions)[column] = static_cast<std::uint16_t>(position);
  }
}

Error too_many_columns() {
  return Error(ErrorCode::limit_too_large,
               "A request returns at most " + std::to_string(kMaxOutputColumns) + " columns.")
      .with("max", static_cast<std::int64_t>(kMaxOutputColumns));
}

Result<void> write_column(Writer& out, const Projection& entry, Positions* positions) {
  const int index = out.table().find_column(entry.column.name);
  if (index < 0) return undefined_column(out.table(), entry.column.name);
  const Column& column = out.table().columns[static_cast<std::size_t>(index)];
  separate(out);
  note(positions, static_cast<std::size_t>(index), out.statement().columns.size());
  describe(out, entry.column.name, column.type);
  out.column(column);
  return {};
}

Result<void> write_entry(Writer& out, const Projection& entry, Positions* positions) {
  if (out.statement().columns.size() == kMaxOutputColumns) return too_many_columns();
  if (is_bare(entry)) return write_column(out, entry, positions);
  auto operand = resolve(entry.column, out.table(), out.dialect());
  if (!operand) return std::move(operand).error();
  separate(out);
  describe(out, output_name(entry), operand->type);
  auto written = out.operand(*operand);
  if (!written) return written;
  if (entry.column.path.empty() && entry.column.cast.empty()) {
    note(positions, static_cast<std::size_t>(operand->column - out.table().columns.data()),
         out.statement().columns.size() - 1);
  }
  if (entry.alias.empty()) return {};
  if (!is_identifier(entry.alias)) {
    return Error(ErrorCode::invalid_identifier, "An alias has 1 to " + std::to_string(kMaxIdentifierBytes) +
                                                    " bytes and no control characters.");
  }
  if (operand->is_plain() && entry.alias == operand->column->name) return {};
  out.add(" AS ");
  out.identifier(entry.alias);
  return {};
}

Result<void> write_all(Writer& out, Positions* positions) {
  const auto& columns = out.table().columns;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (out.statement().columns.size() == kMaxOutputColumns) return too_many_columns();
    separate(out);
    describe(out, columns[i].name, columns[i].type);
    note(positions, i, out.statement().columns.size() - 1);
    out.column(columns[i]);
  }
  return {};
}

// The parser compared the written entries with each other; what `*` stands for is known only here. A column
// that is also named stands where it comes first; any other entry of a column's name would give the row
// object one key twice.
Result<void> write_with_all(Writer& out, std::span<const Projection> entries, Positions* positions) {
  const auto& columns = out.table().columns;
  std::pmr::vector<bool> written(columns.size(), false, &out.memory());
  for (const auto& entry : entries) {
    if (entry.all) {
      for (std::size_t i = 0; i < columns.size(); ++i) {
        if (written[i]) continue;
        written[i] = true;
        Projection single;
        single.column.name = columns[i].name;
        auto result = write_entry(out, single, positions);
        if (!result) return result;
      }
      continue;
    }
    const auto name = output_name(entry);
    const auto taken = std::find_if(columns.begin(), columns.end(),
                                    [name](const Column& column) { return column.name == name; });
    if (taken != columns.end()) {
      if (!is_bare(entry)) {
        return Error(ErrorCode::invalid_payload, "Two entries of columns have the output name \"" +
                                                     std::string(name) + "\"; give one an alias.")
            .with("member", std::string_view("columns"));
      }
      const auto index = static_cast<std::size_t>(taken - columns.begin());
      if (written[index]) continue;
      written[index] = true;
    }
    auto result = write_entry(out, entry, positions);
    if (!result) return result;
  }
  return {};
}

Result<void> write_entries(Writer& out, std::span<const Projection> entries, Positions* positions) {
  if (entries.empty()) return write_all(out, positions);
  if (std::any_of(entries.begin(), entries.end(), [](const Projection& entry) { return entry.all; })) {
    if (entries.size() == 1) return write_all(out, positions);
    return write_with_all(out, entries, positions);
  }
  for (const auto& entry : entries) {
    auto written = write_entry(out, entry, positions);
    if (!written) return written;
  }
  return {};
}

}  // namespace

Result<void> write_projection(Writer& out, std::span<const Projection> entries) {
  return write_entries(out, entries, nullptr);
}

Key resource_id_columns(const Table& table) {
  if (!table.primary_key.empty()) return table.primary_key;
  int column = table.find_column("id");
  if (column < 0) column = table.find_column(table.name + "_id");
  if (column < 0) return {};
  return {static_cast<std::uint16_t>(column)};
}

Result<void> write_returning(Writer& out, const Returning& returning) {
  Key id;
  if (returning.resource_id) id = resource_id_columns(out.table());
  if (returning.nothing && id.empty()) return {};
  out.add(" RETURNING ");
  Statement& statement = out.statement();
  Positions positions(out.table().columns.size(), kNowhere, &out.memory());
  if (!returning.nothing) {
    auto written = write_entries(out, returning.entries, &positions);
    if (!written) return written;
  }
  for (const auto column : id) {
    if (positions[column] == kNowhere) {
      separate(out);
      const Column& hidden = out.table().columns[column];
      describe(out, hidden.name, hidden.type);
      statement.columns.back().hidden = true;
      positions[column] = static_cast<std::uint16_t>(statement.columns.size() - 1);
      out.column(hidden);
    }
    statement.resource_id.push_back(positions[column]);
  }
  return {};
}

}  // namespace athena::sql

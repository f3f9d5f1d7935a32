#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "engines/sql/table.h"
#include "query/row_sink.h"

struct sqlite3_stmt;
struct sqlite3_value;

namespace athena::sqlite {

/// What the declared type of a column makes of its values; SQLite itself knows the storage classes only.
enum class DeclaredForm : std::uint8_t {
  plain,
  boolean,  ///< the integers 0 and 1 are false and true
  json,     ///< text that is valid JSON is embedded
};
DeclaredForm declared_form(const sql::Type* type);

/// What a declared type is good for, by its name and then by SQLite's affinity rules: `BOOLEAN`, `JSON`,
/// `UUID`, dates, `…INT…` integer, `…CHAR…`, `…CLOB…`, `…TEXT…` text, `…BLOB…` bytes, `…REAL…`, `…FLOA…`,
/// `…DOUB…` floating, `NUMERIC`, `DECIMAL`, `NUMBER`, `MONEY` numeric; anything else, and no type at all:
/// other.
sql::TypeCategory category_of(std::string_view declaration);

/// Rows of a result in one flat buffer: made on one thread, read on another. Numbers are stored as their JSON
/// text: integers as they are, reals in the shortest form that reads back the same, with `.0` when it would
/// look like an integer, the infinities as strings.
class RowBatch {
 public:
  explicit RowBatch(std::size_t columns) : columns_(columns) {}

  /// Appends the current row of a statement. `utf8`: the database holds its text in UTF-8.
  void append(sqlite3_stmt* statement, std::span<const DeclaredForm> forms, bool utf8);
  [[nodiscard]] std::size_t columns() const { return columns_; }
  [[nodiscard]] std::size_t rows() const { return rows_.size(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_.size() + slots_.size() * sizeof(Slot); }
  /// The cells of a row, as views into this batch; `cells` is the room for them.
  std::span<const query::Cell> row(std::size_t index, std::vector<query::Cell>& cells) const;

  /// Puts the rows into ascending order of `keys` (one per row); equal keys keep their order.
  void sort_by(std::span<const std::uint32_t> keys);
  /// Forgets rows beyond the first `count`.
  void keep(std::size_t count);
  void clear();

 private:
  enum class Kind : std::uint8_t { null, number, text, blob, boolean, json };
  struct Slot {
    std::uint32_t size;
    Kind kind;
  };
  struct Row {
    std::size_t byte;
    std::size_t slot;
  };
  static const query::ValueFormat* format(Kind kind);
  void append_value(sqlite3_value* value, DeclaredForm form, bool utf8);
  void push(Kind kind, std::string_view text);

  std::size_t columns_;
  base::Buffer bytes_;
  std::vector<Slot> slots_;
  std::vector<Row> rows_;
};

}  // namespace athena::sqlite

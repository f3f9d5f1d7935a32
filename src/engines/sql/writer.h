#pragma once

#include <cstddef>
#include <memory_resource>
#include <string_view>

#include "contract/error.h"
#include "engines/sql/dialect.h"
#include "engines/sql/statement.h"
#include "engines/sql/table.h"
#include "query/request.h"

namespace athena::sql {

/// A column reference of a request after its lookup.
struct Operand {
  const Column* column = nullptr;
  std::span<const query::JsonStep> path;
  const Type* cast = nullptr;  ///< null = none
  const Type* type = nullptr;  ///< of the whole, after path and cast; null = unknown
  std::string_view name;       ///< spelling of the request, for errors

  [[nodiscard]] bool is_plain() const { return path.empty() && cast == nullptr; }
  /// Never null: types nobody knows are bound as the server sees fit.
  [[nodiscard]] const Type& type_or_unknown() const;
};

/// What is bound for a column of a type that the catalogue does not know.
const Type& unknown_type();

/// A statement under construction: text and values grow together, so no placeholder is without its value.
class Writer {
 public:
  Writer(Statement& statement, const Dialect& dialect, const Table& table, std::pmr::memory_resource& memory)
      : statement_(statement), dialect_(dialect), table_(table), memory_(memory) {}

  [[nodiscard]] std::pmr::string& text() { return statement_.text; }
  [[nodiscard]] Statement& statement() { return statement_; }
  [[nodiscard]] const Dialect& dialect() const { return dialect_; }
  [[nodiscard]] const Table& table() const { return table_; }
  [[nodiscard]] std::pmr::memory_resource& memory() const { return memory_; }

  void add(std::string_view sql) { statement_.text.append(sql); }
  void identifier(std::string_view name) { append_identifier(statement_.text, name); }
  /// Adds the value and writes its placeholder; returns its number.
  std::size_t placeholder(const Bind& bind);
  /// Writes the placeholder of a value that is already there.
  void placeholder_again(std::size_t n) { dialect_.append_placeholder(statement_.text, n); }

  /// What stands before column names: nothing, or a table name or alias ready for SQL. Returns what stood
  /// there before.
  std::string_view qualify(std::string_view qualifier);
  /// `"t"`, as columns of the target can always be addressed where the target has no alias.
  [[nodiscard]] std::string_view table_qualifier() const;
  void column(const Column& column);
  /// Column, path and cast.
  contract::Result<void> operand(const Operand& operand);

 private:
  Statement& statement_;
  const Dialect& dialect_;
  const Table& table_;
  std::pmr::memory_resource& memory_;
  std::string_view qualifier_;
};

/// Looks up column, path and cast. Errors: undefined_column, invalid_identifier, invalid_operator.
contract::Result<Operand> resolve(const query::ColumnRef& reference, const Table& table,
                                  const Dialect& dialect);
/// Index into table.columns, or undefined_column with near names.
contract::Result<std::uint16_t> find_column(const Table& table, std::string_view name);

}  // namespace athena::sql

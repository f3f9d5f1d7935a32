#include "engines/sql/writer.h"

#include <algorithm>

#include "engines/sql/refusals.h"

namespace athena::sql {

const Type& unknown_type() {
  static const Type type;
  return type;
}

const Type& Operand::type_or_unknown() const {
  return type != nullptr ? *type : unknown_type();
}

std::size_t Writer::placeholder(const Bind& bind) {
  statement_.binds.push_back(bind);
  const std::size_t n = statement_.binds.size();
  dialect_.append_placeholder(statement_.text, n);
  return n;
}

std::string_view Writer::qualify(std::string_view qualifier) {
  const auto before = qualifier_;
  qualifier_ = qualifier;
  return before;
}

// Table::quoted is `"schema"."name"`: the second half is what columns are addressed by.
std::string_view Writer::table_qualifier() const {
  const auto quotes = std::count(table_.name.begin(), table_.name.end(), '"');
  const std::size_t length = table_.name.size() + static_cast<std::size_t>(quotes) + 2;
  const std::string_view quoted = table_.quoted;
  return quoted.substr(quoted.size() - std::min(length, quoted.size()));
}

void Writer::column(const Column& column) {
  if (!qualifier_.empty()) statement_.text.append(qualifier_).push_back('.');
  append_identifier(statement_.text, column.name);
}

contract::Result<void> Writer::operand(const Operand& operand) {
  if (operand.is_plain()) {
    column(*operand.column);
    return {};
  }
  if (operand.cast != nullptr) dialect_.begin_cast(statement_.text);
  if (operand.path.empty()) {
    column(*operand.column);
  } else {
    auto written = dialect_.write_json_path(*this, *operand.column, operand.path);
    if (!written) return written;
  }
  if (operand.cast != nullptr) dialect_.end_cast(statement_.text, *operand.cast);
  return {};
}

contract::Result<std::uint16_t> find_column(const Table& table, std::string_view name) {
  const int index = table.find_column(name);
  if (index < 0) return undefined_column(table, name);
  return static_cast<std::uint16_t>(index);
}

contract::Result<Operand> resolve(const query::ColumnRef& reference, const Table& table,
                                  const Dialect& dialect) {
  const int index = table.find_column(reference.name);
  if (index < 0) return undefined_column(table, reference.name);
  Operand operand;
  operand.column = &table.columns[static_cast<std::size_t>(index)];
  operand.type = operand.column->type;
  operand.name = reference.name;
  if (!reference.path.empty()) {
    operand.path = reference.path;
    auto type = dialect.json_path_type(*operand.column, reference.path);
    if (!type) return std::move(type).error();
    operand.type = *type;
  }
  if (!reference.cast.empty()) {
    const Type* cast = dialect.types().find(reference.cast);
    if (cast == nullptr) return unknown_cast(reference.cast);
    if (operand.type == nullptr || !dialect.cast_is_void(*operand.type, *cast)) operand.cast = cast;
    operand.type = cast;
  }
  return operand;
}

}  // namespace athena::sql

#include "engines/sqlite/owned_statement.h"

#include <sqlite3.h>

#include <charconv>

namespace athena::sqlite {
namespace {

using contract::Error;
using contract::ErrorCode;
using contract::Result;

template <class Number>
Result<Number> parse(std::string_view digits) {
  Number number{};
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size()) {
    return Error(ErrorCode::invalid_value,
                 "The number " + std::string(digits.substr(0, 64)) + " is out of range.");
  }
  return number;
}

}  // namespace

Result<void> bind_one(Connection& connection, sqlite3_stmt* statement, int position, sql::Bind::Kind kind,
                      std::string_view text) {
  int code = SQLITE_OK;
  switch (kind) {
    case sql::Bind::Kind::null:
      code = sqlite3_bind_null(statement, position);
      break;
    case sql::Bind::Kind::integer: {
      const auto number = parse<std::int64_t>(text);
      if (!number) return number.error();
      code = sqlite3_bind_int64(statement, position, *number);
      break;
    }
    case sql::Bind::Kind::real: {
      const auto number = parse<double>(text);
      if (!number) return number.error();
      code = sqlite3_bind_double(statement, position, *number);
      break;
    }
    case sql::Bind::Kind::text:
      // An empty view may have no address, which SQLite would take for NULL.
      code = sqlite3_bind_text64(statement, position, text.empty() ? "" : text.data(), text.size(),
                                 SQLITE_STATIC, SQLITE_UTF8);
      break;
    case sql::Bind::Kind::blob:
      code = text.empty() ? sqlite3_bind_zeroblob(statement, position, 0)
                          : sqlite3_bind_blob64(statement, position, text.data(), text.size(), SQLITE_STATIC);
      break;
  }
  if (code != SQLITE_OK) return connection.error(code);
  return {};
}

OwnedStatement::OwnedStatement(const sql::Statement& statement)
    : text(statement.text), input_rows(statement.input_rows.begin(), statement.input_rows.end()) {
  std::size_t size = 0;
  for (const auto& bind : statement.binds) size += bind.text.size();
  bytes.reserve(size);
  values.reserve(statement.binds.size());
  for (const auto& bind : statement.binds) {
    values.push_back({bind.kind, bytes.size(), bind.text.size()});
    bytes.append(bind.text);
  }
  for (std::size_t i = 0; i < statement.columns.size(); ++i) {
    forms.push_back(declared_form(i < statement.types.size() ? statement.types[i] : nullptr));
  }
}

Result<void> bind_values(Connection& connection, sqlite3_stmt* statement, std::span<const sql::Bind> binds) {
  int position = 0;
  for (const auto& bind : binds) {
    auto bound = bind_one(connection, statement, ++position, bind.kind, bind.text);
    if (!bound) return bound;
  }
  return {};
}

Result<void> bind_values(Connection& connection, sqlite3_stmt* statement, const OwnedStatement& owned) {
  int position = 0;
  const std::string_view bytes = owned.bytes;
  for (const auto& value : owned.values) {
    auto bound =
        bind_one(connection, statement, ++position, value.kind, bytes.substr(value.offset, value.size));
    if (!bound) return bound;
  }
  return {};
}

}  // namespace athena::sqlite

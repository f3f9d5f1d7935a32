#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "contract/error.h"
#include "engines/sql/statement.h"
#include "engines/sqlite/connection.h"
#include "engines/sqlite/values.h"

namespace athena::sqlite {

/// A statement with values and memory of its own, so that another thread may run it whatever becomes of the
/// request.
struct OwnedStatement {
  explicit OwnedStatement(const sql::Statement& statement);

  struct Value {
    sql::Bind::Kind kind;
    std::size_t offset, size;  // in `bytes`
  };
  std::string text;
  std::string bytes;
  std::vector<Value> values;
  std::vector<DeclaredForm> forms;  ///< of its columns; empty = returns no rows
  std::vector<std::uint32_t> input_rows;
};

/// Binds one value, `position` from 1; as below.
contract::Result<void> bind_one(Connection& connection, sqlite3_stmt* statement, int position,
                                sql::Bind::Kind kind, std::string_view text);
/// Binds the values of a statement. Texts are not copied: they must live until the statement is reset.
/// Errors: invalid_value for digits that are no int64, too_complex for more values than SQLite takes.
contract::Result<void> bind_values(Connection& connection, sqlite3_stmt* statement,
                                   std::span<const sql::Bind> binds);
contract::Result<void> bind_values(Connection& connection, sqlite3_stmt* statement,
                                   const OwnedStatement& owned);

}  // namespace athena::sqlite

#pragma once

#include <cstdint>
#include <string_view>

#include "contract/error.h"

struct sqlite3;

namespace athena::sqlite {

/// Why a running statement was stopped by Athena itself.
enum class StopReason : std::uint8_t { none, deadline, cancelled, budget };

/// The contract's error for a failed call: `code` is the (extended) result, `message` SQLite's own English
/// text. Details: sqlite_code, constraint, table, column where the text names them.
///
/// A unique violation is told in PostgreSQL's form. SQLite names columns, not constraints, so the
/// constraint's name is the one that PostgreSQL would have given it: `users_pkey` for a primary key,
/// `users_email_key`, `seats_row_no_seat_key`; for an index on expressions the index itself.
contract::Error database_error(int code, std::string_view message, StopReason stopped = StopReason::none);
/// The same for what happened last on a connection.
contract::Error database_error(sqlite3* connection, int code, StopReason stopped = StopReason::none);

/// The name of a result code as in sqlite3.h: SQLITE_CONSTRAINT_UNIQUE; unknown ones as their primary code.
std::string_view result_name(int code);
/// True for failures that say that the file is not there or is no database, and connections should be opened
/// again.
bool lost_database(int code);

contract::Error deadline_error();
contract::Error overloaded_error();

}  // namespace athena::sqlite

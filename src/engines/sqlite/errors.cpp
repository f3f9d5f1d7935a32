#include "engines/sqlite/errors.h"

#include <sqlite3.h>

#include <string>
#include <vector>

namespace athena::sqlite {
namespace {

using contract::Error;
using contract::ErrorCode;

struct Name {
  int code;
  std::string_view name;
};

constexpr Name kNames[] = {
    {SQLITE_ERROR, "SQLITE_ERROR"},
    {SQLITE_INTERNAL, "SQLITE_INTERNAL"},
    {SQLITE_PERM, "SQLITE_PERM"},
    {SQLITE_ABORT, "SQLITE_ABORT"},
    {SQLITE_BUSY, "SQLITE_BUSY"},
    {SQLITE_LOCKED, "SQLITE_LOCKED"},
    {SQLITE_NOMEM, "SQLITE_NOMEM"},
    {SQLITE_READONLY, "SQLITE_READONLY"},
    {SQLITE_INTERRUPT, "SQLITE_INTERRUPT"},
    {SQLITE_IOERR, "SQLITE_IOERR"},
    {SQLITE_CORRUPT, "SQLITE_CORRUPT"},
    {SQLITE_FULL, "SQLITE_FULL"},
    {SQLITE_CANTOPEN, "SQLITE_CANTOPEN"},
    {SQLITE_PROTOCOL, "SQLITE_PROTOCOL"},
    {SQLITE_SCHEMA, "SQLITE_SCHEMA"},
    {SQLITE_TOOBIG, "SQLITE_TOOBIG"},
    {SQLITE_CONSTRAINT, "SQLITE_CONSTRAINT"},
    {SQLITE_MISMATCH, "SQLITE_MISMATCH"},
    {SQLITE_MISUSE, "SQLITE_MISUSE"},
    {SQLITE_NOLFS, "SQLITE_NOLFS"},
    {SQLITE_AUTH, "SQLITE_AUTH"},
    {SQLITE_RANGE, "SQLITE_RANGE"},
    {SQLITE_NOTADB, "SQLITE_NOTADB"},
    {SQLITE_BUSY_RECOVERY, "SQLITE_BUSY_RECOVERY"},
    {SQLITE_BUSY_SNAPSHOT, "SQLITE_BUSY_SNAPSHOT"},
    {SQLITE_CONSTRAINT_CHECK, "SQLITE_CONSTRAINT_CHECK"},
    {SQLITE_CONSTRAINT_DATATYPE, "SQLITE_CONSTRAINT_DATATYPE"},
    {SQLITE_CONSTRAINT_FOREIGNKEY, "SQLITE_CONSTRAINT_FOREIGNKEY"},
    {SQLITE_CONSTRAINT_NOTNULL, "SQLITE_CONSTRAINT_NOTNULL"},
    {SQLITE_CONSTRAINT_PRIMARYKEY, "SQLITE_CONSTRAINT_PRIMARYKEY"},
    {SQLITE_CONSTRAINT_ROWID, "SQLITE_CONSTRAINT_ROWID"},
    {SQLITE_CONSTRAINT_TRIGGER, "SQLITE_CONSTRAINT_TRIGGER"},
    {SQLITE_CONSTRAINT_UNIQUE, "SQLITE_CONSTRAINT_UNIQUE"},
    {SQLITE_CONSTRAINT_VTAB, "SQLITE_CONSTRAINT_VTAB"},
};

/// What follows `prefix` in the text, or nothing.
std::string_view after(std::string_view text, std::string_view prefix) {
  return text.starts_with(prefix) ? text.substr(prefix.size()) : std::string_view();
}

struct ColumnList {
  std::string_view table;
  std::vector<std::string_view> columns;
};

/// `users.email, users.name` → users, {email, name}. Names that hold dots or commas come out cut, as SQLite
/// does not quote.
ColumnList parse_columns(std::string_view text) {
  ColumnList list;
  while (!text.empty()) {
    const auto comma = text.find(", ");
    const std::string_view item = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 2);
    const auto dot = item.find('.');
    if (dot == std::string_view::npos) continue;
    if (list.table.empty()) list.table = item.substr(0, dot);
    list.columns.push_back(item.substr(dot + 1));
  }
  return list;
}

Error unique_violation(std::string_view message, bool primary_key) {
  const std::string_view what = after(message, "UNIQUE constraint failed: ");
  const std::string_view index = after(what, "index '");
  std::string constraint;
  ColumnList list;
  if (!index.empty()) {
    constraint = index.substr(0, index.rfind('\''));
  } else {
    list = parse_columns(what);
    constraint = list.table;
    if (primary_key) {
      constraint += "_pkey";
    } else {
      for (const auto column : list.columns) constraint.append("_").append(column);
      constraint += "_key";
    }
  }
  Error error(ErrorCode::unique_violation,
              "duplicate key value violates unique constraint \"" + constraint + "\"");
  error.with_database("constraint", constraint);
  if (!list.table.empty()) error.with_database("table", list.table);
  if (list.columns.size() == 1) error.with_database("column", list.columns[0]);
  return error;
}

Error constraint_error(int code, std::string_view message) {
  switch (code) {
    case SQLITE_CONSTRAINT_UNIQUE:
      return unique_violation(message, false);
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
      return unique_violation(message, true);
    case SQLITE_CONSTRAINT_FOREIGNKEY:
      return Error(ErrorCode::foreign_key_violation, "A foreign key constraint failed.");
    case SQLITE_CONSTRAINT_NOTNULL: {
      const ColumnList list = parse_columns(after(message, "NOT NULL constraint failed: "));
      if (list.columns.empty()) return Error(ErrorCode::not_null_violation, std::string(message));
      Error error(ErrorCode::not_null_violation, "null value in column \"" + std::string(list.columns[0]) +
                                                     "\" of relation \"" + std::string(list.table) +
                                                     "\" violates not-null constraint");
      error.with_database("table", list.table).with_database("column", list.columns[0]);
      return error;
    }
    case SQLITE_CONSTRAINT_TRIGGER:
      return Error(ErrorCode::raised_exception, std::string(message));
    case SQLITE_CONSTRAINT_DATATYPE:
      return Error(ErrorCode::invalid_value, std::string(message));
    default: {
      Error error(ErrorCode::check_constraint_violation, std::string(message));
      const std::string_view name = after(message, "CHECK constraint failed: ");
      if (!name.empty()) error.with_database("constraint", name);
      return error;
    }
  }
}

/// SQLITE_ERROR has many meanings; its texts are fixed English.
Error generic_error(std::string_view message) {
  const auto has = [message](std::string_view part) { return message.find(part) != std::string_view::npos; };
  ErrorCode code = ErrorCode::syntax_error;
  if (has("no such table") || has("no such view")) {
    code = ErrorCode::undefined_table;
  } else if (has("no such column") || has("has no column named")) {
    code = ErrorCode::undefined_column;
  } else if (has("no such function")) {
    code = ErrorCode::undefined_function;
  } else if (has("already exists")) {
    code = ErrorCode::duplicate_object;
  } else if (has("LIKE pattern") || has("integer overflow") || has("malformed JSON") ||
             has("JSON path error")) {
    code = ErrorCode::invalid_value;
  } else if (has("too many") || has("too deep") || has("Expression tree is too large") || has("too large")) {
    code = ErrorCode::too_complex;
  }
  return Error(code, std::string(message));
}

Error map(int code, std::string_view message, StopReason stopped) {
  switch (code & 0xFF) {
    case SQLITE_CONSTRAINT:
      return constraint_error(code, message);
    case SQLITE_ERROR:
      return generic_error(message);
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
    case SQLITE_RANGE:
      return Error(ErrorCode::invalid_value, std::string(message));
    case SQLITE_READONLY:
      return Error(ErrorCode::read_only_violation, "The database is read-only.");
    case SQLITE_AUTH:
    case SQLITE_PERM:
      return Error(ErrorCode::insufficient_privilege, std::string(message));
    case SQLITE_INTERRUPT:
      if (stopped == StopReason::cancelled)
        return Error(ErrorCode::client_closed_request, "The caller has left.");
      if (stopped == StopReason::deadline) return deadline_error();
      return Error(ErrorCode::statement_timeout, "The statement was interrupted.");
    case SQLITE_BUSY:
      if (code == SQLITE_BUSY_SNAPSHOT) return Error(ErrorCode::serialization_failure);
      [[fallthrough]];
    case SQLITE_LOCKED:
      if (stopped == StopReason::deadline) return deadline_error();
      return Error(ErrorCode::overloaded, "The database file is locked by another process.");
    case SQLITE_FULL:
      return Error(ErrorCode::overloaded, "The database or its disk is full.");
    case SQLITE_NOMEM:
      return Error(ErrorCode::overloaded, "Out of memory.");
    case SQLITE_CANTOPEN:
      return Error(ErrorCode::backend_unreachable, "The database file cannot be opened.")
          .with("reason", "refused");
    case SQLITE_NOTADB:
      return Error(ErrorCode::backend_unreachable, "The file is not a database.").with("reason", "protocol");
    default:
      return Error(ErrorCode::database_error, std::string(message));
  }
}

}  // namespace

std::string_view result_name(int code) {
  for (const auto& known : kNames) {
    if (known.code == code) return known.name;
  }
  for (const auto& known : kNames) {
    if (known.code == (code & 0xFF)) return known.name;
  }
  return "SQLITE_UNKNOWN";
}

Error database_error(int code, std::string_view message, StopReason stopped) {
  Error error = map(code, message, stopped);
  error.with_database("sqlite_code", result_name(code));
  return error;
}

Error database_error(sqlite3* connection, int code, StopReason stopped) {
  const int extended = sqlite3_extended_errcode(connection);
  const bool same = (extended & 0xFF) == (code & 0xFF);
  return database_error(same ? extended : code, same ? sqlite3_errmsg(connection) : sqlite3_errstr(code),
                        stopped);
}

bool lost_database(int code) {
  const int primary = code & 0xFF;
  return primary == SQLITE_CANTOPEN || primary == SQLITE_NOTADB;
}

Error deadline_error() {
  return Error(ErrorCode::deadline_exceeded, "The request did not finish by its deadline.");
}

Error overloaded_error() {
  return Error(ErrorCode::overloaded, "Too many requests wait for this database file.");
}

}  // namespace athena::sqlite

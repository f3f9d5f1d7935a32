#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/deadline.h"
#include "base/result.h"
#include "contract/client_definition.h"

namespace athena::control {

/// A blob: bytes in a type of their own, as text travels as std::string.
struct Bytes {
  std::string bytes;
  bool operator==(const Bytes&) const = default;
};

/// A value that is bound to a statement or was read. Both homes give equal values for equal rows: integers
/// and booleans as such (SQLite has integers for booleans: use as_bool()), `num` as double, uuids in lower
/// case, times as `2026-03-01T08:00:00.123Z` (UTC, three fraction digits), JSON as compact text with the
/// members in any order.
using Value = std::variant<std::monostate, bool, std::int64_t, double, std::string, Bytes>;
inline Value null() {
  return {};
}

using Row = std::vector<Value>;
using Values = std::vector<Value>;

struct Rows {
  std::vector<Row> rows;
  std::int64_t affected = 0;  ///< of INSERT, UPDATE, DELETE; also with RETURNING
};

/// Readers of one cell. The cell must have the type (or be null, for those that say so): a store that gives
/// something else is a mistake of the statement, and ends in std::bad_variant_access.
[[nodiscard]] bool is_null(const Value& value);
[[nodiscard]] bool as_bool(const Value& value);  ///< a boolean, or an integer that is not 0
[[nodiscard]] std::int64_t as_integer(const Value& value);
[[nodiscard]] double as_number(const Value& value);            ///< an integer or a double
[[nodiscard]] const std::string& as_text(const Value& value);  ///< text
[[nodiscard]] std::string text_or_empty(const Value& value);   ///< text; null = empty

struct StoreError {
  enum class Kind : std::uint8_t {
    unreachable,  ///< no connection, connection lost, deadline passed, SQLite's lock not to be had in time,
                  ///< or a store that can't write now (disk full, standby)
    conflict,     ///< unique, foreign key or other constraint; the transaction is lost
    retry,        ///< deadlock or serialization failure; the transaction can be tried again
    failed,       ///< anything else; a mistake of ours or a damaged store
  } kind = Kind::failed;
  std::string message;    ///< for the log; holds no value of a row and no password
  std::string sql_state;  ///< PostgreSQL's five characters, or the name of SQLite's code (`SQLITE_FULL`)
};

/// For value() of a result that must be one: ends in std::runtime_error.
[[noreturn]] void throw_exception_from_error(const StoreError& error, const boost::source_location& where);

template <class T>
using StoreResult = base::Result<T, StoreError>;

enum class Home : std::uint8_t { sqlite, postgres };

/// One connection to a database that holds control tables. Used by one thread at a time; every call blocks,
/// so never on a shard. A connection that was lost is made again by the next call outside a transaction.
///
/// Statements are portable: parameters are `$1`, `$2`…, each bound, never a literal of a caller; booleans,
/// times and uuids are bound as they are read. In PostgreSQL a parameter gets its type from the place where
/// it stands, like a literal in quotes does (`SELECT $1` is text).
///
/// The first statement that fails inside a transaction loses it: whatever follows fails with the same error,
/// until rollback() or a commit(), which fails with it too.
class Session {
 public:
  virtual ~Session() = default;

  [[nodiscard]] virtual Home home() const = 0;

  /// Runs one statement with its parameters.
  virtual StoreResult<Rows> execute(std::string_view sql, const Values& parameters) = 0;
  StoreResult<Rows> execute(std::string_view sql) { return execute(sql, {}); }

  /// Begins a transaction that will write: BEGIN in PostgreSQL, BEGIN IMMEDIATE in SQLite.
  virtual StoreResult<void> begin() = 0;
  /// After a failed commit nothing was written, but for `unreachable`: then nobody knows.
  virtual StoreResult<void> commit() = 0;
  /// Never fails: a connection whose rollback fails is dropped.
  virtual void rollback() = 0;
  [[nodiscard]] virtual bool in_transaction() const = 0;

  /// Inserts rows into the named columns of a table of ours, as fast as the home can: COPY … FROM STDIN in
  /// PostgreSQL, one prepared INSERT in SQLite. Inside or outside a transaction; all or nothing.
  virtual StoreResult<void> insert_many(std::string_view table, const std::vector<std::string_view>& columns,
                                        const std::vector<Row>& rows) = 0;

  /// Every call from now on ends by `deadline` with `unreachable`; the statement is cancelled.
  virtual void set_deadline(base::Deadline deadline) = 0;
  /// PostgreSQL: waits until a notification of channel athena_control has come or the time is over; the
  /// payloads. LISTEN is issued on first use and after every new connection. SQLite: only waits.
  virtual StoreResult<std::vector<std::string>> wait_for_notifications(base::Deadline until) = 0;
};

/// Where a home is.
struct StoreLocation {
  Home home = Home::sqlite;
  std::string path;                       ///< SQLite file
  contract::PostgresConnection postgres;  ///< PostgreSQL: of its client, with search_path and TLS; a secret
  bool synchronous = true;                ///< SQLite: FULL for admin changes, NORMAL for telemetry
  bool read_only = false;  ///< SQLite: the file is there and stays as it is; begin() takes a snapshot
};

/// `"name"` with inner quotes doubled, for names of tables and columns in statements.
[[nodiscard]] std::string quote_name(std::string_view name);

/// A session that has not connected yet.
std::unique_ptr<Session> make_session(const StoreLocation& location);

/// Ends a transaction that was not committed.
class Transaction {
 public:
  explicit Transaction(Session& session) : session_(session) {}
  ~Transaction() {
    if (session_.in_transaction()) session_.rollback();
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  StoreResult<void> begin() { return session_.begin(); }
  StoreResult<void> commit() { return session_.commit(); }

 private:
  Session& session_;
};

}  // namespace athena::control

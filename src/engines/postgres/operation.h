#pragma once

#include <boost/intrusive/list_hook.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/deadline.h"
#include "engines/postgres/prepared.h"
#include "engines/sql/statement.h"
#include "query/row_sink.h"

namespace athena::postgres {

class Connection;

/// An ErrorResponse, kept.
struct ServerError {
  std::string severity, sql_state, message, detail, hint, position, schema, table, column, constraint,
      routine;
};

namespace wire {
struct ErrorFields;
}

/// One statement on its way over a connection, from its first frame to its ReadyForQuery. Lives with the one
/// who waits for it (a coroutine frame): no allocation per request. Shard-local.
class Operation
    : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  Operation() = default;
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;
  virtual ~Operation() = default;

  enum class Protocol : std::uint8_t {
    prepared,  ///< extended, by the connection's cache
    unnamed,   ///< extended, Parse each time
    simple,    ///< one text without values: BEGIN, SET …
    describe,  ///< extended: parsed and described only; on_parameters tells what it takes
  };
  // What to run; read by Connection::submit only.
  Protocol protocol = Protocol::prepared;
  std::string_view sql;
  std::span<const sql::Bind> binds;
  bool wants_rows = false;  ///< simple: its rows are wanted, of each of its statements

  enum class Outcome : std::uint8_t {
    pending,
    done,           ///< CommandComplete (or an empty query) and ReadyForQuery came
    error,          ///< the server refused: `error`
    lost,           ///< the connection broke; `error` holds the server's last words, if any
    prepare_again,  ///< its prepared statement is gone or outdated on the server; it did not run
    stray_cancel,   ///< a cancel meant for another request hit it; it did not run
    too_large,      ///< a row above the limit; the connection is closed
    copy,           ///< the statement wanted to copy; refused
    stopped,        ///< on_row answered `stop`; the rest is dropped
    unreachable,    ///< it waited for a connection, and none could be opened (Pool::unreachable_error)
  };
  // What came of it.
  Outcome outcome = Outcome::pending;
  std::unique_ptr<ServerError> error;
  std::int64_t affected = 0;  ///< of its last CommandComplete
  bool sent = false;          ///< lost: a byte of it may have reached the server
  bool reply_seen = false;    ///< lost: a byte of its reply came
  base::Clock::time_point queued_at{};  ///< set by the pool while it waits for a connection
  /// How long the server worked on it, as far as can be seen from here: since it was sent or, if later, since
  /// the reply before it was through. Of those that ended by an answer.
  std::chrono::microseconds service_time{0};

  /// The columns of the result, before the first row; `formats` lives until on_finished. False: not what was
  /// compiled against, the operation ends as prepare_again.
  virtual bool on_columns(std::span<const query::ValueFormat* const> formats) = 0;
  /// A DataRow. `pause` and `stop` as in query::RowFlow; after `stop` no more rows come.
  virtual query::RowFlow on_row(std::string_view body) = 0;
  /// Types of its parameters, four bytes each, big-endian; of `describe` only.
  virtual void on_parameters(std::string_view) {}
  /// A CommandComplete: first word and count of its tag.
  virtual void on_command(std::string_view, std::int64_t) {}
  /// A NoticeResponse while it runs.
  virtual void on_notice(const wire::ErrorFields&) {}
  /// The end; `outcome` is set. Nothing touches the operation afterwards, so it may be destroyed or submitted
  /// again inside.
  virtual void on_finished() = 0;

  /// Ends an operation that is on no connection.
  void finish_unsent(Outcome how) {
    outcome = how;
    on_finished();
  }
  /// Where it is; null = on no connection.
  [[nodiscard]] Connection* connection() const { return connection_; }
  /// Names and types of the columns: inside on_columns.
  [[nodiscard]] std::span<const ResultColumn> columns() const { return columns_; }

 private:
  friend class Connection;
  Connection* connection_ = nullptr;
  std::uint64_t sequence_ = 0;
  std::span<const ResultColumn> columns_;
};

}  // namespace athena::postgres

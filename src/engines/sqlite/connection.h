#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/deadline.h"
#include "contract/client_definition.h"
#include "contract/error.h"
#include "engines/sqlite/authorizer.h"
#include "engines/sqlite/errors.h"
#include "engines/sqlite/statement_cache.h"

struct sqlite3;
struct sqlite3_stmt;

namespace athena::sqlite {

/// One connection to a file. Opened without SQLite's own mutex: one thread at a time may use it, interrupting
/// included.
class Connection {
 public:
  enum class Role : std::uint8_t {
    writer,        ///< may create the file; switches it to WAL
    reader,        ///< a worker's: cannot write, waits for locks up to the busy timeout
    inline_reader  ///< a shard's: cannot write, never waits for a lock
  };
  /// Opens the file and proves that it is a database. Errors: backend_unreachable, overloaded (locked).
  static contract::Result<std::unique_ptr<Connection>> open(const contract::SqliteConnection& options,
                                                            Role role);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// The statement of this text, prepared before or now; at most 256 are kept, the least recently used go
  /// first. Valid until the next call.
  contract::Result<Prepared*> prepare(std::string_view sql);
  /// What prepare() is for statements written by callers (text_statement.h compiles them). They are kept
  /// apart: such a text must never find a statement that was compiled without asking the authorizer. At most
  /// 128 are kept.
  Prepared* find_text(std::string_view sql) { return texts_.find(sql); }
  Prepared* keep_text(std::string_view sql, sqlite3_stmt* statement, std::shared_ptr<const TextInfo> info);
  [[nodiscard]] Authorizer& authorizer() { return authorizer_; }
  /// Runs text without values and rows (BEGIN, SAVEPOINT, …); returns SQLite's result code.
  int run(std::string_view sql);
  /// `PRAGMA schema_version`: changes with every DDL of any process. In a transaction: that of its snapshot.
  contract::Result<std::int64_t> schema_version();

  /// Has every commit that committed() reports added to `counter`.
  void count_commits_in(std::atomic<std::uint64_t>& counter) { commits_ = &counter; }
  /// Called after a COMMIT has succeeded and before anybody is told.
  void committed() {
    if (commits_ != nullptr) commits_->fetch_add(1, std::memory_order_release);
  }

  [[nodiscard]] sqlite3* handle() const { return handle_; }
  [[nodiscard]] bool utf8() const { return utf8_; }
  /// False while a transaction is open.
  [[nodiscard]] bool autocommit() const;
  /// The contract's error for the result of the last call.
  contract::Error error(int code) {
    lost_ = lost_ || lost_database(code);
    return database_error(handle_, code, reason_);
  }
  /// True once a failure said that the file is gone or no database any more.
  [[nodiscard]] bool lost() const { return lost_; }
  /// A caller has left something on the connection that the next must not see: it has to be opened anew.
  void wear_out() { worn_out_ = true; }
  [[nodiscard]] bool worn_out() const { return worn_out_; }

  /// What bounds the statements run while it lives: asked every 1000 steps of SQLite's machine, between the
  /// tries for a lock, and inside long comparisons. `stop` may be null. Not nested.
  class Guard {
   public:
    Guard(Connection& connection, base::Deadline deadline, const std::atomic<bool>* stop = nullptr,
          StopReason at_deadline = StopReason::deadline);
    ~Guard();
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

   private:
    Connection& connection_;
  };
  [[nodiscard]] StopReason stop_reason() const { return reason_; }
  /// Has the guard's time come? For functions that run long inside one step.
  bool must_stop();

 private:
  std::atomic<std::uint64_t>* commits_ = nullptr;

  explicit Connection(sqlite3* handle);
  contract::Result<void> configure(const contract::SqliteConnection& options, Role role);
  static int on_progress(void* self);
  static int on_busy(void* self, int tries);

  sqlite3* handle_;
  bool utf8_ = true;
  bool lost_ = false;
  bool worn_out_ = false;
  std::chrono::milliseconds busy_timeout_{0};
  base::Clock::time_point busy_since_{};
  std::optional<base::Deadline> deadline_;
  const std::atomic<bool>* stop_ = nullptr;
  StopReason at_deadline_ = StopReason::deadline;
  StopReason reason_ = StopReason::none;
  Authorizer authorizer_;
  StatementCache statements_;
  StatementCache texts_;
};

/// Resets a statement and drops its values at the end of the scope.
class StatementUse {
 public:
  explicit StatementUse(sqlite3_stmt* statement) : statement_(statement) {}
  ~StatementUse();
  StatementUse(const StatementUse&) = delete;
  StatementUse& operator=(const StatementUse&) = delete;

 private:
  sqlite3_stmt* statement_;
};

}  // namespace athena::sqlite

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <limits>
#include <optional>
#include <thread>

#include "engines/sqlite/library.h"
#include "engines/sqlite/statement_cache.h"
#include "services/control/session_homes.h"

namespace athena::control {
namespace {

using base::Clock;
using base::Deadline;
using Kind = StoreError::Kind;

constexpr std::size_t kPreparedStatements = 128;
constexpr int kStepsBetweenChecks = 1000;
constexpr std::chrono::seconds kBusyTimeout(5);
constexpr std::string_view kNoName = "SQLITE_ERROR";

struct CodeName {
  int code;
  std::string_view name;
  Kind kind = Kind::failed;
};
/// Extended codes before the primary ones they belong to.
constexpr CodeName kCodes[] = {
    {SQLITE_CONSTRAINT_UNIQUE, "SQLITE_CONSTRAINT_UNIQUE", Kind::conflict},
    {SQLITE_CONSTRAINT_PRIMARYKEY, "SQLITE_CONSTRAINT_PRIMARYKEY", Kind::conflict},
    {SQLITE_CONSTRAINT_FOREIGNKEY, "SQLITE_CONSTRAINT_FOREIGNKEY", Kind::conflict},
    {SQLITE_CONSTRAINT_CHECK, "SQLITE_CONSTRAINT_CHECK", Kind::conflict},
    {SQLITE_CONSTRAINT_NOTNULL, "SQLITE_CONSTRAINT_NOTNULL", Kind::conflict},
    {SQLITE_CONSTRAINT, "SQLITE_CONSTRAINT", Kind::conflict},
    {SQLITE_BUSY_SNAPSHOT, "SQLITE_BUSY_SNAPSHOT", Kind::retry},
    {SQLITE_BUSY, "SQLITE_BUSY", Kind::unreachable},
    {SQLITE_LOCKED, "SQLITE_LOCKED", Kind::unreachable},
    {SQLITE_INTERRUPT, "SQLITE_INTERRUPT", Kind::unreachable},
    {SQLITE_CANTOPEN, "SQLITE_CANTOPEN", Kind::unreachable},
    {SQLITE_FULL, "SQLITE_FULL", Kind::unreachable},
    {SQLITE_IOERR, "SQLITE_IOERR", Kind::unreachable},
    {SQLITE_READONLY, "SQLITE_READONLY", Kind::unreachable},
    {SQLITE_PROTOCOL, "SQLITE_PROTOCOL", Kind::unreachable},
    {SQLITE_PERM, "SQLITE_PERM", Kind::unreachable},
    {SQLITE_NOMEM, "SQLITE_NOMEM", Kind::unreachable},
    {SQLITE_CORRUPT, "SQLITE_CORRUPT"},
    {SQLITE_NOTADB, "SQLITE_NOTADB"},
    {SQLITE_SCHEMA, "SQLITE_SCHEMA"},
    {SQLITE_TOOBIG, "SQLITE_TOOBIG"},
    {SQLITE_MISMATCH, "SQLITE_MISMATCH"},
    {SQLITE_RANGE, "SQLITE_RANGE"},
};

CodeName name_of(int code) {
  for (const auto& entry : kCodes) {
    if (entry.code == code || entry.code == (code & 0xFF)) return entry;
  }
  return {code, kNoName};
}

class SqliteSession final : public Session {
 public:
  explicit SqliteSession(StoreLocation location) : location_(std::move(location)) {}
  ~SqliteSession() override { close(); }

  using Session::execute;
  [[nodiscard]] Home home() const override { return Home::sqlite; }
  StoreResult<Rows> execute(std::string_view sql, const Values& parameters) override;
  StoreResult<void> begin() override;
  StoreResult<void> commit() override;
  void rollback() override;
  [[nodiscard]] bool in_transaction() const override { return in_transaction_; }
  StoreResult<void> insert_many(std::string_view table, const std::vector<std::string_view>& columns,
                                const std::vector<Row>& rows) override;
  void set_deadline(Deadline deadline) override { deadline_ = deadline; }
  StoreResult<std::vector<std::string>> wait_for_notifications(Deadline until) override {
    std::this_thread::sleep_until(std::min(until.at(), deadline_.at()));
    return std::vector<std::string>{};
  }

 private:
  StoreResult<void> ready();
  StoreResult<void> open();
  void create_file();
  StoreResult<void> configure();
  void close();
  StoreResult<sqlite3_stmt*> prepare(std::string_view sql);
  /// For statements without values and rows.
  StoreResult<void> run(std::string_view sql);
  int bind(sqlite3_stmt* statement, int index, const Value& value);
  StoreError error(int code);
  /// The error on its way out: it loses the transaction.
  StoreError fail(StoreError error) {
    if (in_transaction_ && !lost_) lost_ = error;
    return error;
  }

  static int on_progress(void* self) {
    return static_cast<SqliteSession*>(self)->deadline_.expired() ? 1 : 0;
  }
  static int on_busy(void* self, int tries);

  const StoreLocation location_;
  sqlite3* handle_ = nullptr;
  sqlite::StatementCache statements_{kPreparedStatements};
  Deadline deadline_{Clock::time_point::max()};
  Clock::time_point busy_since_;
  bool in_transaction_ = false;
  bool reopen_ = false;
  std::optional<StoreError> lost_;  ///< why the transaction can't go on
};

/// A statement in use; afterwards it keeps no row, lock or value.
struct Use {
  explicit Use(sqlite3_stmt* used) : statement(used) {}
  ~Use() {
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
  }
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;
  sqlite3_stmt* const statement;
};

int SqliteSession::on_busy(void* self, int tries) {
  auto& session = *static_cast<SqliteSession*>(self);
  const auto now = Clock::now();
  if (tries == 0) session.busy_since_ = now;
  if (session.deadline_.expired() || now - session.busy_since_ >= kBusyTimeout) return 0;
  std::this_thread::sleep_for(std::chrono::milliseconds(tries < 4 ? 1 : 5));
  return 1;
}

StoreError SqliteSession::error(int code) {
  const auto named = name_of(code);
  // SQLite's own sentences name tables and columns, never values.
  std::string message = handle_ != nullptr && sqlite3_extended_errcode(handle_) == code
                            ? sqlite3_errmsg(handle_)
                            : sqlite3_errstr(code);
  if ((code & 0xFF) == SQLITE_INTERRUPT) message = "the statement took longer than its deadline";
  // The file may have gone, or its disk: it is opened again.
  if (named.kind == Kind::unreachable && named.code != SQLITE_BUSY && named.code != SQLITE_INTERRUPT)
    reopen_ = true;
  return {named.kind, std::move(message), std::string(named.name)};
}

StoreResult<void> SqliteSession::ready() {
  if (lost_) return *lost_;
  if (deadline_.expired())
    return StoreError{Kind::unreachable, "the deadline has passed", "SQLITE_INTERRUPT"};
  if (reopen_ && !in_transaction_) close();
  return handle_ == nullptr ? open() : StoreResult<void>();
}

StoreResult<void> SqliteSession::open() {
  sqlite::configure_library();
  if (!location_.read_only) create_file();
  const int mode = location_.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  const int code = sqlite3_open_v2(location_.path.c_str(), &handle_,
                                   mode | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  auto opened = code == SQLITE_OK ? configure() : StoreResult<void>(error(code));
  if (!opened) close();
  return opened;
}

void SqliteSession::create_file() {
  const std::filesystem::path path(location_.path);
  std::error_code failed;
  if (path.has_parent_path() && !std::filesystem::exists(path.parent_path(), failed)) {
    std::filesystem::create_directories(path.parent_path().parent_path(), failed);
    ::mkdir(path.parent_path().c_str(), 0700);  // without the folder opening the file fails, and says so
  }
  // SQLite gives its side files the mode of the database.
  const int file = ::open(location_.path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  if (file >= 0) ::close(file);
}

StoreResult<void> SqliteSession::configure() {
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  // The schema is our own, and its checks use json_valid().
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 1, nullptr);
  // Without this a quoted name that is no column would silently be a string.
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
  sqlite3_progress_handler(handle_, kStepsBetweenChecks, &SqliteSession::on_progress, this);
  sqlite3_busy_handler(handle_, &SqliteSession::on_busy, this);
  // The first page is read, so that a file that is no database shows itself here.
  if (location_.read_only) return run("PRAGMA schema_version");
  // auto_vacuum counts only before the first page is written, which journal_mode does.
  if (auto set = run("PRAGMA auto_vacuum = INCREMENTAL"); !set) return set;
  // Two that open a new file at once: the switch to WAL does not ask the busy handler.
  const auto until = Deadline(deadline_).capped(kBusyTimeout);
  for (;;) {
    auto set = run("PRAGMA journal_mode = WAL");
    if (set) break;
    if (set.error().sql_state != "SQLITE_BUSY" || until.expired()) return set;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  if (auto set = run("PRAGMA journal_size_limit = 67108864"); !set) return set;
  if (auto set = run("PRAGMA foreign_keys = ON"); !set) return set;
  return run(location_.synchronous ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
}

void SqliteSession::close() {
  statements_.clear();
  sqlite3_close(handle_);
  handle_ = nullptr;
  reopen_ = false;
}

StoreResult<sqlite3_stmt*> SqliteSession::prepare(std::string_view sql) {
  if (auto* known = statements_.find(sql)) return known->statement;
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return error(code);
  if (statement == nullptr) return StoreError{Kind::failed, "an empty statement", std::string(kNoName)};
  return statements_.insert(sql, statement)->statement;
}

StoreResult<void> SqliteSession::run(std::string_view sql) {
  const auto statement = prepare(sql);
  if (!statement) return statement.error();
  const Use use(*statement);
  int code = SQLITE_ROW;
  while (code == SQLITE_ROW) code = sqlite3_step(use.statement);
  if (code != SQLITE_DONE) return error(code);
  return {};
}

int SqliteSession::bind(sqlite3_stmt* statement, int index, const Value& value) {
  struct Binder {
    sqlite3_stmt* statement;
    int index;
    int operator()(std::monostate) const { return sqlite3_bind_null(statement, index); }
    int operator()(bool boolean) const { return sqlite3_bind_int(statement, index, boolean ? 1 : 0); }
    int operator()(std::int64_t integer) const { return sqlite3_bind_int64(statement, index, integer); }
    int operator()(double number) const { return sqlite3_bind_double(statement, index, number); }
    int operator()(const std::string& text) const {
      return sqlite3_bind_text64(statement, index, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
    }
    int operator()(const Bytes& blob) const {
      // A null pointer would bind NULL.
      return sqlite3_bind_blob64(statement, index, blob.bytes.empty() ? "" : blob.bytes.data(),
                                 blob.bytes.size(), SQLITE_STATIC);
    }
  };
  return std::visit(Binder{statement, index}, value);
}

Value read_column(sqlite3_stmt* statement, int column) {
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
      return static_cast<std::int64_t>(sqlite3_column_int64(statement, column));
    case SQLITE_FLOAT:
      return sqlite3_column_double(statement, column);
    case SQLITE_TEXT: {
      const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
      return std::string(text, static_cast<std::size_t>(sqlite3_column_bytes(statement, column)));
    }
    case SQLITE_BLOB: {
      const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement, column));
      const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, column));
      return Bytes{bytes == nullptr ? std::string() : std::string(bytes, size)};
    }
    default:
      return null();
  }
}

StoreResult<Rows> SqliteSession::execute(std::string_view sql, const Values& parameters) {
  if (auto able = ready(); !able) return fail(able.error());
  const auto statement = prepare(sql);
  if (!statement) return fail(statement.error());
  const Use use(*statement);
  // By name: SQLite counts `$2` as the first parameter when it comes first. One that the text does not name
  // is left out, as it may stand in the other dialect's text only.
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const auto name = "$" + std::to_string(i + 1);
    const int index = sqlite3_bind_parameter_index(use.statement, name.c_str());
    if (index == 0) continue;
    if (const int code = bind(use.statement, index, parameters[i]); code != SQLITE_OK)
      return fail(error(code));
  }
  Rows result;
  const auto before = sqlite3_total_changes64(handle_);
  int code = SQLITE_ROW;
  while ((code = sqlite3_step(use.statement)) == SQLITE_ROW) {
    const int columns = sqlite3_column_count(use.statement);
    Row row;
    row.reserve(static_cast<std::size_t>(columns));
    for (int column = 0; column < columns; ++column) row.push_back(read_column(use.statement, column));
    result.rows.push_back(std::move(row));
  }
  if (code != SQLITE_DONE) return fail(error(code));
  // sqlite3_changes64() alone would repeat what an earlier statement changed.
  if (sqlite3_total_changes64(handle_) != before) result.affected = sqlite3_changes64(handle_);
  return result;
}

StoreResult<void> SqliteSession::begin() {
  if (in_transaction_) return StoreError{Kind::failed, "a transaction inside a transaction", {}};
  if (auto able = ready(); !able) return able;
  auto begun = run(location_.read_only ? "BEGIN" : "BEGIN IMMEDIATE");
  in_transaction_ = begun.has_value();
  return begun;
}

StoreResult<void> SqliteSession::commit() {
  if (!in_transaction_) return StoreError{Kind::failed, "no transaction", {}};
  auto able = ready();
  auto done = able ? run("COMMIT") : able;
  if (done) {
    in_transaction_ = false;
  } else {
    rollback();
  }
  return done;
}

void SqliteSession::rollback() {
  if (!in_transaction_) return;
  in_transaction_ = false;
  lost_.reset();
  // The deadline that ended the transaction must not end its rollback.
  const auto deadline = std::exchange(deadline_, Deadline(Clock::time_point::max()));
  if (handle_ != nullptr && sqlite3_get_autocommit(handle_) == 0 && !run("ROLLBACK")) close();
  deadline_ = deadline;
}

StoreResult<void> SqliteSession::insert_many(std::string_view table,
                                             const std::vector<std::string_view>& columns,
                                             const std::vector<Row>& rows) {
  if (rows.empty()) return {};
  const bool alone = !in_transaction_;
  if (alone) {
    if (auto begun = begin(); !begun) return begun;
  }
  const auto inserted = [&]() -> StoreResult<void> {
    if (auto able = ready(); !able) return able;
    std::string sql = "INSERT INTO " + quote_name(table) + " (";
    std::string values;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      sql += (i == 0 ? "" : ", ") + quote_name(columns[i]);
      values += i == 0 ? "?" : ", ?";
    }
    sql += ") VALUES (" + values + ")";
    const auto statement = prepare(sql);
    if (!statement) return statement.error();
    for (const auto& row : rows) {
      const Use use(*statement);
      if (row.size() != columns.size()) return StoreError{Kind::failed, "a row of another width", {}};
      for (std::size_t i = 0; i < row.size(); ++i) {
        const int code = bind(use.statement, static_cast<int>(i + 1), row[i]);
        if (code != SQLITE_OK) return error(code);
      }
      if (deadline_.expired()) return error(SQLITE_INTERRUPT);
      const int code = sqlite3_step(use.statement);
      if (code != SQLITE_DONE) return error(code);
    }
    return {};
  }();
  if (inserted) return alone ? commit() : StoreResult<void>();
  if (alone) {
    rollback();
    return inserted;
  }
  return fail(inserted.error());
}

}  // namespace

std::unique_ptr<Session> make_sqlite_session(const StoreLocation& location) {
  return std::make_unique<SqliteSession>(location);
}

}  // namespace athena::control

#include "engines/sqlite/connection.h"

#include <sqlite3.h>

#include <algorithm>
#include <thread>

#include "engines/control_databases.h"
#include "engines/sqlite/functions.h"
#include "engines/sqlite/library.h"

namespace athena::sqlite {
namespace {

constexpr std::size_t kPreparedStatements = 256;
constexpr std::size_t kCallersStatements = 128;
constexpr int kStepsBetweenChecks = 1000;
// Pages an inline reader keeps, in the units of PRAGMA cache_size: 16 MiB. A page that is not kept costs a
// point read a system call and a copy of 4 KiB.
constexpr std::string_view kInlineReaderCache = "PRAGMA cache_size = -16384";
// A single value, row or statement text: what a row may have in a reply.
constexpr int kMaxValueBytes = 64 << 20;

int open_flags(const contract::SqliteConnection& options, Connection::Role role) {
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  if (options.read_only) return flags | SQLITE_OPEN_READONLY;
  flags |= SQLITE_OPEN_READWRITE;
  // Readers leave the creation to the writer, which sets the journal mode of a new file.
  if (role == Connection::Role::writer && options.create) flags |= SQLITE_OPEN_CREATE;
  return flags;
}

}  // namespace

StatementUse::~StatementUse() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

contract::Result<std::unique_ptr<Connection>> Connection::open(const contract::SqliteConnection& options,
                                                               Role role) {
  configure_library();
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(options.path.c_str(), &handle, open_flags(options, role), nullptr);
  std::unique_ptr<Connection> connection(new Connection(handle));
  if (code != SQLITE_OK) return database_error(code, sqlite3_errstr(code));
  auto configured = connection->configure(options, role);
  if (!configured) return configured.error();
  return connection;
}

contract::Result<void> Connection::configure(const contract::SqliteConnection& options, Role role) {
  sqlite3_limit(handle_, SQLITE_LIMIT_LENGTH, kMaxValueBytes);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  // The schema of the gateway's own file is its own, and its checks use functions that are not let into
  // others.
  const bool own = engines::ControlDatabases::process().is_file(options.path);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, own ? 1 : 0, nullptr);
  // fts3_tokenizer() takes a pointer from SQL text and calls it; Debian's library has it on.
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0, nullptr);
  // Without this a quoted name that is no column would silently be a string.
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
  authorizer_.install(handle_);
  sqlite3_progress_handler(handle_, kStepsBetweenChecks, &Connection::on_progress, this);
  if (role != Role::inline_reader) {
    busy_timeout_ = std::chrono::milliseconds(options.busy_timeout_ms);
    sqlite3_busy_handler(handle_, &Connection::on_busy, this);
  }
  int code = register_functions(*this);
  if (code == SQLITE_OK && role == Role::inline_reader) code = run(kInlineReaderCache);
  if (code == SQLITE_OK) code = run("PRAGMA foreign_keys = ON");
  if (code == SQLITE_OK && !options.read_only) {
    if (role == Role::writer) {
      code = run("PRAGMA journal_mode = WAL");
      // A log that one large transaction has blown up is cut back at the next checkpoint.
      if (code == SQLITE_OK) code = run("PRAGMA journal_size_limit = 67108864");
      if (code == SQLITE_OK)
        code = run(options.synchronous_full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
    } else {
      code = run("PRAGMA query_only = ON");
    }
  }
  if (code != SQLITE_OK) return error(code);
  auto version = schema_version();  // reads the first page: a file that is no database shows itself here
  if (!version) return version.error();
  auto encoding = prepare("PRAGMA encoding");
  if (!encoding) return encoding.error();
  const StatementUse use((*encoding)->statement);
  if (sqlite3_step((*encoding)->statement) == SQLITE_ROW) {
    const auto* name = reinterpret_cast<const char*>(sqlite3_column_text((*encoding)->statement, 0));
    utf8_ = name != nullptr && std::string_view(name) == "UTF-8";
  }
  return {};
}

Connection::Connection(sqlite3* handle)
    : handle_(handle), statements_(kPreparedStatements), texts_(kCallersStatements) {}

Connection::~Connection() {
  statements_.clear();
  texts_.clear();
  sqlite3_close(handle_);
}

contract::Result<Prepared*> Connection::prepare(std::string_view sql) {
  if (Prepared* known = statements_.find(sql)) return known;
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return error(code);
  return statements_.insert(sql, statement);
}

Prepared* Connection::keep_text(std::string_view sql, sqlite3_stmt* statement,
                                std::shared_ptr<const TextInfo> info) {
  Prepared* kept = texts_.insert(sql, statement);
  kept->info = std::move(info);
  return kept;
}

int Connection::run(std::string_view sql) {
  auto prepared = prepare(sql);
  if (!prepared) return sqlite3_extended_errcode(handle_);
  const StatementUse use((*prepared)->statement);
  int code = SQLITE_ROW;
  while (code == SQLITE_ROW) code = sqlite3_step((*prepared)->statement);
  return code == SQLITE_DONE ? SQLITE_OK : code;
}

contract::Result<std::int64_t> Connection::schema_version() {
  auto prepared = prepare("PRAGMA schema_version");
  if (!prepared) return prepared.error();
  const StatementUse use((*prepared)->statement);
  const int code = sqlite3_step((*prepared)->statement);
  if (code != SQLITE_ROW) return error(code);
  return sqlite3_column_int64((*prepared)->statement, 0);
}

bool Connection::autocommit() const {
  return sqlite3_get_autocommit(handle_) != 0;
}

bool Connection::must_stop() {
  if (stop_ != nullptr && stop_->load(std::memory_order_relaxed)) {
    reason_ = StopReason::cancelled;
  } else if (deadline_ && deadline_->expired()) {
    reason_ = at_deadline_;
  }
  return reason_ != StopReason::none;
}

int Connection::on_progress(void* self) {
  return static_cast<Connection*>(self)->must_stop() ? 1 : 0;
}

int Connection::on_busy(void* self, int tries) {
  auto& connection = *static_cast<Connection*>(self);
  const auto now = base::Clock::now();
  if (tries == 0) connection.busy_since_ = now;
  if (connection.must_stop() || now - connection.busy_since_ >= connection.busy_timeout_) return 0;
  std::this_thread::sleep_for(std::chrono::milliseconds(tries < 4 ? 1 : 5));
  return 1;
}

Connection::Guard::Guard(Connection& connection, base::Deadline deadline, const std::atomic<bool>* stop,
                         StopReason at_deadline)
    : connection_(connection) {
  connection.deadline_ = deadline;
  connection.stop_ = stop;
  connection.at_deadline_ = at_deadline;
  connection.reason_ = StopReason::none;
}

Connection::Guard::~Guard() {
  connection_.deadline_.reset();
  connection_.stop_ = nullptr;
  connection_.reason_ = StopReason::none;
}

}  // namespace athena::sqlite

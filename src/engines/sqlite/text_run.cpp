#include "engines/sqlite/text_run.h"

#include <sqlite3.h>

#include <algorithm>
#include <utility>

namespace athena::sqlite {
namespace {

using contract::Error;
using contract::ErrorCode;
using contract::Result;

constexpr std::size_t kBatchBytes = 64 * 1024;  // as read_job.cpp

bool same_name(const std::string& a, const std::string& b) {
  return sqlite3_stricmp(a.c_str(), b.c_str()) == 0;
}

Error transaction_error(std::string text) {
  return {ErrorCode::invalid_transaction_state, std::move(text)};
}

}  // namespace

TextRun::TextRun(Connection& connection, const TextJob::Settings& settings, std::string_view text,
                 const TextValues& values, RowChannel& channel)
    : connection_(connection), settings_(settings), text_(text), values_(values), channel_(channel) {}

Result<Outcome> TextRun::run() {
  auto done = run_statements();
  if (!done) {
    if (!connection_.autocommit()) connection_.run("ROLLBACK");
    Error error = done.error();
    if (several_ && number_ > 0) error.with("statement", static_cast<std::int64_t>(number_));
    return error;
  }
  const bool left_open = explicit_ || !savepoints_.empty();
  if (!connection_.autocommit()) {
    if (left_open || !settings_.may_write) {
      connection_.run("ROLLBACK");
    } else if (auto committed = commit(); !committed) {
      return committed.error();
    }
  }
  if (left_open) {
    return transaction_error("The text left a transaction open; it was rolled back.")
        .hint("End it with COMMIT, or leave BEGIN out: all statements of a text run in one transaction.");
  }
  if (columns_) channel_.describe({columns_, &columns_->columns});
  if (rows_ && rows_->rows() > 0) outcome_.rows.push_back(std::move(*rows_));
  outcome_.statement_count = number_;
  return std::move(outcome_);
}

Result<void> TextRun::run_statements() {
  // A value of the last caller, which last_insert_rowid() would tell.
  sqlite3_set_last_insert_rowid(connection_.handle(), 0);
  for (std::size_t at = next_statement(text_, 0); at < text_.size();) {
    ++number_;
    if (number_ > 1) several_ = true;
    if (connection_.must_stop()) return stopped();
    auto statement = TextStatement::compile(connection_, text_, at, false);
    if (!statement) {
      several_ = several_ || has_more_statements(text_);
      return statement.error();
    }
    at = next_statement(text_, at + std::max<std::size_t>(statement->size(), 1));
    if (statement->handle() == nullptr) {
      --number_;
      continue;
    }
    several_ = several_ || at < text_.size();
    if (several_ && settings_.has_params) {
      return Error(ErrorCode::invalid_payload, "params need a text of one statement.")
          .with("member", std::string_view("params"));
    }
    if (auto fits = values_.check(statement->info()); !fits) return fits;
    temporary_ = temporary_ || statement->info().findings.temporary;
    if (auto ran = run_statement(*statement); !ran) return ran;
  }
  return {};
}

Result<void> TextRun::run_statement(TextStatement& statement) {
  switch (statement.info().kind) {
    case TextInfo::Kind::transaction:
      return run_transaction(statement);
    case TextInfo::Kind::savepoint:
      return run_savepoint(statement);
    case TextInfo::Kind::vacuum:
      if (several_ || !connection_.autocommit())
        return transaction_error("VACUUM cannot run inside a transaction; send it alone.");
      return step_all(statement);
    default:
      break;
  }
  if (auto begun = begin(); !begun) return begun;
  return step_rows(statement);
}

Result<void> TextRun::begin() {
  if (!connection_.autocommit()) return {};
  const int code = connection_.run(settings_.may_write ? "BEGIN IMMEDIATE" : "BEGIN");
  if (code != SQLITE_OK) return connection_.error(code);
  return {};
}

Result<void> TextRun::commit() {
  const int code = connection_.run("COMMIT");
  if (code != SQLITE_OK) {
    Error error = connection_.error(code);
    if (!connection_.autocommit()) connection_.run("ROLLBACK");
    return error;
  }
  connection_.committed();
  return {};
}

Result<void> TextRun::run_transaction(TextStatement& statement) {
  const std::string& what = statement.info().findings.transaction;
  if (what == "BEGIN") {
    if (explicit_) return transaction_error("cannot start a transaction within a transaction");
    // What has run so far belongs to it, as in PostgreSQL.
    explicit_ = true;
    return begin();
  }
  if (!explicit_) {
    return transaction_error(what == "COMMIT" ? "cannot commit - no transaction is active"
                                              : "cannot rollback - no transaction is active");
  }
  auto done = step_all(statement);
  if (!done) return done;
  if (what == "COMMIT" && settings_.may_write) connection_.committed();
  explicit_ = false;
  savepoints_.clear();
  return {};
}

Result<void> TextRun::run_savepoint(TextStatement& statement) {
  if (auto begun = begin(); !begun) return begun;
  const auto& findings = statement.info().findings;
  const auto found = std::find_if(savepoints_.rbegin(), savepoints_.rend(), [&findings](const auto& name) {
    return same_name(name, findings.savepoint_name);
  });
  if (findings.savepoint != "BEGIN" && found == savepoints_.rend())
    return transaction_error("no such savepoint: " + findings.savepoint_name);
  if (auto done = step_all(statement); !done) return done;
  if (findings.savepoint == "BEGIN") {
    savepoints_.push_back(findings.savepoint_name);
  } else if (findings.savepoint == "RELEASE") {
    savepoints_.erase(std::prev(found.base()), savepoints_.end());
  } else {
    savepoints_.erase(found.base(), savepoints_.end());
  }
  return {};
}

Result<void> TextRun::step_all(TextStatement& statement) {
  int code = SQLITE_ROW;
  while (code == SQLITE_ROW) code = statement.step(connection_, false);
  if (code != SQLITE_DONE) return statement.error(connection_, code);
  return {};
}

/// False: enough rows of a read.
Result<bool> TextRun::keep_row(TextStatement& statement, RowBatch& batch, bool streams) {
  batch.append(statement.handle(), statement.info().forms, connection_.utf8());
  if (!streams) {
    if (static_cast<std::int64_t>(batch.bytes()) <= settings_.max_bytes) return true;
    return Error(ErrorCode::limit_too_large,
                 "The returned rows are larger than the gateway keeps; nothing was written.")
        .with("limit", std::string_view("gateway.max_buffered_bytes"))
        .with("max", settings_.max_bytes)
        .hint("Ask for fewer rows; a text of one SELECT can be of any size.");
  }
  if (batch.bytes() < kBatchBytes) return true;
  const std::size_t columns = batch.columns();
  if (channel_.push(std::exchange(batch, RowBatch(columns)))) return true;
  if (settings_.deadline.expired()) return deadline_error();
  return Error(ErrorCode::client_closed_request, "The caller has left.");
}

Result<void> TextRun::step_rows(TextStatement& statement) {
  if (auto bound = values_.bind(connection_, statement); !bound) return bound;
  const bool reads = statement.info().kind == TextInfo::Kind::read;
  const bool streams = reads && !several_ && !settings_.may_write;
  int code = statement.step(connection_, false);
  const auto info = statement.shared_info();
  RowBatch batch(info->forms.size());
  if (streams) channel_.describe({info, &info->columns});
  bool truncated = false;
  std::int64_t count = 0;
  for (; code == SQLITE_ROW; code = statement.step(connection_, false)) {
    if (count++ < settings_.max_rows) {
      auto kept = keep_row(statement, batch, streams);
      if (!kept) return kept.error();
      continue;
    }
    truncated = true;
    if (!reads) continue;  // it runs to its end, its further rows are dropped
    code = SQLITE_DONE;
    break;
  }
  if (code != SQLITE_DONE) return statement.error(connection_, code);
  if (!reads && info->findings.changes_rows && !info->findings.changes_schema)
    outcome_.rows_affected += sqlite3_changes64(connection_.handle());
  if (info->columns.empty() || (count == 0 && rows_ && rows_->rows() > 0)) return {};
  columns_ = info;
  outcome_.truncated = truncated;
  rows_.emplace(std::move(batch));
  return {};
}

Error TextRun::stopped() {
  return database_error(SQLITE_INTERRUPT, "interrupted", connection_.stop_reason());
}

}  // namespace athena::sqlite

#include "engines/sqlite/inline_reader.h"

#include <sqlite3.h>

#include "engines/sqlite/owned_statement.h"
#include "engines/sqlite/text_job.h"
#include "engines/sqlite/text_statement.h"

namespace athena::sqlite {
namespace {

// What one read may cost the other connections of the shard. Looked at every 1000 steps, which take 20 to 60
// µs, so it is kept to within 5 %. A worker's answer comes some 15 µs later than an inline one: below a
// millisecond the hop would be felt, above it is noise. A point read needs about 20 steps, 1000 rows of a
// table about 12,000 steps and half a millisecond.
constexpr std::chrono::microseconds kTime{1000};
// More than this is worth a worker's batches, and the reply streams.
constexpr std::size_t kBytes = 64 * 1024;
// A statement that was handed over goes to a worker at once for so many times: other values may well make it
// short again.
constexpr std::uint32_t kPause = 32;
// Texts beyond it are compiled by a worker.
constexpr std::size_t kInlineText = 16 * 1024;
// Scratch memory that is kept between reads.
constexpr std::size_t kKeepBytes = 128 * 1024;

}  // namespace

Connection* InlineReader::connection() {
  if (file_.in_memory() || !file_.health.ready()) return nullptr;
  const std::uint64_t generation = file_.health.generation();
  if (connection_ && generation_ == generation) return connection_.get();
  close();
  auto opened = Connection::open(file_.options, Connection::Role::inline_reader);
  if (!opened) return nullptr;  // a worker finds out why, and may wait for a lock
  connection_ = std::move(*opened);
  generation_ = generation;
  return connection_.get();
}

void InlineReader::close() {
  turn_open_ = false;  // the connection takes its transaction along
  connection_.reset();
}

void InlineReader::begin_turn(Connection& connection) {
  const auto commits = file_.health.commits().load(std::memory_order_acquire);
  if (turn_open_ && turn_commits_ == commits) return;
  const bool posted = turn_open_;
  if (turn_open_) end_turn();
  if (connection.run("BEGIN") != SQLITE_OK) return;  // each read for itself then
  turn_open_ = true;
  turn_commits_ = commits;
  if (posted) return;
  shard_.post([self = std::weak_ptr(self_)] {
    if (const auto alive = self.lock()) (*alive)->end_turn();
  });
}

void InlineReader::end_turn() {
  if (!turn_open_) return;
  turn_open_ = false;
  // An error may have ended the transaction already.
  if (!connection_->autocommit()) connection_->run("COMMIT");
}

InlineReader::Attempt InlineReader::read(const sql::Statement& statement, std::int64_t schema_version,
                                         std::int64_t max_rows, base::Deadline deadline) {
  Connection* open = connection();
  if (open == nullptr) return {};
  begin_turn(*open);
  auto prepared = open->prepare(statement.text);
  if (!prepared) {
    return checked(*open, failure(*open, sqlite3_extended_errcode(open->handle()), deadline), schema_version);
  }
  if ((*prepared)->inline_pause > 0) {
    --(*prepared)->inline_pause;
    return {};
  }
  forms_.clear();
  for (std::size_t i = 0; i < statement.columns.size(); ++i) {
    forms_.push_back(declared_form(i < statement.types.size() ? statement.types[i] : nullptr));
  }
  prepare_rows(forms_.size());
  const base::Deadline budget(std::min(deadline.at(), base::Clock::now() + kTime));
  const Connection::Guard guard(*open, budget, nullptr, StopReason::budget);
  sqlite3_stmt* handle = (*prepared)->statement;
  Attempt attempt;
  int code = SQLITE_OK;
  {
    const StatementUse use(handle);
    auto bound = bind_values(*open, handle, statement.binds);
    if (!bound) return {End::failed, bound.error()};
    const int prepared_again = sqlite3_stmt_status(handle, SQLITE_STMTSTATUS_REPREPARE, 0);
    code = sqlite3_step(handle);
    // SQLite looks at the schema's version with every first step, so looking costs no statement of our own.
    if (sqlite3_stmt_status(handle, SQLITE_STMTSTATUS_REPREPARE, 0) != prepared_again)
      return {End::schema_changed, {}};
    std::int64_t count = 0;
    for (; code == SQLITE_ROW; code = sqlite3_step(handle)) {
      if (count++ >= max_rows) {
        attempt.truncated = true;
        code = SQLITE_DONE;
        break;
      }
      rows_.append(handle, forms_, open->utf8());
      if (rows_.bytes() > kBytes) {
        (*prepared)->inline_pause = kPause;
        return {};
      }
    }
    if (code != SQLITE_DONE) {
      if ((code & 0xFF) == SQLITE_INTERRUPT) (*prepared)->inline_pause = kPause;
      attempt = failure(*open, code, deadline);
    }
  }
  if (code != SQLITE_DONE) return checked(*open, std::move(attempt), schema_version);
  attempt.end = End::done;
  return attempt;
}

void InlineReader::prepare_rows(std::size_t columns) {
  if (rows_.bytes() > kKeepBytes || rows_.columns() != columns) {
    rows_ = RowBatch(columns);
  } else {
    rows_.clear();
  }
}

InlineReader::TextAttempt InlineReader::read_text(const Text& text) {
  Connection* open = connection();
  if (open == nullptr || text.text.size() > kInlineText) return {};
  begin_turn(*open);
  const base::Deadline budget(std::min(text.deadline.at(), base::Clock::now() + kTime));
  const Connection::Guard guard(*open, budget, nullptr, StopReason::budget);
  const auto failed = [&](const contract::Error& error, int code) -> TextAttempt {
    if (open->authorizer().findings().lengthy || open->stop_reason() == StopReason::budget) {
      if (text.deadline.expired()) return {{End::failed, deadline_error(), false}, {}, false};
      return {};
    }
    if (code == SQLITE_OK) return {{End::failed, error, false}, {}, false};
    auto attempt = failure(*open, code, text.deadline);
    if (attempt.end == End::failed) attempt.error = error;
    return {std::move(attempt), {}, false};
  };
  text_ = text.text;  // with a NUL behind it
  auto statement = TextStatement::compile(*open, text_, 0, true);
  const bool one_read = statement && statement->handle() != nullptr && statement->size() == text_.size() &&
                        statement->info().kind == TextInfo::Kind::read;
  if (!one_read) {
    auto writes = text_writes(*open, text_, text.read_only, true);
    if (writes) return {{}, {}, *writes};
    const bool refused = !open->authorizer().findings().refused.empty();
    const bool own = refused || writes.error().code() == contract::ErrorCode::read_only_violation;
    return failed(writes.error(), own ? SQLITE_OK : sqlite3_extended_errcode(open->handle()));
  }
  if (auto fits = text.values.check(statement->info()); !fits) return failed(fits.error(), SQLITE_OK);
  Prepared* kept = statement->kept();
  if (kept != nullptr && kept->inline_pause > 0) {
    --kept->inline_pause;
    return {};
  }
  if (auto bound = text.values.bind(*open, *statement); !bound) return failed(bound.error(), SQLITE_OK);
  int code = statement->step(*open, true);
  const auto info = statement->shared_info();
  prepare_rows(info->forms.size());
  TextAttempt result{{End::done, {}, false}, info, false};
  for (std::int64_t count = 0; code == SQLITE_ROW; code = statement->step(*open, true)) {
    if (count++ >= text.max_rows) {
      result.attempt.truncated = true;
      return result;
    }
    rows_.append(statement->handle(), info->forms, open->utf8());
    if (rows_.bytes() > kBytes) {
      if (kept != nullptr) kept->inline_pause = kPause;
      return {};
    }
  }
  if (code == SQLITE_DONE) return result;
  if (kept != nullptr && (code & 0xFF) == SQLITE_INTERRUPT) kept->inline_pause = kPause;
  return failed(statement->error(*open, code), code);
}

InlineReader::Attempt InlineReader::failure(Connection& connection, int code, base::Deadline deadline) {
  switch (code & 0xFF) {
    case SQLITE_INTERRUPT:
      if (deadline.expired()) return {End::failed, deadline_error()};
      return {};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
    case SQLITE_CANTOPEN:
    case SQLITE_NOTADB:
      return {};  // a worker may wait for a lock, and tells that the file is lost
    default:
      return {End::failed, connection.error(code)};
  }
}

InlineReader::Attempt InlineReader::checked(Connection& connection, Attempt attempt,
                                            std::int64_t schema_version) {
  if (attempt.end != End::failed) return attempt;
  // Names that were right when the statement was compiled may be wrong by now.
  auto version = connection.schema_version();
  if (version && *version != schema_version) return {End::schema_changed, {}};
  return attempt;
}

}  // namespace athena::sqlite

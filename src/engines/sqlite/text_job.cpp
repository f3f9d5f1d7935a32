#include "engines/sqlite/text_job.h"

#include <sqlite3.h>

#include <algorithm>
#include <vector>

#include "engines/sqlite/text_run.h"

namespace athena::sqlite {
namespace {

using contract::Error;
using contract::ErrorCode;
using contract::Result;

std::vector<std::string> drops_of_temporary(Connection& connection) {
  std::vector<std::string> drops;
  auto prepared = connection.prepare(
      "SELECT format('DROP %s temp.\"%w\"', type, name) FROM temp.sqlite_schema"
      " WHERE type IN ('table', 'view', 'trigger') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'");
  if (!prepared) return drops;
  const StatementUse use((*prepared)->statement);
  while (sqlite3_step((*prepared)->statement) == SQLITE_ROW) {
    drops.emplace_back(reinterpret_cast<const char*>(sqlite3_column_text((*prepared)->statement, 0)));
  }
  return drops;
}

/// For the one connection of a `:memory:` database, which cannot be opened anew. What goes with another
/// object is gone when its turn comes, what another depends on goes in the next round.
void drop_temporary(Connection& connection) {
  bool dropped = true;
  while (dropped) {
    dropped = false;
    for (const auto& drop : drops_of_temporary(connection)) dropped |= connection.run(drop) == SQLITE_OK;
  }
}

Error read_only_error() {
  return Error(ErrorCode::read_only_violation,
               "A read-only text must hold nothing but statements that read.");
}

}  // namespace

TextJob::TextJob(Settings settings, std::string text, TextValues values, std::shared_ptr<RowChannel> channel)
    : Task(settings.deadline),
      settings_(settings),
      text_(std::move(text)),
      values_(std::move(values)),
      channel_(std::move(channel)) {}

void TextJob::stop() {
  stopped_.store(true, std::memory_order_relaxed);
  if (!settings_.may_write) channel_->stop();
}

bool TextJob::stopped() const {
  return settings_.may_write ? stopped_.load(std::memory_order_relaxed)
                             : channel_->stop_flag().load(std::memory_order_relaxed);
}

void TextJob::run(Connection& connection) {
  if (!channel_->start()) {
    channel_->finish(deadline_error());
    return;
  }
  auto outcome = perform(connection);
  channel_->finish(std::move(outcome));
}

Result<Outcome> TextJob::perform(Connection& connection) {
  const Connection::Guard guard(connection, deadline(),
                                settings_.may_write ? &stopped_ : &channel_->stop_flag());
  if (!settings_.may_write) {
    auto writes = text_writes(connection, text_, settings_.read_only);
    if (!writes) return writes.error();
    if (*writes) {
      Outcome outcome;
      outcome.needs_writer = true;
      return outcome;
    }
  }
  TextRun text(connection, settings_, text_, values_, *channel_);
  auto outcome = text.run();
  if (text.temporary()) {
    connection.wear_out();
    if (settings_.in_memory) drop_temporary(connection);
  }
  return outcome;
}

Result<bool> text_writes(Connection& connection, std::string_view text, bool read_only, bool hurried) {
  int number = 0;
  for (std::size_t at = next_statement(text, 0); at < text.size();) {
    if (connection.must_stop())
      return database_error(SQLITE_INTERRUPT, "interrupted", connection.stop_reason());
    ++number;
    auto statement = TextStatement::compile(connection, text, at, hurried);
    if (!statement) {
      Error error = statement.error();
      if (number > 1 || has_more_statements(text)) error.with("statement", static_cast<std::int64_t>(number));
      return error;
    }
    at = next_statement(text, at + std::max<std::size_t>(statement->size(), 1));
    if (statement->handle() == nullptr) {
      --number;
      continue;
    }
    const auto kind = statement->info().kind;
    const bool reads = kind == TextInfo::Kind::read;
    if (!reads && read_only) {
      Error error = read_only_error();
      if (number > 1 || at < text.size()) error.with("statement", static_cast<std::int64_t>(number));
      return error;
    }
    const bool control = kind == TextInfo::Kind::transaction || kind == TextInfo::Kind::savepoint;
    // BEGIN IMMEDIATE asks for the write lock.
    if (!reads && (!control || sqlite3_stmt_readonly(statement->handle()) == 0)) return true;
  }
  return false;
}

}  // namespace athena::sqlite

#include "engines/sqlite/read_job.h"

#include <sqlite3.h>

namespace athena::sqlite {
namespace {

// A batch is large enough to make the hop between threads cheap (about 5 µs) and small enough that the two
// that may be on their way are nothing beside a reply.
constexpr std::size_t kBatchBytes = 64 * 1024;

}  // namespace

ReadJob::ReadJob(Settings settings, std::vector<OwnedStatement> statements,
                 std::shared_ptr<RowChannel> channel)
    : Task(settings.deadline),
      settings_(settings),
      statements_(std::move(statements)),
      channel_(std::move(channel)) {}

void ReadJob::run(Connection& connection) {
  if (!channel_->start()) {
    channel_->finish(deadline_error());
    return;
  }
  const Connection::Guard guard(connection, deadline(), &channel_->stop_flag());
  auto outcome = read(connection);
  if (!connection.autocommit()) connection.run("ROLLBACK");
  channel_->finish(std::move(outcome));
}

contract::Result<Outcome> ReadJob::read(Connection& connection) {
  const int code = connection.run("BEGIN");
  if (code != SQLITE_OK) return connection.error(code);
  auto version = connection.schema_version();
  if (!version) return version.error();
  Outcome outcome;
  if (*version != settings_.schema_version) {
    outcome.schema_changed = true;
    return outcome;
  }
  for (const auto& statement : statements_) {
    auto more = read_statement(connection, statement, outcome);
    if (!more) return more.error();
    if (!*more) break;
  }
  return outcome;
}

contract::Result<bool> ReadJob::read_statement(Connection& connection, const OwnedStatement& statement,
                                               Outcome& outcome) {
  auto prepared = connection.prepare(statement.text);
  if (!prepared) return prepared.error();
  sqlite3_stmt* handle = (*prepared)->statement;
  const StatementUse use(handle);
  auto bound = bind_values(connection, handle, statement);
  if (!bound) return bound.error();
  RowBatch batch(statement.forms.size());
  while (true) {
    const int code = sqlite3_step(handle);
    if (code == SQLITE_DONE) break;
    if (code != SQLITE_ROW) return connection.error(code);
    if (rows_ >= settings_.max_rows) {
      outcome.truncated = true;
      break;
    }
    ++rows_;
    batch.append(handle, statement.forms, connection.utf8());
    if (batch.bytes() < kBatchBytes) continue;
    if (!channel_->push(std::exchange(batch, RowBatch(statement.forms.size())))) {
      if (deadline().expired()) return deadline_error();
      return contract::Error(contract::ErrorCode::client_closed_request, "The caller has left.");
    }
  }
  if (batch.rows() > 0) outcome.rows.push_back(std::move(batch));
  return !outcome.truncated;
}

}  // namespace athena::sqlite

#include <algorithm>
#include <string>
#include <utility>

#include "engines/sql/compiler.h"
#include "engines/sql/value_forms.h"
#include "engines/sqlite/shard_backend.h"
#include "engines/sqlite/statement_text.h"
#include "engines/sqltext/count_query.h"

// SQL of callers: the shard's side. Texts of one short read run here, others on the threads of the file.
namespace athena::sqlite {
namespace {

using contract::Error;
using contract::ErrorCode;
using contract::Result;

/// What can be said of a text without a database.
Result<void> check_text(const query::RawText& raw) {
  if (!raw.schema_name.empty()) return sql::feature_refused(contract::Engine::sqlite, "schema_name");
  // SQLite would take what stands before it for the whole text.
  if (const auto nul = raw.text.find('\0'); nul != std::string_view::npos) {
    Error error(ErrorCode::syntax_error, "The text contains the character \\u0000.");
    error.with_json("position", std::to_string(character_position(raw.text, nul)), true);
    return error;
  }
  if (next_statement(raw.text, 0) == raw.text.size()) {
    return Error(ErrorCode::missing_field, "The member query holds no statement.")
        .with("member", std::string_view("query"));
  }
  if (raw.count_only && !sqltext::is_count_query(raw.text)) {
    return Error(ErrorCode::invalid_payload,
                 "query must be one SELECT whose only output is count(…), without GROUP BY or LIMIT.")
        .with("member", std::string_view("query"));
  }
  return {};
}

Error timeout_error() {
  return {ErrorCode::statement_timeout, "The statement did not finish within its timeout_ms."};
}

}  // namespace

base::Task<Result<query::Summary>> ShardBackend::run(const query::RawText& raw, query::RowSink& sink,
                                                     const engines::ExecutionContext& context) {
  if (auto fits = check_text(raw); !fits) co_return fits.error();
  auto values = TextValues::from(raw.params);
  if (!values) co_return values.error();
  if (auto admitted = admit(context.deadline); !admitted) co_return admitted.error();
  if (context.sql != nullptr) {
    context.sql->clear();
    context.sql->emplace_back(raw.text);
  }
  const base::Deadline deadline = raw.timeout ? context.deadline.capped(*raw.timeout) : context.deadline;
  const bool probe = file_.health.suspect();
  auto result = co_await run_text(raw, *values, sink, context, deadline);
  if (probe) file_.health.probed(!result && result.error().code() == ErrorCode::backend_unreachable);
  const bool own_limit = deadline.at() < context.deadline.at();
  if (!result && own_limit && result.error().code() == ErrorCode::deadline_exceeded)
    co_return timeout_error();
  co_return result;
}

base::Task<Result<query::Summary>> ShardBackend::run_text(const query::RawText& raw, const TextValues& values,
                                                          query::RowSink& sink,
                                                          const engines::ExecutionContext& context,
                                                          base::Deadline deadline) {
  const bool read_only = raw.read_only || raw.count_only;
  bool writes = false;
  if (!context.exclusive) {
    const InlineReader::Text text{raw.text, values, raw.max_rows, raw.has_params, read_only, deadline};
    auto read = inline_.read_text(text);
    switch (read.attempt.end) {
      case InlineReader::End::failed:
        co_return std::move(*read.attempt.error);
      case InlineReader::End::done: {
        file_.inline_reads.fetch_add(1, std::memory_order_relaxed);
        const query::RowShape shape{read.info->columns, {}};
        auto delivered = co_await deliver(shape, read.attempt.truncated, sink, deadline, context);
        if (!delivered) co_return delivered.error();
        co_return delivered->summary;
      }
      default:
        writes = read.writes;
        break;
    }
  }
  TextJob::Settings settings;
  settings.deadline = deadline;
  settings.max_rows = raw.max_rows;
  settings.max_bytes = settings_->max_buffered_bytes;
  settings.read_only = read_only;
  settings.in_memory = file_.in_memory();
  settings.has_params = raw.has_params;
  if (!writes) {
    auto read = co_await run_job(settings, raw, values, sink, context);
    if (!read) co_return read.error();
    if (!read->needs_writer) co_return read->summary;
  }
  if (file_.options.read_only) {
    co_return Error(ErrorCode::read_only_violation,
                    "The client \"" + definition_.client_name + "\" is read-only.");
  }
  settings.may_write = true;
  auto written = co_await run_job(settings, raw, values, sink, context);
  if (!written) co_return written.error();
  co_return written->summary;
}

base::Task<Result<RowChannel::Result>> ShardBackend::run_job(TextJob::Settings settings,
                                                             const query::RawText& raw, TextValues values,
                                                             query::RowSink& sink,
                                                             const engines::ExecutionContext& context) {
  file_.queued_operations.fetch_add(1, std::memory_order_relaxed);
  const auto kind = settings.may_write ? RowChannel::Kind::write : RowChannel::Kind::read;
  auto channel = std::make_shared<RowChannel>(shard_, sink, settings.deadline, kind);
  auto job = std::make_shared<TextJob>(settings, std::string(raw.text), std::move(values), channel);
  auto queued =
      settings.may_write ? file_.writer.submit(TaskPtr(std::move(job))) : file_.submit_read(std::move(job));
  if (!queued) co_return queued.error();
  auto result = co_await wait(channel, context);
  co_return result;
}

}  // namespace athena::sqlite

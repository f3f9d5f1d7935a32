// One attempt to run a caller's text, and what became of it.
#include "engines/postgres/errors.h"
#include "engines/postgres/raw_executor.h"
#include "engines/postgres/raw_params.h"
#include "engines/postgres/simple_run.h"
#include "engines/postgres/wait_clock.h"
#include "engines/sql/dialect.h"

namespace athena::postgres {
namespace {

using contract::Error;
using contract::ErrorCode;
using sqltext::StatementClass;
using std::chrono::milliseconds;
using Outcome = Operation::Outcome;

Error time_error(bool own) {
  if (!own) return deadline_error();
  return {ErrorCode::statement_timeout, "The statement's time limit passed before the database answered."};
}

bool changes_schema(StatementClass kind) {
  return kind == StatementClass::ddl || kind == StatementClass::unparsable;
}

/// Values no longer fit the types that were learnt before.
bool types_outdated(std::string_view sql_state) {
  return sql_state == "42804" || sql_state == "42883" || sql_state == "42P08" || sql_state == "42704";
}

void explain(const engines::ExecutionContext& context, std::string_view text) {
  if (context.sql != nullptr) context.sql->emplace_back(text);
}

}  // namespace

RawExecutor::TimeLimit RawExecutor::time_limit(const Job& job) {
  const auto deadline = job.context.deadline;
  if (!job.raw.timeout) return {deadline, false};
  const auto capped = deadline.capped(*job.raw.timeout);
  return {capped, capped.at() < deadline.at()};
}

base::Task<RawExecutor::Verdict> RawExecutor::attempt(Job& job, bool exclusive) {
  trace_path(job.context.trace, exclusive);
  if (exclusive) {
    client_.exclusive_requests.fetch_add(1, std::memory_order_relaxed);
    auto verdict = co_await attempt_exclusive(job);
    co_return verdict;
  }
  client_.pipelined_requests.fetch_add(1, std::memory_order_relaxed);
  auto verdict = co_await attempt_pipelined(job);
  co_return verdict;
}

base::Task<RawExecutor::Verdict> RawExecutor::attempt_pipelined(Job& job) {
  using Next = Verdict::Next;
  if (auto refused = pool_.refusal(); refused)
    co_return Verdict{Next::failed, false, false, false, std::move(refused)};
  RawTextEntry& entry = *job.entry;
  if (!job.raw.params.empty()) {
    if (!entry.types_known()) {
      auto lease = co_await pool_.acquire(job.context.deadline);
      if (!lease) co_return Verdict{Next::failed, false, false, false, lease.error()};
      auto failed = co_await bind(job, **lease);
      if (failed) co_return std::move(*failed);
    } else if (auto bound =
                   bind_params(job.raw, entry.parameter_oids, schema_, job.context.memory, job.binds);
               !bound) {
      co_return Verdict{Next::failed, false, false, false, bound.error()};
    }
  }
  explain(job.context, job.raw.text);
  const auto limit = time_limit(job);
  RawRun run(pool_, job.result, job.context, limit.deadline, /*may_leave=*/true);
  // A text that comes once only would push statements of use out of the connection's cache.
  run.protocol = pool_.transaction_pooler() || entry.uses < 2 ? Operation::Protocol::unnamed
                                                              : Operation::Protocol::prepared;
  run.sql = job.raw.text;
  run.binds = job.binds;
  co_await run.run_pipelined();
  co_return judge(run, job, false, limit);
}

std::string RawExecutor::opening(const Job& job, Connection& connection) const {
  const bool pooler = pool_.transaction_pooler();
  const auto left = job.context.deadline.remaining().count();
  const bool longer = left > client_.limits().statement_timeout_ms;
  const bool transaction = job.read_only || (pooler && !job.raw.schema_name.empty());
  std::string text;
  const auto add = [&](const std::string& statement) {
    if (!text.empty()) text += "; ";
    text += statement;
    explain(job.context, statement);
  };
  if (transaction) add(job.read_only ? "BEGIN READ ONLY" : "BEGIN");
  const std::string set = transaction ? "SET LOCAL " : "SET ";
  if (longer && (transaction || !pooler)) add(set + "statement_timeout = " + std::to_string(left));
  if (!job.raw.schema_name.empty()) {
    std::pmr::string quoted;
    sql::append_identifier(quoted, job.raw.schema_name);
    add(set + "search_path = " + std::string(quoted) + ", public");
  }
  connection.notes.discard_all = !pooler;
  return text;
}

base::Task<std::optional<RawExecutor::Verdict>> RawExecutor::bind(Job& job, Connection& connection) {
  using Next = Verdict::Next;
  const auto failed = [](Error error) {
    return std::optional(Verdict{Next::failed, false, false, false, std::move(error)});
  };
  DescribeRun describe(pool_, connection, job.raw.text);
  auto outcome = co_await describe.run(job.context.deadline);
  switch (outcome) {
    case Outcome::done:
      break;
    case Outcome::error: {
      note_answer();
      const bool write = !job.read;
      co_return failed(map_error(*describe.error, {write, true}));
    }
    case Outcome::stray_cancel:
      co_return Verdict{Next::again, true, false, false, Error(ErrorCode::statement_timeout)};
    default:
      if (job.context.deadline.expired()) co_return failed(deadline_error());
      // Nothing of it has run.
      co_return Verdict{Next::again, false, false, false, lost_error(describe.error.get(), false)};
  }
  auto bound = bind_params(job.raw, describe.parameter_oids, schema_, job.context.memory, job.binds);
  if (!bound) co_return failed(bound.error());
  job.learnt = true;
  if (job.raw.schema_name.empty() && job.what().kind != StatementClass::unparsable) {
    job.entry->parameter_oids = std::move(describe.parameter_oids);
    job.entry->types_until =
        base::Clock::now() + std::chrono::seconds(client_.settings().schema_cache_ttl_seconds);
  }
  co_return std::nullopt;
}

base::Task<RawExecutor::Verdict> RawExecutor::attempt_exclusive(Job& job) {
  using Next = Verdict::Next;
  const auto failed = [](Error error) {
    return Verdict{Next::failed, false, false, false, std::move(error)};
  };
  auto lease = co_await pool_.acquire(job.context.deadline);
  if (!lease) co_return failed(lease.error());
  if (caller_has_left(job.context)) co_return failed(caller_left_error());
  Connection& connection = **lease;
  const std::string before = opening(job, connection);
  const bool in_transaction = before.starts_with("BEGIN");
  if (!before.empty()) {
    SimpleRun begin(pool_.shard(), connection, before);
    auto outcome = co_await begin.run(job.context.deadline);
    // Nothing of the request was sent yet.
    if (outcome == Outcome::error) co_return failed(map_error(*begin.error, {}));
    if (outcome != Outcome::done) {
      if (job.context.deadline.expired()) co_return failed(deadline_error());
      co_return Verdict{Next::again, outcome == Outcome::stray_cancel, false, false,
                        lost_error(begin.error.get(), false)};
    }
  }
  if (!job.raw.params.empty() || job.what().kind == StatementClass::unparsable) {
    RawTextEntry& entry = *job.entry;
    if (!entry.types_known() || !job.raw.schema_name.empty() || job.raw.params.empty()) {
      auto stopped = co_await bind(job, connection);
      if (stopped) co_return std::move(*stopped);
    } else if (auto bound =
                   bind_params(job.raw, entry.parameter_oids, schema_, job.context.memory, job.binds);
               !bound) {
      co_return failed(bound.error());
    }
  }
  explain(job.context, job.raw.text);
  const auto limit = time_limit(job);
  RawRun run(pool_, job.result, job.context, limit.deadline, job.read);
  run.protocol = job.several ? Operation::Protocol::simple : Operation::Protocol::unnamed;
  run.wants_rows = true;
  run.sql = job.raw.text;
  run.binds = job.binds;
  co_await run.run_exclusive(connection);
  auto verdict = judge(run, job, true, limit);
  if (changes_schema(job.what().kind) || (job.several && !job.read)) schema_changed();
  if (verdict.next != Next::done) co_return verdict;
  if (in_transaction) {
    if (job.read_only) {
      explain(job.context, "ROLLBACK");  // which the connection gets when it goes back
      co_return verdict;
    }
    explain(job.context, "COMMIT");
    SimpleRun commit(pool_.shard(), connection, "COMMIT");
    auto outcome = co_await commit.run(base::Deadline(job.context.deadline.at() + milliseconds(450)));
    if (outcome == Outcome::error) co_return failed(map_error(*commit.error, {!job.read}));
    if (outcome != Outcome::done) co_return failed(lost_error(commit.error.get(), !job.read));
  } else if (run.outcome == Outcome::done && connection.transaction_status() != 'I') {
    co_return failed(Error(ErrorCode::invalid_transaction_state,
                           "The query left a transaction open; it was rolled back."));
  }
  co_return verdict;
}

RawExecutor::Verdict RawExecutor::judge(const RawRun& run, Job& job, bool exclusive, TimeLimit limit) {
  using Next = Verdict::Next;
  using End = RawRun::End;
  const auto failed = [](Error error) {
    return Verdict{Next::failed, false, false, false, std::move(error)};
  };
  switch (run.outcome) {
    case Outcome::pending:
      if (run.end == End::caller_left) return failed(caller_left_error());
      if (run.end == End::deadline) return failed(time_error(limit.own));
      if (pool_.connecting_in_vain()) return failed(pool_.unreachable_error());
      client_.pool_timeouts.fetch_add(1, std::memory_order_relaxed);
      return failed(Error(ErrorCode::pool_timeout, "No connection to the database became free in time."));
    case Outcome::done:
      note_answer();
      if (job.read && !job.several) shapes_.note(run.sql, run.service_time);
      if (job.result.overflowed()) break;
      return {};
    case Outcome::stopped:
      note_answer();
      return {};
    case Outcome::error:
      return judge_error(run, job, exclusive, limit);
    case Outcome::unreachable:
      return failed(pool_.unreachable_error());
    case Outcome::stray_cancel:
      // Of several the first ones may have run and been committed by themselves.
      if (job.several && !job.read) return failed(Error(ErrorCode::statement_timeout));
      return {Next::again, true, false, false, Error(ErrorCode::statement_timeout)};
    case Outcome::prepare_again:
      return {Next::again, true, false, false,
              run.error != nullptr ? map_error(*run.error, {false, true}) : Error(ErrorCode::database_error)};
    case Outcome::too_large:
      return failed(Error(ErrorCode::upstream_error, "The database sent a row above 64 MiB."));
    case Outcome::copy:
      return failed(Error(ErrorCode::statement_not_allowed, "COPY is not allowed here."));
    case Outcome::lost:
      break;
  }
  if (run.end == End::too_much || job.result.overflowed()) {
    Error error(ErrorCode::limit_too_large, "The rows of the query are more than can be kept until its end.");
    error.with("max", client_.settings().max_buffered_bytes);
    return failed(std::move(error));
  }
  const bool write = !job.read;
  if (run.end == End::deadline && (!write || !run.sent)) return failed(time_error(limit.own));
  auto error = lost_error(run.error.get(), write && run.sent);
  if (run.end == End::deadline) return failed(std::move(error));
  if (!run.sent) return {Next::again, false, false, false, std::move(error)};
  if (write || job.several || run.reply_seen) return failed(std::move(error));
  return {Next::again, false, false, true, std::move(error)};
}

RawExecutor::Verdict RawExecutor::judge_error(const RawRun& run, Job& job, bool exclusive, TimeLimit limit) {
  using Next = Verdict::Next;
  using End = RawRun::End;
  note_answer();
  const std::string_view state = run.error->sql_state;
  Verdict verdict{Next::failed, false, false, false, std::nullopt};
  if (state == "57014") {
    if (run.end == End::too_much) {
      Error error(ErrorCode::limit_too_large,
                  "The rows of the query are more than can be kept until its end.");
      error.with("max", client_.settings().max_buffered_bytes);
      verdict.error = std::move(error);
      return verdict;
    }
    if (run.end == End::deadline) {
      verdict.error = time_error(limit.own);
      return verdict;
    }
    if (run.end == End::caller_left) {
      verdict.error = caller_left_error();
      return verdict;
    }
    Error error = map_error(*run.error, {!job.read, true});
    const auto usual = milliseconds(client_.limits().statement_timeout_ms);
    // A text of several may have set a limit of its own.
    if (!job.several && run.service_time < usual - usual / 20)
      error.with("reason", std::string_view("cancelled_in_database"));
    verdict.error = std::move(error);
    return verdict;
  }
  verdict.error = located(map_error(*run.error, {!job.read, true}), job);
  const bool single = !job.several && (job.read || job.what().kind == StatementClass::write);
  if (state == "55P03" && !exclusive) {
    verdict.next = Next::again_exclusive;
    verdict.free = true;
  } else if (job.read && !job.several && (state == "40001" || state == "40P01" || state == "57P03")) {
    verdict.next = Next::again;
    verdict.delay = true;
  } else if (single && types_outdated(state) && !job.binds.empty() && !job.learnt) {
    // A failed statement has left nothing behind, so it may run again with types learnt anew.
    job.entry->types_until = {};
    verdict.next = Next::again;
    verdict.free = true;
  }
  return verdict;
}

/// With the number of the statement of several.
Error RawExecutor::located(Error error, const Job& job) {
  if (job.several) error.with("statement", static_cast<std::int64_t>(job.result.commands() + 1));
  return error;
}

}  // namespace athena::postgres

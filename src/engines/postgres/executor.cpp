#include "engines/postgres/executor.h"

#include "engines/postgres/casts.h"
#include "engines/postgres/count_plan.h"
#include "engines/postgres/errors.h"
#include "engines/postgres/pause.h"
#include "engines/postgres/simple_run.h"
#include "engines/postgres/wait_clock.h"

namespace athena::postgres {
namespace {

using base::Clock;
using contract::Error;
using contract::ErrorCode;
using engines::ExecutionContext;
using Outcome = Operation::Outcome;
using std::chrono::milliseconds;

// A result above this many rows would hold up those behind it.
constexpr std::int64_t kMostPipelinedRows = 1000;
// Tables above this size are not searched on a pipelined connection by a statement never seen, unless by an
// index.
constexpr double kLargeTable = 100'000;
// Requests that fit no table make a shard read the catalogue at most this often.
constexpr milliseconds kReloadPause{20};
// Runs after a stray cancel, a lock, a lost prepared statement: bounded, though each of them is rare.
constexpr int kMostFreeRuns = 5;
constexpr std::size_t kMostBinds = 65535;
// The planner's guess is good enough for counts above this.
constexpr std::int64_t kCountedExactly = 10'000;

/// The table or a type is not what the statement was compiled against.
bool schema_changed(std::string_view sql_state) {
  for (const std::string_view state : {"42703", "42P01", "42804", "42883", "0A000", "26000"}) {
    if (sql_state == state) return true;
  }
  return false;
}

/// What the protocol cannot carry must not reach it: the text ends at a NUL, the number of values has 16
/// bits.
std::optional<Error> unsendable(const sql::Plan& plan) {
  for (const auto& statement : plan.statements) {
    if (statement.text.find('\0') != std::pmr::string::npos) {
      return Error(ErrorCode::invalid_identifier, "A name holds a NUL character.");
    }
    if (statement.binds.size() > kMostBinds)
      return Error(ErrorCode::too_complex, "The request has too many values.");
  }
  return std::nullopt;
}

query::Summary summary_of(const ResultFeed& feed, std::int64_t affected, int attempts) {
  query::Summary summary;
  summary.rows_returned = feed.passed();
  summary.rows_affected = affected;
  summary.truncated = feed.truncated();
  summary.attempts = attempts;
  return summary;
}

Error unreadable_error() {
  return {ErrorCode::upstream_error, "The database sent a result that cannot be read."};
}

}  // namespace

Executor::Executor(Client& client, Pool& pool, SchemaCache& schema, const sql::Dialect& dialect)
    : client_(client),
      pool_(pool),
      schema_(schema),
      dialect_(dialect),
      shapes_(milliseconds(client.limits().slow_shape_ms)) {}

base::Task<contract::Result<query::Summary>> Executor::execute(const query::Request& request,
                                                               query::RowSink& sink,
                                                               const ExecutionContext& context) {
  const auto* const count = std::get_if<query::Count>(&request);
  if (count != nullptr && count->mode != query::CountMode::exact) {
    auto counted = co_await count_by_plan(request, count->mode, sink, context);
    co_return counted;
  }
  auto done = co_await execute_as(request, sink, context, nullptr);
  co_return done;
}

base::Task<contract::Result<query::Summary>> Executor::count_by_plan(const query::Request& request,
                                                                     query::CountMode mode,
                                                                     query::RowSink& sink,
                                                                     const ExecutionContext& context) {
  PlannedRows planned;
  auto explained = co_await execute_as(request, planned, context, explain_count);
  if (!explained) co_return explained.error();
  if (!planned.rows()) co_return unreadable_error();
  if (mode == query::CountMode::estimated && *planned.rows() <= kCountedExactly) {
    auto counted = co_await execute_as(request, sink, context, nullptr);
    co_return counted;
  }
  push_count(*planned.rows(), sink);
  explained->rows_returned = 1;
  co_return explained;
}

base::Task<contract::Result<query::Summary>> Executor::execute_as(const query::Request& request,
                                                                  query::RowSink& sink,
                                                                  const ExecutionContext& context,
                                                                  void (*rewrite)(sql::Plan&)) {
  pool_.touch();
  budget_.request();
  if (auto admitted = client_.breaker.admit(); !admitted) co_return admitted.error();
  const engines::ProbeGuard guard{client_.breaker};

  const query::Target& target = query::target(request);
  std::optional<sql::Plan> plans[2];
  std::optional<ResultFeed> feed;
  int attempts = 0;
  bool casts_loaded = false;
  for (int round = 0;; ++round) {
    auto table = schema_.find_cached(target.schema, target.table);
    const bool cached = table != nullptr;
    ++(cached ? schema_hits_ : schema_misses_);
    if (table == nullptr) {
      auto found = co_await schema_.find(target.schema, target.table, context.deadline);
      if (!found) co_return found.error();
      table = *found;
    }
    auto compiled = sql::compile(request, {dialect_, table, context.memory, client_.settings()});
    if (!compiled) {
      auto error = compiled.error();
      // What does not fit a table read earlier may fit the table as it is now.
      if (cached && may_reload(error.code())) {
        schema_.forget(*table);
        --round;
        continue;
      }
      // A cast to a type of the user's own is not known before its first use.
      if (error.code() != ErrorCode::invalid_identifier || casts_loaded) co_return error;
      casts_loaded = true;
      auto loaded = co_await load_casts(request, schema_, context.deadline);
      if (!loaded) co_return error;
      --round;
      continue;
    }
    if (rewrite != nullptr) rewrite(*compiled);
    const sql::Plan& plan = plans[round].emplace(std::move(*compiled));
    if (!feed) {
      feed.emplace(sink, plan, context.max_rows);
    } else {
      feed->follow(plan);
    }
    if (plan.statements.empty()) co_return query::Summary{};
    auto ran = co_await run_plan(plan, *feed, context, attempts);
    if (ran.compile_again && round == 0 && feed->restart()) {
      client_.count_repeat(ErrorCode::undefined_table);
      schema_.forget(*table);
      continue;
    }
    if (ran.error) co_return std::move(*ran.error);
    feed->finish();
    co_return summary_of(*feed, ran.affected, attempts);
  }
}

base::Task<contract::Result<query::Summary>> Executor::run(const sql::Plan& plan, query::RowSink& sink,
                                                           const ExecutionContext& context) {
  budget_.request();
  ResultFeed feed(sink, plan, context.max_rows);
  int attempts = 0;
  auto ran = co_await run_plan(plan, feed, context, attempts);
  if (ran.error) co_return std::move(*ran.error);
  feed.finish();
  auto summary = summary_of(feed, ran.affected, attempts);
  summary.notices = feed.take_notices();
  co_return summary;
}

bool Executor::may_reload(contract::ErrorCode code) {
  using enum contract::ErrorCode;
  if (code != undefined_column && code != invalid_value && code != invalid_operator &&
      code != ambiguous_conflict_target) {
    return false;
  }
  const auto now = Clock::now();
  if (now - last_reload_ < kReloadPause) return false;
  last_reload_ = now;
  return true;
}

bool Executor::wants_exclusive(const sql::Plan& plan, const ExecutionContext& context) const {
  if (plan.is_write || plan.transaction || plan.statements.size() != 1 || context.exclusive) return true;
  if (plan.read_only || plan.resets_session) return true;
  if (client_.pipelined_per_shard() == 0) return true;
  if (plan.row_limit < 0 || plan.row_limit > kMostPipelinedRows) return true;
  if (context.deadline.remaining() > milliseconds(client_.limits().statement_timeout_ms)) return true;
  switch (shapes_.pace(plan.statements.front().text)) {
    case Shapes::Pace::slow:
      return true;
    case Shapes::Pace::quick:
      return false;
    case Shapes::Pace::unknown:
      break;
  }
  return !plan.indexed_equality && plan.table != nullptr && plan.table->row_estimate > kLargeTable;
}

base::Task<Executor::Ran> Executor::run_plan(const sql::Plan& plan, ResultFeed& feed,
                                             const ExecutionContext& context, int& attempts) {
  if (auto refused = unsendable(plan); refused) co_return Ran{false, std::move(refused), 0};
  if (plan.is_write && client_.connection().read_only) {
    co_return Ran{false, Error(ErrorCode::read_only_violation, "This client is read-only."), 0};
  }
  bool exclusive = wants_exclusive(plan, context);
  const int most = std::max(client_.settings().retry_attempts, 1);
  if (attempts == 0) attempts = 1;
  for (int free_runs = 0;;) {
    // What was not sent is dropped.
    if (caller_has_left(context)) co_return Ran{false, caller_left_error(), 0};
    auto verdict = co_await attempt(plan, feed, context, exclusive);
    using Next = Verdict::Next;
    if (verdict.next == Next::done) co_return Ran{false, std::nullopt, verdict.affected};
    if (verdict.next == Next::failed) co_return Ran{false, std::move(verdict.error), 0};
    if (verdict.next == Next::compile_again) co_return Ran{true, std::move(verdict.error), 0};
    if (verdict.next == Next::again_exclusive) exclusive = true;
    Error error = verdict.error ? std::move(*verdict.error) : Error(ErrorCode::database_error);
    if (context.deadline.expired() || !feed.restart()) co_return Ran{false, std::move(error), 0};
    if (verdict.free) {
      if (++free_runs > kMostFreeRuns) co_return Ran{false, std::move(error), 0};
      client_.count_repeat(error.code());
      continue;
    }
    if (attempts >= most || !budget_.take()) co_return Ran{false, std::move(error), 0};
    if (verdict.delay) {
      const auto delay = random_pause(attempts);
      if (delay >= context.deadline.remaining()) co_return Ran{false, std::move(error), 0};
      co_await pause_for(pool_.shard(), delay);
    }
    ++attempts;
    client_.retries.fetch_add(1, std::memory_order_relaxed);
    client_.count_repeat(error.code());
  }
}

base::Task<Executor::Verdict> Executor::attempt(const sql::Plan& plan, ResultFeed& feed,
                                                const ExecutionContext& context, bool exclusive) {
  trace_path(context.trace, exclusive);
  if (exclusive) {
    client_.exclusive_requests.fetch_add(1, std::memory_order_relaxed);
    auto verdict = co_await attempt_exclusive(plan, feed, context);
    co_return verdict;
  }
  client_.pipelined_requests.fetch_add(1, std::memory_order_relaxed);
  if (auto refused = pool_.refusal(); refused)
    co_return Verdict{Verdict::Next::failed, false, false, std::move(refused)};
  const auto& statement = plan.statements.front();
  if (context.sql != nullptr) context.sql->emplace_back(statement.text);
  StatementRun run(pool_, statement, feed, false, context);
  const WaitClock clock(context.trace);
  co_await run.run_pipelined();
  clock.waited_but_for(run.service_time);
  co_return judge(run, plan, {});
}

base::Task<Executor::Verdict> Executor::attempt_exclusive(const sql::Plan& plan, ResultFeed& feed,
                                                          const ExecutionContext& context) {
  using Next = Verdict::Next;
  const WaitClock clock(context.trace);
  auto lease = co_await pool_.acquire(context.deadline);
  clock.waited();
  if (!lease) co_return Verdict{Next::failed, false, false, lease.error()};
  if (caller_has_left(context)) co_return Verdict{Next::failed, false, false, caller_left_error()};
  Connection& connection = **lease;
  const bool pooler = pool_.transaction_pooler();
  const bool transaction = plan.transaction || plan.read_only || (pooler && plan.is_write);
  const auto left = context.deadline.remaining().count();
  const bool longer = left > client_.limits().statement_timeout_ms;
  const auto explain = [&context](std::string_view text) {
    if (context.sql != nullptr) context.sql->emplace_back(text);
  };

  std::string opening;
  if (transaction) {
    opening = plan.read_only ? "BEGIN READ ONLY" : "BEGIN";
    explain(opening);
    if (longer || pooler) opening += "; SET LOCAL statement_timeout = " + std::to_string(left);
  } else if (longer && !pooler) {
    opening = "SET statement_timeout = " + std::to_string(left);
    connection.notes.reset_timeout = true;
  }
  if (!opening.empty()) {
    SimpleRun begin(pool_.shard(), connection, opening);
    auto outcome = co_await begin.run(context.deadline);
    // Nothing of the request was sent yet.
    if (outcome == Outcome::error) co_return Verdict{Next::failed, false, false, map_error(*begin.error, {})};
    if (outcome != Outcome::done) {
      if (context.deadline.expired()) co_return Verdict{Next::failed, false, false, deadline_error()};
      co_return Verdict{Next::again, outcome == Outcome::stray_cancel, false,
                        lost_error(begin.error.get(), false)};
    }
  }
  // Triggers may change the session; other structured statements do not, and keep their prepared statements.
  if (plan.is_write && !pooler && plan.table != nullptr && plan.table->has_user_triggers)
    connection.notes.discard_all = true;
  if (plan.resets_session && !pooler) connection.notes.discard_all = true;

  std::int64_t affected = 0;
  for (const auto& statement : plan.statements) {
    if (context.deadline.expired()) co_return Verdict{Next::failed, false, false, deadline_error()};
    if (caller_has_left(context)) co_return Verdict{Next::failed, false, false, caller_left_error()};
    explain(statement.text);
    StatementRun run(pool_, statement, feed, plan.is_write, context);
    co_await run.run_exclusive(connection);
    auto verdict = judge(run, plan, {true, transaction});
    if (verdict.next != Next::done) co_return verdict;
    affected += verdict.affected;
    feed.statement_over(statement);
  }
  if (transaction) {
    explain("COMMIT");
    SimpleRun commit(pool_.shard(), connection, "COMMIT");
    // Past the deadline there is no way back from a COMMIT; it gets as long as a cancelled statement gets.
    auto outcome = co_await commit.run(base::Deadline(context.deadline.at() + milliseconds(450)));
    if (outcome == Outcome::error)
      co_return Verdict{Next::failed, false, false, map_error(*commit.error, {plan.is_write})};
    if (outcome != Outcome::done)
      co_return Verdict{Next::failed, false, false, lost_error(commit.error.get(), plan.is_write)};
  }
  co_return Verdict{Next::done, false, false, std::nullopt, affected};
}

void Executor::note_answer() {
  if (!client_.breaker.clean()) client_.breaker.success();
}

Executor::Verdict Executor::judge(const StatementRun& run, const sql::Plan& plan, Mode mode) {
  using Next = Verdict::Next;
  using End = StatementRun::End;
  const auto failed = [](Error error) { return Verdict{Next::failed, false, false, std::move(error)}; };
  switch (run.outcome) {
    case Outcome::pending:
      if (run.end == End::caller_left) return failed(caller_left_error());
      if (run.end == End::deadline) return failed(deadline_error());
      if (pool_.connecting_in_vain()) return failed(pool_.unreachable_error());
      client_.pool_timeouts.fetch_add(1, std::memory_order_relaxed);
      return failed(Error(ErrorCode::pool_timeout, "No connection to the database became free in time."));
    case Outcome::done:
      note_answer();
      shapes_.note(run.sql, run.service_time);
      if (run.malformed || run.columns_differ) return failed(unreadable_error());
      return {Next::done, false, false, std::nullopt, run.affected};
    case Outcome::stopped:
      return {Next::done, false, false, std::nullopt, run.affected};
    case Outcome::error:
      return judge_error(run, plan, mode);
    case Outcome::unreachable:
      return failed(pool_.unreachable_error());
    case Outcome::stray_cancel:
      return {Next::again, true, false, Error(ErrorCode::statement_timeout)};
    case Outcome::prepare_again:
      if (mode.transaction) return {Next::failed, false, false, Error(ErrorCode::database_error)};
      return {
          Next::again, true, false,
          run.error != nullptr ? map_error(*run.error, {plan.is_write}) : Error(ErrorCode::database_error)};
    case Outcome::too_large:
      return failed(Error(ErrorCode::upstream_error, "The database sent a row above 64 MiB."));
    case Outcome::copy:
      return failed(Error(ErrorCode::statement_not_allowed, "COPY is not supported here."));
    case Outcome::lost:
      break;
  }
  auto error = lost_error(run.error.get(), plan.is_write && run.sent);
  if (run.end == End::deadline && (!plan.is_write || !run.sent)) return failed(deadline_error());
  const bool harmless = !run.sent || (!plan.is_write && !run.reply_seen);
  if (!harmless || mode.transaction || run.end == End::deadline) return failed(std::move(error));
  return {Next::again, false, false, std::move(error)};
}

Executor::Verdict Executor::judge_error(const StatementRun& run, const sql::Plan& plan, Mode mode) {
  using Next = Verdict::Next;
  note_answer();
  const std::string_view state = run.error->sql_state;
  Verdict verdict{Next::failed, false, false, std::nullopt};
  if (state == "57014") {
    if (run.end == StatementRun::End::deadline) {
      verdict.error = deadline_error();
      return verdict;
    }
    if (run.end == StatementRun::End::caller_left) {
      verdict.error = caller_left_error();
      return verdict;
    }
    Error error = map_error(*run.error, {plan.is_write});
    const auto limit = milliseconds(client_.limits().statement_timeout_ms);
    if (run.service_time < limit - limit / 20)
      error.with("reason", std::string_view("cancelled_in_database"));
    verdict.error = std::move(error);
    return verdict;
  }
  verdict.error = map_error(*run.error, {plan.is_write});
  if (state == "55P03" && !mode.exclusive) {
    verdict.next = Next::again_exclusive;
    verdict.free = true;
  } else if ((state == "40001" || state == "40P01" || state == "57P03") && !mode.transaction) {
    verdict.next = Next::again;
    verdict.delay = true;
  } else if (schema_changed(state) && plan.table != nullptr) {
    verdict.next = Next::compile_again;
  }
  return verdict;
}

}  // namespace athena::postgres

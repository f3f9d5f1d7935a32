#include "engines/postgres/raw_executor.h"

#include <algorithm>

#include "engines/postgres/errors.h"
#include "engines/postgres/pause.h"
#include "engines/postgres/raw_params.h"

namespace athena::postgres {
namespace {

using base::Clock;
using contract::Error;
using contract::ErrorCode;
using engines::ExecutionContext;
using sqltext::StatementClass;
using std::chrono::milliseconds;

// A result above this many rows would hold up those behind it.
constexpr std::int64_t kMostPipelinedRows = 1000;
// A text never seen is not tried on a pipelined connection when it reads a table above this size.
constexpr double kLargeTable = 100'000;
// Runs after a stray cancel, a lock, a lost prepared statement: bounded, though each of them is rare.
constexpr int kMostFreeRuns = 5;
constexpr std::size_t kMostParams = 65535;
// So many tables and types of a new text are looked up, that their columns come out in their own form.
constexpr std::size_t kMostLookups = 8;

Error payload(std::string_view member, std::string text) {
  Error error(ErrorCode::invalid_payload, std::move(text));
  error.with("member", member);
  return error;
}

Error refused(const sqltext::TextClass& what) {
  for (std::size_t index = 0; index < what.statements.size(); ++index) {
    const auto& statement = what.statements[index];
    if (statement.kind != StatementClass::refused) continue;
    Error error(ErrorCode::statement_not_allowed, std::string(statement.command) + " is not allowed here.");
    error.with("command", statement.command);
    if (what.statements.size() > 1) error.with("statement", static_cast<std::int64_t>(index + 1));
    return error;
  }
  return Error(ErrorCode::statement_not_allowed);
}

/// `"schema"."table"`, which names the type of the table's rows.
std::string type_of_rows(std::string_view schema, std::string_view table) {
  std::pmr::string name;
  if (!schema.empty()) {
    sql::append_identifier(name, schema);
    name.push_back('.');
  }
  sql::append_identifier(name, table);
  return std::string(name);
}

Error not_a_read(const sqltext::TextClass& what, std::string text) {
  Error error(ErrorCode::read_only_violation, std::move(text));
  if (what.statements.size() > 1) {
    const auto found = std::ranges::find_if(
        what.statements, [](const auto& statement) { return statement.kind != StatementClass::read; });
    error.with("statement", static_cast<std::int64_t>(found - what.statements.begin() + 1));
  }
  return error;
}

}  // namespace

RawExecutor::RawExecutor(Client& client, Pool& pool, SchemaCache& schema)
    : client_(client),
      pool_(pool),
      schema_(schema),
      catalogue_(pool, std::chrono::seconds(client.settings().schema_cache_ttl_seconds)),
      shapes_(milliseconds(client.limits().slow_shape_ms)) {}

void RawExecutor::forget() {
  texts_.forget_types();
  catalogue_.forget();
}

/// What is answered without asking the database.
std::optional<Error> RawExecutor::refusal(const query::RawText& raw, const sqltext::TextClass& what) const {
  if (what.too_complex)
    return Error(ErrorCode::too_complex, "The query is nested too deeply or has too many statements.");
  if (what.statements.empty()) {
    Error error(ErrorCode::missing_field, "The query holds no statement.");
    error.with("member", std::string_view("query"));
    return error;
  }
  if (raw.count_only && !what.counts) {
    return payload("query",
                   "The query has to be one SELECT whose only output is count(…), without GROUP BY, HAVING, "
                   "DISTINCT, set operation, ORDER BY or LIMIT.");
  }
  if (what.kind == StatementClass::refused) return refused(what);
  if (what.kind != StatementClass::read) {
    if (raw.read_only) return not_a_read(what, "A read-only request may hold nothing but reads.");
    if (client_.connection().read_only) return not_a_read(what, "This client is read-only.");
  }
  if (what.statements.size() > 1 && !raw.params.empty())
    return payload("params", "params are possible with one statement only.");
  if (raw.params.size() > kMostParams) return payload("params", "At most 65535 params are possible.");
  if (what.kind != StatementClass::unparsable &&
      raw.params.size() != static_cast<std::size_t>(what.parameters))
    return wrong_number_of_params(raw.params.size(), static_cast<std::size_t>(what.parameters));
  if (raw.schema_name.size() > 63 || raw.schema_name.find('\0') != std::string_view::npos)
    return Error(ErrorCode::invalid_identifier, "schema_name is no name of a schema.");
  if (what.kind == StatementClass::session && pool_.transaction_pooler()) {
    Error error(ErrorCode::capability_not_supported,
                "Statements that change the session are not possible over a transaction pooler.");
    error.with("requires", std::string_view("session"));
    return error;
  }
  return std::nullopt;
}

base::Task<contract::Result<query::Summary>> RawExecutor::run(const query::RawText& raw, query::RowSink& sink,
                                                              const ExecutionContext& context) {
  pool_.touch();
  budget_.request();
  if (auto admitted = client_.breaker.admit(); !admitted) co_return admitted.error();
  const engines::ProbeGuard guard{client_.breaker};

  if (raw.text.find('\0') != std::string_view::npos)
    co_return payload("query", "The query contains the character \\u0000.");
  auto entry = texts_.get(raw.text);
  if (auto error = refusal(raw, entry->what); error) co_return std::move(*error);

  const auto& what = entry->what;
  const bool read = what.kind == StatementClass::read;
  const bool several = what.statements.size() > 1;
  RawResult result(
      sink, schema_,
      {raw.max_rows, read, several, static_cast<std::size_t>(client_.settings().max_buffered_bytes)});
  Job job{raw,
          context,
          entry,
          result,
          std::pmr::vector<sql::Bind>(&context.memory),
          several,
          read,
          read && (raw.read_only || client_.connection().read_only)};
  if (entry->uses == 1 && !several) co_await load_types(entry, context.deadline);
  bool exclusive = co_await wants_exclusive(job);

  const int most = std::max(client_.settings().retry_attempts, 1);
  int attempts = 1;
  for (int free_runs = 0;;) {
    // What was not sent is dropped.
    if (caller_has_left(context)) co_return caller_left_error();
    auto verdict = co_await attempt(job, exclusive);
    using Next = Verdict::Next;
    if (verdict.next == Next::done) break;
    if (verdict.next == Next::failed) co_return std::move(*verdict.error);
    if (verdict.next == Next::again_exclusive) exclusive = true;
    Error error = verdict.error ? std::move(*verdict.error) : Error(ErrorCode::database_error);
    if (verdict.lost && !job.harmless && !job.read_only) {
      // It may have run, and functions in it may have written: only what the catalogue vouches for runs
      // twice.
      if (!what.plain || !raw.schema_name.empty()) co_return error;
      auto known = co_await catalogue_.ask(entry, context.deadline);
      job.harmless = known.harmless;
      if (!job.harmless) co_return error;
    }
    if (context.deadline.expired() || !result.restart()) co_return error;
    if (verdict.free) {
      if (++free_runs > kMostFreeRuns) co_return error;
      client_.count_repeat(error.code());
      continue;
    }
    if (attempts >= most || !budget_.take()) co_return error;
    if (verdict.delay) {
      const auto delay = random_pause(attempts);
      if (delay >= context.deadline.remaining()) co_return error;
      co_await pause_for(pool_.shard(), delay);
    }
    ++attempts;
    client_.retries.fetch_add(1, std::memory_order_relaxed);
    client_.count_repeat(error.code());
  }
  result.finish();
  if (result.malformed())
    co_return Error(ErrorCode::upstream_error, "The database sent a result that cannot be read.");
  query::Summary summary;
  summary.rows_returned = result.passed();
  summary.rows_affected = result.affected();
  summary.truncated = result.truncated();
  summary.attempts = attempts;
  summary.statement_count = static_cast<int>(what.statements.size());
  summary.notices = result.take_notices();
  co_return summary;
}

/// Types of the user that its tables and casts are of. What can't be found goes out as text.
base::Task<> RawExecutor::load_types(std::shared_ptr<RawTextEntry> entry, base::Deadline deadline) {
  const auto& what = entry->what;
  if (what.kind != StatementClass::read && what.kind != StatementClass::write) co_return;
  std::size_t lookups = 0;
  for (const auto& relation : what.names.relations) {
    const bool of_server = relation.name.starts_with("pg_") || relation.schema == "pg_catalog" ||
                           relation.schema == "information_schema";
    if (relation.maybe_cte || of_server) continue;
    if (schema_.find_cached(relation.schema, relation.name) != nullptr) continue;
    if (++lookups > kMostLookups) co_return;
    auto found = co_await schema_.find(relation.schema, relation.name, deadline);
    if (!found && found.error().code() != ErrorCode::undefined_table) co_return;
  }
  std::vector<std::string> types(what.names.types.begin(), what.names.types.end());
  for (const auto& relation : what.names.relations) {
    // The row of a table is a value too: SELECT t FROM t.
    if (schema_.find_cached(relation.schema, relation.name) != nullptr)
      types.push_back(type_of_rows(relation.schema, relation.name));
  }
  for (const auto& type : types) {
    if (schema_.types().find(type) != nullptr) continue;
    if (++lookups > kMostLookups) co_return;
    auto loaded = co_await schema_.load_type(type, deadline);
    if (!loaded && loaded.error().code() != ErrorCode::invalid_identifier) co_return;
  }
}

base::Task<bool> RawExecutor::wants_exclusive(Job& job) {
  const auto& what = job.what();
  if (!what.plain || !what.limit || job.read_only || job.context.exclusive || !job.raw.schema_name.empty())
    co_return true;
  const auto rows = std::min(job.raw.max_rows, kMostPipelinedRows);
  if (*what.limit > rows || client_.pipelined_per_shard() == 0) co_return true;
  if (job.context.deadline.remaining() > milliseconds(client_.limits().statement_timeout_ms)) co_return true;
  const auto* known = catalogue_.find(*job.entry);
  RawCatalogue::Verdict verdict;
  if (known != nullptr) {
    verdict = *known;
  } else {
    auto asked = co_await catalogue_.ask(job.entry, job.context.deadline);
    verdict = asked;
  }
  job.harmless = verdict.harmless;
  if (!verdict.harmless) co_return true;
  switch (shapes_.pace(job.raw.text)) {
    case Shapes::Pace::slow:
      co_return true;
    case Shapes::Pace::quick:
      co_return false;
    case Shapes::Pace::unknown:
      break;
  }
  co_return verdict.rows > kLargeTable;
}

void RawExecutor::note_answer() {
  if (!client_.breaker.clean()) client_.breaker.success();
}

/// DDL has run: all shards that know something of this client's schema forget it.
void RawExecutor::schema_changed() {
  schema_.forget_all();
  forget();
  for (unsigned index = 0; index < client_.home_shards(); ++index) {
    if (index == pool_.shard().index()) continue;
    const auto home = client_.home(index);
    if (!home) continue;
    home->mailbox->post([backend = home->backend] { backend->schema()->forget_schema(); });
  }
}

}  // namespace athena::postgres

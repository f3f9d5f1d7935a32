#include "engines/sqlite/shard_backend.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "engines/sql/compiler.h"
#include "engines/sqlite/constraints.h"
#include "engines/sqlite/inline_source.h"
#include "engines/sqlite/owned_statement.h"
#include "engines/sqlite/read_job.h"

namespace athena::sqlite {
namespace {

using contract::Error;
using contract::ErrorCode;
using contract::Result;

constexpr std::size_t kCachedTables = 4096;
// Reading a table's description takes some 200 µs; a schema of thousands of tables is read by a worker.
constexpr std::chrono::milliseconds kInlineLoadTime{5};
constexpr int kSchemaChanges = 3;

/// A table name in ASCII lower case, as SQLite compares names.
class LowerName {
 public:
  explicit LowerName(std::string_view name) {
    if (name.size() > buffer_.size()) return;
    std::transform(name.begin(), name.end(), buffer_.begin(), base::lower);
    size_ = name.size();
  }
  /// Empty for names longer than any that is cached.
  [[nodiscard]] std::string_view view() const { return {buffer_.data(), size_}; }

 private:
  std::array<char, 128> buffer_;
  std::size_t size_ = 0;
};

std::int64_t row_limit(const sql::Plan& plan, const engines::ExecutionContext& context) {
  return plan.row_limit < 0 ? context.max_rows : std::min(plan.row_limit, context.max_rows);
}

query::RowShape shape_of(const sql::Plan& plan) {
  const auto& first = plan.statements.front();
  return {first.columns, first.resource_id};
}

}  // namespace

ShardBackend::ShardBackend(File& file, const contract::ClientDefinition& definition,
                           contract::SettingsView settings, base::Shard& shard)
    : file_(file), definition_(definition), settings_(settings), shard_(shard), inline_(file, shard) {}

ShardBackend::~ShardBackend() {
  for (const auto& waiter : waiters_) {
    if (const auto alive = waiter.lock()) alive->abandon();
  }
}

void ShardBackend::shutdown() {
  closed_ = true;
  inline_.close();
  tables_.clear();
}

void ShardBackend::track(std::weak_ptr<ShardWaiter> waiter) {
  // Swept when it has grown to a power of two, so that the sweeps cost nothing on average.
  if (waiters_.size() >= 16 && (waiters_.size() & (waiters_.size() - 1)) == 0) {
    std::erase_if(waiters_, [](const auto& entry) { return entry.expired(); });
  }
  waiters_.push_back(std::move(waiter));
}

Result<void> ShardBackend::admit(base::Deadline deadline) {
  if (closed_) return Error(ErrorCode::overloaded, "The client is being closed.");
  if (auto admitted = file_.health.admit(); !admitted) return admitted.error();
  if (deadline.expired()) return deadline_error();
  return {};
}

base::Task<Result<query::Summary>> ShardBackend::execute(const query::Request& request, query::RowSink& sink,
                                                         const engines::ExecutionContext& context) {
  if (auto admitted = admit(context.deadline); !admitted) co_return admitted.error();
  const bool probe = file_.health.suspect();
  auto result = co_await attempt(request, sink, context);
  if (probe) file_.health.probed(!result && result.error().code() == ErrorCode::backend_unreachable);
  co_return result;
}

base::Task<Result<query::Summary>> ShardBackend::attempt(const query::Request& request, query::RowSink& sink,
                                                         const engines::ExecutionContext& context) {
  const query::Target& target = query::target(request);
  if (auto schema = check_schema(target.schema); !schema) co_return schema.error();
  if (file_.options.read_only && query::is_write(request)) {
    co_return Error(ErrorCode::read_only_violation,
                    "The client \"" + definition_.client_name + "\" is read-only.");
  }
  if (const auto* count = std::get_if<query::Count>(&request);
      count != nullptr && count->mode != query::CountMode::exact) {
    co_return sql::feature_refused(contract::Engine::sqlite, count->mode == query::CountMode::planned
                                                                 ? "count.planned"
                                                                 : "count.estimated");
  }
  for (int changes = 0; changes <= kSchemaChanges; ++changes) {
    LoadedTable loaded;
    bool fresh = false;
    if (const LoadedTable* cached = find_cached(target.table)) {
      loaded = *cached;
    } else {
      std::string name(target.table);
      auto read = co_await load(std::move(name), context.deadline);
      if (!read) co_return read.error();
      loaded = std::move(*read);
      fresh = true;
    }
    const sql::CompileContext compile_context{dialect_, loaded.table, context.memory, *settings_};
    auto plan = sql::compile(request, compile_context);
    if (!plan) {
      if (fresh || schema_is(loaded.schema_version)) co_return plan.error();
      tables_.clear();
      continue;
    }
    if (plan->statements.empty()) {
      InlineSource source;
      sink.begin({}, source);
      co_return query::Summary{};
    }
    if (context.sql != nullptr) {
      context.sql->clear();
      for (const auto& statement : plan->statements) context.sql->emplace_back(statement.text);
    }
    auto result = co_await run_plan(*plan, loaded.schema_version, sink, context);
    if (!result) co_return result.error();
    if (!result->schema_changed) co_return result->summary;
    tables_.clear();
  }
  co_return Error(ErrorCode::serialization_failure, "The schema of the database keeps changing.");
}

base::Task<Result<RowChannel::Result>> ShardBackend::run_plan(const sql::Plan& plan,
                                                              std::int64_t schema_version,
                                                              query::RowSink& sink,
                                                              const engines::ExecutionContext& context) {
  if (!plan.is_write && plan.statements.size() == 1 && !context.exclusive) {
    auto read =
        inline_.read(plan.statements.front(), schema_version, row_limit(plan, context), context.deadline);
    switch (read.end) {
      case InlineReader::End::failed:
        co_return std::move(*read.error);
      case InlineReader::End::schema_changed:
        co_return RowChannel::Result{{}, true, false};
      case InlineReader::End::handover:
        break;
      case InlineReader::End::done: {
        file_.inline_reads.fetch_add(1, std::memory_order_relaxed);
        const query::RowShape shape = shape_of(plan);
        auto rest = co_await deliver(shape, read.truncated, sink, context.deadline, context);
        co_return rest;
      }
    }
  }
  auto result = co_await run_on_file(plan, schema_version, sink, context);
  co_return result;
}

base::Task<Result<RowChannel::Result>> ShardBackend::deliver(const query::RowShape& shape, bool truncated,
                                                             query::RowSink& sink, base::Deadline deadline,
                                                             const engines::ExecutionContext& context) {
  query::Summary summary;
  summary.truncated = truncated;
  InlineSource source;
  sink.begin(shape, source);
  RowBatch& rows = inline_.rows();
  auto flow = query::RowFlow::more;
  std::size_t next = 0;
  while (next < rows.rows() && flow == query::RowFlow::more) {
    flow = sink.row(rows.row(next++, cells_));
    ++summary.rows_returned;
  }
  if (flow != query::RowFlow::pause || next == rows.rows())
    co_return RowChannel::Result{summary, false, false};
  auto channel = std::make_shared<RowChannel>(shard_, sink, shape, deadline, RowChannel::Kind::read);
  channel->continue_from(std::exchange(rows, RowBatch(0)), next, summary);
  source.attach(channel);
  auto rest = co_await wait(channel, context);
  co_return rest;
}

base::Task<Result<RowChannel::Result>> ShardBackend::run_on_file(const sql::Plan& plan,
                                                                 std::int64_t schema_version,
                                                                 query::RowSink& sink,
                                                                 const engines::ExecutionContext& context) {
  file_.queued_operations.fetch_add(1, std::memory_order_relaxed);
  const query::RowShape shape = shape_of(plan);
  const auto kind = plan.is_write ? RowChannel::Kind::write : RowChannel::Kind::read;
  auto channel = std::make_shared<RowChannel>(shard_, sink, shape, context.deadline, kind);
  if (auto queued = submit(plan, schema_version, row_limit(plan, context), context.deadline, channel);
      !queued) {
    co_return queued.error();
  }
  auto result = co_await wait(channel, context);
  co_return result;
}

Result<void> ShardBackend::submit(const sql::Plan& plan, std::int64_t schema_version, std::int64_t max_rows,
                                  base::Deadline deadline, const std::shared_ptr<RowChannel>& channel) {
  std::vector<OwnedStatement> statements(plan.statements.begin(), plan.statements.end());
  if (!plan.is_write) {
    const ReadJob::Settings settings{deadline, schema_version, max_rows};
    return file_.submit_read(std::make_shared<ReadJob>(settings, std::move(statements), channel));
  }
  auto job =
      std::make_unique<WriteJob>(WriteJob{deadline, schema_version, max_rows, settings_->max_buffered_bytes,
                                          plan.reorder, std::move(statements), channel, false, std::nullopt});
  return file_.writer.submit(std::move(job));
}

base::Task<Result<RowChannel::Result>> ShardBackend::wait(std::shared_ptr<RowChannel> channel,
                                                          const engines::ExecutionContext& context) {
  track(channel);
  if (context.cancellation != nullptr) context.cancellation->on_request([channel] { channel->cancel(); });
  auto result = co_await channel->wait();
  if (context.cancellation != nullptr) context.cancellation->on_request({});
  co_return result;
}

template <class T>
base::Task<Result<T>> ShardBackend::call(typename Call<T>::Work work, base::Deadline deadline) {
  auto pending = std::make_shared<Call<T>>(shard_, deadline, std::move(work));
  if (auto queued = file_.submit_read(pending); !queued) co_return queued.error();
  track(pending);
  auto result = co_await pending->wait();
  co_return result;
}

const LoadedTable* ShardBackend::find_cached(std::string_view name) const {
  const LowerName lower(name);
  const auto found = tables_.find(lower.view());
  return found == tables_.end() ? nullptr : &found->second;
}

base::Task<Result<LoadedTable>> ShardBackend::load(std::string name, base::Deadline deadline) {
  file_.schema_loads.fetch_add(1, std::memory_order_relaxed);
  Result<LoadedTable> loaded = Error(ErrorCode::overloaded);
  bool done = false;
  if (Connection* connection = inline_.connection()) {
    const Connection::Guard guard(*connection, deadline.capped(kInlineLoadTime), nullptr, StopReason::budget);
    loaded = load_table(*connection, name);
    done = loaded || loaded.error().code() == ErrorCode::undefined_table;
  }
  if (!done) {
    auto read = co_await call<LoadedTable>(
        [name](Connection& connection) { return load_table(connection, name); }, deadline);
    loaded = std::move(read);
  }
  if (loaded) {
    if (tables_.size() >= kCachedTables) tables_.clear();
    const LowerName lower(name);
    if (!lower.view().empty()) tables_.insert_or_assign(std::string(lower.view()), *loaded);
  }
  co_return loaded;
}

bool ShardBackend::schema_is(std::int64_t version) {
  Connection* connection = inline_.connection();
  if (connection == nullptr) return false;
  auto current = connection->schema_version();
  return current && *current == version;
}

template <class T>
base::Task<Result<T>> ShardBackend::look(std::string table_schema, typename Call<T>::Work work,
                                         base::Deadline deadline) {
  if (auto admitted = admit(deadline); !admitted) co_return admitted.error();
  if (auto schema = check_schema(table_schema); !schema) co_return schema.error();
  const bool probe = file_.health.suspect();
  auto result = co_await call<T>(std::move(work), deadline);
  if (probe) file_.health.probed(!result && result.error().code() == ErrorCode::backend_unreachable);
  co_return result;
}

base::Task<Result<std::vector<engines::TableInfo>>> ShardBackend::tables(engines::TableQuery query,
                                                                         base::Deadline deadline) {
  std::string schema = query.table_schema;
  auto work = [query](Connection& connection) { return list_tables(connection, query); };
  auto result = co_await look<std::vector<engines::TableInfo>>(std::move(schema), std::move(work), deadline);
  co_return result;
}

base::Task<Result<std::vector<engines::ColumnInfo>>> ShardBackend::columns(std::string table_schema,
                                                                           std::string table_name,
                                                                           base::Deadline deadline) {
  auto work = [table_name](Connection& connection) { return list_columns(connection, table_name); };
  auto result =
      co_await look<std::vector<engines::ColumnInfo>>(std::move(table_schema), std::move(work), deadline);
  co_return result;
}

base::Task<Result<std::vector<engines::ConstraintInfo>>> ShardBackend::constraints(std::string table_schema,
                                                                                   std::string table_name,
                                                                                   base::Deadline deadline) {
  auto work = [table_name](Connection& connection) { return list_constraints(connection, table_name); };
  auto result =
      co_await look<std::vector<engines::ConstraintInfo>>(std::move(table_schema), std::move(work), deadline);
  co_return result;
}

base::Task<Result<std::optional<std::vector<engines::MigrationInfo>>>> ShardBackend::migrations(
    std::int64_t /*limit*/, base::Deadline deadline) {
  if (auto admitted = admit(deadline); !admitted) co_return admitted.error();
  co_return std::optional<std::vector<engines::MigrationInfo>>();
}

base::Task<Result<std::vector<engines::TableDescription>>> ShardBackend::describe(std::string table_schema,
                                                                                  std::int64_t limit,
                                                                                  base::Deadline deadline) {
  auto work = [limit](Connection& connection) { return describe_tables(connection, limit); };
  auto result = co_await look<std::vector<engines::TableDescription>>(std::move(table_schema),
                                                                      std::move(work), deadline);
  co_return result;
}

}  // namespace athena::sqlite

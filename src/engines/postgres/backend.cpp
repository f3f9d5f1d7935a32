#include "engines/postgres/backend.h"

#include "engines/postgres/client.h"
#include "engines/postgres/constraints.h"
#include "engines/postgres/describe.h"
#include "engines/postgres/dialect.h"
#include "engines/postgres/executor.h"
#include "engines/postgres/function_executor.h"
#include "engines/postgres/migrations.h"
#include "engines/postgres/pool.h"
#include "engines/postgres/raw_executor.h"
#include "engines/postgres/remote.h"
#include "engines/postgres/schema_cache.h"
#include "engines/postgres/types.h"

namespace athena::postgres {
namespace {

/// One shard's side of a client.
class PostgresBackend final : public engines::Backend, public engines::SchemaBackend {
 public:
  PostgresBackend(std::shared_ptr<Client> client, base::Shard& shard)
      : client_(std::move(client)),
        shard_(shard),
        mailbox_(std::make_shared<Mailbox>(shard)),
        pool_(shard, *client_),
        schema_(pool_, client_->live_settings()),
        dialect_(schema_.types()),
        executor_(*client_, pool_, schema_, dialect_),
        functions_(*client_, pool_, schema_, dialect_, executor_),
        raw_(*client_, pool_, schema_) {
    pool_.format_with(&PostgresBackend::format_of_type, this);
    pool_.tick_with([this] { report_schema(); });
    pool_.start();
    client_->settle(shard.index(), Client::Home{mailbox_, this, &shard});
  }
  ~PostgresBackend() override {
    pool_.close_all();  // those who wait are resumed by this and need the other members
    client_->settle(shard_.index(), std::nullopt);
    report_schema();
    client_->schema_entries.fetch_sub(reported_entries_, std::memory_order_relaxed);
    client_->shapes_exclusive.fetch_sub(reported_.shapes, std::memory_order_relaxed);
    mailbox_->close();
  }

  engines::QueryBackend* query() override { return &executor_; }
  engines::SchemaBackend* schema() override { return this; }
  engines::RawBackend* raw() override { return &raw_; }
  engines::FunctionBackend* functions() override { return &functions_; }
  void shutdown() override { pool_.shutdown(); }

  base::Task<contract::Result<std::vector<engines::TableInfo>>> tables(engines::TableQuery query,
                                                                       base::Deadline deadline) override {
    auto listed = co_await discover(schema_.list_tables(std::move(query), deadline));
    co_return listed;
  }
  base::Task<contract::Result<std::vector<engines::ColumnInfo>>> columns(std::string table_schema,
                                                                         std::string table_name,
                                                                         base::Deadline deadline) override {
    auto listed =
        co_await discover(schema_.list_columns(std::move(table_schema), std::move(table_name), deadline));
    co_return listed;
  }
  base::Task<contract::Result<std::vector<engines::ConstraintInfo>>> constraints(
      std::string table_schema, std::string table_name, base::Deadline deadline) override {
    auto listed = co_await discover(
        read_constraints(schema_.runner(), std::move(table_schema), std::move(table_name), deadline));
    co_return listed;
  }
  base::Task<contract::Result<MigrationList>> migrations(std::int64_t limit,
                                                         base::Deadline deadline) override {
    auto listed = co_await discover(read_migrations(schema_.runner(), limit, deadline));
    co_return listed;
  }
  base::Task<contract::Result<std::vector<engines::TableDescription>>> describe(
      std::string table_schema, std::int64_t limit, base::Deadline deadline) override {
    auto listed =
        co_await discover(read_descriptions(schema_.runner(), std::move(table_schema), limit, deadline));
    co_return listed;
  }
  void forget_schema() override {
    schema_.forget_all();
    raw_.forget();
  }

 private:
  /// Admission before, health after. Tasks begin when they are awaited.
  template <class R>
  base::Task<contract::Result<R>> discover(base::Task<contract::Result<R>> work) {
    pool_.touch();
    if (auto admitted = client_->breaker.admit(); !admitted) co_return admitted.error();
    auto listed = co_await std::move(work);
    settle(listed.has_value());
    if (!listed) co_return slower_than_deadline(listed.error());
    co_return listed;
  }
  /// Discovery has one code for "too slow", whoever noticed it.
  static contract::Error slower_than_deadline(contract::Error error) {
    if (error.code() != contract::ErrorCode::deadline_exceeded) return error;
    return {contract::ErrorCode::statement_timeout, "The database did not answer in time."};
  }
  void report_schema() {
    const auto entries = static_cast<std::int64_t>(schema_.size());
    client_->schema_entries.fetch_add(entries - reported_entries_, std::memory_order_relaxed);
    reported_entries_ = entries;
    const auto reloads = schema_.reloads();
    client_->schema_reloads.fetch_add(reloads - reported_reloads_, std::memory_order_relaxed);
    reported_reloads_ = reloads;
    const Reported now{static_cast<int>(executor_.slow_shapes()), executor_.schema_hits(),
                       executor_.schema_misses()};
    client_->shapes_exclusive.fetch_add(now.shapes - reported_.shapes, std::memory_order_relaxed);
    client_->schema_hits.fetch_add(now.hits - reported_.hits, std::memory_order_relaxed);
    client_->schema_misses.fetch_add(now.misses - reported_.misses, std::memory_order_relaxed);
    reported_ = now;
  }
  void settle(bool answered) {
    if (answered && !client_->breaker.clean()) client_->breaker.success();
    client_->breaker.probe_unused();
  }
  static const query::ValueFormat& format_of_type(void* self, std::uint32_t type_oid) {
    const sql::Type* const type = static_cast<PostgresBackend*>(self)->schema_.type(type_oid);
    if (type != nullptr && type->format != nullptr) return *type->format;
    return format_of(type_oid);
  }

  std::shared_ptr<Client> client_;
  base::Shard& shard_;
  std::shared_ptr<Mailbox> mailbox_;
  Pool pool_;
  SchemaCache schema_;
  PostgresDialect dialect_;
  Executor executor_;
  FunctionExecutor functions_;
  RawExecutor raw_;
  std::int64_t reported_entries_ = 0;
  std::uint64_t reported_reloads_ = 0;
  struct Reported {
    int shapes = 0;
    std::uint64_t hits = 0, misses = 0;
  } reported_;
};

}  // namespace

std::unique_ptr<engines::Backend> Client::make_backend(base::Shard& shard) {
  if (shard.index() >= home_shards_) return make_remote_backend(shared_from_this(), shard);
  return std::make_unique<PostgresBackend>(shared_from_this(), shard);
}

}  // namespace athena::postgres

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "contract/settings.h"
#include "engines/backend.h"
#include "engines/sql/statement.h"
#include "engines/sqlite/call.h"
#include "engines/sqlite/dialect.h"
#include "engines/sqlite/file.h"
#include "engines/sqlite/inline_reader.h"
#include "engines/sqlite/row_channel.h"
#include "engines/sqlite/schema.h"
#include "engines/sqlite/text_job.h"

namespace athena::sqlite {

/// One shard's side of a file. Short reads run here, on a connection of the shard; what takes longer, and
/// every write, goes to the threads of the file.
class ShardBackend final : public engines::Backend,
                           public engines::QueryBackend,
                           public engines::RawBackend,
                           public engines::SchemaBackend {
 public:
  ShardBackend(File& file, const contract::ClientDefinition& definition,
               contract::SettingsView settings, base::Shard& shard);
  ~ShardBackend() override;

  engines::QueryBackend* query() override { return this; }
  engines::RawBackend* raw() override { return this; }
  engines::SchemaBackend* schema() override { return this; }
  void shutdown() override;

  base::Task<contract::Result<query::Summary>> execute(const query::Request& request, query::RowSink& sink,
                                                       const engines::ExecutionContext& context) override;
  base::Task<contract::Result<query::Summary>> run(const query::RawText& raw, query::RowSink& sink,
                                                   const engines::ExecutionContext& context) override;
  base::Task<contract::Result<std::vector<engines::TableInfo>>> tables(engines::TableQuery query,
                                                                       base::Deadline deadline) override;
  base::Task<contract::Result<std::vector<engines::ColumnInfo>>> columns(std::string table_schema,
                                                                         std::string table_name,
                                                                         base::Deadline deadline) override;
  base::Task<contract::Result<std::vector<engines::ConstraintInfo>>> constraints(
      std::string table_schema, std::string table_name, base::Deadline deadline) override;
  /// SQLite has no table of migrations of its own: nullopt.
  base::Task<contract::Result<std::optional<std::vector<engines::MigrationInfo>>>> migrations(
      std::int64_t limit, base::Deadline deadline) override;
  base::Task<contract::Result<std::vector<engines::TableDescription>>> describe(
      std::string table_schema, std::int64_t limit, base::Deadline deadline) override;
  void forget_schema() override { tables_.clear(); }

  /// Runs a plan that was compiled for that version of the schema; `schema_changed` in the result: nothing
  /// was done.
  base::Task<contract::Result<RowChannel::Result>> run_plan(const sql::Plan& plan,
                                                            std::int64_t schema_version, query::RowSink& sink,
                                                            const engines::ExecutionContext& context);

 private:
  contract::Result<void> admit(base::Deadline deadline);
  base::Task<contract::Result<query::Summary>> attempt(const query::Request& request, query::RowSink& sink,
                                                       const engines::ExecutionContext& context);
  base::Task<contract::Result<RowChannel::Result>> run_on_file(const sql::Plan& plan,
                                                               std::int64_t schema_version,
                                                               query::RowSink& sink,
                                                               const engines::ExecutionContext& context);
  base::Task<contract::Result<query::Summary>> run_text(const query::RawText& raw, const TextValues& values,
                                                        query::RowSink& sink,
                                                        const engines::ExecutionContext& context,
                                                        base::Deadline deadline);
  base::Task<contract::Result<RowChannel::Result>> run_job(TextJob::Settings settings,
                                                           const query::RawText& raw, TextValues values,
                                                           query::RowSink& sink,
                                                           const engines::ExecutionContext& context);
  /// Gives the inline reader's rows to the sink, and what a pause leaves of them to a channel.
  base::Task<contract::Result<RowChannel::Result>> deliver(const query::RowShape& shape, bool truncated,
                                                           query::RowSink& sink, base::Deadline deadline,
                                                           const engines::ExecutionContext& context);
  contract::Result<void> submit(const sql::Plan& plan, std::int64_t schema_version, std::int64_t max_rows,
                                base::Deadline deadline, const std::shared_ptr<RowChannel>& channel);
  base::Task<contract::Result<RowChannel::Result>> wait(std::shared_ptr<RowChannel> channel,
                                                        const engines::ExecutionContext& context);
  template <class T>
  base::Task<contract::Result<T>> call(typename Call<T>::Work work, base::Deadline deadline);
  /// A call of the schema routes: admitted, and told to the breaker.
  template <class T>
  base::Task<contract::Result<T>> look(std::string table_schema, typename Call<T>::Work work,
                                       base::Deadline deadline);
  void track(std::weak_ptr<ShardWaiter> waiter);

  /// What is known of a table; null when it has to be read from the file.
  const LoadedTable* find_cached(std::string_view name) const;
  base::Task<contract::Result<LoadedTable>> load(std::string name, base::Deadline deadline);
  /// True when the file's schema is known to be that version still.
  bool schema_is(std::int64_t version);

  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };

  File& file_;
  const contract::ClientDefinition& definition_;
  contract::SettingsView settings_;
  base::Shard& shard_;
  SqliteDialect dialect_;
  InlineReader inline_;
  std::unordered_map<std::string, LoadedTable, Hash, std::equal_to<>> tables_;  // by name in ASCII lower case
  std::vector<std::weak_ptr<ShardWaiter>> waiters_;
  std::vector<query::Cell> cells_;
  bool closed_ = false;
};

}  // namespace athena::sqlite

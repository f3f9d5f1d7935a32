#include "engines/sqlite/client.h"

#include <utility>
#include <variant>

#include "engines/sqlite/file.h"
#include "engines/sqlite/shard_backend.h"

namespace athena::sqlite {
namespace {

class Client final : public engines::EngineClient {
 public:
  Client(contract::ClientDefinition definition, const engines::EngineEnvironment& environment)
      : definition_(std::move(definition)),
        settings_(environment.settings),
        file_(std::get<contract::SqliteConnection>(definition_.connection), settings_) {}

  [[nodiscard]] const contract::ClientDefinition& definition() const override { return definition_; }

  std::unique_ptr<engines::Backend> make_backend(base::Shard& shard) override {
    return std::make_unique<ShardBackend>(file_, definition_, settings_, shard);
  }

  [[nodiscard]] engines::BackendStatus status() const override {
    engines::BackendStatus status;
    file_.health.describe(status);
    const int threads = file_.readers.threads();
    const int active = file_.readers.active();
    status.pool.max = file_.in_memory() ? 1 : file_.options.readers + 1;
    status.pool.size = threads + (file_.health.ready() ? 1 : 0);
    status.pool.active = active;
    status.pool.idle = status.pool.size - active;
    status.pool.waiting = file_.waiting.get();
    status.queue = file_.waiting.get();
    const Writer::Counts writes = file_.writer.counts();
    status.writer_groups = writes.groups;
    status.writer_jobs = writes.jobs;
    status.writer_group = file_.writer.group_sizes();
    // What runs on the shard stands where PostgreSQL counts pipelined requests: both share a connection with
    // others.
    status.counters.pipelined_requests = file_.inline_reads.load(std::memory_order_relaxed);
    status.counters.exclusive_requests = file_.queued_operations.load(std::memory_order_relaxed);
    status.counters.schema_cache_reloads = file_.schema_loads.load(std::memory_order_relaxed);
    return status;
  }

  void force_offline(std::chrono::seconds duration, std::string reason) override {
    file_.health.force_offline(duration, std::move(reason));
  }
  void reset_health() override { file_.health.reset(); }
  [[nodiscard]] engines::HoldsControlTables holds_control_tables() const override {
    const auto& path = std::get<contract::SqliteConnection>(definition_.connection).path;
    return engines::ControlDatabases::process().is_file(path) ? engines::HoldsControlTables::yes
                                                              : engines::HoldsControlTables::no;
  }

 private:
  contract::ClientDefinition definition_;
  contract::SettingsView settings_;
  File file_;
};

}  // namespace

contract::Result<std::shared_ptr<engines::EngineClient>> make_client(
    contract::ClientDefinition definition, const engines::EngineEnvironment& environment) {
  const auto* connection = std::get_if<contract::SqliteConnection>(&definition.connection);
  if (connection == nullptr || connection->path.empty()) {
    return contract::Error(contract::ErrorCode::invalid_payload,
                           "The client \"" + definition.client_name + "\" has no path of a SQLite file.");
  }
  if (connection->readers < 1 || connection->readers > 32) {
    return contract::Error(contract::ErrorCode::invalid_payload,
                           "readers of the client \"" + definition.client_name + "\" must be 1 to 32.");
  }
  return std::shared_ptr<engines::EngineClient>(std::make_shared<Client>(std::move(definition), environment));
}

}  // namespace athena::sqlite

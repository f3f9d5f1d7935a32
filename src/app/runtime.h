#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "api/gateway.h"
#include "app/config.h"
#include "app/tools.h"
#include "base/result.h"
#include "base/shard.h"
#include "http/server.h"
#include "services/catalog/direct_pools.h"

namespace athena::records {
class Records;
}

namespace athena::app {

/// The shards, their gateways and the server, in the order in which they must end. Used by one thread, which
/// is no shard, but for what says otherwise.
class Runtime {
 public:
  /// `enforced`: callers must show a key while no store says otherwise. Connects nowhere.
  Runtime(const Config& config, std::vector<auth::AdminKey> keys, bool enforced);

  /// What makes definitions of the catalogue's rows; outlives the runtime's requests. Before start().
  void set_clients(const api::ClientSupport& clients) { process_.clients = &clients; }
  /// Starts the shards. Requests of operators find the store in `control`, which ends before stop().
  /// What requests leave behind goes to `records`, which outlives the runtime.
  void start(const http::ServerSettings& settings, control::ControlPlane* control, records::Records* records);
  /// Opens the listeners; the error is ready for the operator.
  base::Result<void, std::string> listen();
  /// Makes the backends of every client, so that pools open and unreachable clients are known before the
  /// first request. In small parts, so that requests get their turn between them.
  void open_backends();
  [[nodiscard]] http::Server& server() { return *server_; }

  /// All shards go over to what `config` says; requests that run finish with what they began with. Fails, and
  /// changes nothing, when the certificate can't be used. This and the next two: any thread that is no shard.
  base::Result<void, std::string> change(const Config& config, std::vector<auth::AdminKey> keys);
  /// The same for the clients alone: the settings of listeners and limits stay. From start() to stop().
  void change_clients(const Config& config, std::vector<auth::AdminKey> keys);
  /// Once no request uses an earlier snapshot any more: destroys them, their backends and the clients that
  /// nobody has; here, as that may wait for their threads. True while some are left.
  bool forget_unused();
  /// All shards check requests against `keys` once this returns; requests that run finish with what they
  /// began with. Any thread that is no shard, from start() to stop(). The state replaced is freed by the
  /// calling thread: here, or in the next call once no request uses it.
  void change_keys(std::shared_ptr<const auth::KeyState> keys);
  /// The keys in force. Any thread.
  [[nodiscard]] std::shared_ptr<const auth::KeyState> keys() const;
  /// To be told of each time the store was read. Any thread.
  [[nodiscard]] auth::StoreHealth& store_health() { return *process_.store_health; }

  /// The inner state as one JSON object, for SIGUSR2.
  [[nodiscard]] std::string state() const;

  /// Every shard hands over the records it has.
  void flush_records();

  /// After the drain: ends the backends, then the shards.
  void stop();

 private:
  void take_over(std::shared_ptr<const api::Snapshot> snapshot);
  void open_backends(const std::vector<const api::View*>& views);
  [[nodiscard]] const api::Snapshot& current() const { return *snapshots_.back(); }

  contract::LiveSettings settings_;
  base::ShardGroup shards_;
  engines::EngineEnvironment environment_;
  std::vector<std::shared_ptr<const api::Snapshot>> snapshots_;  // the last one is in force
  mutable std::mutex changes_;  // a reload, new keys and new clients come from different threads
  std::vector<std::shared_ptr<const auth::KeyState>> key_states_;  // the last one is in force
  bool running_ = false;
  catalog::DirectPools direct_pools_;
  ToolLookup tools_;
  api::ProcessContext process_;
  std::vector<std::unique_ptr<api::Gateway>> gateways_;
  std::unique_ptr<http::Server> server_;
};

}  // namespace athena::app

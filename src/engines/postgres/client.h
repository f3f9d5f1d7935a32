#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/histogram.h"
#include "contract/settings.h"
#include "engines/backend.h"
#include "engines/breaker.h"
#include "engines/postgres/backend.h"
#include "engines/postgres/connect.h"
#include "engines/postgres/prepared.h"

namespace athena::postgres {

/// The process-wide side of a PostgreSQL client: where to connect, the breaker, what its pools share.
/// Thread-safe.
class Client final : public engines::EngineClient, public std::enable_shared_from_this<Client> {
 public:
  Client(contract::ClientDefinition definition, engines::EngineEnvironment environment,
         Origin origin = Origin::operators);
  ~Client() override;

  [[nodiscard]] const contract::ClientDefinition& definition() const override { return definition_; }
  std::unique_ptr<engines::Backend> make_backend(base::Shard& shard) override;
  [[nodiscard]] engines::BackendStatus status() const override;
  void force_offline(std::chrono::seconds duration, std::string reason) override;
  void reset_health() override;
  [[nodiscard]] engines::HoldsControlTables holds_control_tables() const override;

  [[nodiscard]] const contract::PostgresConnection& connection() const { return connection_; }
  [[nodiscard]] const contract::PoolLimits& limits() const { return connection_.pool; }
  [[nodiscard]] const contract::GatewaySettings& settings() const { return *environment_.settings; }
  [[nodiscard]] contract::SettingsView live_settings() const { return environment_.settings; }
  /// The login comes from a caller: that it is refused says nothing about the backend.
  [[nodiscard]] bool has_callers_login() const { return origin_ == Origin::caller; }
  /// Shards that hold connections; the others hand their requests over.
  [[nodiscard]] unsigned home_shards() const { return home_shards_; }
  /// Pipelined connections of one shard at most; 0 = the ceiling leaves room for one connection only, which
  /// serves both kinds.
  [[nodiscard]] int pipelined_per_shard() const { return pipelined_per_shard_; }
  /// Null when the connection text can't be read; `broken` then says why.
  [[nodiscard]] Connector* connector() const { return connector_.get(); }
  [[nodiscard]] const std::optional<contract::Error>& broken() const { return broken_; }

  /// A shard that holds connections, for those that do not.
  struct Home {
    std::shared_ptr<Mailbox> mailbox;
    engines::Backend* backend;  ///< touched on its shard only, through the mailbox
    base::Shard* shard;
  };
  void settle(unsigned index, std::optional<Home> home);
  [[nodiscard]] std::optional<Home> home(unsigned index) const;

  engines::Breaker breaker;
  PreparedCache::Counters prepared;
  std::atomic<int> open{0};  ///< reserved connections, those being made included
  std::atomic<int> pipelined{0}, idle{0}, leased{0}, connecting{0}, waiting{0};
  std::atomic<std::uint64_t> pipelined_requests{0}, exclusive_requests{0}, retries{0}, reconnects{0},
      pool_timeouts{0};
  enum Repeat : std::uint8_t { stale_statement, connection_lost, not_run };
  /// An operation runs again because of that.
  void count_repeat(contract::ErrorCode why);
  std::array<std::atomic<std::uint64_t>, 3> repeats{};
  std::atomic<int> pipelined_active{0}, shapes_exclusive{0};
  std::atomic<std::uint64_t> schema_hits{0}, schema_misses{0};
  base::SharedHistogram<base::kSecondsBounds> pool_wait;
  base::SharedHistogram<base::kCountBounds> pipeline_depth;
  std::atomic<std::int64_t> schema_entries{0};
  std::atomic<std::uint64_t> schema_reloads{0};
  std::atomic<std::int64_t> last_check_ms{0};  ///< Unix; 0 = never
  std::atomic<std::int64_t> latency_us{-1};
  std::atomic<std::int64_t> next_check{0};  ///< steady clock, ns: which pool checks an unused client
  std::atomic<bool> probing{false};         ///< one pool has taken the probes of an outage on
  std::atomic<bool> started{false};
  std::atomic<bool> transaction_pooler{false};

 private:
  const contract::ClientDefinition definition_;
  const contract::PostgresConnection& connection_;
  const engines::EngineEnvironment environment_;
  const Origin origin_;
  unsigned home_shards_ = 1;
  int pipelined_per_shard_ = 2;
  std::shared_ptr<Connector> connector_;
  std::optional<contract::Error> broken_;
  bool names_control_database_ = false;
  mutable std::mutex homes_mutex_;
  std::vector<std::optional<Home>> homes_;
};

}  // namespace athena::postgres

#pragma once

#include <atomic>
#include <cstring>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/crypto.h"
#include "base/deadline.h"
#include "base/shard.h"
#include "contract/client_definition.h"
#include "engines/backend.h"
#include "engines/target_policy.h"
#include "services/catalog/registry.h"

namespace athena::catalog {

class DirectSide;

/// The client that every direct URI is for routes and statistics: `direct`, engine postgresql. Lives as long
/// as the process.
const Entry& direct_entry();

/// The process-wide side of one direct URI. Thread-safe.
class DirectPool {
 public:
  DirectPool(const base::Sha256& key, std::shared_ptr<engines::EngineClient> client)
      : key_(key), client_(std::move(client)) {}

  [[nodiscard]] const base::Sha256& key() const { return key_; }
  [[nodiscard]] engines::EngineClient& client() const { return *client_; }

  /// One more that uses it; false once it is retired.
  bool use();
  void release();
  /// False while somebody uses it.
  bool retire();
  [[nodiscard]] bool in_use() const { return users_.load(std::memory_order_acquire) > 0; }
  [[nodiscard]] base::Clock::time_point last_used() const {
    return base::Clock::time_point(base::Clock::duration(last_used_.load(std::memory_order_relaxed)));
  }
  /// Every shard has its backend.
  std::atomic<bool> ready{false};

 private:
  static constexpr int kRetired = -1;

  const base::Sha256 key_;
  const std::shared_ptr<engines::EngineClient> client_;
  std::atomic<int> users_{0};
  std::atomic<base::Clock::rep> last_used_{base::Clock::now().time_since_epoch().count()};
};

struct DigestHash {
  std::size_t operator()(const base::Sha256& digest) const {
    std::size_t hash = 0;
    std::memcpy(&hash, digest.data(), sizeof hash);
    return hash;
  }
};

/// The pools of all direct URIs of the process, by SHA-256 of URI and pinned address. At most
/// gateway.direct_pool_capacity; those unused for gateway.direct_pool_ttl_secs are closed. Thread-safe: the
/// mutex is taken when a shard meets a URI for the first time, never per request.
class DirectPools {
 public:
  struct Options {
    contract::PoolLimits limits;  ///< its connection counts are replaced by those of direct pools
    std::shared_ptr<engines::Resolver> resolver = engines::system_resolver();
  };
  /// `shards` and what `environment` points to outlive this.
  DirectPools(base::ShardGroup& shards, const engines::EngineEnvironment& environment, Options options);

  /// The pool of that key, made from `connection_text` if there is none, in use by the caller. Full: the
  /// unused one that was used longest ago goes; when all are in use, overloaded.
  contract::Result<std::shared_ptr<DirectPool>> acquire(const base::Sha256& key, std::string connection_text,
                                                        int connect_timeout_seconds);
  /// Closes those that nobody has used for the configured time.
  void close_unused(base::Clock::time_point now);
  [[nodiscard]] std::size_t size() const { return size_.load(std::memory_order_relaxed); }

  [[nodiscard]] base::ShardGroup& shards() { return shards_; }
  [[nodiscard]] const std::shared_ptr<engines::Resolver>& resolver() const { return options_.resolver; }
  [[nodiscard]] const contract::GatewaySettings& settings() const { return *environment_.settings; }
  /// The side of a shard; on that shard only. Null = not there (yet, or any more).
  DirectSide*& side(const base::Shard& shard) { return sides_[shard.index()]; }

 private:
  using Map = std::unordered_map<base::Sha256, std::shared_ptr<DirectPool>, DigestHash>;
  bool make_room_locked();
  void drop_locked(Map::iterator entry);

  base::ShardGroup& shards_;
  const engines::EngineEnvironment environment_;
  const Options options_;
  std::vector<DirectSide*> sides_;
  std::mutex mutex_;
  Map pools_;
  std::atomic<std::size_t> size_{0};
};

}  // namespace athena::catalog

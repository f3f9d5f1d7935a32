#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/coroutine.h"
#include "base/timer_wheel.h"
#include "engines/postgres/direct_uri.h"
#include "services/catalog/direct_pools.h"

namespace athena::catalog {

/// One shard's part of a pool.
struct DirectLocal {
  std::shared_ptr<DirectPool> pool;
  std::unique_ptr<engines::Backend> backend;
  int users = 0;  ///< requests of this shard
};

/// Keeps a direct pool for as long as a request uses it. Belongs to its shard.
class DirectUse {
 public:
  DirectUse() = default;
  DirectUse(DirectUse&&) = default;
  DirectUse& operator=(DirectUse&& other) noexcept {
    std::swap(local_, other.local_);
    return *this;
  }
  ~DirectUse() { give_back(); }

  [[nodiscard]] explicit operator bool() const { return local_ != nullptr; }
  [[nodiscard]] engines::Backend* backend() const { return local_->backend.get(); }
  [[nodiscard]] const engines::EngineClient& client() const { return local_->pool->client(); }

 private:
  friend class DirectSide;
  explicit DirectUse(std::shared_ptr<DirectLocal> local) : local_(std::move(local)) {}
  void give_back();
  std::shared_ptr<DirectLocal> local_;
};

/// A direct URI as it came.
struct DirectText {
  std::string_view header;  ///< its name
  std::string_view uri;     ///< empty = there is none
};

/// Direct URIs on one shard: a map in front of the process-wide pools. Used on its shard; destroyed there, or
/// when the shard has stopped.
class DirectSide {
 public:
  DirectSide(base::Shard& shard, DirectPools& pools);
  ~DirectSide();
  DirectSide(const DirectSide&) = delete;
  DirectSide& operator=(const DirectSide&) = delete;

  /// The pool of a URI that this shard has met within the last minute; empty = open it. Without waiting,
  /// without a lock. Refusals are those of the target policy.
  contract::Result<DirectUse> find(const DirectText& text, const engines::TargetRules& rules,
                                   base::Clock::time_point now);
  /// What open() refuses before it waits for anything: a URI that can't be read, a host that the rules
  /// exclude by its text.
  static contract::Result<void> check(const DirectText& text, const engines::TargetRules& rules);
  /// Resolves and pins the host, and finds or makes the pool. Requests for one URI share one attempt. Errors:
  /// those of the parser and the target policy, overloaded, deadline_exceeded.
  base::Task<contract::Result<DirectUse>> open(DirectText text, engines::TargetRules rules,
                                               base::Deadline deadline);

  /// Stops every backend; none is made afterwards.
  void shutdown();
  /// Destroys them; on the shard, after shutdown() and what it posted.
  void clear();

  // ---- for DirectPools and other sides, on this shard ----
  void drop(const DirectPool& pool);
  void ensure(const std::shared_ptr<DirectPool>& pool) { local(pool); }

 private:
  /// A URI text of this shard and where it leads.
  struct Alias {
    std::shared_ptr<DirectLocal> local;
    engines::PinnedTarget target;
    base::Clock::time_point resolve_again;
  };
  struct Waiter;
  struct Opening;

  std::shared_ptr<DirectLocal> local(const std::shared_ptr<DirectPool>& pool);
  DirectUse take(const std::shared_ptr<DirectLocal>& local);
  base::Task<void> run(base::Sha256 text_key, std::shared_ptr<Opening> opening, postgres::DirectUri uri,
                       engines::TargetRequest target);
  base::Task<void> make(base::Sha256 text_key, Opening& opening, postgres::DirectUri uri,
                        engines::TargetRequest target);
  base::Task<bool> make_everywhere(std::shared_ptr<DirectPool> pool);
  void bury(const DirectLocal& local);
  void sweep();

  base::Shard& shard_;
  DirectPools& pools_;
  std::unordered_map<const DirectPool*, std::shared_ptr<DirectLocal>> locals_;
  std::unordered_map<base::Sha256, Alias, DigestHash> aliases_;
  std::unordered_map<base::Sha256, std::shared_ptr<Opening>, DigestHash> openings_;
  std::vector<std::shared_ptr<DirectLocal>> ending_;  // shut down, destroyed one turn later
  base::Timer sweep_timer_;
  bool shut_down_ = false;
};

}  // namespace athena::catalog

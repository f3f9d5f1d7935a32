#include "services/catalog/direct_pools.h"

#include <algorithm>

#include "engines/postgres/backend.h"
#include "services/catalog/direct_side.h"

namespace athena::catalog {

using contract::Error;
using contract::ErrorCode;

const Entry& direct_entry() {
  static const Entry* const entry = [] {
    auto* made = new Entry;
    made->definition.client_name = "direct";
    made->label = "direct";
    made->definition.engine = contract::Engine::postgresql;
    made->definition.capabilities.set(contract::Capability::gateway_query);
    made->definition.capabilities.set(contract::Capability::raw_sql);
    return made;
  }();
  return *entry;
}

bool DirectPool::use() {
  int users = users_.load(std::memory_order_relaxed);
  while (users != kRetired) {
    if (users_.compare_exchange_weak(users, users + 1, std::memory_order_acq_rel)) return true;
  }
  return false;
}

void DirectPool::release() {
  last_used_.store(base::Clock::now().time_since_epoch().count(), std::memory_order_relaxed);
  users_.fetch_sub(1, std::memory_order_acq_rel);
}

bool DirectPool::retire() {
  int nobody = 0;
  return users_.compare_exchange_strong(nobody, kRetired, std::memory_order_acq_rel);
}

DirectPools::DirectPools(base::ShardGroup& shards, const engines::EngineEnvironment& environment,
                         Options options)
    : shards_(shards), environment_(environment), options_(std::move(options)), sides_(shards.size()) {}

contract::Result<std::shared_ptr<DirectPool>> DirectPools::acquire(const base::Sha256& key,
                                                                   std::string connection_text,
                                                                   int connect_timeout_seconds) {
  const std::lock_guard lock(mutex_);
  if (const auto found = pools_.find(key); found != pools_.end() && found->second->use())
    return found->second;
  if (!make_room_locked()) return Error(ErrorCode::overloaded, "Every pool for direct URIs is in use.");
  contract::ClientDefinition definition = direct_entry().definition;
  contract::PostgresConnection connection;
  connection.uri = std::move(connection_text);
  connection.pool = options_.limits;
  connection.pool.max_connections = environment_.settings->direct_pool_max_connections;
  connection.pool.min_connections = 0;
  if (connect_timeout_seconds > 0) {
    connection.pool.connection_timeout_seconds =
        std::min(connection.pool.connection_timeout_seconds, connect_timeout_seconds);
  }
  definition.connection = std::move(connection);
  auto pool = std::make_shared<DirectPool>(
      key, postgres::make_client(std::move(definition), environment_, postgres::Origin::caller));
  pool->use();
  pools_.insert_or_assign(key, pool);
  size_.store(pools_.size(), std::memory_order_relaxed);
  return pool;
}

bool DirectPools::make_room_locked() {
  const auto capacity = static_cast<std::size_t>(std::max(environment_.settings->direct_pool_capacity, 1));
  while (pools_.size() >= capacity) {
    auto oldest = pools_.end();
    for (auto entry = pools_.begin(); entry != pools_.end(); ++entry) {
      if (entry->second->in_use()) continue;
      if (oldest == pools_.end() || entry->second->last_used() < oldest->second->last_used()) oldest = entry;
    }
    if (oldest == pools_.end()) return false;
    if (oldest->second->retire()) drop_locked(oldest);  // else somebody was quicker: look again
  }
  return true;
}

void DirectPools::close_unused(base::Clock::time_point now) {
  const std::chrono::seconds patience(environment_.settings->direct_pool_ttl_secs);
  const std::lock_guard lock(mutex_);
  for (auto entry = pools_.begin(); entry != pools_.end();) {
    const auto next = std::next(entry);
    if (now - entry->second->last_used() >= patience && entry->second->retire()) drop_locked(entry);
    entry = next;
  }
}

void DirectPools::drop_locked(Map::iterator entry) {
  for (unsigned index = 0; index < shards_.size(); ++index) {
    shards_[index].post([this, index, pool = entry->second] {
      if (sides_[index] != nullptr) sides_[index]->drop(*pool);
    });
  }
  pools_.erase(entry);
  size_.store(pools_.size(), std::memory_order_relaxed);
}

}  // namespace athena::catalog

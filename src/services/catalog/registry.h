#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/shard.h"
#include "contract/client_definition.h"
#include "engines/backend.h"

namespace athena::catalog {

/// One client as the process knows it.
struct Entry {
  contract::ClientDefinition definition;
  /// The name, as metrics show it; valid as long as the process.
  std::string_view label;
  /// Null for clients that are frozen or inactive, and while their engine could not be set up.
  std::shared_ptr<engines::EngineClient> engine;
  /// Why `engine` is null for an active client; sent with backend_unreachable.
  std::string trouble;
  /// The same for operators only: what is wrong with the definition.
  std::string unusable = {};
};

/// What keeps definitions from being used although they are active, by name in lower case: their requests get
/// backend_unreachable.
using Unusable = std::map<std::string, std::string>;

/// All clients: an immutable snapshot that every shard reads through a plain pointer.
class Registry {
 public:
  /// What `environment` points to outlives the registry. Clients of `previous` (may be null) whose engine and
  /// connection are the same keep their EngineClient, and with it pools and health. Never fails because of a
  /// client: its trouble is kept.
  Registry(std::vector<contract::ClientDefinition> definitions, const engines::EngineEnvironment& environment,
           const Registry* previous = nullptr, const Unusable& unusable = {});

  /// By name in any case, blanks around it ignored; null = unknown.
  [[nodiscard]] const Entry* find(std::string_view name) const;
  /// By a label of a wildcard host: the client that has it among its `host_labels`, else the one of that
  /// name.
  [[nodiscard]] const Entry* find_by_label(std::string_view label) const;
  /// Sorted by name without case.
  [[nodiscard]] std::span<const Entry> entries() const { return entries_; }
  [[nodiscard]] std::size_t index_of(const Entry& entry) const {
    return static_cast<std::size_t>(&entry - entries_.data());
  }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  std::vector<Entry> entries_;
  std::unordered_map<std::string, std::size_t, Hash, std::equal_to<>> by_key_;
  std::unordered_map<std::string, std::size_t, Hash, std::equal_to<>> by_label_;
};

/// A client's backend on one shard.
struct BackendSlot {
  std::shared_ptr<engines::EngineClient> engine;
  std::unique_ptr<engines::Backend> backend;  ///< made on first use
  bool stopped = false;
};

/// Backends of one shard that no registry in use has any more. Requests of other shards may still run on
/// them, so they end only when nobody has the registries they belonged to. Used on its shard.
class RetiredBackends {
 public:
  void add(std::shared_ptr<BackendSlot> slot) { slots_.push_back(std::move(slot)); }
  /// Refuses new work and closes what is idle.
  void shutdown();
  /// Destroys them; after shutdown() and what it posted.
  void clear() { slots_.clear(); }

 private:
  std::vector<std::shared_ptr<BackendSlot>> slots_;
};

/// The backends of one shard for the clients of one registry, made on first use. Created, used and destroyed
/// on its shard.
class ShardBackends {
 public:
  /// Shares the backends of clients that both registries have; `previous` may be null. Backends that nobody
  /// shares go to `retired` in the end.
  ShardBackends(base::Shard& shard, const Registry& registry, RetiredBackends& retired,
                const ShardBackends* previous);
  ~ShardBackends();
  ShardBackends(const ShardBackends&) = delete;
  ShardBackends& operator=(const ShardBackends&) = delete;

  /// The client's backend on this shard; null when the entry has no engine.
  engines::Backend* find(const Entry& entry);
  /// The process stops: stops every backend; none is made afterwards.
  void shutdown();
  /// Destroys them; on the shard, after shutdown() and what it posted.
  void clear();

 private:
  base::Shard& shard_;
  const Registry& registry_;
  RetiredBackends& retired_;
  std::vector<std::shared_ptr<BackendSlot>> slots_;  // by index of the entry; null without an engine
};

}  // namespace athena::catalog

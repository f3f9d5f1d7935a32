#include "services/catalog/registry.h"

#include <algorithm>
#include <array>
#include <mutex>
#include <unordered_set>
#include <utility>

#include "base/ascii.h"
#include "engines/postgres/backend.h"
#include "engines/sqlite/client.h"

namespace athena::catalog {
namespace {

contract::Result<std::shared_ptr<engines::EngineClient>> make_engine(
    const contract::ClientDefinition& definition, const engines::EngineEnvironment& environment) {
  if (definition.engine == contract::Engine::postgresql)
    return postgres::make_client(definition, environment);
  return sqlite::make_client(definition, environment);
}

/// Names that metrics show stay for the life of the process, since counters refer to them; beyond this many,
/// further ones count as `other`.
std::string_view lasting_label(const std::string& name) {
  constexpr std::size_t kMost = 100000;
  static std::mutex mutex;
  static std::unordered_set<std::string> labels;
  const std::lock_guard lock(mutex);
  if (labels.size() >= kMost && !labels.contains(name)) return "other";
  return *labels.insert(name).first;
}

/// Whether the engine of the earlier client serves the later one.
bool same_backend(const contract::ClientDefinition& a, const contract::ClientDefinition& b) {
  return a.engine == b.engine && a.client_name == b.client_name && a.connection == b.connection;
}

}  // namespace

Registry::Registry(std::vector<contract::ClientDefinition> definitions,
                   const engines::EngineEnvironment& environment, const Registry* previous,
                   const Unusable& unusable) {
  std::sort(definitions.begin(), definitions.end(), [](const auto& a, const auto& b) {
    return contract::client_key(a.client_name) < contract::client_key(b.client_name);
  });
  entries_.reserve(definitions.size());
  for (auto& definition : definitions) {
    Entry entry{std::move(definition), {}, nullptr, {}};
    entry.label = lasting_label(entry.definition.client_name);
    if (const auto found = unusable.find(contract::client_key(entry.definition.client_name));
        found != unusable.end())
      entry.unusable = found->second;
    if (entry.definition.lifecycle == contract::Lifecycle::active && entry.unusable.empty()) {
      const auto* earlier = previous == nullptr ? nullptr : previous->find(entry.definition.client_name);
      if (earlier != nullptr && earlier->engine && same_backend(earlier->definition, entry.definition)) {
        entry.engine = earlier->engine;
      } else if (auto engine = make_engine(entry.definition, environment)) {
        entry.engine = std::move(*engine);
      } else {
        entry.trouble = engine.error().text();
      }
    }
    for (const auto& label : entry.definition.host_labels)
      by_label_.emplace(contract::client_key(label), entries_.size());
    by_key_.emplace(contract::client_key(entry.definition.client_name), entries_.size());
    entries_.push_back(std::move(entry));
  }
}

const Entry* Registry::find_by_label(std::string_view label) const {
  if (!by_label_.empty()) {
    const auto found = by_label_.find(contract::client_key(label));
    if (found != by_label_.end()) return &entries_[found->second];
  }
  return find(label);
}

const Entry* Registry::find(std::string_view name) const {
  while (!name.empty() && (name.front() == ' ' || name.front() == '\t')) name.remove_prefix(1);
  while (!name.empty() && (name.back() == ' ' || name.back() == '\t')) name.remove_suffix(1);
  std::array<char, 64> key;
  if (name.empty() || name.size() > key.size()) return nullptr;
  std::transform(name.begin(), name.end(), key.begin(), base::lower);
  const auto found = by_key_.find(std::string_view(key.data(), name.size()));
  return found == by_key_.end() ? nullptr : &entries_[found->second];
}

void RetiredBackends::shutdown() {
  for (const auto& slot : slots_) {
    if (!std::exchange(slot->stopped, true)) slot->backend->shutdown();
  }
}

ShardBackends::ShardBackends(base::Shard& shard, const Registry& registry, RetiredBackends& retired,
                             const ShardBackends* previous)
    : shard_(shard), registry_(registry), retired_(retired) {
  std::unordered_map<const engines::EngineClient*, std::shared_ptr<BackendSlot>> earlier;
  if (previous != nullptr) {
    for (const auto& slot : previous->slots_) {
      if (slot) earlier.emplace(slot->engine.get(), slot);
    }
  }
  slots_.reserve(registry.entries().size());
  for (const auto& entry : registry.entries()) {
    const auto found = earlier.find(entry.engine.get());
    if (found != earlier.end()) {
      slots_.push_back(found->second);
    } else {
      slots_.push_back(entry.engine ? std::make_shared<BackendSlot>(BackendSlot{entry.engine, nullptr, false})
                                    : nullptr);
    }
  }
}

ShardBackends::~ShardBackends() {
  for (auto& slot : slots_) {
    if (slot && slot->backend && slot.use_count() == 1) retired_.add(std::move(slot));
  }
}

engines::Backend* ShardBackends::find(const Entry& entry) {
  const auto& slot = slots_[registry_.index_of(entry)];
  if (!slot) return nullptr;
  if (!slot->backend && !slot->stopped) slot->backend = slot->engine->make_backend(shard_);
  return slot->backend.get();
}

void ShardBackends::shutdown() {
  for (const auto& slot : slots_) {
    if (!slot) continue;
    slot->stopped = true;
    if (slot->backend) slot->backend->shutdown();
  }
}

void ShardBackends::clear() {
  for (const auto& slot : slots_) {
    if (slot) slot->backend.reset();
  }
}

}  // namespace athena::catalog

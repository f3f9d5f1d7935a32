#include "services/catalog/registry.h"

#include <algorithm>
#include <array>

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

}  // namespace

Registry::Registry(std::vector<contract::ClientDefinition> definitions,
                   const engines::EngineEnvironment& environment) {
  std::sort(definitions.begin(), definitions.end(), [](const auto& a, const auto& b) {
    return contract::client_key(a.client_name) < contract::client_key(b.client_name);
  });
  entries_.reserve(definitions.size());
  for (auto& definition : definitions) {
    Entry entry{std::move(definition), nullptr, {}};
    if (entry.definition.lifecycle == contract::Lifecycle::active) {
      auto engine = make_engine(entry.definition, environment);
      if (engine) {
        entry.engine = std::move(*engine);
      } else {
        entry.trouble = engine.error().text();
      }
    }
    by_key_.emplace(contract::client_key(entry.definition.client_name), entries_.size());
    entries_.push_back(std::move(entry));
  }
}

const Entry* Registry::find(std::string_view name) const {
  while (!name.empty() && (name.front() == ' ' || name.front() == '\t')) name.remove_prefix(1);
  while (!name.empty() && (name.back() == ' ' || name.back() == '\t')) name.remove_suffix(1);
  std::array<char, 64> key;
  if (name.empty() || name.size() > key.size()) return nullptr;
  std::transform(name.begin(), name.end(), key.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; });
  const auto found = by_key_.find(std::string_view(key.data(), name.size()));
  return found == by_key_.end() ? nullptr : &entries_[found->second];
}

ShardBackends::ShardBackends(base::Shard& shard, const Registry& registry)
    : shard_(shard), registry_(registry), backends_(registry.entries().size()) {}

engines::Backend* ShardBackends::find(const Entry& entry) {
  auto& backend = backends_[registry_.index_of(entry)];
  if (!backend && entry.engine && !stopped_) backend = entry.engine->make_backend(shard_);
  return backend.get();
}

void ShardBackends::shutdown() {
  stopped_ = true;
  for (auto& backend : backends_) {
    if (backend) backend->shutdown();
  }
}

}  // namespace athena::catalog

#include "contract/capability.h"

#include <algorithm>
#include <array>

namespace athena::contract {
namespace {

constexpr std::array<std::string_view, kEngineCount> kEngineNames{
    "postgresql", "sqlite", "scylla", "supabase", "postgrest", "d1", "s3"};
constexpr std::array<std::string_view, kCapabilityCount> kCapabilityNames{
    "gateway_query", "raw_sql",        "raw_cql", "schema_read", "migrations_read",
    "provisioning",  "deferred_query", "cdc",     "object_read", "object_write"};

// What this version does, not what the engine could: a feature enters here with the code that provides it.
constexpr std::array<Feature, 48> kFeatures{{
    {"operator.eq", Feature::Support::yes, Feature::Support::yes},
    {"operator.in", Feature::Support::yes, Feature::Support::yes},
    {"operator.gt", Feature::Support::yes, Feature::Support::yes},
    {"operator.gte", Feature::Support::yes, Feature::Support::yes},
    {"operator.lt", Feature::Support::yes, Feature::Support::yes},
    {"operator.lte", Feature::Support::yes, Feature::Support::yes},
    {"operator.neq", Feature::Support::yes, Feature::Support::yes},
    {"operator.is", Feature::Support::yes, Feature::Support::yes},
    {"operator.isdistinct", Feature::Support::yes, Feature::Support::yes},
    {"operator.like", Feature::Support::yes, Feature::Support::yes},
    {"operator.ilike", Feature::Support::yes, Feature::Support::yes},
    {"operator.match", Feature::Support::yes, Feature::Support::no},
    {"operator.imatch", Feature::Support::yes, Feature::Support::no},
    {"operator.fts", Feature::Support::yes, Feature::Support::no},
    {"operator.plfts", Feature::Support::yes, Feature::Support::no},
    {"operator.phfts", Feature::Support::yes, Feature::Support::no},
    {"operator.contains", Feature::Support::yes, Feature::Support::yes},
    {"operator.containedBy", Feature::Support::yes, Feature::Support::yes},
    {"operator.overlaps", Feature::Support::yes, Feature::Support::yes},
    {"operator.sl", Feature::Support::yes, Feature::Support::no},
    {"operator.sr", Feature::Support::yes, Feature::Support::no},
    {"operator.nxr", Feature::Support::yes, Feature::Support::no},
    {"operator.nxl", Feature::Support::yes, Feature::Support::no},
    {"operator.adj", Feature::Support::yes, Feature::Support::no},
    {"operator.or", Feature::Support::yes, Feature::Support::yes},
    {"operator.not", Feature::Support::yes, Feature::Support::yes},
    {"casts", Feature::Support::yes, Feature::Support::yes},
    {"json_path", Feature::Support::yes, Feature::Support::yes},
    {"relations", Feature::Support::no, Feature::Support::no},
    {"order", Feature::Support::yes, Feature::Support::yes},
    {"offset", Feature::Support::yes, Feature::Support::yes},
    {"cursor", Feature::Support::no, Feature::Support::no},
    {"count.exact", Feature::Support::yes, Feature::Support::yes},
    {"count.planned", Feature::Support::yes, Feature::Support::no},
    {"count.estimated", Feature::Support::yes, Feature::Support::no},
    {"schema_name", Feature::Support::yes, Feature::Support::no},
    {"upsert", Feature::Support::yes, Feature::Support::yes},
    {"upsert.partial", Feature::Support::yes, Feature::Support::yes},
    {"returning", Feature::Support::yes, Feature::Support::yes},
    {"update.by_filter", Feature::Support::yes, Feature::Support::yes},
    {"delete.by_filter", Feature::Support::yes, Feature::Support::yes},
    {"update.limit", Feature::Support::partial, Feature::Support::yes},
    {"delete.limit", Feature::Support::partial, Feature::Support::yes},
    {"rpc", Feature::Support::yes, Feature::Support::no},
    {"transaction", Feature::Support::no, Feature::Support::no},
    {"raw.params", Feature::Support::yes, Feature::Support::yes},
    {"raw.multi_statement", Feature::Support::yes, Feature::Support::yes},
    {"read_only", Feature::Support::yes, Feature::Support::yes},
}};

}  // namespace

std::string_view name(Engine engine) {
  return kEngineNames[static_cast<std::size_t>(engine)];
}

std::optional<Engine> engine_from_name(std::string_view text) {
  if (text == "postgres" || text == "neon") return Engine::postgresql;
  if (text == "cassandra") return Engine::scylla;
  const auto* found = std::find(kEngineNames.begin(), kEngineNames.end(), text);
  if (found == kEngineNames.end()) return std::nullopt;
  return static_cast<Engine>(found - kEngineNames.begin());
}

std::string_view name(Capability capability) {
  return kCapabilityNames[static_cast<std::size_t>(capability)];
}

std::optional<Capability> capability_from_name(std::string_view text) {
  const auto* found = std::find(kCapabilityNames.begin(), kCapabilityNames.end(), text);
  if (found == kCapabilityNames.end()) return std::nullopt;
  return static_cast<Capability>(found - kCapabilityNames.begin());
}

std::vector<std::string> Capabilities::names() const {
  std::vector<std::string> result;
  for (std::size_t i = 0; i < kCapabilityCount; ++i) {
    if (flags_.test(i)) result.emplace_back(kCapabilityNames[i]);
  }
  return result;
}

// Deferral and change feeds are not built yet, so no engine claims them.
Capabilities engine_capabilities(Engine engine) {
  Capabilities result;
  if (engine == Engine::postgresql || engine == Engine::sqlite) {
    result.set(Capability::gateway_query);
    result.set(Capability::raw_sql);
    result.set(Capability::schema_read);
    result.set(Capability::provisioning);
  }
  result.set(Capability::migrations_read, engine == Engine::postgresql);
  return result;
}

std::span<const Feature> features() {
  return kFeatures;
}

Feature::Support support(Engine engine, std::string_view feature) {
  const auto* found = std::find_if(kFeatures.begin(), kFeatures.end(),
                                   [feature](const Feature& candidate) { return candidate.name == feature; });
  if (found == kFeatures.end()) return Feature::Support::no;
  if (engine == Engine::postgresql) return found->postgresql;
  if (engine == Engine::sqlite) return found->sqlite;
  return Feature::Support::no;
}

}  // namespace athena::contract

#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace athena::contract {

enum class Engine : std::uint8_t { postgresql, sqlite, scylla, supabase, postgrest, d1, s3 };
inline constexpr std::size_t kEngineCount = 7;

/// The name sent to callers and used in metrics.
std::string_view name(Engine engine);
/// From a name or one of its input aliases (postgres, neon, cassandra).
std::optional<Engine> engine_from_name(std::string_view text);

enum class Capability : std::uint8_t {
  gateway_query,
  raw_sql,
  raw_cql,
  schema_read,
  migrations_read,
  provisioning,
  deferred_query,
  cdc,
  object_read,
  object_write,
};
inline constexpr std::size_t kCapabilityCount = 10;

std::string_view name(Capability capability);
std::optional<Capability> capability_from_name(std::string_view text);

class Capabilities {
 public:
  [[nodiscard]] bool has(Capability capability) const {
    return flags_.test(static_cast<std::size_t>(capability));
  }
  void set(Capability capability, bool on = true) { flags_.set(static_cast<std::size_t>(capability), on); }
  /// Names of those that are set, in the order of the enumeration.
  [[nodiscard]] std::vector<std::string> names() const;

 private:
  std::bitset<kCapabilityCount> flags_;
};

/// What an engine can do before a client's metadata switches anything off.
Capabilities engine_capabilities(Engine engine);

/// A finer ability inside gateway_query, as named in `requires` of a 501.
struct Feature {
  std::string_view name;
  enum class Support : std::uint8_t { no, partial, yes };
  Support postgresql;
  Support sqlite;
};
/// All features, in the order of `GET /gateway/capabilities`.
std::span<const Feature> features();
Feature::Support support(Engine engine, std::string_view feature);

}  // namespace athena::contract

#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "contract/settings.h"
#include "services/catalog/registry.h"

namespace athena::catalog {

/// A row of GET /router/registry: what the router would do with a host name.
struct RoutingRow {
  enum class Kind : std::uint8_t { wildcard_host, host_label };
  enum class Source : std::uint8_t { config, env, catalog };
  Kind kind = Kind::wildcard_host;
  std::string pattern;      ///< host pattern, or the label
  std::string client_name;  ///< of a label; empty = none
  std::string upstream;     ///< of proxy routes; empty = none
  Source source = Source::config;
  bool is_active = true;      ///< requests are dispatched there
  std::int64_t priority = 0;  ///< 1 is tried first, within its kind
};
std::string_view name(RoutingRow::Kind kind);
std::string_view name(RoutingRow::Source source);

/// Rows in matching order: the patterns as they are tried, then for each label that a client claims the
/// client it means. Holds no credential. Any thread; allocates.
std::vector<RoutingRow> routing_rows(const contract::GatewaySettings& settings,
                                     std::span<const Entry> entries);

}  // namespace athena::catalog

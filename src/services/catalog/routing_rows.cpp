#include "services/catalog/routing_rows.h"

#include <algorithm>

namespace athena::catalog {

std::string_view name(RoutingRow::Kind kind) {
  return kind == RoutingRow::Kind::wildcard_host ? "wildcard_host" : "host_label";
}

std::string_view name(RoutingRow::Source source) {
  switch (source) {
    case RoutingRow::Source::config:
      return "config";
    case RoutingRow::Source::env:
      return "env";
    case RoutingRow::Source::catalog:
      break;
  }
  return "catalog";
}

std::vector<RoutingRow> routing_rows(const contract::GatewaySettings& settings,
                                     std::span<const Entry> entries) {
  std::vector<RoutingRow> rows;
  std::int64_t priority = 0;
  for (const auto& pattern : settings.wildcard_hosts) {
    RoutingRow row;
    row.pattern = pattern;
    row.priority = ++priority;
    rows.push_back(std::move(row));
  }
  const auto first_label = rows.size();
  priority = 0;
  for (const auto& entry : entries) {
    for (const auto& label : entry.definition.host_labels) {
      RoutingRow row;
      row.kind = RoutingRow::Kind::host_label;
      row.pattern = contract::client_key(label);
      const bool taken = std::any_of(rows.begin() + static_cast<std::ptrdiff_t>(first_label), rows.end(),
                                     [&row](const auto& other) { return other.pattern == row.pattern; });
      if (taken) continue;  // the registry too goes by the first that claims it
      row.client_name = entry.definition.client_name;
      row.is_active = entry.definition.lifecycle == contract::Lifecycle::active;
      row.priority = ++priority;
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

}  // namespace athena::catalog

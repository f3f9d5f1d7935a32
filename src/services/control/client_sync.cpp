#include <algorithm>
#include <map>

#include "base/iso_time.h"
#include "base/unix_time.h"
#include "services/control/clients.h"
#include "services/control/texts.h"

namespace athena::control {
namespace {

/// Names in one statement.
constexpr std::size_t kAtOnce = 500;

/// What the catalogue knows of a name: a live row, or deleted ones only.
enum class Known : std::uint8_t { live, deleted };

StoreResult<std::map<std::string, Known>> known_names(Session& session,
                                                      std::span<const ClientRow> configured) {
  std::map<std::string, Known> known;
  for (std::size_t begin = 0; begin < configured.size(); begin += kAtOnce) {
    const auto part = configured.subspan(begin, std::min(kAtOnce, configured.size() - begin));
    Values names;
    for (const auto& client : part) names.emplace_back(contract::client_key(client.client_name));
    auto rows = session.execute(
        "SELECT lower(client_name), max(CASE WHEN deleted_at IS NULL THEN 1 ELSE 0 END) FROM athena_clients "
        "WHERE lower(client_name) IN (" +
            placeholders(1, names.size()) + ") GROUP BY lower(client_name)",
        names);
    if (!rows) return rows.error();
    for (const auto& row : rows->rows)
      known[as_text(row[0])] = as_integer(row[1]) != 0 ? Known::live : Known::deleted;
  }
  return known;
}

StoreResult<void> touch(Session& session, const std::vector<std::string>& names) {
  const auto now = base::iso_time(base::unix_ms());
  for (std::size_t begin = 0; begin < names.size(); begin += kAtOnce) {
    const auto end = std::min(begin + kAtOnce, names.size());
    Values parameters{now};
    for (std::size_t i = begin; i < end; ++i) parameters.emplace_back(names[i]);
    auto touched = session.execute(
        "UPDATE athena_clients SET last_synced_from_config_at = $1 WHERE deleted_at IS NULL AND "
        "lower(client_name) IN (" +
            placeholders(2, end - begin) + ")",
        parameters);
    if (!touched) return touched.error();
  }
  return {};
}

StoreResult<void> insert_missing(Session& session, std::span<const ClientRow> configured, const Actor& actor,
                                 std::vector<std::string>& inserted) {
  auto change = Change::begin(session, Scope::clients, actor);
  if (!change) return change.error();
  // Again, now that no other instance can insert.
  auto known = known_names(session, configured);
  if (!known) return known.error();
  for (const auto& client : configured) {
    if (known->contains(contract::client_key(client.client_name))) continue;
    auto row = client;
    row.id = new_uuid();
    row.source = "config";
    row.created_at = row.updated_at = change->now();
    row.last_synced_from_config_at = change->now();
    row.change_version = change->version();
    auto done = insert_client(session, row);
    if (!done) return done.error();
    if (!*done) continue;
    if (auto audited = change->audit({"client.create", "client", row.client_name, {}, json_of(row)});
        !audited)
      return audited.error();
    inserted.push_back(row.client_name);
  }
  if (inserted.empty()) return {};
  return change->commit();
}

}  // namespace

StoreResult<SyncReport> sync_config(Session& session, std::span<const ClientRow> configured,
                                    const Actor& actor) {
  SyncReport report;
  auto known = known_names(session, configured);
  if (!known) return known.error();
  std::vector<std::string> live;
  bool missing = false;
  for (const auto& client : configured) {
    const auto key = contract::client_key(client.client_name);
    const auto found = known->find(key);
    if (found == known->end()) {
      missing = true;
    } else if (found->second == Known::live) {
      live.push_back(key);
    } else {
      report.deleted.push_back(client.client_name);
    }
  }
  if (auto touched = touch(session, live); !touched) return touched.error();
  if (missing) {
    if (auto inserted = insert_missing(session, configured, actor, report.inserted); !inserted)
      return inserted.error();
  }
  return report;
}

}  // namespace athena::control

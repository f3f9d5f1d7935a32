#include "services/control/provision.h"

#include <algorithm>
#include <filesystem>

namespace athena::control {
namespace {

bool is_missing(const StoreLocation& location) {
  std::error_code ignored;
  return location.home == Home::sqlite && !std::filesystem::exists(location.path, ignored);
}

}  // namespace

std::optional<StoreLocation> location_of(const contract::ClientDefinition& client) {
  StoreLocation location;
  if (const auto* postgres = std::get_if<contract::PostgresConnection>(&client.connection)) {
    location.home = Home::postgres;
    location.postgres = *postgres;
    return location;
  }
  const auto& sqlite = std::get<contract::SqliteConnection>(client.connection);
  if (sqlite.path == ":memory:") return std::nullopt;
  location.path = sqlite.path;
  return location;
}

MigrationResult provision(const StoreLocation& location, const Groups& groups,
                          const std::string& athena_version, bool may_create, base::Deadline deadline) {
  if (!may_create && is_missing(location)) {
    const StoreError cause{StoreError::Kind::unreachable, "the file does not exist", "SQLITE_CANTOPEN"};
    return MigrationError{MigrationError::Kind::store, cause.message, 0, cause};
  }
  const auto session = make_session(location);
  session->set_deadline(deadline);
  return migrate(*session, {groups, true, athena_version});
}

StoreResult<SchemaStatus> provision_status(const StoreLocation& location, const Groups& groups,
                                           base::Deadline deadline) {
  if (is_missing(location)) {
    SchemaStatus status;
    for (const auto& table : schema()) {
      if (groups.hold(table.group)) status.missing.push_back(table.name);
    }
    std::sort(status.missing.begin(), status.missing.end());
    return status;
  }
  auto reading = location;
  reading.read_only = true;
  const auto session = make_session(reading);
  session->set_deadline(deadline);
  return schema_status(*session, groups);
}

Store& provision_threads() {
  constexpr std::size_t kThreads = 2;
  static Store threads(StoreLocation{}, kThreads);
  return threads;
}

}  // namespace athena::control

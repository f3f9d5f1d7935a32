#pragma once

#include <optional>
#include <string>

#include "contract/client_definition.h"
#include "services/control/migrations.h"
#include "services/control/store.h"

namespace athena::control {

// Athena's tables in databases that are no home of this gateway.

/// Where a client's database is; nothing when it is not one that another connection could reach (`:memory:`).
std::optional<StoreLocation> location_of(const contract::ClientDefinition& client);

/// Creates what is missing in a database. Blocks until `deadline` at the latest. A SQLite file is made only
/// when `may_create`.
MigrationResult provision(const StoreLocation& location, const Groups& groups,
                          const std::string& athena_version, bool may_create, base::Deadline deadline);

/// What is there. Creates nothing, not even a SQLite file.
StoreResult<SchemaStatus> provision_status(const StoreLocation& location, const Groups& groups,
                                           base::Deadline deadline);

/// Two threads for those two, which take as long as somebody else's server likes; the session they come with
/// is of no use. Lives as long as the process.
Store& provision_threads();

}  // namespace athena::control

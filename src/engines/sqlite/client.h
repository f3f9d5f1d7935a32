#pragma once

#include <memory>

#include "contract/client_definition.h"
#include "contract/error.h"
#include "engines/backend.h"

namespace athena::sqlite {

/// The process-wide side of a SQLite client: its writer thread, readers and health. Returns at once: the file
/// is opened by the writer thread, and one that cannot be opened is tried again (requests get
/// backend_unreachable meanwhile). Errors: invalid_payload when the definition is not one for SQLite.
/// Destroying the client waits for statements that run. `environment.settings` outlives the client; a shard
/// given to make_backend outlives the backend.
contract::Result<std::shared_ptr<engines::EngineClient>> make_client(
    contract::ClientDefinition definition, const engines::EngineEnvironment& environment);

}  // namespace athena::sqlite

#pragma once

#include <memory>

#include "contract/client_definition.h"
#include "engines/backend.h"

namespace athena::postgres {

/// A client of engine postgresql; `definition.connection` is a PostgresConnection. Nothing is connected
/// before the first make_backend. A connection text that can't be read makes a client that answers
/// backend_unreachable. Any thread.
std::shared_ptr<engines::EngineClient> make_client(contract::ClientDefinition definition,
                                                   engines::EngineEnvironment environment);

}  // namespace athena::postgres

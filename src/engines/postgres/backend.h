#pragma once

#include <cstdint>
#include <memory>

#include "contract/client_definition.h"
#include "engines/backend.h"

namespace athena::postgres {

/// Whose words a connection text is made of.
enum class Origin : std::uint8_t { operators, caller };

/// A client of engine postgresql; `definition.connection` is a PostgresConnection. Nothing is connected
/// before the first make_backend. A connection text that can't be read makes a client that answers
/// backend_unreachable. With Origin::caller it connects when it is asked, not before, and a login that is
/// refused never counts for its breaker. Any thread.
std::shared_ptr<engines::EngineClient> make_client(contract::ClientDefinition definition,
                                                   engines::EngineEnvironment environment,
                                                   Origin origin = Origin::operators);

}  // namespace athena::postgres

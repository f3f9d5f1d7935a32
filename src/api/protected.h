#pragma once

#include "api/call.h"
#include "query/request.h"

namespace athena::api {

// The gateway's own tables answer the admin key only, on every client whose database holds them
// (docs/security.md).

/// Whether this operation could reach a control table, were its database one that holds them: it names one,
/// or is raw text or a function (`table` null). Never for the admin key.
bool touches_control_tables(const Call& call, const query::Target* table);
/// target_not_allowed for such an operation on such a database. A failure with call.direct_pending set is
/// none yet: open_direct() lets the database say who it is.
contract::Result<void> check_control_tables(Call& call, const query::Target* table,
                                            const engines::EngineClient& engine, engines::Backend& backend);
contract::Error control_tables_refused();

}  // namespace athena::api

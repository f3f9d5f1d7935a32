#pragma once

#include "api/call.h"
#include "query/request.h"
#include "services/auth/rights.h"

namespace athena::api {

// Stages 2, 3 and 5: who calls, and what it may do. What came of them stands in the request's notes.

/// Stages 2 and 3: the credential, as the route's access asks for it, and the rights that need no body.
contract::Result<void> authenticate(Call& call);
/// Stages 2 and 3 again for a client that the body names.
contract::Result<void> authenticate_for(Call& call, std::string_view client);
/// The same for a direct URI of which only the body says that it counts.
contract::Result<void> authenticate_direct(Call& call, std::string_view client);
/// An admin key, whatever the route.
contract::Result<void> require_admin(Call& call);

/// missing_api_key_rights unless the caller has that right, or none is asked for here. What `required` refers
/// to stays until the exchange ends.
contract::Result<void> require_right(Call& call, const auth::RequiredRight& required);
/// Stage 5, for one table.
contract::Result<void> require_table(Call& call, const query::Target& target, auth::Verb verb);

/// X-Athena-Explain: true for `sql`, refused for callers without the right.
contract::Result<bool> wants_explain(Call& call);

}  // namespace athena::api

#pragma once

#include "api/call.h"
#include "services/catalog/direct_side.h"

namespace athena::api {

/// The direct PostgreSQL URI of a request: x-pg-uri, else x-athena-jdbc-url, else X-JDBC-URL.
catalog::DirectText direct_text(const http::Request& request);

/// Stages 6 and 7 for a direct URI: whether this caller may use one, and what its text says. Takes the pool
/// when this shard knows it. Sets the metrics label. Errors: target_not_allowed, invalid_value,
/// invalid_payload.
contract::Result<const catalog::Entry*> find_direct(Call& call, const catalog::DirectText& text);
/// Stage 10: the backend of call.direct; without one, a failure and call.direct_pending.
contract::Result<engines::Backend*> direct_backend(Call& call);
/// What stage 10 waits for: looks the host up and finds or makes the pool of call.direct; has
/// call.unidentified connect.
base::Task<contract::Result<void>> open_direct(Call& call, base::Deadline deadline);

}  // namespace athena::api

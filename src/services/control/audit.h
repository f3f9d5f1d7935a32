#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json_builder.h"
#include "services/control/session.h"

namespace athena::control {

/// One audited change. `before` and `after` are JSON.
struct AuditRecord {
  std::int64_t row_id = 0;  ///< never leaves the store
  std::string id, created_at, actor_kind, action, object_type;
  std::optional<std::string> request_id, actor, object_id, before, after, remote_addr, user_agent;
};
void append(base::JsonBuilder& json, const AuditRecord& record);

struct AuditFilter {
  std::string actor, action_prefix, object_type, object_id, client_name;  ///< empty = any
  std::optional<std::int64_t> since_ms, until_ms;                         ///< since ≤ time < until
  std::int64_t before_row = 0;                                            ///< 0 = from the newest on
  std::int64_t limit = 100;
};
/// Newest first; one more than `limit` when there is more.
StoreResult<std::vector<AuditRecord>> list_audit(Session& session, const AuditFilter& filter);

}  // namespace athena::control

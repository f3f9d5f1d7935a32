#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json_builder.h"
#include "services/control/change.h"

namespace athena::control {

/// The global switch as it is stored.
struct GlobalEnforcement {
  bool enforce = false;
  bool decided = false;  ///< by an operator; until then the listeners decide
  std::string updated_at;
};

/// The override of one client.
struct ClientEnforcement {
  std::string client_name;  ///< as first given
  bool enforce = false;
  std::string created_at, updated_at;
};
void append(base::JsonBuilder& json, const ClientEnforcement& client);

StoreResult<GlobalEnforcement> load_global_enforcement(Session& session);
/// By name.
StoreResult<std::vector<ClientEnforcement>> list_client_enforcement(Session& session);
/// The operator's decision; makes it one when the value was the same by default.
StoreResult<GlobalEnforcement> set_global_enforcement(Session& session, bool enforce, const Actor& actor);
/// The client need not exist.
StoreResult<ClientEnforcement> set_client_enforcement(Session& session, const std::string& client_name,
                                                      bool enforce, const Actor& actor);
/// Error: not_found.
Outcome<ClientEnforcement> clear_client_enforcement(Session& session, const std::string& client_name,
                                                    const Actor& actor);

}  // namespace athena::control

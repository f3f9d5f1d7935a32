#pragma once

#include "api/call.h"
#include "services/control/clients.h"

namespace athena::api {

/// A row of the catalogue as routes show it.
struct ShownClient {
  control::ClientRow row;
  bool drifted = false;  ///< the configuration names another connection
};

/// Makes a client for an operator, as POST /admin/clients does; `fields` were checked (control::check). When
/// it comes back every shard of this instance has the client. `verify`: connects first. Errors: those of
/// control::create_client and ClientSupport, backend_unreachable, control_store_unavailable.
base::Task<contract::Result<ShownClient>> create_client(Call& call, control::ClientFields fields,
                                                        bool verify);

}  // namespace athena::api

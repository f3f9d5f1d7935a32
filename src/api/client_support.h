#pragma once

#include "base/deadline.h"
#include "contract/client_definition.h"
#include "contract/error.h"
#include "services/control/clients.h"

namespace athena::api {

/// A row as this process understands it.
struct DefinedClient {
  contract::ClientDefinition definition;
  std::string unusable;  ///< why it can't be used now: a variable that is not set; empty = it can
};

/// What the process knows about rows of the catalogue: the configuration in force and its environment decide
/// what they mean. Called on threads that may wait, never on a shard; thread-safe.
class ClientSupport {
 public:
  ClientSupport() = default;
  virtual ~ClientSupport() = default;
  ClientSupport(const ClientSupport&) = delete;
  ClientSupport& operator=(const ClientSupport&) = delete;

  /// The row as a definition, or why an operator may not make it. A variable that is not set is no mistake.
  [[nodiscard]] virtual contract::Result<DefinedClient> define(const control::ClientRow& row) const = 0;
  /// The configuration names the client with another connection than the row has.
  [[nodiscard]] virtual bool drifted(const control::ClientRow& row) const = 0;
  /// Connects. Error: backend_unreachable.
  [[nodiscard]] virtual contract::Result<void> verify(const DefinedClient& client,
                                                      base::Deadline deadline) const = 0;
};

}  // namespace athena::api

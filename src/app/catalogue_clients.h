#pragma once

#include <string>
#include <vector>

#include "app/client_reader.h"
#include "app/config.h"
#include "app/environment.h"
#include "services/control/clients.h"

namespace athena::app {

/// The catalogue's row for a client of the configuration: what was written there, variables by their names.
ConfiguredClient configured_client(const contract::ClientDefinition& definition, const ClientEntry& entry);

/// A row as a definition.
struct DefinedClient {
  contract::ClientDefinition definition;  ///< always good as an entry of the registry
  std::string unusable;                   ///< why it can't be used; empty = it can
  std::string unset_variable;             ///< that the connection names; empty = none
  std::vector<ConfigProblem> problems;    ///< other mistakes; `key` is the member's path
};
/// `config` gives the defaults of pools and the folders of SQLite files.
DefinedClient define_client(const control::ClientRow& row, const Config& config, const std::string& data_dir,
                            const Environment& environment);

/// A mistake as an operator's request is refused with it.
contract::Error refusal(const ConfigProblem& problem, const control::ClientRow& row);

}  // namespace athena::app

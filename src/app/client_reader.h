#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/config.h"
#include "app/config_file.h"

namespace athena::app {

/// One client as a mapping of its members: of the configuration file, or a row of the catalogue.
struct ClientEntry {
  FileValue value;
  std::string client_name;
  std::string where;         ///< begins the keys of problems: `clients.app`
  std::string path;          ///< begins their places
  bool is_postgres = false;  ///< the engine is not a member
};

/// The definition; nothing when the entry makes none. Mistakes go to `problems`, also those of a definition
/// that is returned; a URI is never repeated in them.
std::optional<contract::ClientDefinition> read_client(const ClientEntry& client, const Config& config,
                                                      const Environment& environment,
                                                      std::vector<ConfigProblem>& problems);

}  // namespace athena::app

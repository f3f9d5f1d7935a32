#pragma once

#include <string>
#include <vector>

#include "app/config.h"
#include "app/config_file.h"

namespace athena::app {

/// Client definitions from the sections `postgres_clients` and `clients`. Mistakes go to `errors` with file
/// and line; a URI is never repeated in them.
void read_clients(const ConfigFile& file, const std::string& path, const Environment& environment,
                  Config& config, std::vector<std::string>& errors);

}  // namespace athena::app

#pragma once

#include <string>
#include <vector>

#include "app/config.h"
#include "app/config_file.h"

namespace athena::app {

/// Client definitions from the sections `postgres_clients` and `clients`, then athena_logging where
/// gateway.logging_pg_uri asks for it, and `local` when there is no other. Mistakes go to `problems` with
/// file and line; a URI is never repeated in them.
void read_clients(const ConfigFile& file, const std::string& path, const Environment& environment,
                  Config& config, std::vector<ConfigProblem>& problems);

/// A PostgreSQL URI for people: the password as ***, what else may hold a secret left out; `***` when it
/// can't be read.
std::string shown_uri(const std::string& uri);

}  // namespace athena::app

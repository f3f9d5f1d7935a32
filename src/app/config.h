#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/context.h"
#include "app/environment.h"
#include "base/result.h"
#include "contract/client_definition.h"
#include "contract/settings.h"
#include "http/server.h"
#include "services/auth/gatekeeper.h"

namespace athena::app {

struct LogSettings {
  std::string level = "info";
  std::string format = "text";  ///< or json
  std::string file;             ///< empty = stderr
  std::string dir;              ///< writes success.log and error.log there; empty = no such files
  std::string ansi = "auto";    ///< colour: auto, true or false
};

/// The effective configuration.
struct Config {
  http::ServerSettings http;
  contract::GatewaySettings gateway;
  api::ApiSettings api;
  contract::PoolLimits pool;
  LogSettings log;
  std::string data_dir;  ///< api.data_dir; empty = by the rules of data_dir.h
  int http_workers = 0;  ///< 0 = automatic
  bool admin_key_in_query = true;
  std::map<std::string, std::string> admin_keys;  ///< name → SHA-256, hex
  std::vector<std::string> sqlite_allowed_dirs;
  std::vector<contract::ClientDefinition> clients;
  std::vector<std::string> warnings;  ///< for the log
  std::string source;                 ///< path of the file, empty = none
  std::string source_label;           ///< which of the eight places it was
};

/// What the command line says about the configuration.
struct ConfigRequest {
  std::string config_path;          ///< --config; empty = ATHENA_CONFIG_PATH, else the eight places
  std::optional<int> port;          ///< --port
  std::optional<std::string> bind;  ///< --bind
  std::string data_dir;             ///< --data-dir
  std::string log_level;            ///< --log-level
  bool strict = false;
  bool write_default = false;  ///< `server`: write the sample when no file is found
  bool no_file = false;        ///< `dev` without --config: no file is looked for
};

/// Reads, checks and resolves everything; connects nowhere. The error lists every mistake, one per line, and
/// is ready for the operator; secrets in it are masked.
base::Result<Config, std::string> load_config(const ConfigRequest& request, const Environment& environment);

/// Client definitions need the data folder for relative SQLite paths; called once it is known.
void resolve_sqlite_paths(Config& config, const std::string& data_dir);

/// The built-in sample, as `server` writes it when no configuration is found.
std::string sample_config();

}  // namespace athena::app

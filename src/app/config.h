#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/context.h"
#include "app/environment.h"
#include "base/result.h"
#include "contract/client_definition.h"
#include "contract/settings.h"
#include "http/server.h"
#include "services/auth/gatekeeper.h"
#include "services/control/clients.h"

namespace athena::app {

/// Where the gateway's own state is kept, and how.
struct ControlConfig {
  std::string logging_client;  ///< empty = the embedded store, or athena_logging of gateway.logging_pg_uri
  std::string auth_client;     ///< empty = the same home
  int registry_poll_ms = 500;
  int pool_max_connections = 4;
  bool auto_migrate = true;
  std::int64_t max_api_keys = 100000;
  bool database_backed_client_loading = true;
};

struct LogSettings {
  std::string level = "info";
  std::string format = "text";  ///< or json
  std::string file;             ///< empty = stderr
  std::string dir;              ///< writes success.log and error.log there; empty = no such files
  std::string ansi = "auto";    ///< colour: auto, true or false
};

/// The value of one key in its normal form: booleans are `true` and `false`, lists have items, maps have
/// members in the order of their names.
struct KeyValue {
  KeyValue() = default;
  std::string text;
  std::vector<std::string> items;
  std::vector<std::pair<std::string, std::string>> members;
  bool operator==(const KeyValue&) const = default;
};

/// The effective value of one key, where it came from, and what it hides.
struct EffectiveKey {
  struct Source {
    std::string origin;  ///< `flag --port`, `variable PORT`, `<file>:<line>` or `default`
    KeyValue value;
  };
  KeyValue value;
  std::string origin = "default";
  std::vector<Source> hidden = {};  ///< weaker ones, the strongest first; the default is the last one
};

/// One mistake of the configuration. No secret is in it.
struct ConfigProblem {
  std::string where;  ///< `<file>:<line>`, `<file>`, `$VARIABLE` or `--flag`; empty = everywhere
  std::string key;    ///< `section.key`, or a longer path; empty = the file as a whole
  std::string what;
  [[nodiscard]] std::string text() const;
};

/// A client of the configuration as the catalogue's row for it; the flags say which members it names.
struct ConfiguredClient {
  control::ClientRow row;
  bool gives_description = false, gives_active = false, gives_frozen = false, gives_metadata = false;
};

/// The effective configuration.
struct Config {
  http::ServerSettings http;
  contract::GatewaySettings gateway;
  api::ApiSettings api;
  contract::PoolLimits pool;
  LogSettings log;
  ControlConfig control;
  std::string data_dir;  ///< api.data_dir; empty = by the rules of data_dir.h
  int http_workers = 0;  ///< 0 = automatic
  auth::GatekeeperSettings gatekeeper;  ///< but for its admin keys
  std::map<std::string, std::string> admin_keys;  ///< name → SHA-256, hex
  std::vector<std::string> sqlite_allowed_dirs;
  std::vector<contract::ClientDefinition> clients;
  std::vector<std::string> client_origins;    ///< of each client: `<file>:<line>`, a variable or `default`
  std::vector<ConfiguredClient> client_rows;  ///< of each client; holds secrets
  catalog::Unusable unusable_clients;         ///< clients that are there and can't be used; never from a file
  std::string logging_pg_uri;                 ///< registers the client athena_logging; holds a secret
  bool strict = false;
  bool auto_reload = false;
  /// By index of the key table: what `config dump`, `config explain` and a reload compare.
  std::vector<EffectiveKey> values;
  std::vector<std::string> notes;     ///< for the log, at level info
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

/// Reads, checks and resolves everything; connects nowhere. The configuration counts only when there are no
/// problems. May be called again at any time, on any thread.
struct LoadedConfig {
  Config config;
  std::vector<ConfigProblem> problems;
};
/// Every mistake, one per line, ready for the operator.
std::string problems_text(const std::vector<ConfigProblem>& problems);
LoadedConfig read_config(const ConfigRequest& request, const Environment& environment);

/// The same for who wants one text: the error lists every mistake, one per line, and is ready for the
/// operator; secrets in it are masked.
base::Result<Config, std::string> load_config(const ConfigRequest& request, const Environment& environment);

/// Reads the configuration again while `running` is in force (SIGHUP): from the same file, which must still
/// be there, with `environment` captured afresh (Environment::refreshed). Writes no file.
base::Result<Config, std::string> reload_config(const ConfigRequest& request, const Environment& environment,
                                                const Config& running);

/// Full names of the keys whose effective value differs and that only a restart puts into effect. The port
/// and what else the command line says is equal in both.
std::vector<std::string> changed_but_not_reloadable(const Config& running, const Config& fresh);

/// Client definitions need the data folder for relative SQLite paths; called once it is known.
void resolve_sqlite_paths(Config& config, const std::string& data_dir);
/// The same for one.
void resolve_sqlite_path(contract::SqliteConnection& connection, const std::string& data_dir);

/// The built-in sample, as `server` writes it when no configuration is found.
std::string sample_config();

}  // namespace athena::app

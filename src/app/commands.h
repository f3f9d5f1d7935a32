#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/config.h"
#include "app/control_store.h"
#include "app/environment.h"

// The commands. Each returns the program's exit code; results go to stdout, logs and mistakes to stderr.
namespace athena::app {

/// Ended by Ctrl-C before the command finished; the other codes are in server.h.
constexpr int kInterrupted = 130;

/// Writes the line to stderr; returns `code`.
int report(const std::string& problem, int code);
/// Writes to stdout; kFailed when that is not possible (a full disk, a closed pipe).
int print(const std::string& text);

/// `athena server`.
int server_command(const ConfigRequest& request, const Environment& environment);

struct DevOptions {
  bool fresh = false;
  bool no_sample = false;
};
/// `athena dev`: a gateway for trying things, with a sample database in ./.athena-dev.
int dev_command(ConfigRequest request, const DevOptions& options, const Environment& environment);

struct DiagOptions {
  bool offline = false;
  std::string probe;  ///< URL
  int timeout_seconds = 3;
};
/// `athena diag`: facts about the machine and the configuration, as JSON.
int diag_command(const ConfigRequest& request, const DiagOptions& options, const Environment& environment);

int version_command(bool json);
/// What the program was built with.
std::string_view compiler();

/// `athena config check`: OK, or every mistake.
int config_check_command(const ConfigRequest& request, bool json, const Environment& environment);
struct ConfigDumpOptions {
  std::string format = "yaml";  ///< or json
  bool all = false;
};
int config_dump_command(const ConfigRequest& request, const ConfigDumpOptions& options,
                        const Environment& environment);
int config_explain_command(const ConfigRequest& request, const std::string& key,
                           const Environment& environment);

struct ClientsOptions {
  std::string path;  ///< of clients.json
  std::string name;
  std::string uri;
  bool json = false;
  bool show_secrets = false;
};
int clients_list_command(const ClientsOptions& options);
int clients_add_command(const ClientsOptions& options);
int clients_remove_command(const ClientsOptions& options);
int clients_set_default_command(const ClientsOptions& options);

struct KeysOptions {
  std::string name, client, description;
  std::string expires;  ///< RFC 3339
  std::string ttl;      ///< `30d`
  std::vector<std::string> rights;
  std::string id;  ///< uuid or public id
  bool create_rights = false;
  bool all = false;  ///< archived ones too
  bool json = false;
};
/// For `athena dev`: a key with every right in place of the one of the start before; its text, empty after a
/// warning when there is none.
std::string make_dev_key(const StoreHomes& homes, std::int64_t most);
/// `athena keys`: works on the store itself; a server that runs follows within a second.
int keys_create_command(const ConfigRequest& request, const KeysOptions& options,
                        const Environment& environment);
int keys_list_command(const ConfigRequest& request, const KeysOptions& options,
                      const Environment& environment);
int keys_revoke_command(const ConfigRequest& request, const KeysOptions& options,
                        const Environment& environment);

struct FetchOptions {
  std::string client;
  std::string body_json;
  std::string body_file;  ///< `-` = stdin
  std::string url;
  std::string key;
  std::string clients_path;
};
int fetch_command(const FetchOptions& options, const Environment& environment);

struct ProvisionOptions {
  std::string uri, client;  ///< one of these, or `control`
  bool control = false;     ///< the gateway's own store
  bool status = false;
  bool add = false;  ///< to clients.json
  std::string add_as = "provisioned";
  std::string clients_path;
};
/// `athena provision`: creates Athena's tables in a database, or lists those that are missing.
int provision_command(const ConfigRequest& request, const ProvisionOptions& options,
                      const Environment& environment);

struct StoreOptions {
  std::string from, to;
  bool with_logs = false;
  bool dry_run = false;
  std::string file;
  bool force = false;
};
/// `athena store copy`: an embedded store into the PostgreSQL store of a client.
int store_copy_command(const ConfigRequest& request, const StoreOptions& options,
                       const Environment& environment);
/// `athena store backup`: a consistent copy of control.db.
int store_backup_command(const ConfigRequest& request, const StoreOptions& options,
                         const Environment& environment);

}  // namespace athena::app

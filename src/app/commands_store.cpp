#include <algorithm>
#include <filesystem>
#include <initializer_list>

#include "app/commands.h"
#include "app/control_store.h"
#include "app/data_dir.h"
#include "app/server.h"
#include "services/control/backup.h"
#include "services/control/copy.h"

namespace athena::app {
namespace {

std::string counted(std::int64_t count, std::string_view one, std::string_view many) {
  return std::to_string(count) + " " + std::string(count == 1 ? one : many);
}

/// `3 keys, 2 clients, …`
std::string summary(control::CopyCounts counts) {
  const auto take = [&counts](std::initializer_list<const char*> tables) {
    std::int64_t sum = 0;
    for (const char* table : tables) {
      sum += counts[table];
      counts.erase(table);
    }
    return sum;
  };
  std::string text = counted(take({"api_keys"}), "key", "keys") + ", " +
                     counted(take({"athena_clients"}), "client", "clients") + ", " +
                     counted(take({"api_key_rights"}), "right", "rights") + ", " +
                     counted(take({"athena_settings"}), "setting", "settings") + ", " +
                     counted(take({"admin_audit_log", "database_audit_log"}), "audit entry", "audit entries");
  std::int64_t others = 0;
  for (const auto& [table, count] : counts) others += count;
  return text + " and " + counted(others, "other row", "other rows");
}

}  // namespace

int store_copy_command(const ConfigRequest& request, const StoreOptions& options,
                       const Environment& environment) {
  auto config = load_config(request, environment);
  if (!config) return report(config.error(), kBadConfiguration);
  const auto key = contract::client_key(options.to);
  const auto found = std::find_if(config->clients.begin(), config->clients.end(), [&key](const auto& client) {
    return contract::client_key(client.client_name) == key;
  });
  if (found == config->clients.end())
    return report("There is no client " + options.to.substr(0, 64) + " in the configuration.", kFailed);
  const auto* connection = std::get_if<contract::PostgresConnection>(&found->connection);
  if (connection == nullptr)
    return report("The client " + found->client_name + " is none of PostgreSQL.", kFailed);
  control::CopyOptions copy;
  copy.from.path = options.from;
  copy.to.home = control::Home::postgres;
  copy.to.postgres = *connection;
  copy.to_name = "The store of client " + found->client_name;
  copy.with_logs = options.with_logs;
  copy.dry_run = options.dry_run;
  copy.actor = command_actor();
  copy.athena_version = version();
  const auto copied = control::copy_store(copy);
  if (!copied) return report(copied.error() + ".", kFailed);
  return print((options.dry_run ? "Would copy " : "Copied ") + summary(*copied) + ".\n");
}

int store_backup_command(const ConfigRequest& request, const StoreOptions& options,
                         const Environment& environment) {
  const auto config = load_config(request, environment);
  if (!config) return report(config.error(), kBadConfiguration);
  const auto homes = store_homes(*config, choose_data_dir(*config, environment));
  if (homes.main.home != control::Home::sqlite)
    return report("The store is the PostgreSQL database of " + homes.main_text +
                      ": back it up with pg_dump, or with POST /admin/backups.",
                  kFailed);
  std::error_code ignored;
  if (!options.force && std::filesystem::exists(options.file, ignored))
    return report(options.file + " is there already; --force replaces it.", kFailed);
  if (auto done = control::backup_store(homes.main.path, options.file); !done)
    return report(done.error() + ".", kFailed);
  return print("Saved " + homes.main.path + " to " + options.file + "\n");
}

}  // namespace athena::app

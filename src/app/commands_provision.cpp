#include <algorithm>

#include "app/clients_file.h"
#include "app/commands.h"
#include "app/control_store.h"
#include "app/data_dir.h"
#include "app/server.h"
#include "contract/client_definition.h"
#include "engines/postgres/target.h"
#include "services/control/provision.h"

namespace athena::app {
namespace {

constexpr std::chrono::seconds kDeadline(60);

/// A database and what of Athena's tables it is to hold.
struct Goal {
  control::StoreLocation location;
  control::Groups groups;
  bool may_create = true;
};
using Goals = base::Result<std::vector<Goal>, std::string>;

Goals refused(std::string text) {
  return {boost::system::in_place_error, std::move(text)};
}

Goals goal_of_uri(const std::string& uri) {
  Goal goal;
  goal.location.home = control::Home::postgres;
  goal.location.postgres.uri = uri;
  if (const auto target = postgres::parse_target(goal.location.postgres); !target)
    return refused(target.error().text());
  return {boost::system::in_place_value, std::vector{goal}};
}

Goals goal_of_client(const Config& config, const std::string& name) {
  const auto key = contract::client_key(name);
  const auto found = std::find_if(config.clients.begin(), config.clients.end(), [&](const auto& client) {
    return contract::client_key(client.client_name) == key;
  });
  if (found == config.clients.end())
    return refused("There is no client " + name.substr(0, 64) + " in the configuration.");
  if (!found->capabilities.has(contract::Capability::provisioning))
    return refused("The client " + found->client_name + " does not support provisioning.");
  const auto location = control::location_of(*found);
  if (!location) return refused("A database in memory can't be provisioned.");
  Goal goal{*location, {}, true};
  if (const auto* sqlite = std::get_if<contract::SqliteConnection>(&found->connection))
    goal.may_create = sqlite->create && !sqlite->read_only;
  return {boost::system::in_place_value, std::vector{goal}};
}

std::vector<Goal> goals_of_store(const Config& config, const std::string& folder) {
  const auto homes = store_homes(config, folder);
  std::vector<Goal> goals{{homes.main, {homes.auth_is_main, true}, true}};
  if (!homes.auth_is_main) goals.push_back({homes.auth, {true, false}, true});
  return goals;
}

int show_status(const std::vector<Goal>& goals) {
  std::string missing;
  for (const auto& goal : goals) {
    const auto status = control::provision_status(goal.location, goal.groups, base::Deadline::in(kDeadline));
    if (!status) return report("The database cannot be read: " + status.error().message, kFailed);
    for (const auto& table : status->missing) missing += table + "\n";
  }
  const int printed = print(missing);
  return missing.empty() ? printed : kFailed;
}

int apply(const std::vector<Goal>& goals) {
  int statements = 0;
  for (const auto& goal : goals) {
    const auto done = control::provision(goal.location, goal.groups, std::string(version()), goal.may_create,
                                         base::Deadline::in(kDeadline));
    if (!done) {
      const bool ours = done.error().kind == control::MigrationError::Kind::store;
      return report(done.error().message, ours ? kFailed : kBadConfiguration);
    }
    statements += done->statements;
  }
  return print("Applied " + std::to_string(statements) +
               (statements == 1 ? " statement.\n" : " statements.\n"));
}

int add_to_clients(const ProvisionOptions& options) {
  auto file = ClientsFile::read(options.clients_path);
  if (!file) return report(file.error(), kFailed);
  file->put(options.add_as, options.uri);
  if (auto written = file->write(options.clients_path); !written) return report(written.error(), kFailed);
  return kDone;
}

}  // namespace

int provision_command(const ConfigRequest& request, const ProvisionOptions& options,
                      const Environment& environment) {
  if (options.add && (options.uri.empty() || options.status))
    return report("--register goes with --uri, and not with --status.", kUsage);
  if (options.add) {
    if (auto good = contract::check_client_name(options.add_as); !good)
      return report(good.error().text(), kFailed);
  }
  Goals goals = goal_of_uri(options.uri);
  if (options.uri.empty()) {
    auto config = load_config(request, environment);
    if (!config) return report(config.error(), kBadConfiguration);
    const auto folder = choose_data_dir(*config, environment);
    resolve_sqlite_paths(*config, folder);
    goals = options.control ? Goals(boost::system::in_place_value, goals_of_store(*config, folder))
                            : goal_of_client(*config, options.client);
  }
  if (!goals) return report(goals.error(), kFailed);
  if (options.status) return show_status(*goals);
  if (const int code = apply(*goals); code != kDone) return code;
  return options.add ? add_to_clients(options) : kDone;
}

}  // namespace athena::app

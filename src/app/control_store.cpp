#include "app/control_store.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "app/config_keys.h"
#include "app/log.h"
#include "app/server.h"
#include "engines/control_databases.h"
#include "engines/postgres/control_database.h"

namespace athena::app {
namespace {

std::string logging_client(const Config& config) {
  if (!config.control.logging_client.empty() || config.logging_pg_uri.empty())
    return config.control.logging_client;
  return "athena_logging";
}

const contract::ClientDefinition* find_client(const Config& config, const std::string& name) {
  const auto key = contract::client_key(name);
  const auto found = std::find_if(config.clients.begin(), config.clients.end(), [&](const auto& client) {
    return contract::client_key(client.client_name) == key;
  });
  return found == config.clients.end() ? nullptr : &*found;
}

control::StoreLocation location_of(const Config& config, const std::string& client,
                                   const std::string& data_dir) {
  control::StoreLocation location;
  if (client.empty()) {
    location.path = data_dir + "/control.db";
    return location;
  }
  location.home = control::Home::postgres;
  location.postgres = std::get<contract::PostgresConnection>(find_client(config, client)->connection);
  return location;
}

void check(const Config& config, const std::string& key, const std::string& client,
           std::vector<ConfigProblem>& problems) {
  if (client.empty()) return;
  const auto* found = find_client(config, client);
  const auto& origin = config.values[index_of(*find_key(key))].origin;
  if (found == nullptr) {
    problems.push_back(
        {origin, key, "there is no client " + printable(client, 64) + " in the configuration"});
  } else if (found->engine != contract::Engine::postgresql) {
    problems.push_back({origin, key, "the client " + printable(client, 64) + " is none of PostgreSQL"});
  }
}

}  // namespace

StoreHomes store_homes(const Config& config, const std::string& data_dir) {
  const auto main = logging_client(config);
  StoreHomes homes;
  homes.main = location_of(config, main, data_dir);
  homes.main_text = main.empty() ? homes.main.path : "client " + main;
  const auto& auth = config.control.auth_client;
  homes.auth_is_main = auth.empty() || contract::client_key(auth) == contract::client_key(main);
  homes.auth = homes.auth_is_main ? homes.main : location_of(config, auth, data_dir);
  return homes;
}

void protect_store(const StoreHomes& homes) {
  for (const auto* home : {&homes.main, &homes.auth}) {
    if (home->home == control::Home::sqlite) {
      engines::ControlDatabases::process().add_file(home->path);
    } else {
      postgres::add_control_database(home->postgres);
    }
  }
}

void check_store_clients(const Config& config, std::vector<ConfigProblem>& problems) {
  check(config, "gateway.logging_client", config.control.logging_client, problems);
  check(config, "gateway.auth_client", config.control.auth_client, problems);
}

control::Actor command_actor() {
  control::Actor actor;
  actor.kind = control::Actor::Kind::cli;
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 4096> texts{};
  if (getpwuid_r(geteuid(), &entry, texts.data(), texts.size(), &found) == 0 && found != nullptr) {
    actor.name = found->pw_name;
  } else {
    actor.name = std::to_string(geteuid());
  }
  return actor;
}

std::unique_ptr<control::ControlPlane> make_control_plane(const Config& config, const StoreHomes& homes,
                                                          const std::string& instance_id, bool enforced,
                                                          Runtime& runtime, AppliedConfig& applied) {
  control::ControlSettings settings;
  settings.main = homes.main;
  settings.auth = homes.auth;
  settings.auth_is_main = homes.auth_is_main;
  settings.sessions = static_cast<std::size_t>(config.control.pool_max_connections);
  settings.poll_interval = std::chrono::milliseconds(config.control.registry_poll_ms);
  settings.auto_migrate = config.control.auto_migrate;
  settings.max_api_keys = config.control.max_api_keys;
  settings.listeners_default = enforced;
  settings.instance_id = instance_id;
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) == 0) settings.hostname = host.data();
  settings.version = version();
  control::ControlEvents events;
  events.keys = [&runtime](std::shared_ptr<const auth::KeyState> keys) {
    runtime.change_keys(std::move(keys));
  };
  events.clients = [&applied](std::shared_ptr<const control::ClientCatalogue> clients) {
    applied.change_clients(std::move(clients));
  };
  events.configured = [&applied] { return applied.configured(); };
  events.confirmed = [&runtime] { runtime.store_health().confirmed(); };
  events.info = [](std::string_view line) { log_info(line); };
  events.warn = [](std::string_view line) { log_warn(line); };
  return std::make_unique<control::ControlPlane>(std::move(settings), std::move(events));
}

std::unique_ptr<records::Records> make_records(const Config& config, const StoreHomes& homes,
                                               const std::string& instance_id) {
  records::Records::Options options;
  options.main = homes.main;
  if (!homes.auth_is_main) options.auth = std::make_unique<control::StoreLocation>(homes.auth);
  options.instance_id = instance_id;
  options.warn = [](std::string_view line) { log_warn(line); };
  return std::make_unique<records::Records>(std::move(options), config.api.records);
}

}  // namespace athena::app

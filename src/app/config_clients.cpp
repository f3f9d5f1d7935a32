#include "app/config_clients.h"

#include <algorithm>
#include <map>

#include "app/catalogue_clients.h"
#include "app/client_reader.h"
#include "app/config_keys.h"
#include "app/control_store.h"
#include "base/ascii.h"
#include "engines/postgres/target.h"

namespace athena::app {
namespace {

using contract::ClientDefinition;
using contract::Engine;

/// A label leads to one client.
void check_labels(const Config& config, std::vector<ConfigProblem>& problems) {
  std::map<std::string, std::string> owners;
  for (std::size_t i = 0; i < config.clients.size(); ++i) {
    for (const auto& label : config.clients[i].host_labels) {
      const auto [owner, fresh] = owners.try_emplace(label, config.clients[i].client_name);
      if (fresh || owner->second == config.clients[i].client_name) continue;
      problems.push_back(
          {config.client_origins[i], "clients." + config.clients[i].client_name,
           "the host label " + label + " belongs to the client " + owner->second + " already"});
    }
  }
}

void add_client(Config& config, ClientDefinition definition, std::string origin, ConfiguredClient row) {
  config.client_rows.push_back(std::move(row));
  config.clients.push_back(std::move(definition));
  config.client_origins.push_back(std::move(origin));
}

bool has_client(const Config& config, std::string_view name) {
  const auto key = contract::client_key(name);
  return std::any_of(config.clients.begin(), config.clients.end(),
                     [&](const auto& other) { return contract::client_key(other.client_name) == key; });
}

void add_logging_client(Config& config, std::vector<ConfigProblem>& problems) {
  constexpr const char* kName = "athena_logging";
  if (config.logging_pg_uri.empty() || has_client(config, kName)) return;
  const auto& origin = config.values[index_of(*find_key("gateway.logging_pg_uri"))].origin;
  ClientDefinition definition;
  definition.client_name = kName;
  definition.engine = Engine::postgresql;
  definition.capabilities = contract::engine_capabilities(definition.engine);
  contract::PostgresConnection connection;
  connection.uri = config.logging_pg_uri;
  connection.pool = config.pool;
  if (const auto target = postgres::parse_target(connection); !target)
    problems.push_back({origin, "gateway.logging_pg_uri", target.error().text()});
  ClientEntry entry;
  entry.value.members = {{"uri", {}}};
  auto& uri = entry.value.members[0].value;
  uri.text = connection.uri;
  // The variable that gave it is not a secret, so the catalogue keeps its name.
  constexpr std::string_view kVariable = "variable ";
  if (origin.starts_with(kVariable)) uri.written = "${" + origin.substr(kVariable.size()) + "}";
  definition.connection = std::move(connection);
  auto row = configured_client(definition, entry);
  add_client(config, std::move(definition), origin, std::move(row));
}

}  // namespace

std::string shown_uri(const std::string& uri) {
  contract::PostgresConnection connection;
  connection.uri = uri;
  const auto target = postgres::parse_target(connection);
  if (!target) return "***";
  std::string text = "postgres://" + target->user + (target->password.empty() ? "" : ":***");
  if (!target->user.empty() || !target->password.empty()) text += '@';
  std::string hosts;
  for (const auto& host : target->hosts) {
    const auto& name = host.host.empty() ? host.hostaddr : host.host;
    hosts += (hosts.empty() ? "" : ",") + name + (host.port.empty() ? "" : ":" + host.port);
  }
  return printable(text + hosts + "/" + target->database, 500);
}

void read_clients(const ConfigFile& file, const std::string& path, const Environment& environment,
                  Config& config, std::vector<ConfigProblem>& problems) {
  for (const std::string section : {"postgres_clients", "clients"}) {
    const auto found = file.sections.find(section);
    if (found == file.sections.end()) continue;
    for (const auto& [client_name, value] : found->second.keys) {
      ClientEntry entry{value, client_name, section + "." + client_name, path, section == "postgres_clients"};
      const auto fail = [&](const char* what) {
        problems.push_back({path + ":" + std::to_string(value.line), entry.where, what});
      };
      if (!value.is_map && (section == "clients" || value.is_list)) {
        fail(section == "clients" ? "must be a mapping with an engine" : "must be a URI or a mapping");
        continue;
      }
      if (!value.is_map) {  // `name: URI`
        entry.value.is_map = true;
        entry.value.members = {{"uri", value}};
      }
      if (has_client(config, client_name)) {
        fail("a client of this name is there already");
        continue;
      }
      auto definition = read_client(entry, config, environment, problems);
      if (!definition) continue;
      auto row = configured_client(*definition, entry);
      add_client(config, std::move(*definition), path + ":" + std::to_string(value.line), std::move(row));
    }
  }
  add_logging_client(config, problems);
  check_labels(config, problems);
  check_store_clients(config, problems);
  if (!config.clients.empty()) return;
  ClientDefinition local;
  local.client_name = "local";
  local.engine = Engine::sqlite;
  local.capabilities = contract::engine_capabilities(local.engine);
  local.connection = contract::SqliteConnection{.path = "local.db"};
  ClientEntry entry;
  entry.value.members = {{"path", {}}};
  entry.value.members[0].value.text = "local.db";
  auto row = configured_client(local, entry);
  add_client(config, std::move(local), "default", std::move(row));
}

}  // namespace athena::app

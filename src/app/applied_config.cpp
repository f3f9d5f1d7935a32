#include "app/applied_config.h"

#include <set>
#include <thread>

#include "app/catalogue_clients.h"
#include "app/log.h"
#include "engines/sqlite/client.h"
#include "services/control/client_secrets.h"

namespace athena::app {
namespace {

using contract::ClientDefinition;
using contract::Error;
using contract::ErrorCode;

std::map<std::string, std::size_t> index_of_clients(const Config& config) {
  std::map<std::string, std::size_t> index;
  for (std::size_t i = 0; i < config.client_rows.size(); ++i)
    index.emplace(contract::client_key(config.client_rows[i].row.client_name), i);
  return index;
}

Error unreachable(const std::string& why) {
  return Error(ErrorCode::backend_unreachable, "The client's database could not be reached: " + why + ".");
}

contract::Result<void> verify_postgres(const contract::PostgresConnection& connection,
                                       base::Deadline deadline) {
  control::StoreLocation location;
  location.home = control::Home::postgres;
  location.postgres = connection;
  const auto session = control::make_session(location);
  session->set_deadline(deadline);
  if (auto answered = session->execute("SELECT 1"); !answered) return unreachable(answered.error().message);
  return {};
}

contract::Result<void> verify_sqlite(const ClientDefinition& definition, base::Deadline deadline) {
  constexpr std::chrono::milliseconds kPause(5);
  const contract::LiveSettings settings{contract::GatewaySettings{}};
  auto client = sqlite::make_client(definition, {settings, 1});
  if (!client) return client.error();
  while (!deadline.expired()) {
    const auto status = (*client)->status();
    if (status.connected || status.reachable) return {};
    if (!status.last_error_reason.empty()) return unreachable(status.last_error_reason);
    std::this_thread::sleep_for(kPause);
  }
  return unreachable("no answer in time");
}

std::string shown(bool flag) {
  return flag ? "true" : "false";
}

/// Members in which the file and the catalogue differ, for a warning; empty = none.
std::string differences(const ConfiguredClient& configured, const control::ClientRow& row) {
  std::string text;
  const auto add = [&text](const std::string& difference) {
    text += (text.empty() ? "" : ", ") + difference;
  };
  const auto& file = configured.row;
  if (configured.gives_active && file.is_active != row.is_active)
    add("is_active " + shown(file.is_active) + " (the catalogue has " + shown(row.is_active) + ")");
  if (configured.gives_frozen && file.is_frozen != row.is_frozen)
    add("is_frozen " + shown(file.is_frozen) + " (the catalogue has " + shown(row.is_frozen) + ")");
  if (configured.gives_description && file.description != row.description) add("another description");
  if (configured.gives_metadata &&
      control::canonical_json(file.metadata) != control::canonical_json(row.metadata))
    add("another metadata");
  return text;
}

}  // namespace

AppliedConfig::AppliedConfig(Config config, std::vector<auth::AdminKey> keys, std::string data_dir,
                             const Environment& environment, Runtime& runtime)
    : data_dir_(std::move(data_dir)), environment_(environment), runtime_(runtime) {
  auto state = std::make_shared<State>();
  state->configured = index_of_clients(config);
  state->config = std::make_shared<const Config>(std::move(config));
  state->environment = std::make_shared<const Environment>(environment);
  state->keys = std::move(keys);
  state_ = std::move(state);
}

const ConfiguredClient* AppliedConfig::State::find(const std::string& client_name, std::size_t* index) const {
  const auto found = configured.find(contract::client_key(client_name));
  if (found == configured.end()) return nullptr;
  if (index != nullptr) *index = found->second;
  return &config->client_rows[found->second];
}

std::shared_ptr<const AppliedConfig::State> AppliedConfig::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

void AppliedConfig::set_state(std::shared_ptr<const State> state) {
  const std::lock_guard lock(mutex_);
  state_ = std::move(state);
}

std::shared_ptr<const Config> AppliedConfig::config() const {
  return state()->config;
}

base::Result<void, std::string> AppliedConfig::change(Config config, std::vector<auth::AdminKey> keys) {
  const std::lock_guard lock(changes_);
  auto next = std::make_shared<State>(*state());
  next->configured = index_of_clients(config);
  next->config = std::make_shared<const Config>(std::move(config));
  next->environment = std::make_shared<const Environment>(environment_.refreshed());
  next->keys = std::move(keys);
  if (auto changed = runtime_.change(effective(*next), next->keys); !changed) return changed;
  set_state(next);
  warn_of_differences(*next);
  return {};
}

void AppliedConfig::change_clients(std::shared_ptr<const control::ClientCatalogue> catalogue) {
  const std::lock_guard lock(changes_);
  auto next = std::make_shared<State>(*state());
  next->catalogue = std::move(catalogue);
  runtime_.change_clients(effective(*next), next->keys);
  set_state(next);
  warn_of_differences(*next);
}

bool AppliedConfig::deleted(const std::string& client_name) const {
  const auto now = state();
  return now->catalogue && now->catalogue->deleted.contains(contract::client_key(client_name));
}

std::vector<control::ClientRow> AppliedConfig::configured() const {
  const auto now = state();
  std::vector<control::ClientRow> rows;
  for (const auto& client : now->config->client_rows) rows.push_back(client.row);
  return rows;
}

api::DefinedClient AppliedConfig::effective(const State& state, const control::ClientRow& row) const {
  std::size_t index = 0;
  const auto* configured = row.source == "config" ? state.find(row.client_name, &index) : nullptr;
  if (configured == nullptr) {
    auto own = define_client(row, *state.config, data_dir_, *state.environment);
    return {std::move(own.definition), std::move(own.unusable)};
  }
  // The connection is that of this instance's file, everything else that of the row.
  auto mixed = row;
  mixed.engine = configured->row.engine;
  mixed.pg_uri = configured->row.pg_uri;
  mixed.pg_uri_env_var = configured->row.pg_uri_env_var;
  mixed.config_uri_template = configured->row.config_uri_template;
  mixed.connection = configured->row.connection;
  auto defined = define_client(mixed, *state.config, data_dir_, *state.environment);
  defined.definition.connection = state.config->clients[index].connection;
  return {std::move(defined.definition), std::move(defined.unusable)};
}

Config AppliedConfig::effective(const State& state) const {
  auto config = *state.config;
  if (!state.catalogue) return config;
  std::vector<ClientDefinition> clients;
  std::set<std::string> there;
  for (const auto& row : state.catalogue->live) {
    if (!config.control.database_backed_client_loading && state.find(row.client_name, nullptr) == nullptr)
      continue;
    const auto key = contract::client_key(row.client_name);
    there.insert(key);
    auto client = effective(state, row);
    clients.push_back(std::move(client.definition));
    if (!client.unusable.empty()) config.unusable_clients.emplace(key, std::move(client.unusable));
  }
  for (auto& client : config.clients) {
    const auto key = contract::client_key(client.client_name);
    if (there.contains(key) || state.catalogue->deleted.contains(key)) continue;
    clients.push_back(std::move(client));  // its row comes with the next synchronisation
  }
  config.clients = std::move(clients);
  return config;
}

void AppliedConfig::warn_of_differences(const State& state) {
  if (!state.catalogue) return;
  std::map<std::string, std::string> current;
  for (const auto& row : state.catalogue->live) {
    const auto* configured = state.find(row.client_name, nullptr);
    if (configured == nullptr) continue;
    auto text = differences(*configured, row);
    if (text.empty()) continue;
    const auto earlier = warned_.find(row.client_name);
    if (earlier == warned_.end() || earlier->second != text)
      log_warn("client " + row.client_name + ": the configuration says " + text +
               "; the catalogue holds, PATCH /admin/clients/" + row.client_name + " changes it");
    current.emplace(row.client_name, std::move(text));
  }
  warned_ = std::move(current);
}

contract::Result<api::DefinedClient> AppliedConfig::define(const control::ClientRow& row) const {
  const auto now = state();
  auto defined = define_client(row, *now->config, data_dir_, *now->environment);
  if (!defined.problems.empty()) return refusal(defined.problems[0], row);
  return api::DefinedClient{std::move(defined.definition), std::move(defined.unusable)};
}

bool AppliedConfig::drifted(const control::ClientRow& row) const {
  const auto now = state();
  std::size_t index = 0;
  if (row.source != "config" || now->find(row.client_name, &index) == nullptr) return false;
  const auto own = define_client(row, *now->config, data_dir_, *now->environment).definition;
  const auto& file = now->config->clients[index];
  return own.engine != file.engine || own.connection != file.connection;
}

contract::Result<void> AppliedConfig::verify(const api::DefinedClient& client,
                                             base::Deadline deadline) const {
  if (!client.unusable.empty()) return unreachable(client.unusable);
  if (const auto* connection = std::get_if<contract::PostgresConnection>(&client.definition.connection))
    return verify_postgres(*connection, deadline);
  return verify_sqlite(client.definition, deadline);
}

}  // namespace athena::app

#include "api/admin_handlers.h"
#include "api/body_members.h"
#include "api/store_access.h"
#include "services/control/enforcement.h"

namespace athena::api {
namespace {

using contract::Error;
using contract::ErrorCode;
using control::ClientEnforcement;
using control::GlobalEnforcement;
using control::Session;

void append_global(Call& call, JsonBuilder& json, const GlobalEnforcement& global) {
  const auto* plane = call.context.process.control;
  const bool by_listeners = plane != nullptr && plane->settings().listeners_default;
  json.key("global").begin_object();
  json.member("enforce_api_keys", global.decided ? global.enforce : by_listeners);
  json.member("decided_by", global.decided ? "operator" : "listeners");
  json.member("updated_at", global.updated_at).end_object();
}

void append_clients(JsonBuilder& json, const std::vector<ClientEnforcement>& clients) {
  json.key("clients").begin_array();
  for (const auto& client : clients) append(json, client);
  json.end_array();
}

/// `enforce_api_keys` of the body.
base::Task<contract::Result<bool>> read_switch(Call& call) {
  auto body = co_await read_json(call);
  if (!body) co_return body.error();
  BodyMembers members(**body);
  const auto enforce = members.flag("enforce_api_keys");
  if (members.error()) co_return *members.error();
  if (!enforce)
    co_return Error(ErrorCode::missing_field, "enforce_api_keys is needed.")
        .with("member", "enforce_api_keys");
  co_return *enforce;
}

struct Config {
  GlobalEnforcement global;
  std::vector<ClientEnforcement> clients;
};

control::Outcome<Config> load_config(Session& session) {
  auto global = load_global_enforcement(session);
  if (!global) return global.error();
  auto clients = list_client_enforcement(session);
  if (!clients) return clients.error();
  return contract::Result<Config>(Config{std::move(*global), std::move(*clients)});
}

/// A result of the store that the caller can't have been refused.
template <class T>
control::Outcome<T> accepted(control::StoreResult<T> result) {
  if (!result) return result.error();
  return contract::Result<T>(std::move(*result));
}

}  // namespace

base::Task<void> get_api_key_config(Call& call) {
  auto config = co_await on_store<Config>(call, StoreFamily::keys, load_config);
  if (!config) co_return call.fail(config.error());
  auto json = begin_data(call, "Loaded API key configuration");
  append_global(call, json, config->global);
  append_clients(json, config->clients);
  end_data(json);
}

base::Task<void> put_api_key_config(Call& call) {
  auto enforce = co_await read_switch(call);
  if (!enforce) co_return call.fail(enforce.error());
  auto actor = actor_of(call);
  auto changed = co_await change_keys<GlobalEnforcement>(
      call, [enforce = *enforce, actor = std::move(actor)](Session& session) {
        return accepted(set_global_enforcement(session, enforce, actor));
      });
  if (!changed) co_return call.fail(changed.error());
  auto json = begin_data(call, "Updated API key configuration");
  append_global(call, json, *changed);
  end_data(json);
}

base::Task<void> list_api_key_clients(Call& call) {
  using Found = std::vector<ClientEnforcement>;
  auto found = co_await on_store<Found>(
      call, StoreFamily::keys, [](Session& session) { return accepted(list_client_enforcement(session)); });
  if (!found) co_return call.fail(found.error());
  auto json = begin_data(call, "Listed client overrides");
  append_clients(json, *found);
  end_data(json);
}

base::Task<void> put_api_key_client(Call& call) {
  const auto client = client_of_path(call);
  if (!client) co_return call.fail(client.error());
  auto enforce = co_await read_switch(call);
  if (!enforce) co_return call.fail(enforce.error());
  auto actor = actor_of(call);
  auto changed = co_await change_keys<ClientEnforcement>(
      call, [client = *client, enforce = *enforce, actor = std::move(actor)](Session& session) {
        return accepted(set_client_enforcement(session, client, enforce, actor));
      });
  if (!changed) co_return call.fail(changed.error());
  auto json = begin_data(call, "Updated client override");
  json.key("client");
  append(json, *changed);
  end_data(json);
}

base::Task<void> delete_api_key_client(Call& call) {
  const auto client = client_of_path(call);
  if (!client) co_return call.fail(client.error());
  auto actor = actor_of(call);
  auto cleared = co_await change_keys<ClientEnforcement>(
      call, [client = *client, actor = std::move(actor)](Session& session) {
        return clear_client_enforcement(session, client, actor);
      });
  if (!cleared) co_return call.fail(cleared.error());
  auto json = begin_data(call, "Removed client override");
  json.member("client_name", cleared->client_name);
  end_data(json);
}

}  // namespace athena::api

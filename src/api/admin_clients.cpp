#include "api/admin_handlers.h"
#include "api/body_members.h"
#include "api/client_changes.h"
#include "api/client_support.h"
#include "api/store_access.h"
#include "base/iso_time.h"

namespace athena::api {
namespace {

using contract::Error;
using contract::ErrorCode;
using control::ClientRow;
using control::Outcome;
using control::Session;
using Shown = contract::Result<ShownClient>;

constexpr std::string_view kList = "clients";
constexpr std::chrono::seconds kVerifyTime(5);

ShownClient shown(const ClientSupport& support, ClientRow row) {
  const bool drifted = support.drifted(row);
  return {std::move(row), drifted};
}

Outcome<ShownClient> shown(const ClientSupport& support, Outcome<ClientRow> outcome) {
  if (!outcome) return outcome.error();
  if (!*outcome) return Shown(outcome->error());
  return Shown(shown(support, std::move(**outcome)));
}

/// `work(session, support)`, an Outcome<ClientRow>, on a thread of the main home. When it comes back every
/// shard routes by what it made.
template <class Work>
base::Task<Shown> change_client(Call& call, Work work) {
  auto* plane = call.context.process.control;
  const auto* support = call.context.process.clients;
  if (plane == nullptr || support == nullptr) co_return no_store(StoreFamily::others);
  auto changed = co_await on_store<ShownClient>(
      call, StoreFamily::others,
      [plane, support, work = std::move(work)](Session& session) mutable -> Outcome<ShownClient> {
        auto outcome = work(session, *support);
        if (!outcome || !*outcome) return shown(*support, std::move(outcome));
        if (auto refreshed = plane->clients().refresh(session); !refreshed) return refreshed.error();
        return shown(*support, std::move(outcome));
      });
  co_return changed;
}

/// Whether the row makes a client, and whether its database answers where that is asked for.
contract::Result<void> fits(const ClientSupport& support, const ClientRow& row, bool verify) {
  const auto definition = support.define(row);
  if (!definition) return definition.error();
  if (!verify) return {};
  return support.verify(*definition, base::Deadline::in(kVerifyTime));
}

control::CheckClient check_of(const ClientSupport& support) {
  return [&support](const ClientRow& row) { return fits(support, row, false); };
}

std::optional<std::string> iso_time(const std::optional<std::int64_t>& unix_ms) {
  if (!unix_ms) return std::nullopt;
  return base::iso_time(*unix_ms);
}

/// What this instance has made of the row; nothing when it has not loaded it.
const catalog::Entry* loaded(const Call& call, const ClientRow& row) {
  if (row.deleted_at) return nullptr;
  // Not the request's view: that is the one before its change.
  return call.context.view->snapshot().registry.find(row.client_name);
}

void append_runtime(JsonBuilder& json, const ShownClient& client, const catalog::Entry& entry) {
  const auto& row = client.row;
  const auto& definition = entry.definition;
  engines::BackendStatus status;
  if (entry.engine) status = entry.engine->status();
  auto error = !entry.trouble.empty() ? entry.trouble : entry.unusable;
  if (error.empty()) error = status.last_error_reason;
  json.begin_object().member("client_name", row.client_name).member("engine", name(definition.engine));
  json.member("source", row.source).member("description", row.description);
  append_places(json, row);
  json.member("is_active", row.is_active).member("is_frozen", row.is_frozen);
  json.member("lifecycle", name(row.lifecycle())).key("capabilities").begin_array();
  for (const auto& capability : definition.capabilities.names()) json.value(capability);
  json.end_array().member("pool_connected", status.connected).member("config_drift", client.drifted);
  json.member("last_error", error.empty() ? std::nullopt : std::optional<std::string>(error));
  json.member("last_connected_at", iso_time(status.last_success_at_ms));
  json.member("retry_at", iso_time(status.retry_at_ms)).end_object();
}

void send_client(Call& call, std::string_view message, const ShownClient& client, bool with_runtime) {
  auto json = begin_data(call, message);
  json.key("client");
  append(json, client.row);
  if (with_runtime) {
    json.key("runtime");
    if (const auto* entry = loaded(call, client.row); entry != nullptr) {
      append_runtime(json, client, *entry);
    } else {
      json.raw("null");
    }
  }
  end_data(json);
}

base::Task<void> pause(Call& call, std::chrono::milliseconds duration) {
  base::Completion<int> waiter;
  base::Timer timer([&waiter] { waiter(0); });
  auto resumed = co_await base::suspend<int>([&](base::Completion<int> completion) {
    waiter = std::move(completion);
    call.context.shard.timers().arm(timer, duration);
  });
  static_cast<void>(resumed);
}

/// Waits a moment for the first contact, so that the reply can tell of it.
base::Task<void> await_contact(Call& call, const ClientRow& row) {
  constexpr std::chrono::milliseconds kStep(10);
  const auto deadline = base::Deadline::in(std::chrono::seconds(1));
  while (!deadline.expired()) {
    const auto* entry = loaded(call, row);
    if (entry == nullptr || !entry->engine) co_return;
    const auto status = entry->engine->status();
    if (status.connected || !status.last_error_reason.empty()) co_return;
    co_await pause(call, kStep);
  }
}

contract::Result<control::ClientFields> fields_of(const query::Value& body, bool is_new) {
  BodyMembers members(body);
  control::ClientFields fields;
  if (is_new && body.find_present("client_name") != nullptr) fields.client_name = members.text("client_name");
  fields.engine = members.text("engine");
  fields.description = members.nullable_text("description");
  fields.pg_uri = members.nullable_text("pg_uri");
  fields.pg_uri_env_var = members.nullable_text("pg_uri_env_var");
  fields.connection = members.nullable_object("connection");
  fields.metadata = members.object("metadata");
  fields.is_active = members.flag("is_active");
  fields.is_frozen = members.flag("is_frozen");
  if (members.error()) return *members.error();
  if (auto good = control::check(fields, is_new); !good) return good.error();
  return fields;
}

/// A parameter that is true or false.
contract::Result<bool> flag_of(const QueryString& parameters, std::string_view name) {
  const auto value = parameters.find(name);
  if (!value) return false;
  if (*value == "true" || *value == "false") return *value == "true";
  return Error(ErrorCode::invalid_value, std::string(name) + " must be true or false.").with("member", name);
}

contract::Result<bool> wants_verify(const Call& call) {
  const auto parameters = QueryString::parse(call.request().query);
  if (!parameters) return parameters.error();
  return flag_of(*parameters, "verify");
}

/// `<row id> <name>`.
void place_of(std::string_view place, control::ClientFilter& filter) {
  const auto blank = place.find(' ');
  filter.after_row = std::stoll(std::string(place.substr(0, blank)));
  filter.after_name = place.substr(blank + 1);
}

}  // namespace

base::Task<Shown> create_client(Call& call, control::ClientFields fields, bool verify) {
  auto created =
      co_await change_client(call,
                             [fields = std::move(fields), verify, actor = actor_of(call)](
                                 Session& session, const ClientSupport& support) -> Outcome<ClientRow> {
                               // Before the transaction, so that a slow database holds up no other change.
                               if (auto good = fits(support, new_client(fields), verify); !good)
                                 return contract::Result<ClientRow>(good.error());
                               return control::create_client(session, fields, check_of(support), actor);
                             });
  if (created) co_await await_contact(call, created->row);
  co_return created;
}

base::Task<void> list_catalogue(Call& call) {
  const auto parameters = QueryString::parse(call.request().query);
  if (!parameters) co_return call.fail(parameters.error());
  const auto page = list_page(call, *parameters, kList, 500);
  if (!page) co_return call.fail(page.error());
  const auto deleted = flag_of(*parameters, "include_deleted");
  if (!deleted) co_return call.fail(deleted.error());
  control::ClientFilter filter;
  filter.include_deleted = *deleted;
  filter.limit = page->limit;
  if (!page->place.empty()) place_of(page->place, filter);
  const auto* support = call.context.process.clients;
  using Found = std::vector<ShownClient>;
  auto found = co_await on_store<Found>(call, StoreFamily::others,
                                        [filter, support](Session& session) -> Outcome<Found> {
                                          auto rows = list_clients(session, filter);
                                          if (!rows) return rows.error();
                                          Found clients;
                                          for (auto& row : *rows)
                                            clients.push_back(shown(*support, std::move(row)));
                                          return contract::Result<Found>(std::move(clients));
                                        });
  if (!found) co_return call.fail(found.error());
  std::optional<std::string> next;
  if (static_cast<std::int64_t>(found->size()) > page->limit) {
    found->resize(static_cast<std::size_t>(page->limit));
    const auto& last = found->back().row;
    next = std::to_string(last.row_id) + " " + contract::client_key(last.client_name);
  }
  auto json = begin_data(call, "Listed clients");
  json.key("clients").begin_array();
  for (const auto& client : *found) append(json, client.row);
  json.end_array().key("runtime").begin_array();
  for (const auto& client : *found) {
    if (const auto* entry = loaded(call, client.row); entry != nullptr) append_runtime(json, client, *entry);
  }
  json.end_array();
  end_list(call, json, kList, next, static_cast<std::int64_t>(found->size()));
}

base::Task<void> get_catalogue_client(Call& call) {
  const auto client = client_of_path(call);
  if (!client) co_return call.fail(client.error());
  const auto* support = call.context.process.clients;
  auto found = co_await on_store<ShownClient>(call, StoreFamily::others,
                                              [support, client = *client](Session& session) {
                                                return shown(*support, control::find_client(session, client));
                                              });
  if (!found) co_return call.fail(found.error());
  send_client(call, "Loaded client", *found, true);
}

base::Task<void> create_catalogue_client(Call& call) {
  const auto verify = wants_verify(call);
  if (!verify) co_return call.fail(verify.error());
  auto body = co_await read_json(call);
  if (!body) co_return call.fail(body.error());
  auto fields = fields_of(**body, true);
  if (!fields) co_return call.fail(fields.error());
  auto created = co_await create_client(call, std::move(*fields), *verify);
  if (!created) co_return call.fail(created.error());
  call.exchange.response().status = 201;
  send_client(call, "Created client", *created, true);
}

base::Task<void> update_catalogue_client(Call& call) {
  const auto client = client_of_path(call);
  if (!client) co_return call.fail(client.error());
  const auto verify = wants_verify(call);
  if (!verify) co_return call.fail(verify.error());
  auto body = co_await read_json(call);
  if (!body) co_return call.fail(body.error());
  auto fields = fields_of(**body, false);
  if (!fields) co_return call.fail(fields.error());
  auto updated =
      co_await change_client(call,
                             [client = *client, fields = *fields, verify = *verify, actor = actor_of(call)](
                                 Session& session, const ClientSupport& support) -> Outcome<ClientRow> {
                               if (verify) {
                                 auto preview = preview_update(session, client, fields);
                                 if (!preview || !*preview) return preview;
                                 if (auto good = fits(support, **preview, true); !good)
                                   return contract::Result<ClientRow>(good.error());
                               }
                               return update_client(session, client, fields, check_of(support), actor);
                             });
  if (!updated) co_return call.fail(updated.error());
  if (fields->changes_connection()) co_await await_contact(call, updated->row);
  send_client(call, "Updated client", *updated, true);
}

base::Task<void> freeze_catalogue_client(Call& call) {
  const auto client = client_of_path(call);
  if (!client) co_return call.fail(client.error());
  auto body = co_await read_json(call);
  if (!body) co_return call.fail(body.error());
  BodyMembers members(**body);
  const auto frozen = members.flag("is_frozen");
  if (members.error()) co_return call.fail(*members.error());
  if (!frozen) {
    const auto missing = Error(ErrorCode::missing_field, "is_frozen is needed.").with("member", "is_frozen");
    co_return call.fail(missing);
  }
  auto changed = co_await change_client(call, [client = *client, frozen = *frozen, actor = actor_of(call)](
                                                  Session& session, const ClientSupport&) {
    return freeze_client(session, client, frozen, actor);
  });
  if (!changed) co_return call.fail(changed.error());
  send_client(call, *frozen ? "Froze client" : "Unfroze client", *changed, false);
}

base::Task<void> delete_catalogue_client(Call& call) {
  const auto client = client_of_path(call);
  if (!client) co_return call.fail(client.error());
  auto deleted = co_await change_client(
      call, [client = *client, actor = actor_of(call)](Session& session, const ClientSupport&) {
        return delete_client(session, client, actor);
      });
  if (!deleted) co_return call.fail(deleted.error());
  send_client(call, "Deleted client", *deleted, false);
}

}  // namespace athena::api

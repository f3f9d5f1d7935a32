#include "api/admin_handlers.h"
#include "api/body_members.h"
#include "api/store_access.h"
#include "services/control/keys.h"

namespace athena::api {
namespace {

using contract::Error;
using contract::ErrorCode;
using control::KeyRecord;
using control::Session;

constexpr std::string_view kList = "api_keys";

contract::Result<control::KeyFields> fields_of(const query::Value& body, bool is_new) {
  BodyMembers members(body);
  control::KeyFields fields;
  // A new key's null is an absent name, which has a code of its own.
  if (!is_new || body.find_present("name") != nullptr) fields.name = members.text("name");
  fields.description = members.nullable_text("description");
  fields.client_name = members.nullable_text("client_name");
  fields.expires_at_ms = members.nullable_time("expires_at");
  fields.rights = members.texts("rights");
  if (!is_new) fields.is_active = members.flag("is_active");
  if (members.error()) return *members.error();
  if (auto good = control::check(fields, is_new); !good) return good.error();
  return fields;
}

void send_record(Call& call, std::string_view message, const KeyRecord& record) {
  auto json = begin_data(call, message);
  json.key("record");
  append(json, record);
  end_data(json);
}

}  // namespace

base::Task<void> list_api_keys(Call& call) {
  const auto parameters = QueryString::parse(call.request().query);
  if (!parameters) co_return call.fail(parameters.error());
  const auto page = list_page(call, *parameters, kList);
  if (!page) co_return call.fail(page.error());
  control::KeyFilter filter;
  filter.client_name = std::string(parameters->find("client_name").value_or(""));
  filter.name_part = std::string(parameters->find("q").value_or(""));
  for (const auto& [name, target] : {std::pair{"is_active", 0}, std::pair{"include_archived", 1}}) {
    const auto value = parameters->find(name);
    if (!value) continue;
    if (*value != "true" && *value != "false") {
      const Error error =
          Error(ErrorCode::invalid_value, std::string(name) + " must be true or false.").with("member", name);
      co_return call.fail(error);
    }
    if (target == 0) {
      filter.is_active = *value == "true";
    } else {
      filter.include_archived = *value == "true";
    }
  }
  filter.limit = page->limit;
  if (!page->place.empty()) filter.before_row = std::stoll(page->place);
  using Found = std::vector<KeyRecord>;
  auto found = co_await on_store<Found>(call, StoreFamily::keys,
                                        [filter](Session& session) -> control::Outcome<Found> {
                                          auto records = list_keys(session, filter);
                                          if (!records) return records.error();
                                          return contract::Result<Found>(std::move(*records));
                                        });
  if (!found) co_return call.fail(found.error());
  std::optional<std::string> next;
  if (static_cast<std::int64_t>(found->size()) > page->limit) {
    found->resize(static_cast<std::size_t>(page->limit));
    next = std::to_string(found->back().row_id);
  }
  auto json = begin_data(call, "Listed API keys");
  json.key("api_keys").begin_array();
  for (const auto& record : *found) append(json, record);
  json.end_array();
  end_list(call, json, kList, next, static_cast<std::int64_t>(found->size()));
}

base::Task<void> get_api_key(Call& call) {
  const auto id = uuid_of_path(call);
  if (!id) co_return call.fail(id.error());
  auto found = co_await on_store<KeyRecord>(call, StoreFamily::keys,
                                            [id = *id](Session& session) { return find_key(session, id); });
  if (!found) co_return call.fail(found.error());
  send_record(call, "Loaded API key", *found);
}

base::Task<void> create_api_key(Call& call) {
  auto body = co_await read_json(call);
  if (!body) co_return call.fail(body.error());
  auto fields = fields_of(**body, true);
  if (!fields) co_return call.fail(fields.error());
  auto actor = actor_of(call);
  const auto most = call.context.process.control == nullptr
                        ? std::int64_t{0}
                        : call.context.process.control->settings().max_api_keys;
  auto created = co_await change_keys<control::CreatedKey>(
      call, [fields = *fields, actor = std::move(actor), most](Session& session) {
        return create_key(session, fields, most, actor);
      });
  if (!created) co_return call.fail(created.error());
  call.exchange.response().status = 201;
  auto json = begin_data(call, "Created API key");
  json.member("api_key", created->text).key("record");
  append(json, created->record);
  const auto& client = created->record.client_name;
  if (client && call.registry().find(*client) == nullptr)
    json.key("warnings").begin_array().value("client '" + *client + "' is not registered").end_array();
  end_data(json);
}

base::Task<void> update_api_key(Call& call) {
  const auto id = uuid_of_path(call);
  if (!id) co_return call.fail(id.error());
  auto body = co_await read_json(call);
  if (!body) co_return call.fail(body.error());
  auto fields = fields_of(**body, false);
  if (!fields) co_return call.fail(fields.error());
  auto actor = actor_of(call);
  auto updated = co_await change_keys<KeyRecord>(
      call, [id = *id, fields = *fields, actor = std::move(actor)](Session& session) {
        return update_key(session, id, fields, actor);
      });
  if (!updated) co_return call.fail(updated.error());
  send_record(call, "Updated API key", *updated);
}

base::Task<void> delete_api_key(Call& call) {
  const auto id = uuid_of_path(call);
  if (!id) co_return call.fail(id.error());
  auto actor = actor_of(call);
  auto archived = co_await change_keys<KeyRecord>(
      call,
      [id = *id, actor = std::move(actor)](Session& session) { return archive_key(session, id, actor); });
  if (!archived) co_return call.fail(archived.error());
  auto json = begin_data(call, "Deleted API key");
  json.member("id", archived->id);
  end_data(json);
}

}  // namespace athena::api

#include "api/admin_handlers.h"
#include "api/body_members.h"
#include "api/store_access.h"
#include "services/control/rights.h"

namespace athena::api {
namespace {

using control::RightRecord;
using control::Session;

contract::Result<control::RightFields> fields_of(const query::Value& body, bool is_new) {
  BodyMembers members(body);
  control::RightFields fields;
  if (!is_new || body.find_present("name") != nullptr) fields.name = members.text("name");
  fields.description = members.nullable_text("description");
  if (members.error()) return *members.error();
  if (auto good = control::check(fields, is_new); !good) return good.error();
  return fields;
}

void send_right(Call& call, std::string_view message, const RightRecord& right) {
  auto json = begin_data(call, message);
  json.key("right");
  append(json, right);
  end_data(json);
}

}  // namespace

base::Task<void> list_api_key_rights(Call& call) {
  using Found = std::vector<RightRecord>;
  auto found =
      co_await on_store<Found>(call, StoreFamily::keys, [](Session& session) -> control::Outcome<Found> {
        auto rights = list_rights(session);
        if (!rights) return rights.error();
        return contract::Result<Found>(std::move(*rights));
      });
  if (!found) co_return call.fail(found.error());
  auto json = begin_data(call, "Listed rights");
  json.key("rights").begin_array();
  for (const auto& right : *found) append(json, right);
  json.end_array();
  end_data(json);
}

base::Task<void> create_api_key_right(Call& call) {
  auto body = co_await read_json(call);
  if (!body) co_return call.fail(body.error());
  auto fields = fields_of(**body, true);
  if (!fields) co_return call.fail(fields.error());
  auto actor = actor_of(call);
  auto created =
      co_await change_keys<RightRecord>(call, [fields = *fields, actor = std::move(actor)](Session& session) {
        return create_right(session, fields, actor);
      });
  if (!created) co_return call.fail(created.error());
  call.exchange.response().status = 201;
  send_right(call, "Created right", *created);
}

base::Task<void> update_api_key_right(Call& call) {
  const auto id = uuid_of_path(call);
  if (!id) co_return call.fail(id.error());
  auto body = co_await read_json(call);
  if (!body) co_return call.fail(body.error());
  auto fields = fields_of(**body, false);
  if (!fields) co_return call.fail(fields.error());
  auto actor = actor_of(call);
  auto updated = co_await change_keys<RightRecord>(
      call, [id = *id, fields = *fields, actor = std::move(actor)](Session& session) {
        return update_right(session, id, fields, actor);
      });
  if (!updated) co_return call.fail(updated.error());
  send_right(call, "Updated right", *updated);
}

base::Task<void> delete_api_key_right(Call& call) {
  const auto id = uuid_of_path(call);
  if (!id) co_return call.fail(id.error());
  auto actor = actor_of(call);
  auto removed = co_await change_keys<RightRecord>(
      call,
      [id = *id, actor = std::move(actor)](Session& session) { return delete_right(session, id, actor); });
  if (!removed) co_return call.fail(removed.error());
  auto json = begin_data(call, "Deleted right");
  json.member("id", removed->id);
  end_data(json);
}

}  // namespace athena::api

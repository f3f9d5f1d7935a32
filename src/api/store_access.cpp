#include "api/store_access.h"

#include "api/forwarded.h"
#include "base/uuid.h"
#include "contract/client_definition.h"
#include "services/control/texts.h"

namespace athena::api {

using contract::Error;
using contract::ErrorCode;

contract::Error no_store(StoreFamily family) {
  if (family == StoreFamily::keys)
    return Error(ErrorCode::auth_store_unavailable, "The store of the API keys cannot be reached now.");
  return Error(ErrorCode::control_store_unavailable, "The gateway's store cannot be reached now.");
}

contract::Error store_failure(const Call& call, StoreFamily family, const control::StoreError& error) {
  const bool away =
      error.kind == control::StoreError::Kind::unreachable || error.kind == control::StoreError::Kind::retry;
  if (call.context.process.warn)
    call.context.process.warn("store: " + error.message +
                              (error.sql_state.empty() ? "" : " (" + error.sql_state + ")"));
  if (away) return no_store(family);
  return Error(ErrorCode::internal_error, "The gateway's store refused a statement; the log says why.");
}

control::Actor actor_of(Call& call) {
  control::Actor actor;
  actor.name = call.caller.admin_name;
  actor.request_id = call.exchange.request_id();
  Forwarded seen(call.request(), call.api());
  actor.remote_addr = seen.client_address();
  actor.user_agent = call.request().header("User-Agent").substr(0, 2048);
  if (const auto* plane = call.context.process.control; plane != nullptr)
    actor.instance_id = plane->settings().instance_id;
  return actor;
}

JsonBuilder begin_data(Call& call, std::string_view message) {
  JsonBuilder json(call.exchange.response().body);
  json.begin_object().member("status", "success").member("message", message).key("data").begin_object();
  return json;
}

void end_data(JsonBuilder& json) {
  json.end_object().end_object();
}

contract::Result<ListPage> list_page(const Call& call, const QueryString& parameters, std::string_view list,
                                     std::int64_t default_limit) {
  constexpr std::int64_t kMost = 500;
  ListPage page;
  auto limit = parameters.integer("limit", default_limit, 1, INT64_MAX);
  if (!limit) return limit.error();
  if (*limit > kMost)
    return Error(ErrorCode::limit_too_large, "limit must be at most " + std::to_string(kMost) + ".")
        .with("max", kMost);
  page.limit = *limit;
  const auto cursor = parameters.find("cursor");
  if (!cursor) return page;
  const auto* plane = call.context.process.control;
  const auto cursors = plane == nullptr ? control::Cursors() : plane->cursors();
  if (!cursors.ready()) return no_store(StoreFamily::others);
  const auto place = cursors.verify(list, *cursor);
  if (!place) return Error(ErrorCode::invalid_value, "cursor is none of this list.").with("member", "cursor");
  page.place = *place;
  return page;
}

void end_list(Call& call, JsonBuilder& json, std::string_view list, const std::optional<std::string>& place,
              std::int64_t returned) {
  std::optional<std::string> cursor;
  if (place) {
    const auto* plane = call.context.process.control;
    const auto cursors = plane == nullptr ? control::Cursors() : plane->cursors();
    if (cursors.ready()) cursor = cursors.sign(list, *place);
  }
  json.member("next_cursor", cursor).end_object().key("meta").begin_object();
  json.member("returned_row_count", returned)
      .member("truncated", place.has_value())
      .end_object()
      .end_object();
}

contract::Result<std::string> uuid_of_path(const Call& call) {
  const auto id = percent_decode(call.match.parameters[0].value, false);
  if (!id || !base::is_uuid(*id)) {
    const auto name = std::string(call.match.parameters[0].name);
    return Error(ErrorCode::invalid_value, name + " must be a UUID.").with("member", name);
  }
  return *id;
}

contract::Result<std::string> client_of_path(const Call& call) {
  const auto decoded = percent_decode(call.match.parameters[0].value, false);
  if (!decoded)
    return Error(ErrorCode::invalid_value, "client_name is not percent-encoded as it should be.")
        .with("member", "client_name");
  auto name = control::trimmed_text(*decoded);
  if (auto good = contract::check_client_name(name); !good)
    return Error(ErrorCode::invalid_value, good.error().text()).with("member", "client_name");
  return name;
}

contract::Result<std::string> name_of_path(const Call& call) {
  const auto decoded = percent_decode(call.match.parameters[0].value, false);
  constexpr std::size_t kMost = 64;
  auto name = control::trimmed_text(decoded.value_or(""));
  if (name.empty() || name.size() > kMost || name.find('\0') != std::string::npos)
    return Error(ErrorCode::invalid_value, "client_name is no name of a client.")
        .with("member", "client_name");
  return name;
}

}  // namespace athena::api

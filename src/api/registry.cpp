#include <algorithm>
#include <string>

#include "api/forwarded.h"
#include "api/handlers.h"
#include "api/json_builder.h"
#include "api/query_string.h"
#include "api/reply.h"
#include "base/uuid.h"
#include "services/catalog/routing_rows.h"

namespace athena::api {
namespace {

using contract::Error;
using contract::ErrorCode;

/// No API can be registered yet: there is no store, hence no row and nothing that a cache could hold.
void send_no_rows(Call& call) {
  call.exchange.response().add_header("X-Athena-Cached", "false");
  call.exchange.response().body.append("[]");
}

}  // namespace

void registry(Call& call) {
  send_no_rows(call);
}

void registry_row(Call& call) {
  const auto id = percent_decode(call.match.parameters[0].value, false);
  if (!id || !base::is_uuid(*id)) {
    call.fail(
        Error(ErrorCode::invalid_value, "api_registry_id must be a UUID.").with("member", "api_registry_id"));
    return;
  }
  send_no_rows(call);
}

void router_registry(Call& call) {
  JsonBuilder json(call.exchange.response().body);
  json.begin_array();
  const auto text_or_null = [](const std::string& text) {
    return text.empty() ? std::nullopt : std::optional<std::string_view>(text);
  };
  for (const auto& row : catalog::routing_rows(call.settings(), call.registry().entries())) {
    json.begin_object().member("kind", name(row.kind)).member("pattern", row.pattern);
    json.member("client_name", text_or_null(row.client_name)).member("upstream", text_or_null(row.upstream));
    json.member("source", name(row.source)).member("is_active", row.is_active);
    json.member("priority", row.priority).end_object();
  }
  json.end_array();
}

void list_clients(Call& call) {
  std::vector<std::string_view> names;
  for (const auto& entry : call.registry().entries()) {
    if (entry.definition.lifecycle == contract::Lifecycle::active)
      names.push_back(entry.definition.client_name);
  }
  JsonBuilder json(call.exchange.response().body);
  json.begin_object().member("status", "success");
  json.member("message", counted("Listed", static_cast<std::int64_t>(names.size()), "client"));
  json.key("clients").begin_array();
  for (const auto client : names) json.value(client);
  json.end_array().end_object();
}

void wss_info(Call& call) {
  Forwarded seen(call.request(), call.api());
  JsonBuilder json(call.exchange.response().body);
  json.begin_object().member("status", "success").member("message", "Athena WebSocket gateway");
  json.key("data").begin_object().member("transport", seen.https() ? "wss" : "ws");
  json.member("path", "/wss/gateway").key("api_base");
  if (seen.host().empty()) {
    json.raw("null");
  } else {
    json.value((seen.https() ? "https://" : "http://") + std::string(seen.host()));
  }
  json.member("state", "disabled").member("protocol_version", "athena.v1").key("notes").begin_array();
  json.value("This version has no WebSocket gateway: a connection to its path is refused.");
  json.value("/openapi-wss.yaml describes the frames that it will speak.");
  json.end_array().key("actions").begin_array();
  for (const auto* action :
       {"gateway.fetch", "gateway.insert", "gateway.update", "gateway.delete", "gateway.query"}) {
    json.value(action);
  }
  json.end_array().end_object().end_object();
}

}  // namespace athena::api

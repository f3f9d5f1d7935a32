#include <algorithm>
#include <charconv>

#include "api/call.h"
#include "api/forwarded.h"
#include "api/notes.h"
#include "contract/envelope.h"
#include "services/catalog/host_patterns.h"

namespace athena::api {
namespace {

using contract::Error;
using contract::ErrorCode;
using http::equals_ignoring_case;

std::string quoted(std::string_view text) {
  return "\"" + std::string(text) + "\"";
}

Error wrong_value(std::string_view header, std::string_view accepted) {
  return Error(ErrorCode::invalid_value,
               "The header " + std::string(header) + " must be " + std::string(accepted) + ".")
      .with("member", header);
}

/// The one client name of the request; empty = none. Two different ones are refused.
contract::Result<std::string_view> client_name(const http::Request& request) {
  std::string_view name;
  for (const auto& header : request.headers) {
    if (header.value.empty() || !equals_ignoring_case(header.name, "X-Athena-Client")) continue;
    if (!name.empty() && contract::client_key(name) != contract::client_key(header.value)) {
      return Error(ErrorCode::client_mismatch, "X-Athena-Client names two clients.");
    }
    name = header.value;
  }
  return name;
}

}  // namespace

bool host_label(const Call& call, std::string_view& label) {
  const auto& patterns = call.settings().wildcard_hosts;
  if (patterns.empty()) return false;
  const auto host = effective_host(call);
  return std::ranges::any_of(patterns, [host, &label](const std::string& pattern) {
    return catalog::matches_host_pattern(pattern, host, &label) && !label.empty();
  });
}

void note_client(Call& call, const catalog::Entry& entry) {
  call.exchange.client_label = entry.label;
  RequestNotes::of(call.exchange).engine = static_cast<std::uint8_t>(entry.definition.engine);
}

std::string_view effective_host(const Call& call) {
  return catalog::bare_host(Forwarded(call.request(), call.api()).host());
}

contract::Error Call::seen_by_caller(const contract::Error& error) const {
  if (running == nullptr || !running->cancelled || error.code() != ErrorCode::client_closed_request)
    return error;
  return Error(ErrorCode::statement_timeout, "An operator cancelled this request.")
      .with("reason", std::string_view("cancelled_by_operator"));
}

void Call::fail(const contract::Error& given) {
  const auto error = seen_by_caller(given);
  auto& response = exchange.response();
  response.body.clear();
  response.status = contract::info(error.code()).status;
  response.content_type = "application/json; charset=utf-8";
  exchange.error_code = contract::info(error.code()).name;
  if (const auto seconds = contract::retry_after_seconds(error); seconds != 0) {
    response.add_header("Retry-After", std::to_string(seconds));
  }
  const bool sentence = settings().error_message == contract::GatewaySettings::ErrorMessage::sentence ||
                        (settings().error_message == contract::GatewaySettings::ErrorMessage::automatic &&
                         is_sdk_request(request()));
  contract::append_error(response.body, error,
                         {exchange.request_id(), route.operation, settings().terse_errors, sentence});
}

contract::Result<base::Deadline> request_deadline(const Call& call) {
  auto timeout = call.settings().request_timeout_ms;
  if (const auto value = call.request().header("X-Athena-Timeout-Ms"); !value.empty()) {
    const auto maximum = call.settings().max_timeout_ms;
    const auto* end = value.data() + value.size();
    const auto parsed = std::from_chars(value.data(), end, timeout);
    if (parsed.ec != std::errc() || parsed.ptr != end || timeout < 1 || timeout > maximum) {
      return wrong_value("X-Athena-Timeout-Ms", "a whole number from 1 to " + std::to_string(maximum));
    }
  }
  return base::Deadline(call.exchange.received_at() + std::chrono::milliseconds(timeout));
}

base::Task<contract::Result<const query::Value*>> read_json(Call& call) {
  if (!call.exchange.body_complete()) {
    auto read = co_await call.exchange.read_body();
    if (!read) co_return read.error();
    if (call.stages.wanted) call.stages.body_wait = base::Clock::now() - call.stages.authenticated;
  }
  co_return query::parse_body(call.exchange.body(), call.exchange.memory());
}

contract::Result<const catalog::Entry*> find_client(Call& call, std::string_view named) {
  auto& metrics = call.context.metrics;
  auto name = client_name(call.request());
  if (!name) return name.error();
  if (!named.empty()) {
    if (!name->empty() && contract::client_key(*name) != contract::client_key(named)) {
      return Error(ErrorCode::client_mismatch, "X-Athena-Client and db_name name two clients.");
    }
    name = named;
  }
  if (name->empty()) {
    std::string_view label;
    if (host_label(call, label)) {
      if (const auto* entry = call.registry().find_by_label(label); entry != nullptr) {
        note_client(call, *entry);
        return entry;
      }
      metrics.client_resolved("unknown");
      return Error(ErrorCode::unknown_client, "No client belongs to the host name of this request.");
    }
    metrics.client_resolved("missing");
    return Error(ErrorCode::missing_client_header, "X-Athena-Client header is required and cannot be empty")
        .with("missing_header", "X-Athena-Client");
  }
  const auto* entry = call.registry().find(*name);
  if (entry == nullptr) {
    metrics.client_resolved("unknown");
    return Error(ErrorCode::unknown_client,
                 "The client " + quoted(name->substr(0, 64)) + " is not known to this gateway.");
  }
  note_client(call, *entry);
  return entry;
}

contract::Result<const catalog::Entry*> resolve_client(Call& call, std::string_view named) {
  auto entry = find_client(call, named);
  if (!entry) return entry;
  const auto& definition = (*entry)->definition;
  if (definition.lifecycle == contract::Lifecycle::frozen) {
    call.context.metrics.client_resolved("frozen");
    return Error(ErrorCode::client_frozen, "The client " + quoted(definition.client_name) + " is frozen.");
  }
  if (definition.lifecycle == contract::Lifecycle::inactive) {
    call.context.metrics.client_resolved("inactive");
    return Error(ErrorCode::client_inactive,
                 "The client " + quoted(definition.client_name) + " is inactive.");
  }
  return entry;
}

contract::Result<void> require(const Call& call, const catalog::Entry& client,
                               contract::Capability capability) {
  const auto& definition = client.definition;
  if (definition.capabilities.has(capability)) return {};
  call.context.metrics.client_resolved("capability");
  const auto has = definition.capabilities.names();
  return Error(ErrorCode::capability_not_supported,
               "Client " + quoted(definition.client_name) + " (" + std::string(name(definition.engine)) +
                   ") does not support " + std::string(name(capability)) + ".")
      .with("engine", name(definition.engine))
      .with("requires", name(capability))
      .with("has", std::span<const std::string>(has))
      .with("alternative", "Use a client that has this capability; GET /gateway/capabilities lists them.");
}

contract::Result<engines::Backend*> backend(Call& call, const catalog::Entry& client) {
  auto* found = call.view->backends().find(client);
  if (found == nullptr) {
    call.context.metrics.client_resolved("unreachable");
    return Error(ErrorCode::backend_unreachable,
                 client.trouble.empty() ? "The client's database cannot be reached." : client.trouble);
  }
  call.context.metrics.client_resolved("ok");
  return found;
}

bool is_sdk_request(const http::Request& request) {
  return request.path.starts_with("/db/") || !request.header("X-Athena-Sdk").empty() ||
         !request.header("X-Backend-Type").empty();
}

contract::Result<Shape> reply_shape(const Call& call) {
  const auto value = call.request().header("X-Athena-Shape");
  if (equals_ignoring_case(value, "rows")) return Shape::rows;
  if (equals_ignoring_case(value, "array")) return Shape::array;
  if (!value.empty()) return wrong_value("X-Athena-Shape", "rows or array");
  switch (call.settings().response_shape) {
    case contract::GatewaySettings::Shape::rows:
      return Shape::rows;
    case contract::GatewaySettings::Shape::array:
      return Shape::array;
    case contract::GatewaySettings::Shape::automatic:
      break;
  }
  return is_sdk_request(call.request()) ? Shape::array : Shape::rows;
}

}  // namespace athena::api

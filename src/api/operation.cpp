#include "api/operation.h"

#include <algorithm>

#include "api/direct.h"
#include "api/protected.h"
#include "api/recording.h"

namespace athena::api {
namespace {

using contract::Error;
using contract::ErrorCode;

contract::Result<void> check_audit_headers(const Call& call) {
  using Audit = contract::GatewaySettings::AuditHeaders;
  const auto rule = call.settings().audit_headers;
  if (rule == Audit::optional || (rule == Audit::sdk_exempt && is_sdk_request(call.request()))) return {};
  for (const std::string_view header : {"X-Company-Id", "X-Organization-Id"}) {
    if (call.request().header(header).empty()) {
      return Error(ErrorCode::missing_audit_header,
                   std::string(header) + " header is required and cannot be empty")
          .with("missing_header", header);
    }
  }
  return {};
}

}  // namespace

contract::Result<void> begin_without_body(Call& call, Operation& operation) {
  const auto explain = wants_explain(call);
  if (!explain) return explain.error();
  operation.explain = *explain;
  const auto deadline = request_deadline(call);
  if (!deadline) return deadline.error();
  operation.deadline = *deadline;
  const auto shape = reply_shape(call);
  if (!shape) return shape.error();
  operation.shape = *shape;
  return {};
}

base::Task<contract::Result<void>> begin(Call& call, Operation& operation) {
  if (auto begun = begin_without_body(call, operation); !begun) co_return begun.error();
  auto body = co_await read_json(call);
  if (!body) co_return body.error();
  operation.body = *body;
  co_return contract::Result<void>();
}

contract::Result<void> route(Call& call, Operation& operation, const Routing& routing,
                             const std::optional<contract::Error>& parse_error) {
  if (routing.table != nullptr) {
    if (auto may = require_table(call, *routing.table, routing.verb); !may) return may;
  }
  const auto direct = routing.ignores_direct_uri ? catalog::DirectText{} : direct_text(call.request());
  const auto client =
      direct.uri.empty() ? resolve_client(call, routing.client_name) : find_direct(call, direct);
  const bool named = client || (client.error().code() != ErrorCode::missing_client_header &&
                                client.error().code() != ErrorCode::client_mismatch);
  if (named && routing.audited) {
    if (auto headers = check_audit_headers(call); !headers) return headers;
  }
  if (!client) return client.error();
  operation.client = *client;
  if (const auto own = (*client)->definition.limits.timeout_ms) {
    const auto at = call.exchange.received_at() + std::chrono::milliseconds(*own);
    operation.deadline = base::Deadline(std::min(operation.deadline.at(), at));
  }
  if (auto capability = require(call, **client, contract::Capability::gateway_query); !capability)
    return capability;
  if (routing.capability) {
    if (auto capability = require(call, **client, *routing.capability); !capability) return capability;
  }
  if (parse_error) return complete_refusal(*parse_error, **client);
  // Of a client the tables are protected before its backend is looked at; of a direct URI only its pool
  // knows.
  const auto* engine = direct.uri.empty() ? (*client)->engine.get() : nullptr;
  if (engine != nullptr && touches_control_tables(call, routing.table) &&
      engine->holds_control_tables() == engines::HoldsControlTables::yes)
    return control_tables_refused();
  const auto found = direct.uri.empty() ? backend(call, **client) : direct_backend(call);
  if (!found) return found.error();
  if (call.direct) engine = &call.direct.client();
  if (auto allowed = check_control_tables(call, routing.table, *engine, **found); !allowed) return allowed;
  operation.backend = *found;
  return {};
}

contract::Error feature_missing(const catalog::Entry& client, std::string_view feature) {
  const auto& definition = client.definition;
  auto error =
      Error(ErrorCode::capability_not_supported, "Client \"" + definition.client_name + "\" (" +
                                                     std::string(name(definition.engine)) +
                                                     ") does not support " + std::string(feature) + ".")
          .with("requires", feature)
          .with("alternative", "Use a client whose engine has it; GET /gateway/capabilities lists them.");
  return complete_refusal(std::move(error), client);
}

namespace {

telemetry::BackendOutcome backend_outcome(ErrorCode code) {
  using enum telemetry::BackendOutcome;
  switch (code) {
    case ErrorCode::client_closed_request:
      return cancelled;
    case ErrorCode::deadline_exceeded:
    case ErrorCode::statement_timeout:
      return timeout;
    case ErrorCode::backend_unreachable:
    case ErrorCode::circuit_open:
    case ErrorCode::pool_timeout:
    case ErrorCode::overloaded:
      return unreachable;
    default:
      return contract::info(code).status < 500 ? client_error : telemetry::BackendOutcome::error;
  }
}

}  // namespace

bool belongs_to_stage_8(const contract::Error& error) {
  return error.code() == ErrorCode::capability_not_supported;
}

contract::Error complete_refusal(contract::Error error, const catalog::Entry& client) {
  const auto has = client.definition.capabilities.names();
  error.with("engine", name(client.definition.engine));
  error.with("has", std::span<const std::string>(has));
  for (const auto& detail : error.details()) {
    if (detail.name == "alternative") return error;
  }
  error.with("alternative", std::string_view("Leave this member out of the request."));
  return error;
}

engines::ExecutionContext execution_context(Call& call, Operation& operation,
                                            engines::Cancellation& cancellation) {
  operation.handed_over = call.stages.handed_over = base::Clock::now();
  call.stages.trace.timed = call.stages.wanted;
  if (call.running != nullptr) call.running->handed_over(cancellation, operation.deadline.at());
  return {operation.deadline,
          call.exchange.memory(),
          operation.max_rows(call),
          http::header_is_true(call.request().header("X-Athena-Deadpool-Enable")),
          &cancellation,
          operation.explain ? &operation.sql : nullptr,
          &call.stages.trace};
}

contract::Error with_deadline(const Call& call, const Operation& operation, contract::Error error) {
  if (error.code() == ErrorCode::deadline_exceeded) {
    const auto whole = operation.deadline.at() - call.exchange.received_at();
    error.with("timeout_ms", std::chrono::duration_cast<std::chrono::milliseconds>(whole).count());
  }
  return error;
}

contract::Result<bool> strip_nulls_member(const query::Value& body) {
  const auto* value = body.find_present("strip_nulls");
  if (value == nullptr) return false;
  if (!value->is_boolean()) {
    return Error(ErrorCode::invalid_payload, "strip_nulls must be true or false.")
        .with("member", "strip_nulls");
  }
  return value->boolean;
}

bool strip_nulls(const Call& call, bool body_member) {
  const auto header = call.request().header("X-Strip-Nulls");
  return header.empty() ? body_member : http::header_is_true(header);
}

void record(Call& call, const Operation& operation, const contract::Result<query::Summary>& summary) {
  const auto& definition = operation.client->definition;
  const auto now = base::Clock::now();
  auto& stages = call.stages;
  stages.answered = now;
  stages.engine = static_cast<std::size_t>(definition.engine);
  auto& metrics = call.context.metrics;
  metrics.operation({operation.client->label, definition.engine, call.route.operation,
                     summary ? telemetry::BackendOutcome::ok : backend_outcome(summary.error().code()),
                     summary ? summary->rows_returned : 0, summary ? summary->rows_affected : 0,
                     summary && summary->truncated, now - operation.handed_over,
                     call.running != nullptr && call.running->cancelled});
  record_operation(call, operation, summary, now);
  if (call.running != nullptr) call.running->answered();
  using Path = engines::Trace::Path;
  if (stages.trace.path != Path::none)
    metrics.postgres_path(call.exchange.route, stages.trace.path == Path::exclusive);
}

}  // namespace athena::api

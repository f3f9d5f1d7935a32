#include "api/count_beside.h"
#include "api/direct.h"
#include "api/drivers.h"
#include "api/operation.h"
#include "api/raw_output.h"
#include "api/row_output.h"
#include "base/json_writer.h"

namespace athena::api {
namespace {

using contract::Error;
using contract::ErrorCode;

/// The text member of that name, which is required.
contract::Result<std::string_view> text_member(const query::Value& body, std::string_view name) {
  const auto* value = body.find_present(name);
  if (value == nullptr || (value->is_string() && value->text.empty())) {
    return Error(ErrorCode::missing_field, "Missing " + std::string(name)).with("member", name);
  }
  if (!value->is_string()) {
    return Error(ErrorCode::invalid_payload, std::string(name) + " must be a string.").with("member", name);
  }
  return value->text;
}

/// `driver` and `db_name` of the body.
struct Addressee {
  std::string_view driver;
  std::string_view client;
};

contract::Result<Addressee> addressee(const query::Value& body) {
  const auto driver = text_member(body, "driver");
  if (!driver) return driver.error();
  if (auto known = check_driver_name(*driver); !known) return known.error();
  const auto client = text_member(body, "db_name");
  if (!client) return client.error();
  return Addressee{*driver, *client};
}

/// Stages 2 to 10 for a client that the body names, or for a direct URI beside a driver of PostgreSQL.
/// `table`: what is counted; null for SQL.
contract::Result<void> route_to(Call& call, Operation& operation, const Addressee& to,
                                const query::Target* table) {
  const bool needs_raw = table == nullptr;
  Routing routing;
  routing.table = table;
  routing.client_name = to.client;
  routing.ignores_direct_uri =
      direct_text(call.request()).uri.empty() || !check_driver(to.driver, contract::Engine::postgresql);
  const auto admitted =
      routing.ignores_direct_uri ? authenticate_for(call, to.client) : authenticate_direct(call, to.client);
  if (!admitted) return admitted;
  const auto may = needs_raw ? require_right(call, auth::RequiredRight::fixed("gateway.query"))
                             : require_table(call, *table, auth::Verb::read);
  if (!may) return may;
  auto engine = contract::Engine::postgresql;
  if (routing.ignores_direct_uri) {
    const auto client = resolve_client(call, to.client);
    if (!client) return client.error();
    if (needs_raw && !takes_raw_text(to.driver))
      return feature_missing(**client, name(contract::Capability::raw_sql));
    engine = (*client)->definition.engine;
  }
  const auto capability = check_driver(to.driver, engine);
  if (!capability) return capability.error();
  if (needs_raw) routing.capability = *capability;
  if (auto routed = route(call, operation, routing); !routed) return routed;
  if (needs_raw && operation.backend->raw() == nullptr)
    return feature_missing(*operation.client, name(*capability));
  return {};
}

void append_count_reply(Call& call, const Operation& operation, std::int64_t count) {
  auto& out = call.exchange.response().body;
  out.append(R"({"status":"success","message":"Row count computed","data":{"count":)");
  base::append_integer(out, count);
  out.append(R"(,"db_name":)");
  base::append_json_string(out, operation.client->definition.client_name);
  out.append(R"(,"duration_ms":)");
  append_duration(out, call);
  out.append(R"(,"cache_key":null,"cache_lookup_outcome":"off"},)");
  Meta meta;
  meta.returned_row_count = 1;
  meta.engine = operation.engine();
  if (operation.explain) meta.sql = &operation.sql;
  append_meta(out, call, meta);
  out.push_back('}');
}

/// What a count is made of: a table with conditions, or a SELECT of the caller.
struct CountPlan {
  std::optional<query::Request> table;
  std::optional<query::RawText> text;
};

contract::Result<CountPlan> parse_plan(const query::Value& body, const query::ParseContext& context) {
  const bool has_table = body.find_present("table_name") != nullptr;
  const bool has_query = body.find_present("query") != nullptr;
  if (has_table == has_query) {
    return Error(ErrorCode::invalid_payload, has_table ? "Give either table_name or query, not both."
                                                       : "Give either table_name or query.")
        .with("member", has_table ? "query" : "table_name");
  }
  CountPlan plan;
  if (has_table) {
    auto count = query::parse_count(body, context);
    if (!count) return count.error();
    plan.table.emplace(std::move(*count));
  } else {
    auto text = query::parse_raw_text(body, context);
    if (!text) return text.error();
    text->count_only = true;
    text->read_only = true;
    text->max_rows = 1;
    plan.text = *text;
  }
  return plan;
}

}  // namespace

base::Task<void> sql_by_driver(Call& call) {
  Operation operation;
  auto begun = co_await begin(call, operation);
  if (!begun) {
    call.fail(begun.error());
    co_return;
  }
  const auto to = addressee(*operation.body);
  auto raw = query::parse_raw_text(*operation.body, operation.parse_context(call));
  if (!to || !raw) {
    call.fail(!to ? to.error() : raw.error());
    co_return;
  }
  auto routed = route_to(call, operation, *to, nullptr);
  if (!routed && call.direct_pending) {
    routed = co_await open_direct(call, operation.deadline);
    if (routed) routed = route_to(call, operation, *to, nullptr);
  }
  if (!routed) {
    call.fail(routed.error());
    co_return;
  }
  if (auto limited = limit_rows(call, operation, *raw); !limited) {
    call.fail(limited.error());
    co_return;
  }
  auto& out = call.exchange.response().body;
  out.append(R"({"status":"success","message":"Successfully executed query","data":{)");
  RawRows rows(call, {false, call.settings().force_camel_case_to_snake_case}, true);
  CallerWatch watch(call.exchange);
  const auto context = execution_context(call, operation, watch.cancellation());
  auto summary = co_await operation.backend->raw()->run(*raw, rows, context);
  record(call, operation, summary);
  if (send_failure(call, operation, rows.rows(), summary)) co_return;
  rows.end();
  out.append(R"(,"db_name":)");
  base::append_json_string(out, operation.client->definition.client_name);
  out.append(R"(,"duration_ms":)");
  append_duration(out, call);
  out.append(R"(,"returned_row_count":)");
  base::append_integer(out, summary->rows_returned);
  out.append(R"(,"rows_affected":)");
  base::append_integer(out, summary->rows_affected);
  out.append(R"(,"statement_count":)");
  base::append_integer(out, summary->statement_count);
  out.append("},");
  append_meta(out, call, raw_meta(*summary, operation));
  out.push_back('}');
}

base::Task<void> count_by_driver(Call& call) {
  Operation operation;
  auto begun = co_await begin(call, operation);
  if (!begun) {
    call.fail(begun.error());
    co_return;
  }
  const auto to = addressee(*operation.body);
  auto plan = parse_plan(*operation.body, operation.parse_context(call));
  if (!to || !plan) {
    call.fail(!to ? to.error() : plan.error());
    co_return;
  }
  const auto* table = plan->table ? &query::target(*plan->table) : nullptr;
  auto routed = route_to(call, operation, *to, table);
  if (!routed && call.direct_pending) {
    routed = co_await open_direct(call, operation.deadline);
    if (routed) routed = route_to(call, operation, *to, table);
  }
  if (!routed) {
    call.fail(routed.error());
    co_return;
  }
  CallerWatch watch(call.exchange);
  const auto context = execution_context(call, operation, watch.cancellation());
  contract::Result<std::int64_t> counted = 0;
  if (plan->table) {
    counted = co_await count_rows(*operation.backend->query(), *plan->table, context);
  } else {
    counted = co_await count_rows(*operation.backend->raw(), *plan->text, context);
  }
  record(call, operation, counted ? contract::Result<query::Summary>(query::Summary{}) : counted.error());
  if (!counted) {
    call.fail(with_deadline(call, operation, counted.error()));
    co_return;
  }
  auto& response = call.exchange.response();
  response.add_header("X-Athena-Cached", "false");
  response.add_header("X-Athena-Cache-Outcome", "off");
  append_count_reply(call, operation, *counted);
}

}  // namespace athena::api

#include "api/direct.h"
#include "api/operation.h"
#include "api/raw_output.h"
#include "api/row_output.h"
#include "base/json_writer.h"

namespace athena::api {
namespace {

using contract::Capability;
using contract::Error;
using contract::ErrorCode;

base::Task<void> reply_stream(Call& call, Operation& operation, const query::RawText& raw,
                              query::JsonRowOptions options) {
  RowStream stream(call, operation.format, options);
  CallerWatch watch(call.exchange);
  const auto context = execution_context(call, operation, watch.cancellation());
  auto summary = co_await operation.backend->raw()->run(raw, stream.sink(), context);
  record(call, operation, summary);
  if (summary) {
    stream.finish(*summary);
  } else {
    stream.fail(with_deadline(call, operation, summary.error()));
  }
}

void finish(Call& call, const Operation& operation, const query::Summary& summary) {
  auto& out = call.exchange.response().body;
  if (operation.shape == Shape::rows) {
    out.push_back('}');
  } else {
    out.append(R"(,"count":)");
    base::append_integer(out, summary.rows_returned);
    out.append(R"(,"affected_rows":)");
    base::append_integer(out, summary.rows_affected);
  }
  out.append(R"(,"message":"Query executed",)");
  append_meta(out, call, raw_meta(summary, operation));
  out.push_back('}');
}

}  // namespace

base::Task<void> raw_query(Call& call) {
  Operation operation;
  operation.format = accepted_format(call.request().header("Accept"));
  auto begun = co_await begin(call, operation);
  if (!begun) {
    call.fail(begun.error());
    co_return;
  }
  auto raw = query::parse_raw_text(*operation.body, operation.parse_context(call));
  const auto strips = strip_nulls_member(*operation.body);
  if (!raw || !strips) {
    call.fail(!raw ? raw.error() : strips.error());
    co_return;
  }
  const Routing routing{.capability = Capability::raw_sql};
  auto routed = route(call, operation, routing);
  if (!routed && call.direct_pending) {
    routed = co_await open_direct(call, operation.deadline);
    if (routed) routed = route(call, operation, routing);
  }
  if (!routed) {
    call.fail(routed.error());
    co_return;
  }
  if (operation.backend->raw() == nullptr) {
    call.fail(feature_missing(*operation.client, name(Capability::raw_sql)));
    co_return;
  }
  if (auto limited = limit_rows(call, operation, *raw); !limited) {
    call.fail(limited.error());
    co_return;
  }
  const query::JsonRowOptions options{strip_nulls(call, *strips),
                                      call.settings().force_camel_case_to_snake_case};
  if (operation.format != Format::json) {
    co_await reply_stream(call, operation, *raw, options);
    co_return;
  }
  auto& body = call.exchange.response().body;
  body.append(operation.shape == Shape::rows ? R"({"status":"success","data":{)"
                                             : R"({"status":"success","data":)");
  RawRows rows(call, options, operation.shape == Shape::rows);
  CallerWatch watch(call.exchange);
  const auto context = execution_context(call, operation, watch.cancellation());
  auto summary = co_await operation.backend->raw()->run(*raw, rows, context);
  record(call, operation, summary);
  if (send_failure(call, operation, rows.rows(), summary)) co_return;
  rows.end();
  finish(call, operation, *summary);
}

}  // namespace athena::api

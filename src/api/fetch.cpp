#include "api/operation.h"
#include "base/json_writer.h"

namespace athena::api {
namespace {

using contract::Error;
using contract::ErrorCode;

// Replies up to the first size carry Content-Length; larger ones leave in chunks of about the second.
constexpr std::size_t kStreamFrom = 256UL * 1024;
constexpr std::size_t kChunk = 64UL * 1024;

/// Sends rows on while they arrive, and wakes the engine when the caller has read.
void stream_rows(Call& call, query::JsonRowSink& sink) {
  auto& exchange = call.exchange;
  if (!exchange.can_stream()) {
    if (exchange.request().method != http::Method::head) {
      sink.limit_bytes(static_cast<std::size_t>(call.settings().max_buffered_bytes));
    }
    return;
  }
  sink.stream_with(
      [&exchange, &sink] {
        switch (exchange.flush()) {
          case http::Flow::more:
            return query::RowFlow::more;
          case http::Flow::gone:
            return query::RowFlow::stop;
          case http::Flow::pause:
            break;
        }
        exchange.on_drained([&sink] { sink.resume(); });
        return query::RowFlow::pause;
      },
      kStreamFrom, kChunk);
}

void finish(Call& call, const Operation& operation, const query::Select& select,
            const query::Summary& summary) {
  auto& out = call.exchange.response().body;
  out.append(operation.shape == Shape::rows ? R"(]},"message":)" : R"(],"message":)");
  out.append("\"Fetched ");
  base::append_integer(out, summary.rows_returned);
  out.append(" rows\"");
  if (operation.shape == Shape::array) {
    out.append(R"(,"count":)");
    base::append_integer(out, summary.rows_returned);
    out.append(R"(,"cache_key":null)");
  }
  Meta meta;
  meta.returned_row_count = summary.rows_returned;
  meta.truncated = summary.truncated;
  const bool own_limit_reached =
      !select.page.default_limit && summary.rows_returned > 0 && summary.rows_returned == select.page.limit;
  if (summary.truncated || own_limit_reached) {
    meta.next_offset = select.page.offset + summary.rows_returned;
  }
  meta.engine = operation.engine();
  meta.attempts = summary.attempts;
  if (operation.explain) meta.sql = &operation.sql;
  out.push_back(',');
  append_meta(out, call, meta);
  out.push_back('}');
}

std::string_view abort_reason(ErrorCode code) {
  switch (code) {
    case ErrorCode::deadline_exceeded:
    case ErrorCode::statement_timeout:
      return "deadline";
    case ErrorCode::client_closed_request:
      return "client_gone";
    default:
      return "database";
  }
}

}  // namespace

base::Task<void> fetch(Call& call) {
  Operation operation;
  auto begun = co_await begin(call, operation);
  if (!begun) {
    call.fail(begun.error());
    co_return;
  }
  query::ReadOptions options;
  auto parsed = query::parse_select(
      *operation.body, {call.exchange.memory(), call.settings(), call.settings().max_rows}, options);
  std::optional<Error> refusal;
  if (!parsed) {
    if (!belongs_to_stage_8(parsed.error())) {
      call.fail(parsed.error());
      co_return;
    }
    refusal = parsed.error();
  }
  if (auto routed = route(call, operation, /*audited=*/false, refusal); !routed) {
    call.fail(routed.error());
    co_return;
  }
  if (operation.client->definition.limits.max_rows) {
    // The client's own limit counts only now that the client is known; pages are cut by it from the first one
    // on.
    parsed = query::parse_select(
        *operation.body, {call.exchange.memory(), call.settings(), operation.max_rows(call)}, options);
    if (!parsed) {
      call.fail(parsed.error());
      co_return;
    }
  }
  query::Request request(std::move(*parsed));
  const auto& select = std::get<query::Select>(request);

  auto& response = call.exchange.response();
  response.add_header("X-Athena-Cached", "false");
  response.add_header("X-Athena-Cache-Outcome", "off");
  response.body.append(operation.shape == Shape::rows ? R"({"status":"success","data":{"rows":[)"
                                                      : R"({"status":"success","data":[)");
  query::JsonRowSink sink(response.body, {strip_nulls(call, options.strip_nulls),
                                          call.settings().force_camel_case_to_snake_case});
  stream_rows(call, sink);
  CallerWatch watch(call.exchange);
  const auto context = execution_context(call, operation, watch.cancellation());
  auto summary = co_await operation.backend->execute(request, sink, context);
  record(call, operation, summary);

  if (sink.overflowed()) {
    call.fail(Error(ErrorCode::limit_too_large, "The reply is larger than HTTP/1.0 can be given.")
                  .with("max", call.settings().max_buffered_bytes));
  } else if (summary) {
    finish(call, operation, select, *summary);
  } else if (call.exchange.streaming()) {
    const auto reason = abort_reason(summary.error().code());
    call.context.metrics.stream_aborted(reason);
    call.exchange.abort_stream(reason);
  } else {
    call.fail(with_deadline(call, operation, summary.error()));
  }
}

}  // namespace athena::api

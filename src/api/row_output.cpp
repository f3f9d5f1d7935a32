#include "api/row_output.h"

#include <utility>

#include "api/server_timing.h"
#include "contract/envelope.h"

namespace athena::api {
namespace {

using contract::Error;
using contract::ErrorCode;

// JSON replies up to the first size carry Content-Length; larger ones leave in chunks of about the second.
constexpr std::size_t kStreamFrom = 256UL * 1024;
constexpr std::size_t kChunk = 64UL * 1024;

query::RowFlow flush_rows(http::Exchange& exchange, query::TextRowSink& sink) {
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
}

void limit_bytes(const Call& call, query::TextRowSink& sink) {
  sink.limit_bytes(static_cast<std::size_t>(call.settings().max_buffered_bytes));
}

/// The reply may leave in chunks; that of HEAD is dropped chunk by chunk.
bool has_chunks(const Call& call) {
  return call.request().minor_version >= 1;
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

Error too_large_for_http_1_0(const Call& call) {
  return Error(ErrorCode::limit_too_large, "The reply is larger than HTTP/1.0 can be given.")
      .with("max", call.settings().max_buffered_bytes);
}

void abort_stream(Call& call, const Error& error) {
  const bool by_operator = call.running != nullptr && call.running->cancelled;
  const auto reason = by_operator ? "cancelled" : abort_reason(error.code());
  call.context.metrics.stream_aborted(reason);
  call.exchange.abort_stream(reason);
}

}  // namespace

void stream_rows(Call& call, query::TextRowSink& sink) {
  if (!has_chunks(call)) return limit_bytes(call, sink);
  sink.stream_with(
      [&call, &sink] {  // two pointers: more would be an allocation
        add_server_timing(call);
        return flush_rows(call.exchange, sink);
      },
      kStreamFrom, kChunk);
}

bool send_failure(Call& call, const Operation& operation, const query::TextRowSink& rows,
                  const contract::Result<query::Summary>& summary) {
  if (rows.overflowed()) {
    call.fail(too_large_for_http_1_0(call));
  } else if (summary) {
    return false;
  } else if (call.exchange.streaming()) {
    abort_stream(call, summary.error());
  } else {
    call.fail(with_deadline(call, operation, summary.error()));
  }
  return true;
}

RowStream::RowStream(Call& call, Format format, query::JsonRowOptions options)
    : call_(call), format_(format) {
  auto& body = call.exchange.response().body;
  if (format == Format::csv) {
    sink_ = &csv_.emplace(body, options.snake_case_keys);
  } else {
    options.lines = true;
    sink_ = &lines_.emplace(body, options);
  }
  if (!has_chunks(call)) {
    limit_bytes(call, *sink_);
    return;
  }
  sink_->stream_with(
      [this] {
        write_headers();
        return flush_rows(call_.exchange, *sink_);
      },
      kChunk, kChunk);
}

void RowStream::write_headers() {
  if (std::exchange(has_headers_, true)) return;
  auto& response = call_.exchange.response();
  response.content_type = media_type(format_);
  add_server_timing(call_);
  if (count_) response.add_header("X-Athena-Count", std::to_string(*count_));
  if (has_chunks(call_)) response.add_header("Trailer", "X-Athena-Row-Count, X-Athena-Truncated");
}

void RowStream::finish(const query::Summary& summary) {
  if (sink_->overflowed()) return call_.fail(too_large_for_http_1_0(call_));
  auto& response = call_.exchange.response();
  const auto rows = std::to_string(summary.rows_returned);
  const std::string_view truncated = summary.truncated ? "true" : "false";
  if (!has_chunks(call_)) {
    // Without chunks there are no trailers; all is known by now, so they stand in the head.
    write_headers();
    response.add_header("X-Athena-Row-Count", rows);
    response.add_header("X-Athena-Truncated", truncated);
    return;
  }
  write_headers();
  if (!call_.exchange.streaming()) static_cast<void>(call_.exchange.flush());
  response.add_trailer("X-Athena-Row-Count", rows);
  response.add_trailer("X-Athena-Truncated", truncated);
}

void RowStream::fail(const Error& given) {
  const auto error = call_.seen_by_caller(given);
  if (!call_.exchange.streaming()) return call_.fail(error);
  if (format_ == Format::ndjson) {
    auto& body = call_.exchange.response().body;
    contract::append_error(
        body, error,
        {call_.exchange.request_id(), call_.route.operation, call_.settings().terse_errors, false});
    body.push_back('\n');
    static_cast<void>(call_.exchange.flush());
  }
  call_.exchange.error_code = contract::info(error.code()).name;
  abort_stream(call_, error);
}

}  // namespace athena::api

#include "api/recording.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <vector>

#include "api/forwarded.h"
#include "api/notes.h"
#include "base/json_writer.h"
#include "base/unix_time.h"
#include "services/records/shard_recorder.h"

namespace athena::api {
namespace {

// More than a column takes, as masking comes before cutting.
constexpr std::size_t kMostPath = 4096;
constexpr std::size_t kMostQuery = 8192;
constexpr std::size_t kMostHeaders = 8192;
constexpr std::size_t kMostBody = 16384;
constexpr std::size_t kMostSql = 8192;
constexpr std::size_t kMostName = 64;

double milliseconds(base::Clock::duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

/// Probes, metrics and what is built into the program leave nothing behind.
bool is_recorded(const Route* route) {
  if (route == nullptr) return true;
  return route->path != "/" && route->group != "health" && route->group != "metrics" &&
         !route->path.starts_with("/docs") && !route->path.starts_with("/openapi");
}

std::string_view query_of(const http::Request& request) {
  if (request.query.size() <= kMostQuery) return request.query;
  // Half a parameter might be half a secret.
  const auto cut = request.query.substr(0, kMostQuery);
  const auto last = cut.rfind('&');
  return last == std::string_view::npos ? std::string_view{} : cut.substr(0, last);
}

/// Lines name, value, name, value…, in a text that each shard uses again and again.
std::string_view headers_of(const http::Request& request) {
  thread_local std::string lines;
  lines.clear();
  for (const auto& [name, value] : request.headers) {
    if (lines.size() + name.size() + value.size() + 2 > kMostHeaders) continue;
    lines.append(name).append(1, '\n').append(value).append(1, '\n');
  }
  return lines;
}

records::KeyMark key_of(const RequestNotes* notes) {
  if (notes == nullptr) return {};
  return {notes->key_public_id, notes->has_key_public_id, notes->authenticated, notes->authorized,
          notes->enforced};
}

std::string_view key_id_of(const RequestNotes* notes) {
  if (notes == nullptr || notes->key_id[0] == '\0') return {};
  return {notes->key_id.data(), notes->key_id.size()};
}

/// The registered name, else what the caller wrote.
std::string_view client_of(const http::Exchange& exchange, const RequestNotes* notes) {
  if (notes != nullptr && notes->engine != RequestNotes::kNoEngine) return exchange.client_label;
  return exchange.request().header("X-Athena-Client").substr(0, kMostName);
}

std::string rights_json(const RightNote* note) {
  std::vector<std::string> rights;
  for (; note != nullptr; note = note->next) rights.push_back(note->right.text());
  std::string json = "[";
  for (auto right = rights.rbegin(); right != rights.rend(); ++right) {
    if (json.size() > 1) json += ',';
    json += base::json_string(*right);
  }
  return json + "]";
}

void record_auth(ShardContext& context, http::Exchange& exchange, const RequestNotes& notes,
                 std::int64_t now_ms, std::string_view address) {
  if (notes.auth_outcome.empty()) return;
  auto& recorder = *context.recorder;
  records::AuthHead head;
  const bool denied = notes.auth_outcome == "denied";
  const bool used = notes.has_key_public_id && notes.authenticated && notes.authorized;
  records::ShardRecorder::KeyUse use;
  if (used) use = recorder.key_used(notes.key_public_id, now_ms);
  const bool all = context.view->snapshot().api.records.auth_log_all;
  // A flood of wrong keys fills no log: the throttle tells of it by itself.
  const bool throttled = notes.auth_reason == "throttled" && !recorder.once_a_minute(now_ms);
  head.first_use = !all && !denied && use.log;
  head.log = all ? (!notes.presented.empty() || notes.enforced) : ((denied && !throttled) || use.log);
  head.touch = use.touch;
  if (!head.log && !head.touch) return;
  const auto& request = exchange.request();
  head.time_ms = now_ms;
  head.key_row = notes.key_row_id;
  head.reason = notes.auth_reason;
  head.key = key_of(&notes);
  head.method = request.method;
  const auto required = notes.required == nullptr ? std::string() : rights_json(notes.required);
  recorder.add(head, {exchange.request_id(), client_of(exchange, &notes), request.path.substr(0, kMostPath),
                      notes.presented, address, request.header("User-Agent"), key_id_of(&notes), required,
                      std::string_view{}});
}

/// What an operation works on: a table, or a function.
std::string_view target_of(const Call& call, const Operation& operation) {
  if (operation.body != nullptr && operation.body->is_object()) {
    for (const std::string_view member : {"table_name", "view_name", "function", "function_name"}) {
      const auto* value = operation.body->find_present(member);
      if (value != nullptr && value->is_string()) return value->text;
    }
  }
  return call.match.parameter_count == 0 ? std::string_view{} : call.match.parameters[0].value;
}

std::string_view sql_of(const Call& call, const Operation& operation) {
  if (!call.api().records.log_sql || operation.body == nullptr || !operation.body->is_object()) return {};
  const auto* query = operation.body->find_present("query");
  return query == nullptr || !query->is_string() ? std::string_view{} : query->text.substr(0, kMostSql);
}

}  // namespace

void record_request(ShardContext& context, http::Exchange& exchange, const FinishedRequest& finished) {
  if (context.recorder == nullptr || !is_recorded(finished.route)) return;
  const auto& request = exchange.request();
  const auto& api = context.view->snapshot().api;
  const auto* notes = RequestNotes::find(exchange);
  const auto now_ms = base::unix_ms();
  Forwarded caller(request, api);
  if (notes != nullptr) record_auth(context, exchange, *notes, now_ms, caller.client_address());
  if (!api.records.enabled) return;
  records::RequestHead head;
  head.time_ms = now_ms;
  head.duration_ms = milliseconds(finished.duration);
  head.request_bytes = finished.request_bytes;
  head.response_bytes = finished.response_bytes;
  head.route = finished.route == nullptr ? "unmatched" : finished.route->path;
  head.route_group = finished.route == nullptr ? "other" : finished.route->group;
  head.error_code = exchange.error_code;
  head.key = key_of(notes);
  head.status = exchange.client_gone() ? std::uint16_t{499} : exchange.response().status;
  head.method = request.method;
  head.https = caller.https();
  std::string_view presented;
  if (notes != nullptr) {
    head.engine = notes->engine;
    head.auth_reason = notes->auth_reason;
    presented = notes->presented;
  }
  head.cache_outcome = head.engine == records::kNoEngine ? std::string_view{} : "off";
  std::string_view body;
  if (api.records.log_bodies && exchange.body_complete() && exchange.body().size() <= kMostBody)
    body = exchange.body();
  context.recorder->add(head, {request.path.substr(0, kMostPath), query_of(request), exchange.request_id(),
                               client_of(exchange, notes), caller.client_address(), caller.host(), presented,
                               key_id_of(notes), body, headers_of(request)});
}

void record_operation(Call& call, const Operation& operation, const contract::Result<query::Summary>& summary,
                      base::Clock::time_point now) {
  if (call.context.recorder == nullptr || !call.api().records.enabled) return;
  records::OperationHead head;
  head.time_ms = base::unix_ms();
  head.duration_ms = milliseconds(now - call.exchange.received_at());
  head.operation_ms = milliseconds(now - operation.handed_over);
  head.operation = call.route.operation;
  head.method = call.request().method;
  head.engine = static_cast<std::uint8_t>(operation.client->definition.engine);
  head.status = 200;
  std::string message;
  if (summary) {
    head.row_count = summary->rows_returned;
    head.rows_affected = summary->rows_affected;
  } else {
    const auto error = call.seen_by_caller(summary.error());
    head.status = contract::info(error.code()).status;
    head.error_code = contract::info(error.code()).name;
    message = error.text().substr(0, kMostPath);
  }
  call.context.recorder->add(
      head,
      {call.exchange.request_id(), target_of(call, operation).substr(0, kMostPath), operation.client->label,
       call.request().path.substr(0, kMostPath), message, sql_of(call, operation)});
}

}  // namespace athena::api

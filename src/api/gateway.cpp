#include "api/gateway.h"

#include <cstdio>
#include <utility>

#include "api/authenticate.h"
#include "api/call.h"
#include "api/forwarded.h"
#include "api/notes.h"
#include "api/origin.h"
#include "api/recording.h"
#include "api/server_timing.h"
#include "contract/envelope.h"
#include "services/records/records.h"

namespace athena::api {
namespace {

using contract::Error;
using contract::ErrorCode;

const http::Router& router() {
  static const std::vector<http::RoutePattern> patterns = [] {
    std::vector<http::RoutePattern> result;
    for (const auto& route : route_table()) result.push_back({route.methods, route.path});
    return result;
  }();
  static const http::Router instance(patterns);
  return instance;
}

/// Stands in for the route of a request that has none, so that failures are written in one way.
constexpr Route kNoRoute{{}, "", "other", "", "", Route::Access::open, nullptr, nullptr};

bool is_admin_path(std::string_view path) {
  constexpr std::string_view kPrefix = "/db";  // the router looks below it for every route
  if (path.starts_with("/db/")) path.remove_prefix(kPrefix.size());
  return path == "/admin" || path.starts_with("/admin/") || path == "/metrics";
}

}  // namespace

Gateway::Gateway(const ProcessContext& process, base::Shard& shard, std::shared_ptr<const Snapshot> snapshot,
                 std::shared_ptr<const auth::KeyState> keys)
    : context_{process,
               shard,
               {},
               new View(shard, snapshot, context_.retired, nullptr),
               new KeyView(std::move(keys)),
               {*process.client_labels, snapshot->api.metrics_max_clients},
               catalog::DirectSide(shard, *process.direct)},
      loop_lag_(shard.context(), [this](auto lag) { context_.metrics.loop_lag(lag); }) {
  if (process.records == nullptr) return;
  context_.recorder = std::make_unique<records::ShardRecorder>(shard, process.records->main_queue(),
                                                               process.records->auth_queue());
  context_.recorder->set_interval(context_.view->snapshot().api.records.flush_interval);
}

const View& Gateway::prepare(std::shared_ptr<const Snapshot> snapshot) {
  next_ = new View(context_.shard, std::move(snapshot), context_.retired, context_.view.get());
  return *next_;
}

void Gateway::change() {
  context_.metrics.limit_clients(next_->snapshot().api.metrics_max_clients);
  context_.view = std::exchange(next_, nullptr);
  if (context_.recorder)
    context_.recorder->set_interval(context_.view->snapshot().api.records.flush_interval);
}

void Gateway::fail(http::Exchange& exchange, const contract::Error& error) {
  const http::RouteMatch match;
  const Route& route =
      exchange.route >= 0 ? route_table()[static_cast<std::size_t>(exchange.route)] : kNoRoute;
  Call call{context_, exchange, route, match, {}};
  call.fail(error);
}

bool Gateway::handle_now(http::Exchange& exchange) {
  const bool answered = answer_now(exchange);
  if (answered && context_.view->snapshot().api.server_timing) {
    const http::RouteMatch match;
    Call call{context_, exchange, kNoRoute, match, {}};
    add_server_timing(call);
  }
  return answered;
}

bool Gateway::answer_now(http::Exchange& exchange) {
  const auto& request = exchange.request();
  const auto match = router().find(request.method, request.path);
  exchange.route = match.outcome == http::RouteMatch::Outcome::matched ? match.route : -1;
  context_.metrics.request_started(exchange.route, request.method);
  exchange.counted_in_flight = true;

  const auto& snapshot = context_.view->snapshot();
  const auto verdict = check_origin(request, snapshot.api, context_.keys->state().enforcement.everywhere(),
                                    is_admin_path(request.path));
  if (!verdict.allowed) {
    context_.metrics.rejected("origin");
    const auto which = std::string(verdict.what);
    fail(exchange,
         Error(ErrorCode::origin_not_allowed, "The " + which + " of this request is not allowed here.")
             .hint(verdict.what == "Host" ? "Add the name to api.allowed_hosts."
                                          : "Add the origin to api.cors_allowed_origins."));
    return true;
  }
  if (verdict.cors) add_cors_headers(request, exchange.response());

  if (match.outcome == http::RouteMatch::Outcome::unknown_path) {
    fail(exchange, Error(ErrorCode::not_found, "No route has this path."));
    return true;
  }
  if (request.method == http::Method::options) {
    exchange.response().status = 204;
    exchange.response().add_header("Allow", http::allow_header(match.allowed));
    return true;
  }
  if (match.outcome == http::RouteMatch::Outcome::wrong_method) {
    exchange.response().add_header("Allow", http::allow_header(match.allowed));
    fail(exchange, Error(ErrorCode::method_not_allowed,
                         "This path does not take " + std::string(http::name(request.method)) + "."));
    return true;
  }
  const auto& route = route_table()[static_cast<std::size_t>(match.route)];
  if (route.now == nullptr) return false;
  Call call{context_, exchange, route, match, {}};
  if (const auto allowed = authenticate(call); !allowed) {
    call.fail(allowed.error());
  } else {
    route.now(call);
  }
  return true;
}

base::Task<void> Gateway::handle(http::Exchange& exchange) {
  const auto& route = route_table()[static_cast<std::size_t>(exchange.route)];
  http::RouteMatch match;
  if (route.path.find('{') != std::string_view::npos) {
    match = router().find(exchange.request().method, exchange.request().path);
  }
  Call call{context_, exchange, route, match, {}};
  RunningRequest running(call);
  context_.running.push_back(running);
  call.running = &running;
  begin_stages(call);
  const auto allowed = authenticate(call);
  running.stage = RunningRequest::Stage::plan;
  if (call.stages.wanted) call.stages.authenticated = base::Clock::now();
  if (allowed) {
    co_await route.later(call);
  } else {
    call.fail(allowed.error());
  }
  end_stages(call);
}

void Gateway::finished(http::Exchange& exchange, std::uint64_t request_bytes, std::uint64_t response_bytes) {
  const auto& request = exchange.request();
  const auto status = exchange.response().status;
  const auto duration = base::Clock::now() - exchange.received_at();
  context_.metrics.request_finished(exchange.route, request.method, status, exchange.client_label,
                                    request_bytes, response_bytes, duration, exchange.request_id());
  if (const auto* notes = RequestNotes::find(exchange); notes != nullptr && !notes->auth_outcome.empty())
    context_.metrics.auth_attempt(notes->auth_outcome, notes->auth_reason);
  if (exchange.counted_in_flight) context_.metrics.request_ended(exchange.route, request.method);
  if (!exchange.error_code.empty()) context_.metrics.error(exchange.error_code, exchange.route);
  const auto* route =
      exchange.route >= 0 ? &route_table()[static_cast<std::size_t>(exchange.route)] : nullptr;
  record_request(context_, exchange, {route, request_bytes, response_bytes, duration});
  if (context_.view->snapshot().api.access_log) log_access(exchange, request_bytes, response_bytes, duration);
  if (status >= 500) log_server_error(exchange);
}

void Gateway::log_access(http::Exchange& exchange, std::uint64_t request_bytes, std::uint64_t response_bytes,
                         base::Clock::duration duration) {
  if (!context_.process.access) return;
  const auto& request = exchange.request();
  telemetry::AccessRecord record;
  record.at = std::chrono::system_clock::now();
  record.method = request.method;
  record.status = exchange.response().status;
  record.route =
      exchange.route >= 0 ? route_table()[static_cast<std::size_t>(exchange.route)].path : "unmatched";
  record.code = exchange.error_code;
  record.request_bytes = request_bytes;
  record.response_bytes = response_bytes;
  record.duration = duration;
  Forwarded caller(request, context_.view->snapshot().api);
  record.set_texts(request.path, exchange.request_id(), exchange.client_label, caller.client_address());
  context_.process.access(std::move(record));
}

void Gateway::rejected(std::string_view reason) {
  context_.metrics.rejected(reason);
}

void Gateway::log_server_error(http::Exchange& exchange) {
  const auto& route =
      exchange.route >= 0 ? route_table()[static_cast<std::size_t>(exchange.route)] : kNoRoute;
  if (route.path == "/ready") return;
  constexpr int kLinesPerSecond = 20;
  const auto now = base::Clock::now();
  if (now - log_second_ >= std::chrono::seconds(1)) {
    if (suppressed_ > 0)
      context_.process.warn(std::to_string(suppressed_) + " lines about failed requests were left out");
    log_second_ = now;
    logged_ = suppressed_ = 0;
  }
  if (++logged_ > kLinesPerSecond) {
    ++suppressed_;
    return;
  }
  char duration[32];
  std::snprintf(duration, sizeof duration, "%.1f",
                std::chrono::duration<double, std::milli>(now - exchange.received_at()).count());
  std::string line = "request failed id=";
  line.append(exchange.request_id())
      .append(" method=")
      .append(http::name(exchange.request().method))
      .append(" route=")
      .append(route.path.empty() ? "unmatched" : route.path)
      .append(" client=")
      .append(exchange.client_label)
      .append(" status=")
      .append(std::to_string(exchange.response().status))
      .append(" code=")
      .append(exchange.error_code)
      .append(" duration_ms=")
      .append(duration);
  context_.process.warn(line);
}

}  // namespace athena::api

#include <charconv>

#include "api/authenticate.h"
#include "api/gateway.h"
#include "api/handlers.h"
#include "http/header_list.h"
#include "services/control/control_plane.h"
#include "services/records/records.h"
#include "services/telemetry/exposition.h"

namespace athena::api {
namespace {

using contract::Error;
using contract::ErrorCode;
using http::next_part;
using telemetry::TextWriter;

/// OpenMetrics when `Accept` names it with at least the weight of text/plain.
TextWriter::Form wanted_form(std::string_view accept) {
  double open_metrics = 0, plain = 0;
  while (!accept.empty()) {
    auto parameters = next_part(accept, ',');
    const auto range = next_part(parameters, ';');
    double quality = 1;
    while (!parameters.empty()) {
      auto value = next_part(parameters, ';');
      const auto parameter = next_part(value, '=');
      if (!http::equals_ignoring_case(parameter, "q")) continue;
      value = http::trimmed(value);
      if (std::from_chars(value.data(), value.data() + value.size(), quality).ec != std::errc()) quality = 0;
    }
    if (http::equals_ignoring_case(range, "application/openmetrics-text")) open_metrics = quality;
    if (http::equals_ignoring_case(range, "text/plain")) plain = quality;
  }
  return open_metrics > 0 && open_metrics >= plain ? TextWriter::Form::open_metrics
                                                   : TextWriter::Form::prometheus;
}

std::span<const telemetry::RouteLabel> route_labels() {
  static const std::vector<telemetry::RouteLabel> labels = [] {
    std::vector<telemetry::RouteLabel> result;
    for (const auto& route : route_table()) result.push_back({route.path, route.group});
    return result;
  }();
  return labels;
}

contract::Result<void> check_access(Call& call) {
  using Access = ApiSettings::MetricsAccess;
  if (!call.api().metrics_enabled) return Error(ErrorCode::not_found, "Metrics are switched off.");
  if (call.api().metrics_access == Access::loopback && !call.request().peer_is_loopback) {
    return Error(ErrorCode::insufficient_privilege, "Metrics are for callers on this machine.")
        .hint("Set api.metrics_access to open or admin.");
  }
  if (call.api().metrics_access == Access::admin) {
    if (auto admin = require_admin(call); !admin) return admin;
  }
  return {};
}

/// A copy of one shard's numbers, made on that shard: nothing is locked, and the shard only copies.
base::Task<std::shared_ptr<telemetry::ShardNumbers>> copy_of(Gateway& gateway, base::Executor home) {
  auto copy = co_await base::suspend<std::shared_ptr<telemetry::ShardNumbers>>([&gateway, home](auto done) {
    gateway.context().shard.post([&gateway, home, completion = std::move(done)]() mutable {
      auto numbers = std::make_shared<telemetry::ShardNumbers>(gateway.context().metrics.numbers());
      boost::asio::post(home, [completion = std::move(completion), numbers = std::move(numbers)]() mutable {
        std::move(completion)(std::move(numbers));
      });
    });
  });
  co_return copy;
}

/// Who reads the store does so every gateway.registry_poll_ms, half a second, and within 5 s.
constexpr std::chrono::seconds kStoreIsAway(10);

void sample_process(const ProcessContext& process, const auth::KeyState& keys,
                    telemetry::ProcessSample& sample) {
  const auto connections = process.server->connections();
  sample.version = process.version;
  sample.revision = process.revision;
  sample.start_time_seconds = process.start_time_seconds;
  sample.uptime_seconds = std::chrono::duration<double>(base::Clock::now() - process.started).count();
  sample.shards = process.shards.size();
  sample.connections_active = connections.active;
  sample.connections_idle = connections.idle;
  sample.draining = process.server->draining();
  sample.direct_pools = process.direct->size();
  const auto now = base::Clock::now();
  sample.auth_keys = keys.keys.size();
  sample.auth_version = keys.version;
  sample.auth_store_up = keys.loaded && process.store_health->age(now) < kStoreIsAway;
  sample.auth_snapshot_age_seconds = std::chrono::duration<double>(process.store_health->age(now)).count();
}

void sample_clients(const Call& call, std::vector<telemetry::ClientSample>& clients) {
  const auto& registry = call.registry();
  clients.reserve(registry.entries().size());
  for (const auto& entry : registry.entries()) {
    auto& sample = clients.emplace_back();
    sample.name = entry.definition.client_name;
    sample.engine = entry.definition.engine;
    sample.lifecycle = entry.definition.lifecycle;
    sample.client = entry.engine;
    sample.own_series =
        call.context.process.client_labels->admit(sample.name, call.api().metrics_max_clients);
  }
}

void render_store(const control::ControlPlane* plane, TextWriter& out) {
  const auto gauge = [&out](std::string_view name, std::string_view help, bool value) {
    out.family(name, help, TextWriter::Kind::gauge);
    out.sample({}, value ? 1.0 : 0.0);
  };
  const bool up = plane != nullptr && plane->main_up();
  gauge("control_store_up", "1 while the store of clients, logs and settings answers.", up);
  gauge("logging_store_up", "The same, for the logs.", up);
  gauge("logging_client_configured", "1 when that store is a PostgreSQL client.",
        plane != nullptr && plane->settings().main.home == control::Home::postgres);
}

}  // namespace

base::Task<void> metrics(Call& call) {
  if (const auto allowed = check_access(call); !allowed) {
    call.fail(allowed.error());
    co_return;
  }
  const auto& process = call.context.process;
  const auto home = call.context.shard.context().get_executor();
  auto scrape = std::make_shared<telemetry::Scrape>();
  for (auto* gateway : process.gateways) {
    auto copy = co_await copy_of(*gateway, home);
    scrape->shards.push_back(std::move(*copy));
  }
  scrape->routes = route_labels();
  sample_process(process, call.key_state(), scrape->process);
  sample_clients(call, scrape->clients);
  scrape->others = [records = process.records, plane = process.control](TextWriter& out) {
    render_store(plane, out);
    if (records != nullptr) records::render(records->counters(), out);
  };
  const auto form = wanted_form(call.request().header("Accept"));
  auto& scraper = call.context.scraper;
  auto text = co_await base::suspend<std::shared_ptr<base::Buffer>>([&scraper, scrape = std::move(scrape),
                                                                     form, home](auto completion) mutable {
    auto done = std::make_shared<decltype(completion)>(std::move(completion));
    const auto finish = [done, home](std::shared_ptr<base::Buffer> result) {
      boost::asio::post(home, [done, result = std::move(result)]() mutable { (*done)(std::move(result)); });
    };
    // The copies end on that thread too: a thousand clients are thousands of pieces of memory.
    const bool accepted = scraper.run([scrape = std::move(scrape), form, finish]() mutable {
      auto out = std::make_shared<base::Buffer>();
      telemetry::ask(scrape->clients);
      telemetry::render(*scrape, form, *out);
      scrape.reset();
      finish(std::move(out));
    });
    if (!accepted) finish(nullptr);
  });
  if (text == nullptr) {
    call.fail(Error(ErrorCode::overloaded, "Other scrapes are being written."));
    co_return;
  }
  auto& response = call.exchange.response();
  response.content_type = form == TextWriter::Form::open_metrics
                              ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                              : "text/plain; version=0.0.4; charset=utf-8";
  response.body.swap(*text);
}

}  // namespace athena::api

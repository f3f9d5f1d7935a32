#include "api/state_line.h"

#include "api/json_builder.h"

namespace athena::api {
namespace {

void add_client(JsonBuilder& json, const catalog::Entry& entry) {
  const auto status = entry.engine->status();
  json.begin_object();
  json.member("client", entry.definition.client_name).member("engine", name(entry.definition.engine));
  json.member("state", engines::name(status.state)).member("reachable", status.reachable);
  json.key("pool").begin_object();
  json.member("max", status.pool.max).member("size", status.pool.size);
  json.member("pipelined", status.pool.pipelined).member("idle", status.pool.idle);
  json.member("active", status.pool.active).member("connecting", status.pool.connecting);
  json.member("waiting", status.pool.waiting);
  json.end_object();
  if (entry.definition.engine == contract::Engine::sqlite) json.member("queue", status.queue);
  json.end_object();
}

std::int64_t signed_count(std::uint64_t count) {
  return static_cast<std::int64_t>(count);
}

}  // namespace

std::string state_line(const ProcessContext& process, const catalog::Registry& registry,
                       std::size_t log_queue) {
  base::Buffer out;
  JsonBuilder json(out);
  const auto& counters = telemetry::ProcessCounters::process();
  const auto connections = process.server->connections();
  const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(base::Clock::now() - process.started);
  json.begin_object();
  json.member("version", process.version).member("uptime_seconds", std::int64_t{uptime.count()});
  json.member("shards", static_cast<int>(process.shards.size()));
  json.member("draining", process.server->draining());
  json.key("connections").begin_object();
  json.member("active", signed_count(connections.active)).member("idle", signed_count(connections.idle));
  json.end_object();
  json.member("in_flight", signed_count(process.server->in_flight()));
  json.key("log").begin_object();
  json.member("queue", signed_count(log_queue));
  json.member("dropped", signed_count(counters.log_lines_dropped.load())).end_object();
  json.key("config").begin_object();
  json.member("reloads", signed_count(counters.reloads_ok.load()));
  json.member("failed_reloads", signed_count(counters.reloads_failed.load())).end_object();
  json.member("registry_clients", signed_count(registry.entries().size()));
  json.key("clients").begin_array();
  for (const auto& entry : registry.entries()) {
    if (entry.engine) add_client(json, entry);
  }
  json.end_array().end_object();
  return std::string(out.view());
}

}  // namespace athena::api

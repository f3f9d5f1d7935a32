#include <algorithm>
#include <cstdio>
#include <map>

#include "api/gateway.h"
#include "api/handlers.h"
#include "api/json_builder.h"

namespace athena::api {
namespace {

using contract::Error;
using contract::ErrorCode;
using contract::Lifecycle;

struct ClientCounts {
  int active = 0, connected = 0, frozen = 0, inactive = 0;
  bool sql_connected = false;
};

ClientCounts count_clients(const catalog::Registry& registry) {
  ClientCounts counts;
  for (const auto& entry : registry.entries()) {
    if (entry.definition.lifecycle == Lifecycle::frozen) ++counts.frozen;
    if (entry.definition.lifecycle == Lifecycle::inactive) ++counts.inactive;
    if (entry.definition.lifecycle != Lifecycle::active) continue;
    ++counts.active;
    if (entry.engine && entry.engine->status().reachable) {
      ++counts.connected;
      counts.sql_connected = true;
    }
  }
  return counts;
}

constexpr std::string_view kOnline = "athena is online";

void add_release(JsonBuilder& json, const ProcessContext& process) {
  json.member("version", process.version);
  json.key("release").begin_object();
  json.member("product", "athena").member("version", process.version);
  json.member("codename", "Pallas").member("channel", "stable");
  json.end_object();
  json.member("athena_api", "online");
}

void add_capability(JsonBuilder& json, std::string_view capability, bool available, std::string_view detail) {
  json.key(capability).begin_object().member("available", available).member("detail", detail).end_object();
}

void add_tool(JsonBuilder& json, std::string_view tool, const Tools* tools, std::string Tools::* version) {
  if (tools == nullptr) return add_capability(json, tool, false, "being looked up");
  const auto& found = tools->*version;
  add_capability(json, tool, !found.empty(), found.empty() ? "not found in PATH" : std::string_view(found));
}

void add_capabilities(JsonBuilder& json, const ProcessContext& process, int active_clients) {
  constexpr std::string_view kNotBuilt = "not part of this version";
  const auto* tools = process.tools == nullptr ? nullptr : process.tools->load(std::memory_order_acquire);
  json.key("capabilities").begin_object();
  add_capability(json, "gateway_fetch", active_clients > 0,
                 std::to_string(active_clients) + (active_clients == 1 ? " client" : " clients"));
  add_capability(json, "management_api", false, kNotBuilt);
  add_tool(json, "pg_dump", tools, &Tools::pg_dump);
  add_tool(json, "pg_restore", tools, &Tools::pg_restore);
  add_capability(json, "s3_access", false, kNotBuilt);
  add_capability(json, "backup_create", false, kNotBuilt);
  add_capability(json, "backup_restore", false, kNotBuilt);
  add_capability(json, "openapi_download", true, "/openapi.yaml");
  json.end_object();
}

/// The routes, one entry per path with all its methods, sorted by path.
void add_routes(JsonBuilder& json) {
  struct Listed {
    http::MethodSet methods;
    std::string_view summary;
  };
  std::map<std::string_view, Listed> paths;
  for (const auto& route : route_table()) {
    auto& listed = paths[route.path];
    listed.methods.add(route.methods);
    if (listed.summary.empty()) listed.summary = route.summary;
  }
  json.key("routes").begin_array();
  for (const auto& [path, listed] : paths) {
    json.begin_object().member("path", path).key("methods").begin_array();
    for (int m = 0; m < static_cast<int>(http::Method::other); ++m) {
      const auto method = static_cast<http::Method>(m);
      if (listed.methods.has(method)) json.value(http::name(method));
    }
    json.end_array().member("summary", listed.summary).end_object();
  }
  json.end_array();
}

/// The members of `GET /`, without the braces around them.
void add_root(JsonBuilder& json, const Call& call) {
  const auto& process = call.context.process;
  const auto counts = count_clients(call.registry());
  json.member("message", kOnline);
  add_release(json, process);
  json.member("athena_deadpool", counts.sql_connected ? "online" : "offline");
  json.member("athena_scylladb", "offline").member("cargo_toml_version", process.version);
  add_capabilities(json, process, counts.active);
  add_routes(json);
}

}  // namespace

void root(Call& call) {
  JsonBuilder json(call.exchange.response().body);
  json.begin_object();
  add_root(json, call);
  json.end_object();
}

void cluster_health(Call& call) {
  JsonBuilder json(call.exchange.response().body);
  json.begin_object();
  add_root(json, call);
  // No key names a mirror yet, so there is none.
  json.key("mirrors").begin_array().end_array().end_object();
}

void ping(Call& call) {
  call.exchange.response().content_type = "text/plain; charset=utf-8";
  call.exchange.response().body.append("pong");
}

void live(Call& call) {
  call.exchange.response().body.append(R"({"status":"ok"})");
}

void ready(Call& call) {
  const auto& process = call.context.process;
  const bool listening = process.server->listening();
  const bool draining = process.server->draining();
  std::string missing;
  for (const auto& wanted : call.api().ready_clients) {
    const auto* entry = call.registry().find(wanted);
    if (entry == nullptr || !entry->engine || !entry->engine->status().reachable) {
      missing += missing.empty() ? wanted : ", " + wanted;
    }
  }
  base::Buffer checks;
  JsonBuilder json(checks);
  const auto check = [&json](std::string_view check_name, bool ok, std::string_view detail) {
    json.key(check_name).begin_object().member("ok", ok).member("detail", detail).end_object();
  };
  json.begin_object();
  check("listener", listening, listening ? "open" : "closed");
  check("draining", !draining, draining ? "draining" : "");
  check("clients", missing.empty(), missing.empty() ? "" : "not connected: " + missing);
  json.end_object();
  if (listening && !draining && missing.empty()) {
    auto& body = call.exchange.response().body;
    body.append(R"({"status":"ok","checks":)");
    body.append(checks.view());
    body.push_back('}');
    return;
  }
  Error error(ErrorCode::not_ready, draining ? "The gateway is draining." : "The gateway is not ready.");
  error.with_json("checks", std::string(checks.view()));
  call.fail(error);
}

void health(Call& call) {
  const auto& process = call.context.process;
  const auto counts = count_clients(call.registry());
  JsonBuilder json(call.exchange.response().body);
  json.begin_object()
      .member("status", counts.connected == counts.active ? "ok" : "degraded")
      .member("message", kOnline);
  add_release(json, process);
  json.member("athena_deadpool", counts.sql_connected ? "online" : "offline")
      .member("athena_scylladb", "offline");
  const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(base::Clock::now() - process.started);
  json.member("uptime_seconds", static_cast<std::int64_t>(uptime.count()));
  json.key("clients").begin_object().member("active", counts.active).member("connected", counts.connected);
  json.member("frozen", counts.frozen).member("inactive", counts.inactive).end_object().end_object();
}

}  // namespace athena::api

#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <clocale>
#include <cstdio>
#include <thread>

#include "api/json_builder.h"
#include "app/commands.h"
#include "app/connection_budget.h"
#include "app/data_dir.h"
#include "app/http_client.h"
#include "app/server.h"
#include "app/tools.h"

namespace athena::app {
namespace {

constexpr std::chrono::milliseconds kAskWithin{2000};

int probe_url(const DiagOptions& options) {
  ClientRequest request;
  request.url = options.probe;
  request.timeout = std::chrono::seconds(options.timeout_seconds);
  const auto response = send_http(request);
  if (!response) return report("probe failed: " + response.error(), kFailed);
  return response->status >= 200 && response->status < 300 ? kDone : kFailed;
}

void write_budget(api::JsonBuilder& json, const std::vector<ServerBudget>& budgets) {
  json.key("connection_budget").begin_array();
  for (const auto& budget : budgets) {
    json.begin_object().member("server", budget.server).key("clients").begin_array();
    for (const auto& client : budget.clients) json.value(client);
    json.end_array().member("ceiling", budget.ceiling).member("instances", budget.instances);
    json.member("max_connections", budget.max_connections);
    if (budget.max_connections) json.member("superuser_reserved_connections", budget.reserved);
    json.key("ok");
    budget.max_connections ? json.value(budget.ok()) : json.raw("null");
    json.key("error");
    budget.error.empty() ? json.raw("null") : json.value(budget.error);
    json.end_object();
  }
  json.end_array();
}

}  // namespace

int diag_command(const ConfigRequest& request, const DiagOptions& options, const Environment& environment) {
  if (!options.probe.empty()) return probe_url(options);
  auto loaded = read_config(request, environment);
  const bool good = loaded.problems.empty();
  const auto config = good ? std::move(loaded.config) : Config{};
  const auto budgets =
      options.offline ? std::vector<ServerBudget>{} : connection_budget(config, 1, kAskWithin);
  utsname system{};
  uname(&system);
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  const auto needed =
      static_cast<std::int64_t>(config.http.max_connections) + config.gateway.process_max_connections + 64;
  const char* locale = std::setlocale(LC_ALL, nullptr);

  base::Buffer out;
  api::JsonBuilder json(out);
  json.begin_object().member("os", system.sysname).member("arch", system.machine).member("family", "unix");
  json.member("cpu_count", static_cast<std::int64_t>(std::thread::hardware_concurrency()));
  json.member("version", version()).member("revision", revision()).member("compiler", compiler());
  json.member("hostname", system.nodename).member("locale", locale == nullptr ? "" : locale);
  json.member("config_path", config.source).member("data_dir", choose_data_dir(config, environment));
  if (!good) json.member("config_error", problems_text(loaded.problems));
  json.key("tools").begin_object();
  json.member("pg_dump", tool_version("pg_dump"))
      .member("pg_restore", tool_version("pg_restore"))
      .end_object();
  json.key("open_files").begin_object().member("soft", static_cast<std::int64_t>(files.rlim_cur));
  json.member("hard", static_cast<std::int64_t>(files.rlim_max)).member("needed", needed).end_object();
  write_budget(json, budgets);
  json.end_object();
  out.push_back('\n');
  const int printed = print(std::string(out.view()));
  // A thread that still waits for a name server must not meet the libraries' end.
  if (std::any_of(budgets.begin(), budgets.end(),
                  [](const auto& budget) { return budget.error == "timeout"; }))
    std::_Exit(printed);
  return printed;
}

}  // namespace athena::app

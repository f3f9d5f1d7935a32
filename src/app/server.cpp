#include "app/server.h"

#include <arpa/inet.h>
#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "app/applied_config.h"
#include "app/connection_budget.h"
#include "app/control_store.h"
#include "app/data_dir.h"
#include "app/log.h"
#include "app/reload.h"
#include "app/runtime.h"
#include "app/service_manager.h"
#include "app/signals.h"
#include "services/control/copy.h"

#ifndef ATHENA_REVISION
#define ATHENA_REVISION "unknown"
#endif

namespace athena::app {
namespace {

// What is queued for the store is written within this time when the process ends.
constexpr std::chrono::seconds kRecordsTime(5);

bool is_loopback(const std::string& bind) {
  if (bind == "localhost" || bind == "::1" || bind == "[::1]") return true;
  in_addr address{};
  return inet_pton(AF_INET, bind.c_str(), &address) == 1 && (ntohl(address.s_addr) >> 24) == 127;
}

bool is_loopback_socket(int descriptor) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) != 0) return false;
  if (address.ss_family == AF_UNIX) return true;
  if (address.ss_family == AF_INET) {
    return (ntohl(reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr) >> 24) == 127;
  }
  return IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6&>(address).sin6_addr);
}

/// A listener is reachable from beyond this machine.
bool reachable_from_elsewhere(const http::ServerSettings& settings) {
  if (!settings.inherited.empty())
    return !std::all_of(settings.inherited.begin(), settings.inherited.end(), is_loopback_socket);
  return !std::all_of(settings.bind.begin(), settings.bind.end(), is_loopback);
}

/// The memory holds passwords of databases, so it is never written out. A limit of one byte, as nothing less
/// keeps the kernel from handing a core to a program (core(5), RLIMIT_CORE).
void forbid_core_files() {
  const rlimit limit{1, 1};
  setrlimit(RLIMIT_CORE, &limit);
}

void raise_open_files(const Config& config) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  const auto needed =
      config.http.max_connections + static_cast<std::size_t>(config.gateway.process_max_connections) + 64;
  if (limit.rlim_max != RLIM_INFINITY && needed > limit.rlim_max) {
    log_warn("api.http_max_connections and the pools need " + std::to_string(needed) +
             " open files, the limit is " + std::to_string(limit.rlim_max));
  }
}

std::string_view access_name(api::ApiSettings::MetricsAccess access) {
  switch (access) {
    case api::ApiSettings::MetricsAccess::open:
      return "everybody may read /metrics";
    case api::ApiSettings::MetricsAccess::admin:
      return "/metrics asks for the admin key (api.metrics_access)";
    case api::ApiSettings::MetricsAccess::loopback:
      break;
  }
  return "/metrics answers 403 to other hosts (api.metrics_access)";
}

/// Where keys are asked for, and who says so.
std::string enforcement_text(const auth::KeyState& keys) {
  if (!keys.loaded) return "keys cannot be checked yet: the store was not read";
  const auto& enforcement = keys.enforcement;
  const std::string asked = enforcement.everywhere() ? "keys are asked for: " : "keys are not asked for: ";
  if (enforcement.global()) return asked + "an operator decided so";
  return asked + (enforcement.everywhere() ? "a listener is reachable beyond this machine"
                                           : "every listener is on this machine");
}

void log_start(const Config& config, const ServerOptions& options, const AdminKeys& keys) {
  if (!config.source.empty())
    log_info("Loaded configuration from " + config.source + " (" + config.source_label + ")");
  for (const auto& warning : config.warnings) log_warn(warning);
  log_info("data folder " + options.data_dir + ", " + keys.note);
  for (const auto& client : config.clients) {
    log_info("client " + client.client_name + ": " + std::string(name(client.engine)) + ", " +
             std::string(name(client.lifecycle)));
  }
  log_info(access_name(config.api.metrics_access));
}

/// Compares the ceilings of the pools with what their servers take, beside the start: a server that does not
/// answer holds nothing up.
class BudgetCheck {
 public:
  explicit BudgetCheck(const Config& config)
      : thread_([config] {
          for (const auto& budget : connection_budget(config, 1, std::chrono::seconds(2))) {
            if (const auto warning = budget_warning(budget); !warning.empty()) log_warn(warning);
          }
        }) {}
  ~BudgetCheck() { thread_.join(); }
  BudgetCheck(const BudgetCheck&) = delete;
  BudgetCheck& operator=(const BudgetCheck&) = delete;

 private:
  std::thread thread_;
};

void log_listeners(const Config& config, std::uint16_t port) {
  if (!config.http.inherited.empty()) {
    log_info("Listening on the sockets this process was started with, port " + std::to_string(port));
    return;
  }
  const std::string scheme = config.http.tls_cert_file.empty() ? "http" : "https";
  for (const auto& bind : config.http.bind) {
    log_info("Listening on " + scheme + "://" + bind + ":" + std::to_string(port));
  }
  if (!config.http.unix_socket.empty()) log_info("Listening on unix socket " + config.http.unix_socket);
}

/// A store that was named after the embedded one had been in use.
void warn_of_unused_store(const StoreHomes& homes, const std::string& data_dir) {
  if (homes.main.home == control::Home::sqlite) return;
  const auto path = data_dir + "/control.db";
  const auto content = control::store_content(path);
  if (content.keys + content.clients == 0) return;
  log_warn(path + " holds " + std::to_string(content.keys) + " keys and " + std::to_string(content.clients) +
           " clients that are not used; copy them with: athena store copy --from " + path + " --to " +
           homes.main_text.substr(homes.main_text.find(' ') + 1));
}

}  // namespace

std::string_view version() {
  return "1.0.0";
}
std::string_view revision() {
  return ATHENA_REVISION;
}

int run_server(Config config, const ServerOptions& options, const Environment& environment) {
  std::signal(SIGPIPE, SIG_IGN);
  forbid_core_files();
  Signals signals;
  // One heap arena per shard is plenty; glibc's default of eight per core only spreads memory.
  mallopt(M_ARENA_MAX, 2);
  if (auto prepared = prepare_data_dir(options.data_dir); !prepared) {
    log_error(prepared.error());
    return kCannotStart;
  }
  auto keys = load_admin_keys(config, options.data_dir, environment);
  if (!keys) {
    log_error(keys.error());
    return kCannotStart;
  }
  auto sockets = listen_descriptors(environment.get("LISTEN_PID").value_or(""),
                                    environment.get("LISTEN_FDS").value_or(""));
  if (!sockets) {
    log_error(sockets.error());
    return kCannotStart;
  }
  config.http.inherited = std::move(*sockets);
  std::string instance_id;
  if (auto claimed = claim_instance_id(options.data_dir, instance_id); !claimed) {
    log_error(claimed.error());
    return kCannotStart;
  }
  resolve_sqlite_paths(config, options.data_dir);
  const bool enforced = options.enforce_beyond_loopback && reachable_from_elsewhere(config.http);
  log_start(config, options, *keys);
  log_info("instance " + instance_id);
  raise_open_files(config);

  const auto homes = store_homes(config, options.data_dir);
  log_info("store: " + homes.main_text);
  warn_of_unused_store(homes, options.data_dir);
  protect_store(homes);
  const auto records = make_records(config, homes, instance_id);
  Runtime runtime(config, keys->keys, enforced);
  AppliedConfig applied(config, keys->keys, options.data_dir, environment, runtime);
  runtime.set_clients(applied);
  const auto control = make_control_plane(config, homes, instance_id, enforced, runtime, applied);
  runtime.start(config.http, control.get(), records.get());
  const auto give_up = [&](const std::string& problem, int code) {
    log_error(problem);
    control->stop();
    runtime.stop();
    return code;
  };
  // The keys of a store that answers are in force before the first request.
  if (auto started = control->start(); !started) return give_up(started.error(), kBadConfiguration);
  log_info(enforcement_text(*runtime.keys()));
  records->start(control->main(), control->auth());
  runtime.open_backends();
  if (auto listening = runtime.listen(); !listening) {
    records->stop(base::Deadline::in(std::chrono::milliseconds(0)));
    return give_up(listening.error(), kCannotStart);
  }
  log_listeners(config, runtime.server().port());
  if (options.on_listening) options.on_listening(runtime.server().port(), keys->generated_key);
  const ServiceManager manager(environment.get("NOTIFY_SOCKET").value_or(""));
  manager.ready();
  const BudgetCheck budget_check(config);
  Reloader reloader(applied, *control, options, environment, manager);
  const bool clean =
      signals.serve(runtime.server(), {[&] { reloader.reload(); }, [&] { return reloader.file_changed(); },
                                       [] { reopen_log(); }, [&] { log_state(runtime.state()); },
                                       [&] { return runtime.forget_unused(); }, [&] { manager.stopping(); }});
  runtime.flush_records();
  const auto lost = records->stop(base::Deadline::in(kRecordsTime));
  if (lost > 0) log_warn(std::to_string(lost) + " records could not be written");
  if (!clean) {
    // What was cut may still wait for its database, so nothing of it can be taken apart: the kernel ends it
    // all.
    log_warn("stopped; some requests were cut");
    std::_Exit(kFailed);
  }
  control->stop();
  runtime.stop();
  log_info("stopped");
  return kDone;
}

}  // namespace athena::app

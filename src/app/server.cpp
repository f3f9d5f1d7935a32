#include "app/server.h"

#include <arpa/inet.h>
#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "api/gateway.h"
#include "app/data_dir.h"
#include "app/log.h"

#ifndef ATHENA_REVISION
#define ATHENA_REVISION "unknown"
#endif

namespace athena::app {
namespace {

bool is_loopback(const std::string& bind) {
  if (bind == "localhost" || bind == "::1" || bind == "[::1]") return true;
  in_addr address{};
  return inet_pton(AF_INET, bind.c_str(), &address) == 1 && (ntohl(address.s_addr) >> 24) == 127;
}

/// A database on this host takes cores of its own, so half of them are left to it.
bool database_is_local(const Config& config) {
  return std::any_of(config.clients.begin(), config.clients.end(), [](const auto& client) {
    const auto* postgres = std::get_if<contract::PostgresConnection>(&client.connection);
    return postgres != nullptr &&
           (postgres->uri.find("localhost") != std::string::npos ||
            postgres->uri.find("127.0.0.1") != std::string::npos ||
            postgres->uri.find("@/") != std::string::npos || postgres->uri.find("///") != std::string::npos ||
            postgres->uri.find("%2F") != std::string::npos);
  });
}

unsigned shard_count(const Config& config) {
  if (config.http_workers > 0) return static_cast<unsigned>(config.http_workers);
  const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
  return database_is_local(config) ? std::max(1U, cores / 2) : cores;
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

void log_start(const Config& config, const ServerOptions& options, const AdminKeys& keys, bool enforced) {
  if (!config.source.empty())
    log_info("Loaded configuration from " + config.source + " (" + config.source_label + ")");
  for (const auto& warning : config.warnings) log_warn(warning);
  log_info("data folder " + options.data_dir + ", " + keys.note);
  for (const auto& client : config.clients) {
    log_info("client " + client.client_name + ": " + std::string(name(client.engine)) + ", " +
             std::string(name(client.lifecycle)));
  }
  log_info(enforced ? "keys are asked for: a listener is reachable beyond this machine"
                    : "keys are not asked for: every listener is on this machine");
  log_info(access_name(config.api.metrics_access));
}

/// The shards, their gateways and the server, in the order in which they must end.
class Runtime {
 public:
  Runtime(const Config& config, const AdminKeys& keys, bool enforced)
      : gateway_settings_(config.gateway),
        api_settings_(config.api),
        gatekeeper_({keys.keys, enforced, config.admin_key_in_query}),
        shards_(shard_count(config)),
        environment_{gateway_settings_, shards_.size()},
        registry_(config.clients, environment_),
        process_{gateway_settings_, api_settings_, gatekeeper_, registry_, shards_} {
    process_.version = version();
    process_.revision = revision();
    process_.started = base::Clock::now();
    process_.start_time_seconds =
        std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
    process_.warn = [](std::string_view line) { log_warn(line); };
    for (const auto& entry : registry_.entries()) {
      if (!entry.trouble.empty()) log_warn("client " + entry.definition.client_name + ": " + entry.trouble);
    }
    gateways_.resize(shards_.size());
    process_.gateways.resize(shards_.size());
  }

  base::Result<void, std::string> start(const http::ServerSettings& settings) {
    server_ = std::make_unique<http::Server>(
        shards_, settings,
        [this](base::Shard& shard) -> http::Application& { return *gateways_[shard.index()]; });
    process_.server = server_.get();
    shards_.start();
    shards_.run_on_all([this](base::Shard& shard) {
      gateways_[shard.index()] = std::make_unique<api::Gateway>(process_, shard);
      process_.gateways[shard.index()] = gateways_[shard.index()].get();
    });
    auto listening = server_->listen();
    if (!listening) stop();
    return listening;
  }

  http::Server& server() { return *server_; }
  /// Makes the backends of every client, so that pools open and unreachable clients are known before the
  /// first request.
  void open_backends() {
    shards_.run_on_all([this](base::Shard& shard) {
      auto& backends = gateways_[shard.index()]->context().backends;
      for (const auto& entry : registry_.entries()) backends.find(entry);
    });
  }

  void stop() {
    shards_.run_on_all([this](base::Shard& shard) {
      if (gateways_[shard.index()]) gateways_[shard.index()]->context().backends.shutdown();
    });
    // What the backends posted to end themselves runs before they are destroyed, on their shards. The
    // gateways stay until the loops have ended, as connections refer to them.
    shards_.run_on_all([](base::Shard&) {});
    shards_.run_on_all([this](base::Shard& shard) {
      if (gateways_[shard.index()]) gateways_[shard.index()]->context().backends.clear();
    });
    shards_.stop();
    server_.reset();
    gateways_.clear();
  }

 private:
  contract::GatewaySettings gateway_settings_;
  api::ApiSettings api_settings_;
  auth::Gatekeeper gatekeeper_;
  base::ShardGroup shards_;
  engines::EngineEnvironment environment_;
  catalog::Registry registry_;
  api::ProcessContext process_;
  std::vector<std::unique_ptr<api::Gateway>> gateways_;
  std::unique_ptr<http::Server> server_;
};

/// Takes SIGTERM, SIGINT and SIGUSR1 from its construction on, so that none of them is lost while the gateway
/// starts.
class Signals {
 public:
  /// Waits for SIGTERM or SIGINT, drains, and says whether nothing was cut.
  bool serve(http::Server& server) {
    wait_stop(server);
    wait_reopen();
    context_.run();
    return clean_;
  }

 private:
  void wait_stop(http::Server& server) {
    stop_.async_wait([this, &server](const boost::system::error_code& error, int) {
      if (error) return;
      if (draining_) {
        log_warn("second signal: cutting what still runs");
        server.cut();
        return;
      }
      draining_ = true;
      log_info("draining");
      server.drain([this](bool nothing_was_cut) {
        boost::asio::post(context_, [this, nothing_was_cut] {
          clean_ = nothing_was_cut;
          context_.stop();
        });
      });
      wait_stop(server);
    });
  }
  void wait_reopen() {
    reopen_.async_wait([this](const boost::system::error_code& error, int) {
      if (error) return;
      reopen_log();
      wait_reopen();
    });
  }

  boost::asio::io_context context_{1};
  boost::asio::signal_set stop_{context_, SIGTERM, SIGINT};
  boost::asio::signal_set reopen_{context_, SIGUSR1};
  bool draining_ = false;
  bool clean_ = true;
};

}  // namespace

std::string_view version() {
  return "1.0.0";
}
std::string_view revision() {
  return ATHENA_REVISION;
}

int run_server(Config config, const ServerOptions& options, const Environment& environment) {
  std::signal(SIGPIPE, SIG_IGN);
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
  std::string instance_id;
  if (auto claimed = claim_instance_id(options.data_dir, instance_id); !claimed) {
    log_error(claimed.error());
    return kCannotStart;
  }
  resolve_sqlite_paths(config, options.data_dir);
  const bool beyond_loopback = std::any_of(config.http.bind.begin(), config.http.bind.end(),
                                           [](const auto& bind) { return !is_loopback(bind); });
  const bool enforced = options.enforce_beyond_loopback && beyond_loopback;
  log_start(config, options, *keys, enforced);
  log_info("instance " + instance_id);
  raise_open_files(config);

  Runtime runtime(config, *keys, enforced);
  if (auto started = runtime.start(config.http); !started) {
    log_error(started.error());
    return kCannotStart;
  }
  const auto port = runtime.server().port();
  for (const auto& bind : config.http.bind) {
    log_info("Listening on http://" + bind + ":" + std::to_string(port));
  }
  if (!config.http.unix_socket.empty()) log_info("Listening on unix socket " + config.http.unix_socket);
  if (options.on_listening) options.on_listening(port, keys->generated_key);
  runtime.open_backends();
  if (!signals.serve(runtime.server())) {
    // What was cut may still wait for its database, so nothing of it can be taken apart: the kernel ends it
    // all.
    log_warn("stopped; some requests were cut");
    std::_Exit(kFailed);
  }
  runtime.stop();
  log_info("stopped");
  return kDone;
}

}  // namespace athena::app

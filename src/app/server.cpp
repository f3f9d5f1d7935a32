#include "app/server.h"

#include <arpa/inet.h>
#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "api/gateway.h"
#include "app/data_dir.h"
#include "app/log.h"
#include "app/tools.h"
#include "services/catalog/host_patterns.h"

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

std::shared_ptr<const api::Snapshot> make_snapshot(const Config& config, std::vector<auth::AdminKey> keys,
                                                   bool enforced,
                                                   const engines::EngineEnvironment& environment,
                                                   const api::Snapshot* previous) {
  return std::make_shared<const api::Snapshot>(api::Snapshot{
      config.gateway, config.api, auth::Gatekeeper({std::move(keys), enforced, config.admin_key_in_query}),
      catalog::Registry(config.clients, environment, previous == nullptr ? nullptr : &previous->registry)});
}

void warn_of_broken_clients(const catalog::Registry& registry) {
  for (const auto& entry : registry.entries()) {
    if (!entry.trouble.empty()) log_warn("client " + entry.definition.client_name + ": " + entry.trouble);
  }
}

/// The shards, their gateways and the server, in the order in which they must end.
class Runtime {
 public:
  Runtime(const Config& config, std::vector<auth::AdminKey> keys, bool enforced)
      : settings_(config.gateway),
        enforced_(enforced),
        shards_(shard_count(config)),
        environment_{settings_, shards_.size()},
        direct_pools_(shards_, environment_, {config.pool}),
        process_{shards_} {
    process_.direct = &direct_pools_;
    snapshots_.push_back(make_snapshot(config, std::move(keys), enforced_, environment_, nullptr));
    process_.version = version();
    process_.revision = revision();
    process_.started = base::Clock::now();
    process_.start_time_seconds =
        std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
    process_.warn = [](std::string_view line) { log_warn(line); };
    process_.tools = &tools_.tools();
    warn_of_broken_clients(current().registry);
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
      gateways_[shard.index()] = std::make_unique<api::Gateway>(process_, shard, snapshots_.back());
      process_.gateways[shard.index()] = gateways_[shard.index()].get();
    });
    auto listening = server_->listen();
    if (!listening) stop();
    return listening;
  }

  http::Server& server() { return *server_; }

  /// All shards go over to what `config` says; requests that run finish with what they began with. From the
  /// thread that made the runtime.
  void change(const Config& config, std::vector<auth::AdminKey> keys) {
    settings_.replace(config.gateway);
    snapshots_.push_back(make_snapshot(config, std::move(keys), enforced_, environment_, &current()));
    warn_of_broken_clients(current().registry);
    shards_.run_on_all([this](base::Shard& shard) { gateways_[shard.index()]->change(snapshots_.back()); });
    open_backends();
    forget_unused();
  }

  /// Destroys earlier snapshots that no request uses any more, and with them clients that nobody has; here,
  /// as that may wait for their threads. True when some are left.
  bool forget_unused() {
    std::erase_if(snapshots_, [this](const auto& snapshot) {
      return snapshot != snapshots_.back() && snapshot.use_count() == 1;
    });
    return snapshots_.size() > 1;
  }

  /// Makes the backends of every client, so that pools open and unreachable clients are known before the
  /// first request. In small parts, so that requests get their turn between them.
  void open_backends() {
    static constexpr std::size_t kAtOnce = 16;
    for (std::size_t begin = 0; begin < current().registry.entries().size(); begin += kAtOnce) {
      shards_.run_on_all([this, begin](base::Shard& shard) {
        const auto entries = current().registry.entries().subspan(begin);
        auto& backends = gateways_[shard.index()]->context().view->backends();
        for (const auto& entry : entries.first(std::min(kAtOnce, entries.size()))) backends.find(entry);
      });
    }
  }

  void stop() {
    const auto on_gateways = [this](auto work) {
      shards_.run_on_all([this, work](base::Shard& shard) {
        if (!gateways_[shard.index()]) return;
        auto& context = gateways_[shard.index()]->context();
        work(context.view->backends());
        work(context.direct);
      });
    };
    on_gateways([](auto& backends) { backends.shutdown(); });
    // What the backends posted to end themselves runs before they are destroyed, on their shards. The
    // gateways stay until the loops have ended, as connections refer to them.
    shards_.run_on_all([](base::Shard&) {});
    on_gateways([](auto& backends) { backends.clear(); });
    shards_.stop();
    server_.reset();
    gateways_.clear();
  }

 private:
  [[nodiscard]] const api::Snapshot& current() const { return *snapshots_.back(); }

  contract::LiveSettings settings_;
  const bool enforced_;
  base::ShardGroup shards_;
  engines::EngineEnvironment environment_;
  std::vector<std::shared_ptr<const api::Snapshot>> snapshots_;  // the last one is in force
  catalog::DirectPools direct_pools_;
  api::ProcessContext process_;
  ToolLookup tools_;
  std::vector<std::unique_ptr<api::Gateway>> gateways_;
  std::unique_ptr<http::Server> server_;
};

/// Takes its signals from its construction on, so that none of them is lost while the gateway starts.
class Signals {
 public:
  /// Waits for SIGTERM or SIGINT, drains, and says whether nothing was cut. `reload` runs at each SIGHUP;
  /// `tidy` after it, again and again while it returns true.
  bool serve(http::Server& server, std::function<void()> reload, std::function<bool()> tidy) {
    reload_ = std::move(reload);
    tidy_ = std::move(tidy);
    wait_stop(server);
    wait_reopen();
    wait_reload();
    context_.run();
    return clean_;
  }

 private:
  void wait_reload() {
    hang_up_.async_wait([this](const boost::system::error_code& error, int) {
      if (error) return;
      if (!draining_) {
        reload_();
        keep_tidy();
      }
      wait_reload();
    });
  }
  void keep_tidy() {
    if (!tidy_()) return;
    tidy_timer_.expires_after(std::chrono::seconds(1));
    tidy_timer_.async_wait([this](const boost::system::error_code& error) {
      if (!error) keep_tidy();
    });
  }
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
  boost::asio::signal_set hang_up_{context_, SIGHUP};
  boost::asio::steady_timer tidy_timer_{context_};
  std::function<void()> reload_;
  std::function<bool()> tidy_;
  bool draining_ = false;
  bool clean_ = true;
};

/// Clients that are in force and no longer in the file stay: what runs is not taken away by a reload.
void keep_missing_clients(const Config& running, Config& fresh) {
  for (const auto& client : running.clients) {
    const auto key = contract::client_key(client.client_name);
    const bool there = std::any_of(fresh.clients.begin(), fresh.clients.end(), [&](const auto& other) {
      return contract::client_key(other.client_name) == key;
    });
    if (there) continue;
    log_warn("client " + client.client_name + " is no longer in the configuration; it stays until a restart");
    fresh.clients.push_back(client);
  }
}

/// All or nothing: with any error the old configuration stays.
void reload(Config& running, Runtime& runtime, const ServerOptions& options, const Environment& environment) {
  if (!options.read_config) {
    log_warn("SIGHUP: this gateway has no configuration to read again");
    return;
  }
  auto fresh = options.read_config();
  if (!fresh) {
    log_error("reload refused, the configuration in force stays: " + fresh.error());
    return;
  }
  auto keys = load_admin_keys(*fresh, options.data_dir, environment);
  if (!keys) {
    log_error("reload refused, the configuration in force stays: " + keys.error());
    return;
  }
  resolve_sqlite_paths(*fresh, options.data_dir);
  keep_missing_clients(running, *fresh);
  for (const auto& warning : fresh->warnings) log_warn(warning);
  runtime.change(*fresh, std::move(keys->keys));
  running = std::move(*fresh);
  log_info("configuration reloaded: " + std::to_string(running.clients.size()) + " clients");
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

  Runtime runtime(config, keys->keys, enforced);
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
  const bool clean = signals.serve(
      runtime.server(), [&] { reload(config, runtime, options, environment); },
      [&runtime] { return runtime.forget_unused(); });
  if (!clean) {
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

#include "app/runtime.h"

#include <algorithm>

#include "api/state_line.h"
#include "app/log.h"
#include "app/server.h"
#include "services/catalog/host_patterns.h"
#include "services/records/records.h"

namespace athena::app {
namespace {

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

std::shared_ptr<const api::Snapshot> make_snapshot(const Config& config, std::vector<auth::AdminKey> keys,
                                                   const engines::EngineEnvironment& environment,
                                                   const api::Snapshot* previous) {
  auto api = config.api;
  // Its texts were checked when the configuration was read.
  if (auto ranges = http::AddressRanges::parse(api.trusted_proxies)) api.trusted_ranges = std::move(*ranges);
  if (!config.gateway.wildcard_hosts.empty()) {
    api.host_pattern_matches = [patterns = config.gateway.wildcard_hosts](std::string_view host) {
      std::string_view label;
      return std::any_of(patterns.begin(), patterns.end(), [&](const auto& pattern) {
        return catalog::matches_host_pattern(pattern, host, &label);
      });
    };
  }
  auto gatekeeper = config.gatekeeper;
  gatekeeper.admin_keys = std::move(keys);
  return std::make_shared<const api::Snapshot>(api::Snapshot{
      config.gateway, std::move(api), auth::Gatekeeper(std::move(gatekeeper)),
      catalog::Registry(config.clients, environment, previous == nullptr ? nullptr : &previous->registry,
                        config.unusable_clients)});
}

const std::string& trouble_of(const catalog::Entry& entry) {
  return entry.trouble.empty() ? entry.unusable : entry.trouble;
}

/// Once for each change: a registry is made anew for whatever happens to one client.
void warn_of_broken_clients(const catalog::Registry& registry, const catalog::Registry* previous) {
  for (const auto& entry : registry.entries()) {
    const auto& trouble = trouble_of(entry);
    if (trouble.empty() || entry.definition.lifecycle != contract::Lifecycle::active) continue;
    const auto* earlier = previous == nullptr ? nullptr : previous->find(entry.definition.client_name);
    if (earlier == nullptr || trouble_of(*earlier) != trouble)
      log_warn("client " + entry.definition.client_name + ": " + trouble);
  }
}

}  // namespace

Runtime::Runtime(const Config& config, std::vector<auth::AdminKey> keys, bool enforced)
    : settings_(config.gateway),
      shards_(shard_count(config)),
      environment_{settings_, shards_.size()},
      direct_pools_(shards_, environment_, {config.pool}),
      process_{shards_} {
  process_.direct = &direct_pools_;
  snapshots_.push_back(make_snapshot(config, std::move(keys), environment_, nullptr));
  auth::KeyState no_store;
  no_store.loaded = false;
  no_store.enforcement = auth::Enforcement(std::nullopt, enforced);
  key_states_.push_back(std::make_shared<const auth::KeyState>(std::move(no_store)));
  process_.version = version();
  process_.revision = revision();
  process_.started = base::Clock::now();
  process_.start_time_seconds =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  process_.access = [](telemetry::AccessRecord&& record) { log_access(std::move(record)); };
  process_.warn = [](std::string_view line) { log_warn(line); };
  process_.tools = &tools_.tools();
  warn_of_broken_clients(current().registry, nullptr);
  gateways_.resize(shards_.size());
  process_.gateways.resize(shards_.size());
}

void Runtime::start(const http::ServerSettings& settings, control::ControlPlane* control,
                    records::Records* records) {
  server_ = std::make_unique<http::Server>(
      shards_, settings,
      [this](base::Shard& shard) -> http::Application& { return *gateways_[shard.index()]; });
  process_.server = server_.get();
  process_.control = control;
  process_.records = records;
  if (records != nullptr) process_.instance_id = records->instance_id();
  shards_.start();
  shards_.run_on_all([this](base::Shard& shard) {
    gateways_[shard.index()] =
        std::make_unique<api::Gateway>(process_, shard, snapshots_.back(), key_states_.back());
    process_.gateways[shard.index()] = gateways_[shard.index()].get();
  });
  const std::lock_guard lock(changes_);
  running_ = true;
}

base::Result<void, std::string> Runtime::listen() {
  auto listening = server_->listen();
  if (listening) tools_.start();
  return listening;
}

base::Result<void, std::string> Runtime::change(const Config& config, std::vector<auth::AdminKey> keys) {
  const std::lock_guard lock(changes_);
  auto snapshot = make_snapshot(config, std::move(keys), environment_, &current());
  if (auto applied = server_->apply(config.http); !applied) return applied;
  settings_.replace(config.gateway);
  if (process_.records != nullptr) process_.records->configure(config.api.records);
  take_over(std::move(snapshot));
  return {};
}

void Runtime::change_clients(const Config& config, std::vector<auth::AdminKey> keys) {
  const std::lock_guard lock(changes_);
  if (!running_) return;
  take_over(make_snapshot(config, std::move(keys), environment_, &current()));
}

void Runtime::take_over(std::shared_ptr<const api::Snapshot> snapshot) {
  const auto previous = snapshots_.back();
  snapshots_.push_back(std::move(snapshot));
  warn_of_broken_clients(current().registry, &previous->registry);
  std::vector<const api::View*> views(shards_.size());
  shards_.run_on_all([&](base::Shard& shard) {
    views[shard.index()] = &gateways_[shard.index()]->prepare(snapshots_.back());
  });
  open_backends(views);
  shards_.run_on_all([this](base::Shard& shard) { gateways_[shard.index()]->change(); });
}

void Runtime::change_keys(std::shared_ptr<const auth::KeyState> keys) {
  const std::lock_guard lock(changes_);
  if (!running_) return;
  key_states_.push_back(std::move(keys));
  shards_.run_on_all(
      [this](base::Shard& shard) { gateways_[shard.index()]->change_keys(key_states_.back()); });
  // Freed here, as a table of many keys takes milliseconds that no shard has.
  key_states_.erase(std::remove_if(key_states_.begin(), std::prev(key_states_.end()),
                                   [](const auto& state) { return state.use_count() == 1; }),
                    std::prev(key_states_.end()));
}

std::shared_ptr<const auth::KeyState> Runtime::keys() const {
  const std::lock_guard lock(changes_);
  return key_states_.back();
}

void Runtime::flush_records() {
  shards_.run_on_all([this](base::Shard& shard) {
    if (auto& recorder = gateways_[shard.index()]->context().recorder; recorder) recorder->flush();
  });
}

std::string Runtime::state() const {
  const auto in_force = [this] {
    const std::lock_guard lock(changes_);
    return snapshots_.back();
  }();
  return api::state_line(process_, in_force->registry, log_queue_depth());
}

bool Runtime::forget_unused() {
  const std::lock_guard lock(changes_);
  const auto in_force = std::prev(snapshots_.end());
  if (snapshots_.begin() == in_force) return false;
  const bool used = std::any_of(snapshots_.begin(), in_force,
                                [](const auto& snapshot) { return snapshot.use_count() > 1; });
  if (used) return true;
  // Backends first, on their shards; then, here, the clients.
  const auto on_retired = [this](auto work) {
    shards_.run_on_all(
        [this, work](base::Shard& shard) { work(gateways_[shard.index()]->context().retired); });
  };
  on_retired([](catalog::RetiredBackends& retired) { retired.shutdown(); });
  shards_.run_on_all([](base::Shard&) {});
  on_retired([](catalog::RetiredBackends& retired) { retired.clear(); });
  snapshots_.erase(snapshots_.begin(), in_force);
  return false;
}

void Runtime::open_backends() {
  const std::lock_guard lock(changes_);
  std::vector<const api::View*> views;
  for (const auto& gateway : gateways_) views.push_back(gateway->context().view.get());
  open_backends(views);
}

void Runtime::open_backends(const std::vector<const api::View*>& views) {
  static constexpr std::size_t kAtOnce = 16;
  const auto entries = current().registry.entries();
  for (std::size_t begin = 0; begin < entries.size(); begin += kAtOnce) {
    const auto part = entries.subspan(begin, std::min(kAtOnce, entries.size() - begin));
    shards_.run_on_all([&](base::Shard& shard) {
      for (const auto& entry : part) views[shard.index()]->backends().find(entry);
    });
  }
}

void Runtime::stop() {
  {
    const std::lock_guard lock(changes_);
    running_ = false;
  }
  const auto on_gateways = [this](auto work) {
    shards_.run_on_all([this, work](base::Shard& shard) {
      if (!gateways_[shard.index()]) return;
      auto& context = gateways_[shard.index()]->context();
      work(context.view->backends());
      work(context.retired);
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

}  // namespace athena::app

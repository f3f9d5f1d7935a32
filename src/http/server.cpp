#include "http/server.h"

#include <utility>

#include "http/listen.h"
#include "http/shard_server.h"

namespace athena::http {

namespace {

/// The last work for a shard. If its loop never runs it, what requests wait for is let go when the loop is
/// destroyed.
class CutOrAbandon {
 public:
  explicit CutOrAbandon(std::shared_ptr<ShardServer> server) : server_(std::move(server)) {}
  CutOrAbandon(CutOrAbandon&&) = default;
  CutOrAbandon(const CutOrAbandon&) = delete;
  CutOrAbandon& operator=(const CutOrAbandon&) = delete;
  ~CutOrAbandon() {
    if (server_) server_->abandon();
  }
  void operator()() { std::exchange(server_, nullptr)->cut(); }

 private:
  std::shared_ptr<ShardServer> server_;
};

/// The settings with the certificate they name.
base::Result<std::shared_ptr<const LiveSettings>, std::string> with_certificate(ServerSettings settings) {
  auto live = std::make_shared<LiveSettings>(LiveSettings{std::move(settings), nullptr});
  if (!live->settings.tls_cert_file.empty() || !live->settings.tls_key_file.empty()) {
    auto loaded = TlsContext::load(live->settings.tls_cert_file, live->settings.tls_key_file);
    if (!loaded) return loaded.error();
    live->tls = std::move(*loaded);
  }
  return std::shared_ptr<const LiveSettings>(std::move(live));
}

}  // namespace

struct Server::State {
  base::ShardGroup& shards;
  std::shared_ptr<ServerCommon> common;
  std::function<Application&(base::Shard&)> application;
  std::vector<std::shared_ptr<ShardServer>> servers;

  template <class Work>
  void on_all(const Work& work) {
    for (unsigned index = 0; index < servers.size(); ++index) {
      shards[index].post([server = servers[index], work] { work(*server); });
    }
  }
};

Server::Server(base::ShardGroup& shards, ServerSettings settings,
               std::function<Application&(base::Shard&)> application)
    : state_(std::make_shared<State>(
          State{shards, std::make_shared<ServerCommon>(std::move(settings)), std::move(application), {}})) {}

Server::~Server() {
  for (unsigned index = 0; index < state_->servers.size(); ++index) {
    state_->shards[index].post(CutOrAbandon(state_->servers[index]));
  }
  state_->common->remove_socket_file();
}

base::Result<void, std::string> Server::listen() {
  auto& common = *state_->common;
  auto& shards = state_->shards;
  if (auto live = with_certificate(common.live->settings); live) {
    common.live = std::move(*live);
  } else {
    return live.error();
  }
  const auto& settings = common.live->settings;
  TcpListeners tcp;
  Inherited inherited;
  if (!settings.inherited.empty()) {
    auto taken = take_inherited(settings.inherited, settings);
    if (!taken) return taken.error();
    inherited = std::move(*taken);
    tcp.port = inherited.port;
  } else if (!settings.bind.empty()) {
    auto opened = open_tcp(settings, shards.size());
    if (!opened) return opened.error();
    tcp = std::move(*opened);
  }
  std::vector<ListenDescriptor> local;
  if (settings.inherited.empty() && !settings.unix_socket.empty()) {
    auto opened = open_unix(settings);
    if (!opened) return opened.error();
    local.push_back(std::move(*opened));
    common.has_socket_file.store(true);
  }
  common.port.store(tcp.port);
  common.shards_left.store(shards.size());

  for (unsigned index = 0; index < shards.size(); ++index) {
    state_->servers.push_back(
        std::make_shared<ShardServer>(shards[index], state_->common, state_->application(shards[index])));
  }
  const auto port = std::to_string(tcp.port);
  for (unsigned index = 0; index < tcp.per_shard.size(); ++index) {
    for (auto& listener : tcp.per_shard[index]) {
      shards[index].post([server = state_->servers[index], owned = std::move(listener), port]() mutable {
        server->add_listener(owned.release(), {port, false}, nullptr);
      });
    }
  }
  // One listener each, as there is one socket, or as SO_REUSEPORT does not spread unix sockets: their
  // connections go round.
  const auto share_out = [this](ListenDescriptor listener, ListenerOrigin origin) {
    auto& all = *state_;
    std::vector<std::weak_ptr<ShardServer>> targets(all.servers.begin(), all.servers.end());
    auto* first = all.servers.front().get();
    auto share = [first, targets = std::move(targets), next = std::size_t{0}]() mutable -> ShardServer& {
      const auto target = targets[next++ % targets.size()].lock();
      return target ? *target : *first;
    };
    all.shards[0].post([server = all.servers.front(), owned = std::move(listener), origin = std::move(origin),
                        share = std::move(share)]() mutable {
      server->add_listener(owned.release(), std::move(origin), std::move(share));
    });
  };
  for (auto& listener : local) share_out(std::move(listener), {});
  for (std::size_t index = 0; index < inherited.listeners.size(); ++index) {
    const auto number = inherited.ports[index];
    share_out(std::move(inherited.listeners[index]),
              {number == 0 ? std::string() : std::to_string(number), true});
  }
  common.listening.store(true);
  return {};
}

base::Result<void, std::string> Server::apply(ServerSettings settings) {
  auto& common = *state_->common;
  {
    const std::lock_guard lock(common.mutex);
    const auto& now = common.live->settings;
    settings.bind = now.bind;
    settings.port = now.port;
    settings.unix_socket = now.unix_socket;
    settings.inherited = now.inherited;
    settings.backlog = now.backlog;
    settings.max_connections = now.max_connections;
    settings.max_in_flight = now.max_in_flight;
    auto made = with_certificate(std::move(settings));
    if (!made) return made.error();
    common.live = std::move(*made);
    // within the lock, so that all shards see two changes in one order
    state_->on_all([live = common.live](ShardServer& server) { server.apply(live); });
  }
  return {};
}

base::Result<void, std::string> Server::reload_certificate() {
  std::shared_ptr<const LiveSettings> live;
  {
    const std::lock_guard lock(state_->common->mutex);
    live = state_->common->live;
  }
  return apply(live->settings);
}

std::uint16_t Server::port() const {
  return state_->common->port.load();
}

bool Server::listening() const {
  return state_->common->listening.load();
}

bool Server::draining() const {
  return state_->common->draining.load();
}

ConnectionCounts Server::connections() const {
  const auto active = state_->common->active.load(std::memory_order_relaxed);
  const auto open = state_->common->open.load(std::memory_order_relaxed);
  return {active, open > active ? open - active : 0};
}

std::uint64_t Server::in_flight() const {
  return state_->common->in_flight.load(std::memory_order_relaxed);
}

void Server::drain(std::function<void(bool)> done) {
  auto& common = *state_->common;
  common.draining.store(true);
  {
    const std::lock_guard lock(common.mutex);
    common.drained = std::move(done);
  }
  state_->on_all([](ShardServer& server) { server.begin_drain(); });
}

void Server::cut() {
  state_->on_all([](ShardServer& server) { server.cut(); });
}

}  // namespace athena::http

#include "app/reload.h"

#include <sys/stat.h>

#include <algorithm>

#include "app/data_dir.h"
#include "app/log.h"

namespace athena::app {
namespace {

/// Clients that are in force and no longer in the file stay: what runs is not taken away by a reload. Their
/// rows keep them after a restart too, unless rows are not loaded.
void keep_missing_clients(const AppliedConfig& applied, const Config& running, Config& fresh) {
  for (const auto& client : running.clients) {
    const auto key = contract::client_key(client.client_name);
    const bool there = std::any_of(fresh.clients.begin(), fresh.clients.end(), [&](const auto& other) {
      return contract::client_key(other.client_name) == key;
    });
    if (there || applied.deleted(client.client_name)) continue;
    log_warn("client " + client.client_name + " is no longer in the configuration; " +
             (fresh.control.database_backed_client_loading
                  ? "it stays in the catalogue, DELETE /admin/clients/" + client.client_name + " removes it"
                  : std::string("it stays until a restart")));
    const auto index = static_cast<std::size_t>(&client - running.clients.data());
    fresh.clients.push_back(client);
    fresh.client_rows.push_back(running.client_rows[index]);
    fresh.client_origins.emplace_back("an earlier configuration");
  }
}

}  // namespace

Reloader::Reloader(AppliedConfig& applied, control::ControlPlane& control, const ServerOptions& options,
                   const Environment& environment, const ServiceManager& manager)
    : applied_(applied),
      control_(control),
      options_(options),
      environment_(environment),
      manager_(manager),
      seen_(stamp()) {}

Reloader::Stamp Reloader::stamp() const {
  struct stat file{};
  const auto running = applied_.config();
  if (running->source.empty() || ::stat(running->source.c_str(), &file) != 0) return {};
  return {file.st_mtim.tv_sec * 1'000'000'000 + file.st_mtim.tv_nsec, file.st_size,
          static_cast<std::int64_t>(file.st_ino)};
}

bool Reloader::file_changed() {
  if (!applied_.config()->auto_reload) return false;
  const auto now = stamp();
  // Not there: it is being replaced, or was taken away. Either way there is nothing to read.
  return now != Stamp{} && now != seen_;
}

void Reloader::reload() {
  manager_.reloading();
  seen_ = stamp();
  auto& counters = telemetry::ProcessCounters::process();
  if (auto taken = take_over(); taken) {
    ++counters.reloads_ok;
    const auto clients = applied_.config()->clients.size();
    log_info("configuration reloaded: " + std::to_string(clients) + (clients == 1 ? " client" : " clients"));
  } else {
    ++counters.reloads_failed;
    log_error("reload refused, the configuration in force stays: " + taken.error());
  }
  manager_.ready();
}

base::Result<void, std::string> Reloader::take_over() {
  if (!options_.read_config) return std::string("this gateway has no configuration to read again");
  const auto running = applied_.config();
  auto fresh = options_.read_config(*running);
  if (!fresh) return fresh.error();
  auto keys = load_admin_keys(*fresh, options_.data_dir, environment_);
  if (!keys) return keys.error();
  resolve_sqlite_paths(*fresh, options_.data_dir);
  keep_missing_clients(applied_, *running, *fresh);
  fresh->http.inherited.clear();
  if (auto changed = applied_.change(*fresh, std::move(keys->keys)); !changed) return changed.error();
  if (auto opened = open_log(fresh->log); !opened) log_warn(opened.error());
  control_.sync_clients();
  for (const auto& warning : fresh->warnings) log_warn(warning);
  for (const auto& key : changed_but_not_reloadable(*running, *fresh)) {
    log_warn(key + " has changed; that takes effect with a restart");
  }
  return {};
}

}  // namespace athena::app

#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "services/control/client_loader.h"
#include "services/control/cursor.h"
#include "services/control/key_loader.h"
#include "services/control/store.h"
#include "services/control/watcher.h"

namespace athena::control {

struct ControlSettings {
  StoreLocation main;
  StoreLocation auth;  ///< equal to `main` unless gateway.auth_client names another home
  bool auth_is_main = true;
  std::size_t sessions = 4;                      ///< control.pool_max_connections
  std::chrono::milliseconds poll_interval{500};  ///< gateway.registry_poll_ms
  bool auto_migrate = true;                      ///< control.auto_migrate
  std::int64_t max_api_keys = 100000;
  bool listeners_default = false;  ///< keys are asked for while no operator has decided
  std::string instance_id, hostname, version;
};

/// What the control plane tells its process. All are called on threads of the control plane, never on a
/// shard.
struct ControlEvents {
  KeyLoader::Publish keys;        ///< puts them into force on every shard before it returns
  ClientLoader::Publish clients;  ///< the same for the catalogue; null = clients are not followed
  std::function<std::vector<ClientRow>()> configured;  ///< clients of the configuration in force
  std::function<void()> confirmed;  ///< the auth home was read: what is in force is what it says
  std::function<void(std::string_view)> info, warn;
};

/// The gateway's own state: keys and rights (auth home), everything else (main home). Requests of callers
/// never come here; operators' do, through threads of the stores.
class ControlPlane {
 public:
  ControlPlane(ControlSettings settings, ControlEvents events);
  ~ControlPlane();
  ControlPlane(const ControlPlane&) = delete;
  ControlPlane& operator=(const ControlPlane&) = delete;

  /// Opens the homes, brings their tables up to date and loads what is in force, then follows them. The error
  /// is a configuration's: a store that this program must not work with. A store that does not answer is
  /// none: it is waited for in the background.
  base::Result<void, std::string> start();
  /// Ends the threads; what runs has deadlines. No event afterwards.
  void stop();

  [[nodiscard]] Store& main() { return *main_; }
  [[nodiscard]] Store& auth() { return auth_ ? *auth_ : *main_; }
  [[nodiscard]] KeyLoader& keys() { return keys_; }
  [[nodiscard]] ClientLoader& clients() { return clients_; }
  /// The configuration has changed: its clients get their rows now, or once the store answers. Waits at most
  /// 5 s.
  void sync_clients();
  [[nodiscard]] const ControlSettings& settings() const { return settings_; }
  /// Not ready until the main home was read. Any thread.
  [[nodiscard]] Cursors cursors() const;
  [[nodiscard]] bool main_up() const;
  [[nodiscard]] bool auth_up() const;

 private:
  std::unique_ptr<Watcher> make_watcher(bool main_home, bool auth_home);
  StoreResult<void> read_settings(Session& session);
  StoreResult<void> beat(Session& session);
  StoreResult<void> look_at_clients(Session& session);

  const ControlSettings settings_;
  const ControlEvents events_;
  KeyLoader keys_;
  ClientLoader clients_;
  std::atomic<bool> sync_wanted_{true};
  std::unique_ptr<Store> main_, auth_;
  std::unique_ptr<Watcher> main_watcher_, auth_watcher_;
  mutable std::mutex mutex_;
  Cursors cursors_;
  base::Clock::time_point last_beat_{};
};

}  // namespace athena::control

#pragma once

#include <functional>
#include <string>
#include <vector>

#include "app/config.h"
#include "app/environment.h"

namespace athena::app {

/// Exit codes of the program.
enum ExitCode : int { kDone = 0, kFailed = 1, kUsage = 2, kBadConfiguration = 3, kCannotStart = 4 };

struct ServerOptions {
  std::string data_dir;
  bool enforce_beyond_loopback = true;  ///< `dev` listens on loopback only and never enforces
  std::function<void(std::uint16_t port, const std::string& admin_key)>
      on_listening;  ///< after the listeners are open
  /// Reads and checks the whole configuration again while the given one is in force; null = it cannot be
  /// reloaded.
  std::function<base::Result<Config, std::string>(const Config&)> read_config;
};

/// Runs the gateway until SIGTERM or SIGINT, then drains. Returns the exit code; what went wrong is in the
/// log.
int run_server(Config config, const ServerOptions& options, const Environment& environment);

/// Version and revision the program was built from.
std::string_view version();
std::string_view revision();

}  // namespace athena::app

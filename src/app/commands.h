#pragma once

#include <string>

#include "app/config.h"
#include "app/environment.h"

namespace athena::app {

/// `athena server`.
int server_command(const ConfigRequest& request, const Environment& environment);

struct DevOptions {
  bool fresh = false;
  bool no_sample = false;
};
/// `athena dev`: a gateway for trying things, with a sample database in ./.athena-dev.
int dev_command(ConfigRequest request, const DevOptions& options, const Environment& environment);

struct DiagOptions {
  bool offline = false;
  std::string probe;  ///< URL
  int timeout_seconds = 3;
};
/// `athena diag`: facts about the machine and the configuration, as JSON.
int diag_command(const ConfigRequest& request, const DiagOptions& options, const Environment& environment);

int version_command(bool json);

}  // namespace athena::app

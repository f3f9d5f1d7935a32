#pragma once

#include <cstdint>
#include <string>

#include "app/applied_config.h"
#include "app/config.h"
#include "app/server.h"
#include "app/service_manager.h"
#include "services/control/control_plane.h"

namespace athena::app {

/// Takes over what the configuration says now, all or nothing. Used by the thread of the runtime.
class Reloader {
 public:
  /// The references outlive this.
  Reloader(AppliedConfig& applied, control::ControlPlane& control, const ServerOptions& options,
           const Environment& environment, const ServiceManager& manager);

  /// Reads, checks and takes over; what came of it is in the log and the metrics. With any error the old
  /// configuration stays. Keys that only a restart puts into effect are named in a warning.
  void reload();
  /// True once after the file was changed, when config.auto_reload asks to watch it.
  bool file_changed();

 private:
  struct Stamp {
    std::int64_t time_ns = 0, size = 0, inode = 0;
    bool operator==(const Stamp&) const = default;
  };
  [[nodiscard]] Stamp stamp() const;
  base::Result<void, std::string> take_over();

  AppliedConfig& applied_;
  control::ControlPlane& control_;
  const ServerOptions& options_;
  const Environment& environment_;
  const ServiceManager& manager_;
  Stamp seen_;
};

}  // namespace athena::app

#pragma once

#include <memory>
#include <string>

#include "app/applied_config.h"
#include "app/config.h"
#include "app/runtime.h"
#include "base/result.h"
#include "services/control/change.h"
#include "services/control/control_plane.h"
#include "services/records/records.h"

namespace athena::app {

/// Where the homes of the store are.
struct StoreHomes {
  control::StoreLocation main, auth;
  bool auth_is_main = true;
  std::string main_text;  ///< for the log: a file, or the name of a client
};
/// The clients that gateway.logging_client and gateway.auth_client name were checked with the configuration.
StoreHomes store_homes(const Config& config, const std::string& data_dir);

/// Tells the engines which databases these are, so that the tables in them are protected. Before the first
/// client.
void protect_store(const StoreHomes& homes);

/// Mistakes of those two: no such client in the configuration, or none of PostgreSQL.
void check_store_clients(const Config& config, std::vector<ConfigProblem>& problems);

/// Who makes a change from the command line: the system user.
control::Actor command_actor();

/// The control plane of a server: what it loads is put into force on the runtime and by `applied`, which
/// outlive it.
std::unique_ptr<control::ControlPlane> make_control_plane(const Config& config, const StoreHomes& homes,
                                                          const std::string& instance_id, bool enforced,
                                                          Runtime& runtime, AppliedConfig& applied);

/// What keeps the records of a server, in the same homes. Its threads are not started.
std::unique_ptr<records::Records> make_records(const Config& config, const StoreHomes& homes,
                                               const std::string& instance_id);

}  // namespace athena::app

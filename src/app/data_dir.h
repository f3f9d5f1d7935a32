#pragma once

#include <string>

#include "app/config.h"
#include "app/environment.h"
#include "base/result.h"

namespace athena::app {

/// Chooses the data folder (flag, ATHENA_DATA_DIR, api.data_dir, $STATE_DIRECTORY, /var/lib/athena when it is
/// writable, $XDG_DATA_HOME/athena, $HOME/.local/share/athena, ./athena-data) and nothing more: no file is
/// touched.
std::string choose_data_dir(const Config& config, const Environment& environment);

/// Creates it and its `sqlite/` with mode 0700. The error is ready for the operator.
base::Result<void, std::string> prepare_data_dir(const std::string& path);

/// The uuid of this instance, kept in `<data_dir>/instance_id`. A lock on the file keeps two processes apart:
/// the second one takes a fresh uuid of its own. The lock is held until the process ends.
base::Result<void, std::string> claim_instance_id(const std::string& data_dir, std::string& instance_id);

/// The admin keys: ATHENA_KEY_12, api.admin_keys, or else `<data_dir>/admin.key`, which is made at the first
/// start (32 random bytes in hex, mode 0600). `note` says for the log where the key is, never what it is.
struct AdminKeys {
  std::vector<auth::AdminKey> keys;
  std::string generated_key;  ///< text of admin.key when that is in use; for `athena dev`, which prints it
  std::string note;
};
base::Result<AdminKeys, std::string> load_admin_keys(const Config& config, const std::string& data_dir,
                                                     const Environment& environment);

}  // namespace athena::app

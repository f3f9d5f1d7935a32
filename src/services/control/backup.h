#pragma once

#include <string>

#include "base/result.h"

namespace athena::control {

/// A consistent copy of a SQLite store, also while others write to it: made beside `to`, synced and renamed,
/// mode 0600. What stands at `to` is replaced only by the complete copy. Blocks; the error is ready for the
/// operator, and nothing is left behind.
base::Result<void, std::string> backup_store(const std::string& from, const std::string& to);

}  // namespace athena::control

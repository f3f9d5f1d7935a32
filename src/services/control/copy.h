#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/result.h"
#include "services/control/change.h"
#include "services/control/session.h"

namespace athena::control {

struct CopyOptions {
  StoreLocation from;   ///< a SQLite file
  StoreLocation to;     ///< PostgreSQL
  std::string to_name;  ///< for texts and the record
  bool with_logs = false;
  bool dry_run = false;  ///< count and check only
  Actor actor;
  std::string athena_version;
};

/// Rows per table; tables without any are left out.
using CopyCounts = std::map<std::string, std::int64_t>;

/// Copies an embedded store into a PostgreSQL store: every table but instances, versions, deferred requests,
/// idempotency keys and, unless they are wanted, the logs. Ids stay. The file is read in one snapshot and
/// never changed; the target, whose tables are made first, is written in one transaction, and instances that
/// run with it reload. A target that holds something of its own is refused: keys, clients that no
/// configuration inserted, registrations, mirrors, schedules, jobs, saved queries, rights that the file does
/// not have, logs when they are copied. What its configuration and migrations inserted, and its statistics,
/// give way. The error is ready for the operator. Blocks for as long as it takes.
base::Result<CopyCounts, std::string> copy_store(const CopyOptions& options);

/// How many keys that are not archived and clients a SQLite store holds; zeros when there is none or it can't
/// be read.
struct StoreContent {
  std::int64_t keys = 0, clients = 0;
};
StoreContent store_content(const std::string& path);

}  // namespace athena::control

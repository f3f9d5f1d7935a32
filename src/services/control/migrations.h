#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "services/control/schema.h"
#include "services/control/session.h"

namespace athena::control {

/// A step of the schema. Steps only add, and each may run again: it adds what is missing.
struct Migration {
  int version = 0;
  std::string name;
  /// The lowest schema version a program must know to work with the store afterwards.
  int min_version = 1;
  /// What its checksum (SHA-256) is made of.
  std::string text;
  /// Runs inside a transaction that holds the lock; the number of statements that ran. `adopts`: the step was
  /// never recorded here, so tables that exist may lack columns and indexes.
  std::function<StoreResult<int>(Session&, const Groups&, bool adopts)> apply;
};

/// Those of this program, from version 1 on without gaps.
const std::vector<Migration>& migrations();

struct MigrationOptions {
  Groups groups;
  bool apply = true;           ///< false: what is pending is an error (control.auto_migrate)
  std::string athena_version;  ///< for the record
};

struct MigrationReport {
  int statements = 0;  ///< that ran; 0 = the store was as it should be
  int schema_version = 0;
  std::vector<std::string> tables;  ///< of the groups, sorted
};

struct MigrationError {
  enum class Kind : std::uint8_t {
    store,    ///< `cause` says what; the step was rolled back
    pending,  ///< steps are missing and may not be applied
    changed,  ///< an applied step is not what this program has under its number
    too_new   ///< the store needs a newer program
  } kind = Kind::store;
  std::string message;  ///< for the operator
  int migration = 0;    ///< the step that failed, 0 = none yet
  StoreError cause;
};
using MigrationResult = base::Result<MigrationReport, MigrationError>;

/// Brings a home up to the newest schema. Any number of instances may do so at once: a lock keeps them apart,
/// and who comes later finds nothing to do. When nothing is pending nothing is locked or written.
MigrationResult migrate(Session& session, const MigrationOptions& options,
                        const std::vector<Migration>& steps = migrations());

struct SchemaStatus {
  int schema_version = 0;            ///< 0 = none
  std::vector<std::string> present;  ///< tables of the groups, sorted
  std::vector<std::string> missing;
  [[nodiscard]] bool complete() const { return missing.empty() && schema_version > 0; }
};
/// Reads only.
StoreResult<SchemaStatus> schema_status(Session& session, const Groups& groups);

}  // namespace athena::control

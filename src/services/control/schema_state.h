#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "services/control/schema.h"
#include "services/control/session.h"

namespace athena::control {

/// What of the schema a database has, in the schema where its tables are created.
struct SchemaState {
  struct Applied {
    int version = 0;
    std::string checksum;
    int min_version = 0;
  };
  std::map<std::string, std::set<std::string>> tables;  ///< of ours, with their columns
  std::set<std::string> indexes;
  std::vector<Applied> applied;  ///< by version

  [[nodiscard]] const Applied* find(int version) const;
  /// Tables of these groups that are not there.
  [[nodiscard]] std::vector<std::string> missing(const Groups& groups) const;
};

StoreResult<SchemaState> read_schema_state(Session& session);

}  // namespace athena::control

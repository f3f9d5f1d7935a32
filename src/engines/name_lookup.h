#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engines/target_policy.h"

namespace athena::engines {

/// Looks a name up on one of four worker threads; 256 may wait. Ends at `deadline`: a look-up that hangs
/// keeps its thread, never its caller. Errors: unresolved (nobody answered in time), busy. On `shard`.
base::Task<TargetResult<std::vector<IpAddress>>> look_up(std::string name, std::shared_ptr<Resolver> resolver,
                                                         base::Shard& shard, base::Deadline deadline);

}  // namespace athena::engines

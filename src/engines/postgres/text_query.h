#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/coroutine.h"
#include "base/deadline.h"
#include "contract/error.h"

namespace athena::postgres {

using TextRow = std::vector<std::optional<std::string>>;

/// Runs statements of Athena's own (catalogue queries), off the hot path. Implemented by the pool.
class TextQueryRunner {
 public:
  virtual ~TextQueryRunner() = default;
  /// One statement with text parameters ($1 … typed by the server); all rows. Errors: backend_unreachable,
  /// pool_timeout, deadline_exceeded, or the server's mapped error.
  virtual base::Task<contract::Result<std::vector<TextRow>>> query(
      std::string sql, std::vector<std::optional<std::string>> parameters, base::Deadline deadline) = 0;
};

}  // namespace athena::postgres

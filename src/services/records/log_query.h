#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "services/control/session.h"

namespace athena::records {

/// The logs that can be read.
enum class Log : std::uint8_t { requests, operations, auth };

/// What rows of a log are asked for.
struct LogQuery {
  Log log = Log::requests;
  std::string client = {};  ///< in lower case; empty = all
  struct Status {
    int least = 0, most = 0;  ///< 0 and 0 = any
    bool failures = false;    ///< `error`
  } status = {};
  std::string request_id = {};  ///< empty = any
  std::optional<std::int64_t> since_ms = {}, until_ms = {};
  std::string table = {}, operation = {};  ///< of operations; `_none` = without a table; empty = any
  bool only_normal = false;                ///< of operations: no failures
  std::int64_t before = INT64_MAX;         ///< rows of lower ids, as pages go from new to old
  std::int64_t limit = 100;
  std::int64_t offset = 0;
};

/// The most rows that one page looks at.
inline constexpr std::int64_t kMostExamined = 200000;

struct LogPage {
  std::vector<control::Row> rows;    ///< without the id
  std::optional<std::int64_t> next;  ///< `before` of the page that follows; nothing = this is the last one
};

/// Names of the columns that a page's rows have.
const std::vector<std::string_view>& log_columns(Log log);

/// Newest first. A page that has looked at kMostExamined rows ends early, and says where to go on.
control::StoreResult<LogPage> read_log(control::Session& session, const LogQuery& query);

/// When the request of that id was logged; nothing for one that is in no log. Main home.
control::StoreResult<std::optional<std::int64_t>> time_of_request(control::Session& session,
                                                                  const std::string& request_id);

}  // namespace athena::records

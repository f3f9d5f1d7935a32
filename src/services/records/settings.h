#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace athena::records {

/// Keys of the sections `telemetry` and `realtime`, as the recorder, the writer and the housekeeping read
/// them.
struct Settings {
  bool enabled = true;  ///< false: no request and operation records, registry, statistics
  std::size_t queue_capacity = 50000;
  std::chrono::milliseconds flush_interval{250};
  std::size_t flush_max_records = 2000;
  std::int64_t max_rows_per_second = 10000;  ///< 0 = no limit
  bool log_bodies = false;
  bool log_sql = false;
  std::chrono::milliseconds slow_query{1000};  ///< 0 = none is slow
  int retention_request_days = 30;             ///< 0 = kept for ever; so are the others
  int retention_operation_days = 30;
  int retention_auth_days = 90;
  int retention_event_days = 30;
  std::int64_t max_rows_per_log = 2000000;  ///< SQLite only; 0 = no cap
  std::chrono::seconds registry_purge_interval{30};
  std::chrono::seconds registry_inactive_after{300};
  bool auth_log_all = false;  ///< gateway.auth_log: all
};

}  // namespace athena::records

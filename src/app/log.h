#pragma once

#include <string>
#include <string_view>

#include "app/config.h"
#include "base/result.h"
#include "services/telemetry/access_record.h"

namespace athena::app {

// The process log: stderr or a file, text or JSON lines; see docs/operations.md. Thread-safe. On shards a
// line goes into a queue of 8192 that a thread of its own writes out, so that a slow disk holds nobody up;
// while it is full, lines are dropped and counted. Elsewhere a call returns when its line is written, after
// all lines before it.

/// Opens the log, or opens it anew with other settings; after a failure the old one stays.
base::Result<void, std::string> open_log(const LogSettings& settings);
void log_debug(std::string_view line);
void log_info(std::string_view line);
void log_warn(std::string_view line);
void log_error(std::string_view line);
/// A line of the access log. Formatted by the log's own thread; never waits.
void log_access(telemetry::AccessRecord&& record);
/// A line whose content is a JSON object.
void log_state(std::string_view json);
/// Opens the log files again (SIGUSR1), after they were moved away.
void reopen_log();
/// Lines that wait to be written.
std::size_t log_queue_depth();

}  // namespace athena::app

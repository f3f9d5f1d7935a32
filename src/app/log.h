#pragma once

#include <string>
#include <string_view>

#include "app/config.h"
#include "base/result.h"

namespace athena::app {

/// The process log: stderr or a file, text or JSON lines. Thread-safe.
base::Result<void, std::string> open_log(const LogSettings& settings);
void log_debug(std::string_view line);
void log_info(std::string_view line);
void log_warn(std::string_view line);
void log_error(std::string_view line);
/// Opens the log file again (SIGUSR1), after it was moved away.
void reopen_log();

}  // namespace athena::app

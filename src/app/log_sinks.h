#pragma once

#include <spdlog/common.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "app/config.h"
#include "base/result.h"
#include "services/telemetry/access_record.h"

namespace spdlog {
class logger;
}

namespace athena::app {

using LogTime = std::chrono::system_clock::time_point;
using LogLevel = spdlog::level::level_enum;

/// The open files of the log. One thread at a time.
class LogSinks {
 public:
  static base::Result<std::unique_ptr<LogSinks>, std::string> open(const LogSettings& settings);
  /// Also into error.log from `warn` on.
  void line(LogTime at, LogLevel level, std::string_view text);
  void state(LogTime at, std::string_view json);
  /// Into success.log or error.log when there is a folder for them, else into the log.
  void access(const telemetry::AccessRecord& record);
  void flush();
  [[nodiscard]] bool wants(LogLevel level) const { return level >= level_; }

 private:
  using Logger = std::shared_ptr<spdlog::logger>;
  void write(const Logger& logger, LogTime at, LogLevel level, std::string_view text) const;

  bool json_ = false;
  LogLevel level_ = spdlog::level::info;
  Logger main_, success_, error_;  // the last two are null without a folder
};

}  // namespace athena::app

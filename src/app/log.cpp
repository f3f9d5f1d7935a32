#include "app/log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "base/json_writer.h"

namespace athena::app {
namespace {

LogSettings current;

void write(spdlog::level::level_enum level, std::string_view line) {
  if (current.format == "json") {
    spdlog::log(level, base::json_string(line));
  } else {
    spdlog::log(level, line);
  }
}

}  // namespace

base::Result<void, std::string> open_log(const LogSettings& settings) {
  try {
    std::shared_ptr<spdlog::logger> logger;
    if (settings.file.empty()) {
      logger = std::make_shared<spdlog::logger>("athena", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    } else {
      logger = std::make_shared<spdlog::logger>(
          "athena", std::make_shared<spdlog::sinks::basic_file_sink_mt>(settings.file));
    }
    logger->set_level(spdlog::level::from_str(settings.level));
    logger->flush_on(spdlog::level::info);
    if (settings.format == "json") {
      logger->set_pattern(R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","message":%v})",
                          spdlog::pattern_time_type::utc);
    } else {
      logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
    }
    spdlog::set_default_logger(std::move(logger));
    current = settings;
    return {};
  } catch (const spdlog::spdlog_ex& problem) {
    return std::string("The log cannot be opened: ") + problem.what();
  }
}

void log_debug(std::string_view line) {
  write(spdlog::level::debug, line);
}
void log_info(std::string_view line) {
  write(spdlog::level::info, line);
}
void log_warn(std::string_view line) {
  write(spdlog::level::warn, line);
}
void log_error(std::string_view line) {
  write(spdlog::level::err, line);
}

void reopen_log() {
  if (auto opened = open_log(current); !opened) log_error(opened.error());
}

}  // namespace athena::app

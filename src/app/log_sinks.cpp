#include "app/log_sinks.h"

#include <spdlog/sinks/ansicolor_sink.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/spdlog.h>

#include "base/json_writer.h"

namespace athena::app {
namespace {

/// What stands before the level and behind it; the message brings its own quotes or object.
constexpr const char* kJsonPattern = R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})";
constexpr const char* kTextPattern = "%Y-%m-%dT%H:%M:%S.%eZ %^%l%$ %v";

std::shared_ptr<spdlog::logger> make_logger(spdlog::sink_ptr sink, bool json) {
  auto logger = std::make_shared<spdlog::logger>("athena", std::move(sink));
  logger->set_level(spdlog::level::trace);  // told apart before
  logger->set_pattern(json ? kJsonPattern : kTextPattern, spdlog::pattern_time_type::utc);
  return logger;
}

spdlog::sink_ptr file_sink(const std::string& path) {
  return std::make_shared<spdlog::sinks::basic_file_sink_mt>(path);
}

spdlog::color_mode color_mode(const std::string& ansi) {
  if (ansi == "true") return spdlog::color_mode::always;
  if (ansi == "false") return spdlog::color_mode::never;
  return spdlog::color_mode::automatic;
}

/// No byte of a line ends it or moves the cursor of a terminal.
std::string one_line(std::string_view text) {
  std::string line;
  line.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    line.push_back(byte < 0x20 || byte == 0x7F ? ' ' : c);
  }
  return line;
}

}  // namespace

base::Result<std::unique_ptr<LogSinks>, std::string> LogSinks::open(const LogSettings& settings) {
  try {
    auto sinks = std::make_unique<LogSinks>();
    sinks->json_ = settings.format == "json";
    sinks->level_ = spdlog::level::from_str(settings.level);
    if (settings.file.empty()) {
      const auto mode = sinks->json_ ? spdlog::color_mode::never : color_mode(settings.ansi);
      sinks->main_ =
          make_logger(std::make_shared<spdlog::sinks::ansicolor_stderr_sink_mt>(mode), sinks->json_);
    } else {
      sinks->main_ = make_logger(file_sink(settings.file), sinks->json_);
    }
    if (!settings.dir.empty()) {
      sinks->success_ = make_logger(file_sink(settings.dir + "/success.log"), sinks->json_);
      sinks->error_ = make_logger(file_sink(settings.dir + "/error.log"), sinks->json_);
    }
    return std::move(sinks);
  } catch (const spdlog::spdlog_ex& problem) {
    return std::string("The log cannot be opened: ") + problem.what();
  }
}

void LogSinks::write(const Logger& logger, LogTime at, LogLevel level, std::string_view text) const {
  logger->log(at, spdlog::source_loc{}, level, spdlog::string_view_t(text.data(), text.size()));
}

void LogSinks::line(LogTime at, LogLevel level, std::string_view text) {
  if (!wants(level)) return;
  const auto line = json_ ? "\"message\":" + base::json_string(text) : one_line(text);
  write(main_, at, level, line);
  if (error_ != nullptr && level >= spdlog::level::warn) write(error_, at, level, line);
}

void LogSinks::state(LogTime at, std::string_view json) {
  if (!wants(spdlog::level::info)) return;
  const auto line = (json_ ? R"("message":"state","state":)" : "state ") + std::string(json);
  write(main_, at, spdlog::level::info, line);
}

void LogSinks::access(const telemetry::AccessRecord& record) {
  if (!wants(spdlog::level::info)) return;
  const auto line = json_ ? R"("message":"request","request":)" + access_json(record) : access_text(record);
  const auto& logger = success_ == nullptr ? main_ : record.status >= 400 ? error_ : success_;
  write(logger, record.at, spdlog::level::info, line);
}

void LogSinks::flush() {
  for (const auto& logger : {main_, success_, error_}) {
    if (logger != nullptr) logger->flush();
  }
}

}  // namespace athena::app

#include "app/log.h"

#include <pthread.h>

#include <condition_variable>
#include <mutex>
#include <thread>
#include <variant>
#include <vector>

#include "app/log_sinks.h"
#include "base/shard.h"
#include "services/telemetry/metrics.h"

namespace athena::app {
namespace {

constexpr std::size_t kMostWaiting = 8192;
// Access lines are gathered for so long, or until there are so many: one wake-up for all of them.
constexpr std::chrono::milliseconds kGather{100};
constexpr std::size_t kGatherUpTo = 1024;

struct Line {
  LogTime at;
  LogLevel level;
  std::string text;
};
using Entry = std::variant<Line, telemetry::AccessRecord>;

/// The log with its queue and its writer, which begins with the first queued line.
class Log {
 public:
  static Log& process() {
    static Log log;
    return log;
  }
  ~Log() {
    {
      const std::lock_guard lock(queue_mutex_);
      stopping_ = true;
    }
    wake_.notify_one();
    if (writer_.joinable()) writer_.join();
  }

  base::Result<void, std::string> open(const LogSettings& settings) {
    auto opened = LogSinks::open(settings);
    if (!opened) return opened.error();
    write_out();
    const std::lock_guard lock(sinks_mutex_);
    sinks_ = std::move(*opened);
    settings_ = settings;
    return {};
  }

  base::Result<void, std::string> reopen() {
    LogSettings settings;
    {
      const std::lock_guard lock(sinks_mutex_);
      settings = settings_;
    }
    return open(settings);
  }

  void line(LogLevel level, std::string_view text) {
    const auto now = std::chrono::system_clock::now();
    if (base::Shard::current() != nullptr) return queue(Line{now, level, std::string(text)}, true);
    write_out();
    const std::lock_guard lock(sinks_mutex_);
    if (sinks_ == nullptr) return;
    sinks_->line(now, level, text);
    sinks_->flush();
  }

  void state(std::string_view json) {
    write_out();
    const std::lock_guard lock(sinks_mutex_);
    if (sinks_ == nullptr) return;
    sinks_->state(std::chrono::system_clock::now(), json);
    sinks_->flush();
  }

  void access(telemetry::AccessRecord&& record) { queue(std::move(record), false); }

  std::size_t depth() {
    const std::lock_guard lock(queue_mutex_);
    return queue_.size();
  }

 private:
  Log() {
    if (auto opened = LogSinks::open(LogSettings()); opened) sinks_ = std::move(*opened);
  }

  /// Never waits for the disk: the writer holds the queue's lock for a swap only.
  void queue(Entry entry, bool soon) {
    bool wake = false;
    {
      const std::lock_guard lock(queue_mutex_);
      if (queue_.size() >= kMostWaiting || stopping_) {
        telemetry::ProcessCounters::process().log_lines_dropped.fetch_add(1, std::memory_order_relaxed);
        return;
      }
      queue_.push_back(std::move(entry));
      wake = idle_ || (soon && !urgent_) || queue_.size() == kGatherUpTo;
      urgent_ = urgent_ || soon;
      if (!writer_.joinable()) writer_ = std::thread([this] { loop(); });
    }
    if (wake) wake_.notify_one();
  }

  void loop() {
    pthread_setname_np(pthread_self(), "athena-log");
    std::unique_lock lock(queue_mutex_);
    for (;;) {
      idle_ = true;
      wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      idle_ = false;
      if (stopping_ && queue_.empty()) return;
      wake_.wait_for(lock, kGather, [this] { return stopping_ || urgent_ || queue_.size() >= kGatherUpTo; });
      urgent_ = false;
      lock.unlock();
      write_out();
      lock.lock();
    }
  }

  /// Writes what waits. Whoever comes second waits for the first, so the order stays.
  void write_out() {
    const std::lock_guard sinks_lock(sinks_mutex_);
    std::vector<Entry> entries;
    {
      const std::lock_guard lock(queue_mutex_);
      entries.swap(queue_);
      queue_.swap(spare_);
      queue_.clear();
    }
    if (!entries.empty() && sinks_ != nullptr) {
      for (const auto& entry : entries) {
        if (const auto* line = std::get_if<Line>(&entry)) {
          sinks_->line(line->at, line->level, line->text);
        } else {
          sinks_->access(std::get<telemetry::AccessRecord>(entry));
        }
      }
      sinks_->flush();
    }
    entries.clear();
    spare_ = std::move(entries);
  }

  std::mutex sinks_mutex_;  // taken before the queue's
  std::unique_ptr<LogSinks> sinks_;
  LogSettings settings_;
  std::vector<Entry> spare_;  // memory of the last round

  std::mutex queue_mutex_;
  std::condition_variable wake_;
  std::vector<Entry> queue_;
  bool idle_ = false;    // the writer waits for the first entry
  bool urgent_ = false;  // a line that should not wait is among them
  bool stopping_ = false;
  std::thread writer_;
};

}  // namespace

base::Result<void, std::string> open_log(const LogSettings& settings) {
  return Log::process().open(settings);
}
void log_debug(std::string_view line) {
  Log::process().line(spdlog::level::debug, line);
}
void log_info(std::string_view line) {
  Log::process().line(spdlog::level::info, line);
}
void log_warn(std::string_view line) {
  Log::process().line(spdlog::level::warn, line);
}
void log_error(std::string_view line) {
  Log::process().line(spdlog::level::err, line);
}
void log_access(telemetry::AccessRecord&& record) {
  Log::process().access(std::move(record));
}
void log_state(std::string_view json) {
  Log::process().state(json);
}
void reopen_log() {
  if (auto opened = Log::process().reopen(); !opened) log_error(opened.error());
}
std::size_t log_queue_depth() {
  return Log::process().depth();
}

}  // namespace athena::app

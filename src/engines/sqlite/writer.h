#pragma once

#include <sys/stat.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <variant>

#include "contract/client_definition.h"
#include "contract/settings.h"
#include "engines/sqlite/health.h"
#include "engines/sqlite/task.h"
#include "engines/sqlite/write_group.h"

namespace athena::sqlite {

/// The thread that writes to a file, and keeps it: it opens the file first (creating it and switching it to
/// WAL), tries again while that fails, and looks every health_check_interval_seconds whether the path still
/// names the file that is open. A `:memory:` database is this thread's one connection, so its reads run here
/// too.
class Writer {
 public:
  Writer(const contract::SqliteConnection& options, contract::SettingsView settings, Health& health,
         WaitingCount& waiting);
  /// Finishes the group that runs; what waits gets `overloaded`.
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  /// Queues a write; overloaded when too many wait. The job is told its outcome by its channel.
  contract::Result<void> submit(WriteJobPtr job);
  /// Queues work for the writer's connection, outside transactions of others.
  contract::Result<void> submit(TaskPtr task);
  /// Waits until the file is open, at most until the deadline; when it is not, one attempt is made that all
  /// who wait share. Not on shards. Errors: that of the attempt, deadline_exceeded.
  contract::Result<void> wait_open(base::Deadline deadline);
  /// Somebody's connection found that the file is gone or no database any more.
  void report_lost();

  struct Counts {
    std::uint64_t groups, jobs;
  };
  [[nodiscard]] Counts counts() const { return {groups_.load(), jobs_.load()}; }
  [[nodiscard]] base::CountHistogram group_sizes() const { return sizes_.copy(); }

 private:
  using Entry = std::variant<WriteJobPtr, TaskPtr>;
  static constexpr std::size_t kGroupJobs = 128;

  void loop();
  void try_open(std::unique_lock<std::mutex>& lock);
  void work(std::unique_lock<std::mutex>& lock);
  void check_file(std::unique_lock<std::mutex>& lock);
  void drop_connection();
  /// Opens the connection anew when a task has left something on it. False when that fails.
  bool replace_worn_connection();
  void refuse_all(const contract::Error& error, std::unique_lock<std::mutex>& lock);
  [[nodiscard]] bool in_memory() const { return options_.path == ":memory:"; }
  [[nodiscard]] std::chrono::milliseconds retry_delay() const;

  const contract::SqliteConnection& options_;
  contract::SettingsView settings_;
  Health& health_;
  WaitingCount& waiting_;

  std::atomic<std::uint64_t> groups_{0}, jobs_{0};
  base::SharedHistogram<base::kCountBounds> sizes_;

  std::mutex mutex_;
  std::condition_variable wake_;       // the thread
  std::condition_variable attempted_;  // who waits for the file
  std::deque<Entry> queue_;
  TaskPtr running_;
  bool stopping_ = false;
  bool lost_ = false;
  bool open_wanted_ = false;
  std::uint64_t attempts_ = 0;
  std::optional<contract::Error> open_error_;

  // The thread's own.
  std::unique_ptr<Connection> connection_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
  int failures_ = 0;
  base::Clock::time_point first_failure_{};
  base::Clock::time_point next_attempt_{};
  base::Clock::time_point next_check_{};

  std::thread thread_;
};

}  // namespace athena::sqlite

#include "engines/sqlite/writer.h"

#include <algorithm>
#include <utility>

namespace athena::sqlite {
namespace {

using contract::Error;
using contract::ErrorCode;

Error closing_error() {
  return Error(ErrorCode::overloaded, "The client is being closed.");
}

void fail_entry(std::variant<WriteJobPtr, TaskPtr>& entry, const Error& error) {
  if (auto* job = std::get_if<WriteJobPtr>(&entry)) {
    (*job)->channel->finish(error);
  } else {
    std::get<TaskPtr>(entry)->fail(error);
  }
}

}  // namespace

Writer::Writer(const contract::SqliteConnection& options, contract::SettingsView settings,
               Health& health, WaitingCount& waiting)
    : options_(options), settings_(settings), health_(health), waiting_(waiting), thread_([this] {
        loop();
      }) {}

Writer::~Writer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    if (running_) running_->stop();
  }
  wake_.notify_all();
  attempted_.notify_all();
  thread_.join();
}

contract::Result<void> Writer::submit(WriteJobPtr job) {
  if (!waiting_.enter()) return overloaded_error();
  {
    const std::lock_guard lock(mutex_);
    queue_.emplace_back(std::move(job));
  }
  wake_.notify_one();
  return {};
}

contract::Result<void> Writer::submit(TaskPtr task) {
  if (!waiting_.enter()) return overloaded_error();
  {
    const std::lock_guard lock(mutex_);
    queue_.emplace_back(std::move(task));
  }
  wake_.notify_one();
  return {};
}

contract::Result<void> Writer::wait_open(base::Deadline deadline) {
  if (health_.ready()) return {};
  std::unique_lock lock(mutex_);
  if (health_.ready()) return {};
  const std::uint64_t seen = attempts_;
  open_wanted_ = true;
  wake_.notify_one();
  const bool attempted =
      attempted_.wait_until(lock, deadline.at(), [&] { return attempts_ != seen || stopping_; });
  if (health_.ready()) return {};
  if (stopping_) return closing_error();
  if (!attempted || !open_error_) return deadline_error();
  return *open_error_;
}

void Writer::report_lost() {
  {
    const std::lock_guard lock(mutex_);
    lost_ = true;
  }
  wake_.notify_one();
}

std::chrono::milliseconds Writer::retry_delay() const {
  using namespace std::chrono_literals;
  if (base::Clock::now() - first_failure_ > 10min) return 10s;
  return std::min<std::chrono::milliseconds>(2s, 250ms * (1 << std::min(failures_ - 1, 3)));
}

void Writer::drop_connection() {
  health_.lost();
  connection_.reset();
  next_attempt_ = base::Clock::now();
}

void Writer::try_open(std::unique_lock<std::mutex>& lock) {
  const bool background = failures_ > 0 && !open_wanted_ && queue_.empty();
  lock.unlock();
  const auto began = base::Clock::now();
  auto opened = Connection::open(options_, Connection::Role::writer);
  struct stat file{};
  if (opened && !in_memory() && stat(options_.path.c_str(), &file) == 0) {
    device_ = file.st_dev;
    inode_ = file.st_ino;
  }
  const auto now = base::Clock::now();
  if (opened) {
    connection_ = std::move(*opened);
    connection_->count_commits_in(health_.commits());
    failures_ = 0;
    next_check_ = now + std::chrono::seconds(settings_->health_check_interval_seconds);
    health_.opened(std::chrono::duration_cast<std::chrono::microseconds>(now - began));
  } else {
    if (failures_++ == 0) first_failure_ = now;
    next_attempt_ = now + retry_delay();
    health_.open_failed(opened.error(), background);
  }
  lock.lock();
  ++attempts_;
  open_wanted_ = false;
  lost_ = false;
  if (opened) {
    open_error_.reset();
  } else {
    open_error_ = opened.error();
    refuse_all(*open_error_, lock);
  }
  attempted_.notify_all();
}

void Writer::refuse_all(const Error& error, std::unique_lock<std::mutex>& lock) {
  std::deque<Entry> refused;
  refused.swap(queue_);
  lock.unlock();
  for (auto& entry : refused) {
    waiting_.leave();
    fail_entry(entry, error);
  }
  lock.lock();
}

bool Writer::replace_worn_connection() {
  if (!connection_->worn_out() || in_memory()) return true;
  auto opened = Connection::open(options_, Connection::Role::writer);
  if (!opened) return false;
  connection_ = std::move(*opened);
  connection_->count_commits_in(health_.commits());
  return true;
}

void Writer::work(std::unique_lock<std::mutex>& lock) {
  if (auto* next = std::get_if<TaskPtr>(&queue_.front())) {
    running_ = std::move(*next);
    queue_.pop_front();
    waiting_.leave();
    const TaskPtr task = running_;
    lock.unlock();
    if (task->stopped() || task->deadline().expired()) {
      task->fail(deadline_error());
    } else {
      task->run(*connection_);
    }
    const bool replaced = replace_worn_connection();
    lock.lock();
    running_.reset();
    lost_ = lost_ || connection_->lost() || !replaced;
    return;
  }
  std::deque<WriteJobPtr> jobs;
  while (!queue_.empty() && jobs.size() < kGroupJobs && std::holds_alternative<WriteJobPtr>(queue_.front())) {
    jobs.push_back(std::move(std::get<WriteJobPtr>(queue_.front())));
    queue_.pop_front();
    waiting_.leave();
  }
  lock.unlock();
  const GroupCounts counts = run_write_group(*connection_, std::move(jobs));
  groups_.fetch_add(counts.groups, std::memory_order_relaxed);
  jobs_.fetch_add(counts.jobs, std::memory_order_relaxed);
  sizes_.add(counts.sizes);
  lock.lock();
  lost_ = lost_ || connection_->lost();
}

void Writer::check_file(std::unique_lock<std::mutex>& lock) {
  next_check_ = base::Clock::now() + std::chrono::seconds(settings_->health_check_interval_seconds);
  if (in_memory()) return;
  lock.unlock();
  struct stat file{};
  const bool same =
      stat(options_.path.c_str(), &file) == 0 && file.st_dev == device_ && file.st_ino == inode_;
  if (same) health_.checked();
  lock.lock();
  lost_ = lost_ || !same;
}

void Writer::loop() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (connection_ && std::exchange(lost_, false) && !in_memory()) drop_connection();
    const auto now = base::Clock::now();
    if (!connection_) {
      if (open_wanted_ || !queue_.empty() || now >= next_attempt_) {
        try_open(lock);
      } else {
        wake_.wait_until(lock, next_attempt_);
      }
    } else if (!queue_.empty()) {
      work(lock);
    } else if (now >= next_check_) {
      check_file(lock);
    } else {
      open_wanted_ = false;
      wake_.wait_until(lock, next_check_);
    }
  }
  refuse_all(closing_error(), lock);
}

}  // namespace athena::sqlite

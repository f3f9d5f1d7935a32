#include "engines/sqlite/reader_pool.h"

#include <algorithm>

namespace athena::sqlite {

using contract::Error;
using contract::ErrorCode;

ReaderPool::ReaderPool(const contract::SqliteConnection& options, Health& health, Writer& writer,
                       WaitingCount& waiting)
    : options_(options), health_(health), writer_(writer), waiting_(waiting) {}

ReaderPool::~ReaderPool() {
  std::deque<TaskPtr> refused;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    refused.swap(queue_);
    for (const auto& worker : workers_) {
      if (worker->running) worker->running->stop();
    }
  }
  wake_.notify_all();
  for (const auto& worker : workers_) worker->thread.join();
  for (const auto& task : refused) {
    waiting_.leave();
    task->fail(Error(ErrorCode::overloaded, "The client is being closed."));
  }
}

contract::Result<void> ReaderPool::submit(TaskPtr task) {
  if (!waiting_.enter()) return overloaded_error();
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(task));
    if (queue_.size() > idle_ && workers_.size() < static_cast<std::size_t>(options_.readers)) {
      Worker& worker = *workers_.emplace_back(std::make_unique<Worker>());
      worker.thread = std::thread([this, &worker] { loop(worker); });
    }
  }
  wake_.notify_one();
  return {};
}

int ReaderPool::active() const {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(
      std::count_if(workers_.begin(), workers_.end(), [](const auto& w) { return w->running != nullptr; }));
}

int ReaderPool::threads() const {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(workers_.size());
}

void ReaderPool::loop(Worker& worker) {
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    --idle_;
    if (stopping_) return;
    worker.running = std::move(queue_.front());
    queue_.pop_front();
    waiting_.leave();
    const TaskPtr task = worker.running;
    lock.unlock();
    perform(worker, *task);
    lock.lock();
    worker.running.reset();
  }
}

void ReaderPool::perform(Worker& worker, Task& task) {
  if (task.stopped() || task.deadline().expired()) return task.fail(deadline_error());
  auto connected = connect(worker, task.deadline());
  if (!connected) return task.fail(connected.error());
  task.run(*worker.connection);
  if (!worker.connection->lost()) return;
  worker.connection.reset();
  writer_.report_lost();
}

contract::Result<void> ReaderPool::connect(Worker& worker, base::Deadline deadline) {
  if (auto open = writer_.wait_open(deadline); !open) return open.error();
  const std::uint64_t generation = health_.generation();
  if (worker.connection && worker.generation == generation) return {};
  worker.connection.reset();
  auto opened = Connection::open(options_, Connection::Role::reader);
  if (!opened) {
    if (opened.error().code() == ErrorCode::backend_unreachable) writer_.report_lost();
    return opened.error();
  }
  worker.connection = std::move(*opened);
  worker.generation = generation;
  return {};
}

}  // namespace athena::sqlite

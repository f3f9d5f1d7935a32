#include "engines/blocking_workers.h"

#include <thread>
#include <utility>

namespace athena::engines {

bool BlockingWorkers::run(std::function<void()> work) {
  const std::lock_guard lock(mutex_);
  if (jobs_.size() >= most_waiting_) return false;
  jobs_.push_back(std::move(work));
  if (idle_ < jobs_.size() && threads_ < most_threads_) {
    ++threads_;
    std::thread([this] { loop(); }).detach();
  }
  wake_.notify_one();
  return true;
}

void BlockingWorkers::loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    wake_.wait(lock, [this] { return !jobs_.empty(); });
    --idle_;
    auto job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
    job = nullptr;
    lock.lock();
  }
}

}  // namespace athena::engines

#include <array>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "engines/postgres/connect.h"

namespace athena::postgres {
namespace {

/// Threads for calls that block. Started when needed, then kept: idle ones only wait on a condition variable.
class Workers {
 public:
  bool run(std::function<void()> work) {
    const std::lock_guard lock(mutex_);
    if (jobs_.size() >= kMaxWaiting) return false;
    jobs_.push_back(std::move(work));
    if (idle_ < jobs_.size() && threads_ < kMaxThreads) {
      ++threads_;
      std::thread([this] { loop(); }).detach();
    }
    wake_.notify_one();
    return true;
  }

 private:
  static constexpr std::size_t kMaxThreads = 8;
  static constexpr std::size_t kMaxWaiting = 1024;

  void loop() {
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

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;
  std::size_t threads_ = 0;
  std::size_t idle_ = 0;
};

}  // namespace

bool run_blocking(BlockingWork kind, std::function<void()> work) {
  // Never destroyed: a thread may hang in a name lookup or a cancel while the process ends, and nobody shall
  // wait for it.
  static auto* const workers = new std::array<Workers, 4>;
  return (*workers)[static_cast<std::size_t>(kind)].run(std::move(work));
}

}  // namespace athena::postgres

#include "services/control/store.h"

#include <pthread.h>

namespace athena::control {
namespace {

constexpr std::size_t kMostWaiting = 256;

}  // namespace

Store::Store(StoreLocation location, std::size_t sessions)
    : location_(std::move(location)), sessions_(sessions) {}

Store::~Store() {
  std::deque<Job> dropped;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    dropped.swap(jobs_);
  }
  wake_.notify_all();
  for (auto& job : dropped) job.work(nullptr);
  for (auto& thread : threads_) thread.join();
}

bool Store::submit(Job job) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || jobs_.size() >= kMostWaiting) return false;
    jobs_.push_back(std::move(job));
    if (jobs_.size() > idle_ && threads_.size() < sessions_) threads_.emplace_back([this] { loop(); });
  }
  wake_.notify_one();
  return true;
}

void Store::loop() {
  pthread_setname_np(pthread_self(), "athena-store");
  const auto session = make_session(location_);
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    --idle_;
    if (jobs_.empty()) return;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    if (job.deadline.expired()) {
      job.work(nullptr);
    } else {
      session->set_deadline(job.deadline);
      job.work(session.get());
      if (session->in_transaction()) session->rollback();
    }
    job = {base::Deadline(base::Clock::time_point{}), nullptr};  // ends here, not under the lock
    lock.lock();
  }
}

}  // namespace athena::control

#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "base/coroutine.h"
#include "base/shard.h"
#include "base/timer_wheel.h"
#include "engines/sqlite/task.h"

namespace athena::sqlite {

/// A function that runs on a connection of the file while a coroutine of a shard waits for its value. The
/// function keeps what it needs: at the deadline the coroutine goes on without it.
template <class T>
class Call final : public Task, public ShardWaiter, public std::enable_shared_from_this<Call<T>> {
 public:
  using Work = std::function<contract::Result<T>(Connection&)>;

  Call(base::Shard& shard, base::Deadline deadline, Work work)
      : Task(deadline), shard_(&shard), work_(std::move(work)), timer_([this] { end(deadline_error()); }) {}

  /// On the shard, once, after the call was queued.
  base::Task<contract::Result<T>> wait() {
    const auto self = this->shared_from_this();
    shard_->timers().arm(timer_, deadline().at());
    auto woken = co_await base::suspend<int>(
        [this](base::Completion<int> completion) { completion_ = std::move(completion); });
    (void)woken;
    timer_.cancel();
    co_return std::move(*result_);
  }
  void abandon() override {
    timer_.cancel();
    stop();
    const std::lock_guard lock(mutex_);
    shard_ = nullptr;
  }

  void run(Connection& connection) override {
    const Connection::Guard guard(connection, deadline(), &stopped_);
    post(work_(connection));
  }
  void fail(contract::Error error) override { post(std::move(error)); }
  void stop() override { stopped_.store(true, std::memory_order_relaxed); }
  [[nodiscard]] bool stopped() const override { return stopped_.load(std::memory_order_relaxed); }

 private:
  void post(contract::Result<T> result) {
    const std::lock_guard lock(mutex_);
    if (shard_ == nullptr) return;
    shard_->post([self = this->shared_from_this(), result = std::move(result)]() mutable {
      self->end(std::move(result));
    });
  }
  void end(contract::Result<T> result) {
    if (result_) return;
    stop();
    result_.emplace(std::move(result));
    if (completion_) std::exchange(completion_, {})(0);
  }

  std::mutex mutex_;
  base::Shard* shard_;
  Work work_;
  base::Timer timer_;
  base::Completion<int> completion_;
  std::optional<contract::Result<T>> result_;
  std::atomic<bool> stopped_{false};
};

}  // namespace athena::sqlite

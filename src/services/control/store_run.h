#pragma once

// The templates of store.h.

#include <chrono>
#include <future>
#include <optional>
#include <utility>

namespace athena::control {

inline StoreError too_busy() {
  return {StoreError::Kind::unreachable, "the store's connections are all busy", {}};
}

/// A job's result on its way to the coroutine that waits for it, which may be gone before.
template <class Result>
class Delivery : public std::enable_shared_from_this<Delivery<Result>> {
 public:
  explicit Delivery(base::Shard& shard) : shard_(&shard) {}

  /// Any thread.
  void deliver(Result result) {
    const std::lock_guard lock(mutex_);
    if (shard_ == nullptr) return;
    shard_->post([self = this->shared_from_this(), result = std::move(result)]() mutable {
      if (self->shard_ == nullptr) return;  // written on this thread only
      self->result_.emplace(std::move(result));
      self->wake();
    });
  }

  // ---- on the shard ----
  void wait(base::Completion<int> completion) { waiter_ = std::move(completion); }
  void wake() {
    if (waiter_) waiter_(0);
  }
  void leave() {
    const std::lock_guard lock(mutex_);
    shard_ = nullptr;
  }
  std::optional<Result>& result() { return result_; }

 private:
  std::mutex mutex_;
  base::Shard* shard_;
  base::Completion<int> waiter_;
  std::optional<Result> result_;
};

template <class Work>
base::Task<std::invoke_result_t<Work, Session&>> Store::run(base::Shard& shard, base::Deadline deadline,
                                                            Work work) {
  using Result = std::invoke_result_t<Work, Session&>;
  const auto delivery = std::make_shared<Delivery<Result>>(shard);
  struct Leave {
    Delivery<Result>& delivery;
    ~Leave() { delivery.leave(); }
  } leave{*delivery};
  const bool accepted = submit({deadline, [delivery, work = std::move(work)](Session* session) mutable {
                                  delivery->deliver(session == nullptr ? Result(too_busy()) : work(*session));
                                }});
  if (!accepted) co_return too_busy();
  // The session ends the job by the deadline; this is for a thread that hangs all the same.
  constexpr std::chrono::seconds kGrace(1);
  base::Timer timer([&delivery] { delivery->wake(); });
  auto resumed = co_await base::suspend<int>([&](base::Completion<int> completion) {
    delivery->wait(std::move(completion));
    shard.timers().arm(timer, deadline.at() + kGrace);
  });
  static_cast<void>(resumed);
  timer.cancel();
  if (!delivery->result()) co_return too_busy();
  co_return std::move(*delivery->result());
}

template <class Work>
std::invoke_result_t<Work, Session&> Store::run_here(base::Deadline deadline, Work work) {
  using Result = std::invoke_result_t<Work, Session&>;
  const auto promise = std::make_shared<std::promise<Result>>();
  auto future = promise->get_future();
  const bool accepted =
      submit({deadline, [promise, work = std::move(work)](Session* session) mutable {
                promise->set_value(session == nullptr ? Result(too_busy()) : work(*session));
              }});
  if (!accepted) return too_busy();
  return future.get();
}

}  // namespace athena::control

#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>
#include <utility>

namespace athena::base {

namespace asio = boost::asio;

/// Every coroutine runs on its shard's io_context. The concrete executor type, as the type-erased one costs
/// more than the coroutine itself.
using Executor = asio::io_context::executor_type;

template <class T = void>
using Task = asio::awaitable<T, Executor>;

inline constexpr asio::use_awaitable_t<Executor> use_task{};

/// What a callback-style operation calls once when it is done. Move-only; holds the coroutine itself, so
/// there is no allocation and no type erasure. (Asio 1.81's any_completion_handler can't be move-assigned:
/// that recurses for ever.)
template <class... Args>
class Completion {
  using Handler = typename asio::async_result<asio::use_awaitable_t<Executor>, void(Args...)>::handler_type;

 public:
  Completion() = default;
  explicit Completion(Handler&& handler) : handler_(std::move(handler)) {}
  Completion(Completion&& other) noexcept : handler_(std::move(other.handler_)) { other.handler_.reset(); }
  Completion& operator=(Completion&& other) noexcept {
    handler_.reset();
    if (other.handler_) handler_.emplace(std::move(*other.handler_));
    other.handler_.reset();
    return *this;
  }
  explicit operator bool() const { return handler_.has_value(); }
  /// Resumes the coroutine; the completion is empty before it runs on, so it may be filled again inside.
  void operator()(Args... args) {
    Handler handler(std::move(*handler_));
    handler_.reset();
    handler(std::move(args)...);
  }

 private:
  std::optional<Handler> handler_;
};

/// Suspends the calling coroutine, hands its completion to `start`, and returns what the completion is called
/// with. The completion must be called on the shard of the coroutine and never from inside `start` itself.
template <class T, class Start>
auto suspend(Start&& start) {
  return asio::async_initiate<const asio::use_awaitable_t<Executor>, void(T)>(
      [start = std::forward<Start>(start)](auto handler) mutable {
        start(Completion<T>(std::move(handler)));
      },
      use_task);
}

}  // namespace athena::base

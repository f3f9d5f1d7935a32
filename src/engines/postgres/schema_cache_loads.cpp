#include "engines/postgres/schema_cache_loads.h"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <utility>

namespace athena::postgres {

namespace asio = base::asio;

namespace {

/// A timer that is known to the load as long as it lives.
class Waiting {
 public:
  Waiting(std::shared_ptr<SharedLoads::Load> load, const base::Executor& executor, base::Deadline deadline)
      : load_(std::move(load)), timer_(executor, deadline.at()) {
    load_->waiting.push_back(&timer_);
  }
  ~Waiting() { std::erase(load_->waiting, &timer_); }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  asio::steady_timer& timer() { return timer_; }

 private:
  std::shared_ptr<SharedLoads::Load> load_;
  asio::steady_timer timer_;
};

bool is_leaders_own(contract::ErrorCode code) {
  using contract::ErrorCode;
  return code == ErrorCode::deadline_exceeded || code == ErrorCode::statement_timeout ||
         code == ErrorCode::client_closed_request;
}

}  // namespace

SharedLoads::Lead::Lead(std::shared_ptr<Map> map, std::string key)
    : map_(std::move(map)), key_(std::move(key)), load_(std::make_shared<Load>()) {
  map_->emplace(key_, load_);
}

SharedLoads::Lead::~Lead() {
  load_->finished = true;
  map_->erase(key_);
  for (asio::steady_timer* timer : load_->waiting) timer->cancel();
}

std::shared_ptr<SharedLoads::Load> SharedLoads::find(const std::string& key) const {
  const auto found = map_->find(key);
  return found == map_->end() ? nullptr : found->second;
}

base::Task<std::optional<LoadResult>> wait_for(std::shared_ptr<SharedLoads::Load> load,
                                               base::Deadline deadline) {
  if (!load->finished) {
    const base::Executor executor = co_await asio::this_coro::executor;
    Waiting waiting(load, executor, deadline);
    boost::system::error_code ignored;
    co_await waiting.timer().async_wait(asio::redirect_error(base::use_task, ignored));
  }
  if (load->result && (load->result->has_value() || !is_leaders_own(load->result->error().code()))) {
    co_return load->result;
  }
  if (deadline.expired()) {
    co_return std::optional<LoadResult>(LoadResult(contract::Error(contract::ErrorCode::deadline_exceeded)));
  }
  co_return std::nullopt;
}

}  // namespace athena::postgres

#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>

#include "base/deadline.h"

namespace athena::telemetry {

/// Measures once a second how late the event loop is: how long after its time a timer is run. Of one shard.
class LoopLag {
 public:
  LoopLag(boost::asio::io_context& context, std::function<void(base::Clock::duration)> report)
      : timer_(context), report_(std::move(report)) {
    wait();
  }
  LoopLag(const LoopLag&) = delete;
  LoopLag& operator=(const LoopLag&) = delete;

 private:
  void wait() {
    timer_.expires_after(std::chrono::seconds(1));
    timer_.async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      report_(base::Clock::now() - timer_.expiry());
      wait();
    });
  }
  boost::asio::steady_timer timer_;
  std::function<void(base::Clock::duration)> report_;
};

}  // namespace athena::telemetry

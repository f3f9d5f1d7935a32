// What happens to a connection by time and by its server: timeouts, drain, cut.
#include <utility>

#include "http/connection.h"
#include "http/shard_server.h"

namespace athena::http {
namespace {

using contract::Error;
using contract::ErrorCode;

// A request of a caller that was busy or new within this time may be on its way when a drain begins.
constexpr std::chrono::milliseconds kDrainGrace{500};

std::string seconds(std::chrono::milliseconds time) {
  const auto whole = std::to_string(time.count() / 1000);
  return time.count() % 1000 == 0 ? whole + " s" : std::to_string(time.count()) + " ms";
}

}  // namespace

void Connection::start() {
  wait_for(Wait::first_byte, server_->closing() ? kDrainGrace : server_->settings().request_timeout);
  settle();
}

void Connection::set_timer() {
  if (active_) return;  // read_body() arms it
  if (discarding_) {
    if (wait_ != Wait::body) wait_for(Wait::body, server_->settings().request_timeout);
  } else if (reader_.buffered() > 0) {
    set_busy(true);
    if (wait_ != Wait::head) wait_for(Wait::head, server_->settings().request_timeout);
  } else {
    set_busy(false);
    reader_.release_idle();
    if (wait_ == Wait::first_byte || wait_ == Wait::idle || wait_ == Wait::drain) return;
    if (server_->closing()) {
      wait_for(Wait::drain, kDrainGrace);
    } else {
      wait_for(Wait::idle, server_->settings().keep_alive);
    }
  }
}

void Connection::wait_for(Wait what, std::chrono::milliseconds time) {
  wait_ = what;
  if (what == Wait::none) {
    read_timer_.cancel();
  } else {
    server_->shard().timers().arm(read_timer_, time);
  }
}

void Connection::on_read_timeout() {
  const Pointer self(this);
  const auto what = wait_;
  wait_ = Wait::none;
  switch (what) {
    case Wait::none:
      return;
    case Wait::first_byte:
      if (handshaking_ && tls_) server_->application().rejected("timeout");
      close_now();
      return;
    case Wait::idle:
    case Wait::drain:
    case Wait::linger:
      close_now();
      return;
    case Wait::head:
      refuse(Error(ErrorCode::malformed_request, "The request head was not complete after " +
                                                     seconds(server_->settings().request_timeout) + "."),
             "timeout");
      break;
    case Wait::body:
      if (active_) {
        body_failed(
            Error(ErrorCode::malformed_request, "Nothing more of the body arrived for " +
                                                    seconds(server_->settings().request_timeout) + "."),
            "timeout");
      } else {
        server_->application().rejected("timeout");
        framing_lost_ = closing_ = true;
      }
      break;
  }
  process();
}

void Connection::drain() {
  if (closed_ || active_ || closing_ || lingering_ || discarding_) return;
  if (output_.pending() > 0 || reader_.buffered() > 0) return;
  if (handshaking_) {
    wait_for(Wait::drain, kDrainGrace);
    return;
  }
  const Pointer self(this);
  if (receive() || eof_ || closed_) {
    process();
  } else if (base::Clock::now() - last_activity_ < kDrainGrace) {
    wait_for(Wait::drain, kDrainGrace);
  } else {
    close_now();
  }
}

void Connection::cut() {
  if (closed_) return;
  if (active_ || output_.pending() > 0 || reader_.buffered() > 0) server_->common().something_cut.store(true);
  close_now();
}

void Connection::abandon() {
  const auto reader = std::move(body_reader_);
  const auto drained = std::exchange(on_drained_, nullptr);
  const auto gone = std::exchange(on_gone_, nullptr);
}

void Connection::settings_changed() {
  reader_.set_limits(reader_limits(server_->settings()));
}

void Connection::set_busy(bool busy) {
  if (busy_ == busy) return;
  busy_ = busy;
  if (busy) {
    server_->common().active.fetch_add(1, std::memory_order_relaxed);
  } else {
    server_->common().active.fetch_sub(1, std::memory_order_relaxed);
  }
}

}  // namespace athena::http

#include "app/signals.h"

#include <boost/asio/post.hpp>
#include <utility>

#include "app/log.h"

namespace athena::app {

bool Signals::serve(http::Server& server, Actions actions) {
  actions_ = std::move(actions);
  hang_up_action_ = [this] { reload(); };
  wait_stop(server);
  wait_for(hang_up_, hang_up_action_);
  wait_for(reopen_, actions_.reopen_log);
  wait_for(state_, actions_.log_state);
  tick();
  context_.run();
  return clean_;
}

void Signals::wait_for(boost::asio::signal_set& set, const std::function<void()>& action) {
  set.async_wait([this, &set, &action](const boost::system::error_code& error, int) {
    if (error) return;
    action();
    wait_for(set, action);
  });
}

void Signals::reload() {
  if (draining_) return;
  actions_.reload();
}

void Signals::tick() {
  timer_.expires_after(std::chrono::seconds(1));
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    if (!draining_ && actions_.file_changed()) reload();
    actions_.tidy();
    tick();
  });
}

void Signals::wait_stop(http::Server& server) {
  stop_.async_wait([this, &server](const boost::system::error_code& error, int) {
    if (error) return;
    if (draining_) {
      log_warn("second signal: cutting what still runs");
      server.cut();
      return;
    }
    draining_ = true;
    log_info("draining");
    actions_.begin_drain();
    server.drain([this](bool nothing_was_cut) {
      boost::asio::post(context_, [this, nothing_was_cut] {
        clean_ = nothing_was_cut;
        context_.stop();
      });
    });
    wait_stop(server);
  });
}

}  // namespace athena::app

#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <functional>

#include "http/server.h"

namespace athena::app {

/// Takes its signals from its construction on, so that none of them is lost while the gateway starts.
class Signals {
 public:
  /// What the signals do. All run on the thread that serves.
  struct Actions {
    std::function<void()> reload;        ///< SIGHUP
    std::function<bool()> file_changed;  ///< asked every second: true = as SIGHUP
    std::function<void()> reopen_log;    ///< SIGUSR1
    std::function<void()> log_state;     ///< SIGUSR2
    std::function<bool()> tidy;          ///< every second; the result is for others
    std::function<void()> begin_drain;   ///< SIGTERM or SIGINT, before the drain
  };
  /// Waits for SIGTERM or SIGINT, drains, and says whether nothing was cut. A second one cuts at once.
  bool serve(http::Server& server, Actions actions);

 private:
  void wait_stop(http::Server& server);
  void wait_for(boost::asio::signal_set& set, const std::function<void()>& action);
  void reload();
  void tick();

  boost::asio::io_context context_{1};
  boost::asio::signal_set stop_{context_, SIGTERM, SIGINT};
  boost::asio::signal_set hang_up_{context_, SIGHUP};
  boost::asio::signal_set reopen_{context_, SIGUSR1};
  boost::asio::signal_set state_{context_, SIGUSR2};
  boost::asio::steady_timer timer_{context_};
  Actions actions_;
  std::function<void()> hang_up_action_;
  bool draining_ = false;
  bool clean_ = true;
};

}  // namespace athena::app

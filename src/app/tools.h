#pragma once

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "api/context.h"

namespace athena::app {

/// The number in `program --version`, found in PATH and run with nothing else in its environment; empty when
/// it is not there, fails, or takes over five seconds. Blocks.
std::string tool_version(const std::string& program);

/// Finds out once, beside the start, which programs the gateway could call.
class ToolLookup {
 public:
  ToolLookup() = default;
  ~ToolLookup();
  /// Once, when the listeners are open: a program that is being started holds for a moment what was open
  /// before, also the socket that proves a port to be free.
  void start();
  ToolLookup(const ToolLookup&) = delete;
  ToolLookup& operator=(const ToolLookup&) = delete;
  /// Null until it is known; the list stays as long as this object. Any thread.
  [[nodiscard]] const std::atomic<const api::Tools*>& tools() const { return known_; }

 private:
  api::Tools found_;
  std::atomic<const api::Tools*> known_ = nullptr;
  std::thread thread_;
};

}  // namespace athena::app

#pragma once

#include <algorithm>
#include <chrono>
#include <random>

#include "base/coroutine.h"
#include "base/shard.h"

namespace athena::postgres {

/// Before attempt `attempt` + 1: anything up to a base that doubles from 100 ms to 2 s.
inline std::chrono::milliseconds random_pause(int attempt) {
  thread_local std::minstd_rand random(std::random_device{}());
  const auto most = std::min(std::chrono::milliseconds(100) * (1 << std::clamp(attempt - 1, 0, 5)),
                             std::chrono::milliseconds(2000));
  return std::chrono::milliseconds(std::uniform_int_distribution<std::int64_t>(0, most.count())(random));
}

inline base::Task<> pause_for(base::Shard& shard, std::chrono::milliseconds time) {
  base::Completion<int> done;
  base::Timer timer([&done] { done(0); });
  auto resumed = co_await base::suspend<int>([&](base::Completion<int> completion) {
    done = std::move(completion);
    shard.timers().arm(timer, time);
  });
  static_cast<void>(resumed);
}

}  // namespace athena::postgres

#include <array>

#include "engines/blocking_workers.h"
#include "engines/postgres/connect.h"

namespace athena::postgres {
namespace {

constexpr std::size_t kMaxThreads = 8;
constexpr std::size_t kMaxWaiting = 1024;

using Kinds = std::array<engines::BlockingWorkers, 4>;

}  // namespace

bool run_blocking(BlockingWork kind, std::function<void()> work) {
  static auto* const workers = new Kinds{{
      {kMaxThreads, kMaxWaiting},
      {kMaxThreads, kMaxWaiting},
      {kMaxThreads, kMaxWaiting},
      {kMaxThreads, kMaxWaiting},
  }};
  return (*workers)[static_cast<std::size_t>(kind)].run(std::move(work));
}

}  // namespace athena::postgres

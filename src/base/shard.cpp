#include "base/shard.h"

#include <latch>

namespace athena::base {
namespace {
thread_local Shard* current_shard = nullptr;
}  // namespace

Shard::Shard(unsigned index) : index_(index) {}

Shard* Shard::current() {
  return current_shard;
}

void Shard::run() {
  current_shard = this;
  context_.run();
  current_shard = nullptr;
}

ShardGroup::ShardGroup(unsigned count) {
  shards_.reserve(count);
  for (unsigned index = 0; index < count; ++index) shards_.push_back(std::make_unique<Shard>(index));
}

ShardGroup::~ShardGroup() {
  stop();
}

void ShardGroup::start() {
  for (auto& shard : shards_) {
    threads_.emplace_back([&shard = *shard] { shard.run(); });
  }
}

void ShardGroup::run_on_all(const std::function<void(Shard&)>& work) {
  std::latch done(static_cast<std::ptrdiff_t>(shards_.size()));
  for (auto& shard : shards_) {
    shard->post([&work, &done, &shard = *shard] {
      work(shard);
      done.count_down();
    });
  }
  done.wait();
}

void ShardGroup::stop() {
  for (auto& shard : shards_) {
    shard->post([&shard = *shard] { shard.timers().stop(); });
    shard->work_.reset();
    shard->context_.stop();
  }
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

}  // namespace athena::base

#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "base/timer_wheel.h"

namespace athena::base {

/// A thread with its event loop. Connections, pools, caches and metrics of a shard are touched by its thread
/// only; work for another shard is posted there.
class Shard {
 public:
  explicit Shard(unsigned index);
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  [[nodiscard]] unsigned index() const { return index_; }
  [[nodiscard]] boost::asio::io_context& context() { return context_; }
  [[nodiscard]] TimerWheel& timers() { return timers_; }
  /// Runs `work` on this shard's thread, later; callable from any thread.
  template <class Work>
  void post(Work&& work) {
    boost::asio::post(context_, std::forward<Work>(work));
  }
  /// The shard whose thread this is; null on worker threads and in main.
  static Shard* current();

 private:
  friend class ShardGroup;
  void run();

  unsigned index_;
  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{context_.get_executor()};
  TimerWheel timers_{context_};
};

/// All shards of the process and their threads.
class ShardGroup {
 public:
  explicit ShardGroup(unsigned count);
  ~ShardGroup();
  ShardGroup(const ShardGroup&) = delete;
  ShardGroup& operator=(const ShardGroup&) = delete;

  [[nodiscard]] unsigned size() const { return static_cast<unsigned>(shards_.size()); }
  [[nodiscard]] Shard& operator[](unsigned index) { return *shards_[index]; }
  /// Starts a thread per shard.
  void start();
  /// Runs `work(shard)` on every shard and returns when all are done. Never call it on a shard.
  void run_on_all(const std::function<void(Shard&)>& work);
  /// Stops the loops and joins the threads; what is still queued is dropped.
  void stop();

 private:
  std::vector<std::unique_ptr<Shard>> shards_;
  std::vector<std::thread> threads_;
};

}  // namespace athena::base

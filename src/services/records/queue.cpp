#include "services/records/queue.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace athena::records {
namespace {

constexpr std::size_t kSpares = 8;
constexpr std::size_t kSpareBytes = 128UL * 1024;

std::size_t index_of(const Chunk& chunk) {
  return static_cast<std::size_t>(chunk.kind());
}

}  // namespace

std::size_t Queue::records() const {
  return std::accumulate(waiting_.begin(), waiting_.end(), std::size_t{0}) +
         std::accumulate(taken_.begin(), taken_.end(), std::size_t{0});
}

void Queue::push(Chunk& chunk) {
  if (chunk.count() == 0) return;
  const auto kind = index_of(chunk);
  bool wakes = false;
  {
    const std::lock_guard lock(mutex_);
    const bool was_empty = std::all_of(waiting_.begin(), waiting_.end(), [](auto n) { return n == 0; });
    Chunk next(chunk.kind());
    if (!spare_.empty()) {
      std::swap(next, spare_.back());
      spare_.pop_back();
    }
    const auto count = chunk.count();
    waiting_[kind] += count;
    bytes_ += chunk.bytes();
    lines_[kind].push_back({next_++, std::move(chunk)});
    chunk = Chunk(static_cast<Kind>(kind));
    chunk.take_memory(next);
    if (stopped_) {
      lose(kind, count, Dropped::shutdown);
      return;
    }
    make_room();
    if (was_empty) first_at_ = base::Clock::now();
    wakes = was_empty || (wanted_ != 0 && records() >= wanted_);
    publish_depth();
  }
  if (wakes) wake_.notify_one();
}

/// Drops the newest records of the fullest kind until the queue fits.
void Queue::make_room() {
  while (records() > capacity_ || bytes_ > most_bytes_) {
    const auto fullest =
        static_cast<std::size_t>(std::max_element(waiting_.begin(), waiting_.end()) - waiting_.begin());
    if (waiting_[fullest] == 0) return;  // the rest is being written
    const auto newest = lines_[fullest].back().chunk.count();
    const auto over = records() > capacity_ ? records() - capacity_ : newest;
    lose(fullest, std::min(over, newest), Dropped::queue);
  }
}

void Queue::lose(std::size_t kind, std::size_t count, Dropped why) {
  auto& line = lines_[kind];
  counters_.drop(static_cast<Kind>(kind), why, count);
  waiting_[kind] -= count;
  while (count > 0) {
    auto& chunk = line.back().chunk;
    if (chunk.count() > count) {
      chunk.keep_first(chunk.count() - count);
      return;
    }
    count -= chunk.count();
    bytes_ -= chunk.bytes();
    line.pop_back();
  }
}

bool Queue::take(std::chrono::milliseconds interval, std::size_t most, std::vector<Chunk>& chunks) {
  std::unique_lock lock(mutex_);
  const auto count = [this] { return std::accumulate(waiting_.begin(), waiting_.end(), std::size_t{0}); };
  wanted_ = 0;
  wake_.wait(lock, [&] { return stopped_ || count() > 0; });
  wanted_ = most;
  wake_.wait_until(lock, first_at_ + interval, [&] { return stopped_ || count() >= most; });
  wanted_ = 0;
  std::size_t got = 0;
  while (got < most && count() > 0) {
    std::size_t oldest = kQueuedKinds;
    for (std::size_t kind = 0; kind < kQueuedKinds; ++kind) {
      if (lines_[kind].empty()) continue;
      if (oldest == kQueuedKinds || lines_[kind].front().number < lines_[oldest].front().number)
        oldest = kind;
    }
    auto& line = lines_[oldest];
    const auto records = line.front().chunk.count();
    got += records;
    waiting_[oldest] -= records;
    taken_[oldest] += records;
    chunks.push_back(std::move(line.front().chunk));
    line.pop_front();
  }
  first_at_ = base::Clock::now();
  return !chunks.empty();
}

void Queue::release(std::vector<Chunk>& chunks) {
  const std::lock_guard lock(mutex_);
  for (auto& chunk : chunks) {
    taken_[index_of(chunk)] -= chunk.count();
    bytes_ -= chunk.bytes();
    if (spare_.size() < kSpares && chunk.bytes() <= kSpareBytes) {
      chunk.clear();
      spare_.push_back(std::move(chunk));
    }
  }
  chunks.clear();
  publish_depth();
}

void Queue::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  wake_.notify_all();
}

bool Queue::stopped() const {
  const std::lock_guard lock(mutex_);
  return stopped_;
}

std::size_t Queue::drop_all(Dropped why) {
  const std::lock_guard lock(mutex_);
  std::size_t total = 0;
  for (std::size_t kind = 0; kind < kQueuedKinds; ++kind) {
    total += waiting_[kind];
    if (waiting_[kind] > 0) lose(kind, waiting_[kind], why);
  }
  publish_depth();
  return total;
}

std::size_t Queue::size() const {
  const std::lock_guard lock(mutex_);
  return records();
}

void Queue::publish_depth() {
  for (std::size_t kind = 0; kind < kQueuedKinds; ++kind) {
    if (waiting_[kind] + taken_[kind] == 0 && !active_[kind]) continue;
    active_[kind] = true;
    counters_.depth[kind].store(waiting_[kind] + taken_[kind], std::memory_order_relaxed);
  }
}

}  // namespace athena::records

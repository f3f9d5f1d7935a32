#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "base/buffer.h"

namespace athena::http {

/// Emptied buffers of one shard, handed out last in, first out: connections that are idle hold no memory,
/// busy ones get what is still in the cache. Keeps at most `keep_total` bytes and no buffer above
/// `keep_each`.
class BufferPool {
 public:
  BufferPool(std::size_t keep_each, std::size_t keep_total)
      : keep_each_(keep_each), keep_total_(keep_total) {}

  /// An empty buffer, perhaps with memory.
  base::Buffer take() {
    base::Buffer buffer;
    if (!free_.empty()) {
      buffer.swap(free_.back());
      free_.pop_back();
      kept_ -= buffer.capacity();
    }
    return buffer;
  }

  void give(base::Buffer&& buffer) {
    base::Buffer taken;
    taken.swap(buffer);
    const auto capacity = taken.capacity();
    if (capacity == 0 || capacity > keep_each_ || kept_ + capacity > keep_total_) return;
    taken.clear();
    kept_ += capacity;
    free_.push_back(std::move(taken));
  }

 private:
  std::size_t keep_each_;
  std::size_t keep_total_;
  std::size_t kept_ = 0;
  std::vector<base::Buffer> free_;
};

/// The pools of one shard.
struct BufferPools {
  BufferPool blocks{64 * 1024, 1024 * 1024};        ///< input, and small replies
  BufferPool bodies{1024 * 1024, 4 * 1024 * 1024};  ///< bodies of requests and replies
};

}  // namespace athena::http

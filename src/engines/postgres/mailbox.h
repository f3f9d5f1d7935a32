#pragma once

#include <memory>
#include <mutex>
#include <utility>

#include "base/shard.h"

namespace athena::postgres {

/// Lets other threads post to an object of a shard that may be gone by then, or whose shard may be. The
/// object owns it and closes it; others hold it by shared pointer.
class Mailbox : public std::enable_shared_from_this<Mailbox> {
 public:
  explicit Mailbox(base::Shard& shard) : shard_(&shard) {}

  /// Any thread. `work` runs on the shard's thread unless the mailbox is closed before.
  template <class Work>
  void post(Work work) {
    const std::lock_guard lock(mutex_);
    if (shard_ == nullptr) return;
    shard_->post([self = shared_from_this(), work = std::move(work)]() mutable {
      if (self->shard_ != nullptr) work();  // written on this thread only
    });
  }
  /// On the shard's thread.
  void close() {
    const std::lock_guard lock(mutex_);
    shard_ = nullptr;
  }

 private:
  std::mutex mutex_;
  base::Shard* shard_;
};

}  // namespace athena::postgres

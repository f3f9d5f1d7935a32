#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/shard.h"
#include "base/timer_wheel.h"
#include "services/records/queue.h"
#include "services/records/record.h"

namespace athena::records {

/// One shard's end of the queues: records gather here and are handed over in batches, when one is full or a
/// fifth of the flush interval after its first record. Belongs to its shard.
class ShardRecorder {
 public:
  /// The queues outlive this. Requests and operations go to `main`, auth records to `auth`; both may be one.
  ShardRecorder(base::Shard& shard, Queue& main, Queue& auth);

  /// A reload changed telemetry.flush_interval_ms.
  void set_interval(std::chrono::milliseconds flush_interval) { patience_ = flush_interval / 5; }

  template <class Head>
  void add(const Head& head, const std::array<std::string_view, Head::kTexts>& texts) {
    auto& chunk = chunks_[static_cast<std::size_t>(Head::kKind)];
    chunk.add(head, texts);
    added(chunk);
  }
  /// Hands over what is there.
  void flush();

  /// What becomes of the use of a key that was let through: when it was used is told once a minute, and its
  /// first use in an hour is logged.
  struct KeyUse {
    bool touch = false, log = false;
  };
  KeyUse key_used(const std::array<char, 16>& public_id, std::int64_t now_ms);
  /// True at most once a minute: for what would come in floods.
  bool once_a_minute(std::int64_t now_ms) {
    if (now_ms - last_once_ < 60000) return false;
    last_once_ = now_ms;
    return true;
  }

 private:
  void added(Chunk& chunk);
  void hand_over(Chunk& chunk);

  struct Used {
    std::int64_t minute = -1, hour = -1;
  };

  base::Shard& shard_;
  Queue& main_;
  Queue& auth_;
  std::chrono::milliseconds patience_{50};
  std::array<Chunk, kQueuedKinds> chunks_{Chunk(Kind::request), Chunk(Kind::operation), Chunk(Kind::auth)};
  std::unordered_map<std::string, Used> keys_;
  std::int64_t last_once_ = 0;
  base::Timer timer_;
};

}  // namespace athena::records

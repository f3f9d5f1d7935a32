#include "services/records/shard_recorder.h"

namespace athena::records {
namespace {

constexpr std::size_t kMostRecords = 128;
constexpr std::size_t kMostBytes = 64UL * 1024;
constexpr std::size_t kMostKeys = 20000;

}  // namespace

ShardRecorder::ShardRecorder(base::Shard& shard, Queue& main, Queue& auth)
    : shard_(shard), main_(main), auth_(auth), timer_([this] { flush(); }) {}

void ShardRecorder::added(Chunk& chunk) {
  if (chunk.count() >= kMostRecords || chunk.used() >= kMostBytes) {
    hand_over(chunk);
  } else if (!timer_.armed()) {
    shard_.timers().arm(timer_, patience_);
  }
}

void ShardRecorder::hand_over(Chunk& chunk) {
  (chunk.kind() == Kind::auth ? auth_ : main_).push(chunk);
}

void ShardRecorder::flush() {
  for (auto& chunk : chunks_) hand_over(chunk);
}

ShardRecorder::KeyUse ShardRecorder::key_used(const std::array<char, 16>& public_id, std::int64_t now_ms) {
  constexpr std::int64_t kMinute = 60000, kHour = 60 * kMinute;
  if (keys_.size() > kMostKeys) keys_.clear();  // the writer looks again before it writes
  auto& used = keys_[std::string(public_id.data(), public_id.size())];
  const KeyUse result{used.minute != now_ms / kMinute, used.hour != now_ms / kHour};
  used = {now_ms / kMinute, now_ms / kHour};
  return result;
}

}  // namespace athena::records

#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

#include "contract/error.h"
#include "engines/breaker.h"

namespace athena::sqlite {

/// Whether the file can be used, as all threads of the process see it. A file is reached when it opened as a
/// database; from then on only a file that was replaced, removed, or stopped being a database makes it
/// unreached. Thread-safe.
class Health {
 public:
  explicit Health(contract::SettingsView settings) : breaker_(settings) {}

  /// May a request go on? circuit_open otherwise. An atomic load or two while all is well.
  contract::Result<void> admit() { return breaker_.admit(); }
  /// True when the breaker may be waiting for a probe: then the request that was admitted tells how it went.
  [[nodiscard]] bool suspect() const { return suspect_.load(std::memory_order_relaxed); }
  /// How a request ended that was admitted while suspect().
  void probed(bool unreachable);

  void opened(std::chrono::microseconds took);
  /// `background`: no request asked for this attempt, so it does not count.
  void open_failed(const contract::Error& error, bool background);
  /// The file is not what the connections have open: all of them open it again.
  void lost();
  /// Commits of the writer so far: what was read before the newest of them may be old.
  [[nodiscard]] std::atomic<std::uint64_t>& commits() { return commits_; }
  [[nodiscard]] bool ready() const { return ready_.load(std::memory_order_acquire); }
  /// Changes whenever connections have to be opened again.
  [[nodiscard]] std::uint64_t generation() const { return generation_.load(std::memory_order_acquire); }
  /// The file was looked at and is the one that is open.
  void checked();

  void force_offline(std::chrono::seconds duration, std::string reason);
  void reset();
  void describe(engines::BackendStatus& status) const;

 private:
  engines::Breaker breaker_;
  std::atomic<bool> ready_{false};
  std::atomic<bool> suspect_{false};
  std::atomic<std::uint64_t> generation_{1};
  std::atomic<std::uint64_t> commits_{0};
  std::atomic<std::int64_t> checked_at_ms_{0};
  std::atomic<std::int64_t> open_us_{0};
};

}  // namespace athena::sqlite

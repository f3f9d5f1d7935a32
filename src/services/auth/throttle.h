#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/deadline.h"

namespace athena::auth {

/// Counts wrong credentials by address (IPv4, or the /64 of IPv6) and minute; one for the process. Requests
/// with right credentials never come here. Holds 65536 addresses, those seen longest ago go first. Any
/// thread: a short lock on one of 16 parts.
class Throttle {
 public:
  using Clock = base::Clock;
  static constexpr std::size_t kAddresses = 65536;

  struct Verdict {
    bool throttled = false;         ///< more than the limit within this minute
    std::uint32_t retry_after = 0;  ///< seconds until the minute ends
  };
  /// One more failure from `address`. `per_minute` 0 = no limit, nothing is kept.
  Verdict failed(std::string_view address, std::uint32_t per_minute, Clock::time_point now);

  /// What was refused by the limit in a minute that has ended.
  struct Ended {
    std::string address;  ///< as it came last
    std::uint32_t throttled = 0;
  };
  /// The minutes with throttled failures that ended since the last call, each once; at most 1024 are kept
  /// between two calls.
  std::vector<Ended> take_ended(Clock::time_point now);

  /// Addresses held; for tests.
  [[nodiscard]] std::size_t size() const;

 private:
  struct Key {
    std::array<std::uint8_t, 16> bytes{};
    bool operator==(const Key&) const = default;
  };
  struct Hash {
    std::size_t operator()(const Key& key) const;
  };
  struct Entry {
    Key key;
    Clock::time_point begun;
    std::uint32_t failures = 0, throttled = 0;
    std::string address;  // only once something was throttled
  };
  struct Part {
    mutable std::mutex mutex;
    std::list<Entry> entries;  // the one seen last first
    std::unordered_map<Key, std::list<Entry>::iterator, Hash> index;
    std::vector<Ended> ended;
  };

  static Key key_of(std::string_view address);
  static void end(Part& part, Entry& entry);

  static constexpr std::size_t kParts = 16;
  std::array<Part, kParts> parts_;
};

}  // namespace athena::auth

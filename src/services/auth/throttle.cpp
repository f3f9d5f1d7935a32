#include "services/auth/throttle.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <span>

namespace athena::auth {
namespace {

constexpr std::chrono::minutes kWindow(1);
constexpr std::size_t kMostEnded = 64;  // of each part

}  // namespace

std::size_t Throttle::Hash::operator()(const Key& key) const {
  return std::hash<std::string_view>{}({reinterpret_cast<const char*>(key.bytes.data()), key.bytes.size()});
}

Throttle::Key Throttle::key_of(std::string_view address) {
  Key key;
  std::array<char, INET6_ADDRSTRLEN + 1> text{};
  if (address.size() >= text.size()) return key;
  std::ranges::copy(address, text.begin());
  std::array<std::uint8_t, 16> bytes{};
  if (inet_pton(AF_INET, text.data(), bytes.data()) == 1) {
    std::ranges::copy(std::span(bytes).first(4), key.bytes.begin() + 12);
    key.bytes[10] = key.bytes[11] = 0xff;
  } else if (inet_pton(AF_INET6, text.data(), bytes.data()) == 1) {
    constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    const bool mapped = std::equal(kMapped.begin(), kMapped.end(), bytes.begin());
    std::copy_n(bytes.begin(), mapped ? 16 : 8, key.bytes.begin());
  }
  return key;  // no address at all (a unix socket): one key for all of them
}

void Throttle::end(Part& part, Entry& entry) {
  if (entry.throttled > 0 && part.ended.size() < kMostEnded)
    part.ended.push_back({std::move(entry.address), entry.throttled});
  entry.failures = entry.throttled = 0;
  entry.address.clear();
}

Throttle::Verdict Throttle::failed(std::string_view address, std::uint32_t per_minute,
                                   Clock::time_point now) {
  if (per_minute == 0) return {};
  const auto key = key_of(address);
  auto& part = parts_[(Hash{}(key) >> 32) % kParts];
  const std::lock_guard lock(part.mutex);
  auto found = part.index.find(key);
  if (found == part.index.end()) {
    if (part.entries.size() >= kAddresses / kParts) {
      end(part, part.entries.back());
      part.index.erase(part.entries.back().key);
      part.entries.pop_back();
    }
    part.entries.push_front({key, now, 0, 0, {}});
    found = part.index.emplace(key, part.entries.begin()).first;
  } else {
    part.entries.splice(part.entries.begin(), part.entries, found->second);
  }
  auto& entry = *found->second;
  if (now - entry.begun >= kWindow) {
    end(part, entry);
    entry.begun = now;
  }
  if (entry.failures < per_minute) {
    ++entry.failures;
    return {};
  }
  if (entry.throttled++ == 0) entry.address = address;
  const auto left = std::chrono::ceil<std::chrono::seconds>(entry.begun + kWindow - now);
  return {true, static_cast<std::uint32_t>(std::max<std::int64_t>(1, left.count()))};
}

std::vector<Throttle::Ended> Throttle::take_ended(Clock::time_point now) {
  std::vector<Ended> result;
  for (auto& part : parts_) {
    const std::lock_guard lock(part.mutex);
    for (auto& entry : part.entries) {
      if (entry.throttled > 0 && now - entry.begun >= kWindow) end(part, entry);
    }
    result.insert(result.end(), std::make_move_iterator(part.ended.begin()),
                  std::make_move_iterator(part.ended.end()));
    part.ended.clear();
  }
  return result;
}

std::size_t Throttle::size() const {
  std::size_t sum = 0;
  for (const auto& part : parts_) {
    const std::lock_guard lock(part.mutex);
    sum += part.entries.size();
  }
  return sum;
}

}  // namespace athena::auth

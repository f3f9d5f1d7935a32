#include <algorithm>
#include <random>
#include <vector>

#include "base/json_reader.h"

namespace athena::base {
namespace {

constexpr std::size_t kPairwiseUpTo = 12;  // below, comparing all pairs is faster than hashing

std::uint64_t load(const char* from, std::size_t size) {
  std::uint64_t value = 0;
  std::memcpy(&value, from, size);
  return value;
}

std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
}

/// A keyed hash: its keys are random for each process, so that nobody can prepare names that collide.
class NameHash {
 public:
  NameHash() {
    std::random_device random;
    for (auto& key : keys_) key = std::uint64_t{random()} << 32U | random() | 1U;
  }

  std::uint64_t operator()(std::string_view name) const {
    std::uint64_t hash = keys_[0] ^ name.size();
    const char* at = name.data();
    std::size_t left = name.size();
    for (; left > 16; left -= 16, at += 16) hash = mix(load(at, 8) ^ keys_[1], load(at + 8, 8) ^ hash);
    const std::size_t low = std::min<std::size_t>(left, 8);
    hash = mix(load(at, low) ^ keys_[1], load(at + low, left - low) ^ hash);
    return mix(hash ^ keys_[2], keys_[3]);
  }

 private:
  std::uint64_t keys_[4];
};

std::size_t keep_pairwise(std::span<JsonMember> members) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < members.size(); ++i) {
    bool comes_again = false;
    for (std::size_t j = i + 1; j < members.size() && !comes_again; ++j) {
      comes_again = members[j].name == members[i].name;
    }
    if (!comes_again) members[kept++] = members[i];
  }
  return kept;
}

std::size_t keep_hashed(std::span<JsonMember> members) {
  static const NameHash hash;
  std::size_t capacity = 32;
  while (capacity < members.size() * 2) capacity *= 2;
  std::vector<std::uint32_t> slots(capacity, 0);  // index + 1
  // From the back, so that what is met first stays; survivors gather at the end.
  std::size_t first_kept = members.size();
  for (std::size_t i = members.size(); i-- > 0;) {
    std::size_t slot = hash(members[i].name) & (capacity - 1);
    while (slots[slot] != 0 && members[slots[slot] - 1].name != members[i].name)
      slot = (slot + 1) & (capacity - 1);
    if (slots[slot] != 0) continue;
    members[--first_kept] = members[i];
    slots[slot] = static_cast<std::uint32_t>(first_kept + 1);
  }
  if (first_kept != 0)
    std::move(members.begin() + static_cast<std::ptrdiff_t>(first_kept), members.end(), members.begin());
  return members.size() - first_kept;
}

}  // namespace

std::size_t keep_last_members(std::span<JsonMember> members) {
  return members.size() <= kPairwiseUpTo ? keep_pairwise(members) : keep_hashed(members);
}

}  // namespace athena::base

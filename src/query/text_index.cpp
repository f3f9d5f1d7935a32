#include "query/text_index.h"

#include <algorithm>
#include <cstring>
#include <random>

namespace athena::query {
namespace {

constexpr std::size_t kFirstSlots = 64;
constexpr std::uint64_t kOdd1 = 0x9E3779B97F4A7C15;
constexpr std::uint64_t kOdd2 = 0xE7037ED1A0B428DB;

std::uint64_t seed() {
  static const std::uint64_t value = [] {
    std::random_device device;
    return (std::uint64_t{device()} << 32 | device()) | 1;
  }();
  return value;
}

std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

std::uint64_t load(const char* from, std::size_t size) {
  std::uint64_t value = 0;
  std::memcpy(&value, from, size);
  return value;
}

std::uint64_t hash_of(std::string_view text, std::uint64_t tag) {
  const char* at = text.data();
  std::size_t left = text.size();
  std::uint64_t hash = mix(seed() ^ tag, kOdd1 ^ left);
  for (; left > 16; left -= 16, at += 16) hash = mix(load(at, 8) ^ hash, load(at + 8, 8) ^ kOdd2);
  std::uint64_t first = 0;
  std::uint64_t second = 0;
  if (left >= 8) {
    first = load(at, 8);
    second = load(at + left - 8, 8);
  } else if (left >= 4) {
    first = load(at, 4);
    second = load(at + left - 4, 4);
  } else {
    for (std::size_t i = 0; i < left; ++i) first = first << 8 | static_cast<unsigned char>(at[i]);
  }
  return mix(first ^ hash, second ^ seed());
}

}  // namespace

TextIndex::TextIndex() : slots_(kFirstSlots) {}

TextIndex::Found TextIndex::insert(std::string_view text, std::uint64_t tag) {
  const std::uint64_t hash = hash_of(text, tag);
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = hash & mask;
  for (; slots_[slot] != 0; slot = (slot + 1) & mask) {
    const Entry& entry = entries_[slots_[slot] - 1];
    if (entry.hash == hash && entry.tag == tag && entry.text == text) return {slots_[slot] - 1, false};
  }
  std::string_view copy;
  if (!text.empty()) {
    auto* bytes = static_cast<char*>(memory_.allocate(text.size(), 1));
    std::memcpy(bytes, text.data(), text.size());
    copy = {bytes, text.size()};
  }
  entries_.push_back({copy, tag, hash});
  slots_[slot] = static_cast<std::uint32_t>(entries_.size());
  if (entries_.size() * 2 > slots_.size()) grow();
  return {static_cast<std::uint32_t>(entries_.size() - 1), true};
}

void TextIndex::grow() {
  std::vector<std::uint32_t> slots(slots_.size() * 4);
  const std::size_t mask = slots.size() - 1;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    std::size_t slot = entries_[i].hash & mask;
    while (slots[slot] != 0) slot = (slot + 1) & mask;
    slots[slot] = static_cast<std::uint32_t>(i + 1);
  }
  slots_.swap(slots);
}

void TextIndex::clear() {
  entries_.clear();
  std::fill(slots_.begin(), slots_.end(), 0U);
  memory_.release();
}

}  // namespace athena::query

#include "base/uuid.h"

#include <cctype>
#include <chrono>
#include <cstdint>
#include <random>

namespace athena::base {
namespace {

std::uint64_t random_bits() {
  thread_local std::mt19937_64 generator = [] {
    std::random_device device;
    std::seed_seq seed{device(), device(), device(), device(), device(), device(), device(), device()};
    return std::mt19937_64(seed);
  }();
  return generator();
}

UuidText format(std::uint64_t high, std::uint64_t low) {
  static constexpr char kDigits[] = "0123456789abcdef";
  UuidText text;
  std::size_t at = 0;
  for (int nibble = 15; nibble >= 0; --nibble) {
    if (at == 8 || at == 13) text[at++] = '-';
    text[at++] = kDigits[(high >> (nibble * 4)) & 15];
  }
  text[at++] = '-';
  for (int nibble = 15; nibble >= 0; --nibble) {
    if (at == 23) text[at++] = '-';
    text[at++] = kDigits[(low >> (nibble * 4)) & 15];
  }
  return text;
}

constexpr std::uint64_t kVariantMask = 0x3FFFFFFFFFFFFFFFULL;
constexpr std::uint64_t kVariant = 0x8000000000000000ULL;

}  // namespace

UuidText uuid_v7() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  const auto ms =
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count());
  return format((ms << 16) | 0x7000ULL | (random_bits() & 0xFFF), (random_bits() & kVariantMask) | kVariant);
}

UuidText uuid_v4() {
  return format((random_bits() & ~0xF000ULL) | 0x4000ULL, (random_bits() & kVariantMask) | kVariant);
}

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : std::isxdigit(static_cast<unsigned char>(text[i])) == 0) return false;
  }
  return true;
}

}  // namespace athena::base

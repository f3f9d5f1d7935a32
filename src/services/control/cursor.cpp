#include "services/control/cursor.h"

#include <algorithm>

#include "base/crypto.h"

namespace athena::control {
namespace {

constexpr std::size_t kMacDigits = 32;
constexpr std::size_t kLongest = 1024;

std::span<const std::uint8_t> bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

std::string Cursors::mac(std::string_view list, std::string_view place) const {
  // A blank is in no name of a list, so no two pairs give one text.
  std::string text(list);
  text.append(" ").append(place);
  return base::to_hex(base::hmac_sha256(key_, text)).substr(0, kMacDigits);
}

std::string Cursors::sign(std::string_view list, std::string_view place) const {
  return base::to_hex(bytes(place)) + mac(list, place);
}

std::optional<std::string> Cursors::verify(std::string_view list, std::string_view cursor) const {
  if (!ready() || cursor.size() < kMacDigits || cursor.size() > kLongest || cursor.size() % 2 != 0)
    return std::nullopt;
  std::string place;
  const auto hex = cursor.substr(0, cursor.size() - kMacDigits);
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    const int high = digit(hex[i]);
    const int low = digit(hex[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    place += static_cast<char>(high * 16 + low);
  }
  const auto expected = mac(list, place);
  if (!base::constant_time_equal(bytes(expected), bytes(cursor.substr(hex.size())))) return std::nullopt;
  return place;
}

}  // namespace athena::control

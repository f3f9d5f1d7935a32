#include "http/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace athena::http {
namespace {

constexpr unsigned kMappedBits = 96;  // in front of the IPv4 part

bool same_prefix(const AddressBytes& a, const AddressBytes& b, unsigned bits) {
  const auto whole = bits / 8;
  if (!std::equal(a.begin(), a.begin() + whole, b.begin())) return false;
  if (bits % 8 == 0) return true;
  const auto mask = static_cast<unsigned>(0xFF00 >> (bits % 8)) & 0xFF;
  return ((a[whole] ^ b[whole]) & mask) == 0;
}

}  // namespace

std::optional<AddressBytes> parse_address(std::string_view text) {
  if (text.size() > 2 && text.front() == '[' && text.back() == ']') {
    text = text.substr(1, text.size() - 2);
    if (text.find(':') == std::string_view::npos) return std::nullopt;
  }
  char copy[INET6_ADDRSTRLEN];
  if (text.empty() || text.size() >= sizeof copy) return std::nullopt;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\0' || text[at] > 'f') return std::nullopt;  // most names end here
    copy[at] = text[at];
  }
  copy[text.size()] = '\0';
  AddressBytes bytes{};
  if (::inet_pton(AF_INET, copy, &bytes[12]) == 1) {
    bytes[10] = bytes[11] = 0xFF;
    return bytes;
  }
  if (::inet_pton(AF_INET6, copy, bytes.data()) == 1) return bytes;
  return std::nullopt;
}

base::Result<AddressRanges, std::string> AddressRanges::parse(std::span<const std::string> texts) {
  AddressRanges result;
  for (const auto& text : texts) {
    const auto slash = text.find('/');
    const auto address = parse_address(std::string_view(text).substr(0, slash));
    if (!address) {
      return "\"" + text + "\" is not an address or a CIDR block like 10.0.0.0/8.";
    }
    const bool v4 = text.find(':') == std::string::npos;
    const unsigned most = v4 ? 32 : 128;
    unsigned bits = most;
    if (slash != std::string::npos) {
      const char* begin = text.data() + slash + 1;
      const char* end = text.data() + text.size();
      const auto read = std::from_chars(begin, end, bits);
      if (read.ec != std::errc() || read.ptr != end || bits > most) {
        return "\"" + text + "\" has no prefix length from 0 to " + std::to_string(most) + ".";
      }
    }
    if (v4) bits += kMappedBits;
    result.ranges_.push_back({*address, bits});
  }
  return result;
}

bool AddressRanges::contains(const AddressBytes& address) const {
  constexpr AddressBytes kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  const bool v4 = same_prefix(kMapped, address, kMappedBits);
  return std::any_of(ranges_.begin(), ranges_.end(), [&](const Range& range) {
    // ::/0 is all of IPv6, not IPv4 too because of how it is kept here
    return (!v4 || range.prefix >= kMappedBits) && same_prefix(range.first, address, range.prefix);
  });
}

}  // namespace athena::http

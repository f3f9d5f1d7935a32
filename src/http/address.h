#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace athena::http {

/// An IPv4 or IPv6 address; IPv4 in its mapped form (::ffff:a.b.c.d), so that both spellings are equal.
using AddressBytes = std::array<std::uint8_t, 16>;

/// Reads `127.0.0.1`, `::1` or `[::1]`; nothing else, no port. Allocates nothing.
std::optional<AddressBytes> parse_address(std::string_view text);

/// A set of address blocks. Parsed once, then asked without allocation; any thread.
class AddressRanges {
 public:
  AddressRanges() = default;
  /// Each text is an address or a block (`10.0.0.0/8`, `fd00::/8`; bits behind the prefix do not matter). The
  /// error names the text.
  static base::Result<AddressRanges, std::string> parse(std::span<const std::string> texts);
  [[nodiscard]] bool contains(const AddressBytes& address) const;
  [[nodiscard]] bool empty() const { return ranges_.empty(); }

 private:
  struct Range {
    AddressBytes first;
    unsigned prefix;  // bits, of 128
  };
  std::vector<Range> ranges_;
};

}  // namespace athena::http

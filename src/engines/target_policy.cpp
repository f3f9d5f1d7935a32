#include "engines/target_policy.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

#include "base/ascii.h"
#include "engines/name_lookup.h"

namespace athena::engines {
namespace {

using Rule = TargetRefusal::Rule;
using Bytes = std::span<const std::uint8_t>;

constexpr std::chrono::seconds kLongestLookup{5};
constexpr std::size_t kLongestName = 253;
constexpr std::size_t kLongestLabel = 63;

struct Range {
  std::array<std::uint8_t, 16> prefix;
  unsigned bits;
};

constexpr Range kPrivateV4[] = {
    {{0}, 8},          {{10}, 8},        {{100, 64}, 10}, {{127}, 8}, {{169, 254}, 16}, {{172, 16}, 12},
    {{192, 0, 0}, 24}, {{192, 168}, 16}, {{198, 18}, 15}, {{224}, 4}, {{240}, 4},
};
constexpr Range kPrivateV6[] = {
    {{}, 128},                                                // ::
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128},  // ::1
    {{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 48},               // NAT64 of the local network
    {{0xfc}, 7},
    {{0xfe, 0x80}, 10},
    {{0xfe, 0xc0}, 10},
    {{0xff}, 8},
};
/// IPv6 addresses that carry an IPv4 one: the prefix, and where it stands.
struct Carrier {
  Range range;
  std::size_t at;
  bool inverted = false;
};
constexpr Carrier kCarriers[] = {
    {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96}, 12},  // mapped
    {{{}, 96}, 12},                                          // compatible
    {{{0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96}, 12},        // translated
    {{{0x00, 0x64, 0xff, 0x9b}, 96}, 12},                    // NAT64
    {{{0x20, 0x02}, 16}, 2},                                 // 6to4
    {{{0x20, 0x01, 0x00, 0x00}, 32}, 12, true},              // Teredo
};

bool in_range(Bytes address, const Range& range) {
  const std::size_t whole = range.bits / 8;
  if (std::memcmp(address.data(), range.prefix.data(), whole) != 0) return false;
  const unsigned rest = range.bits % 8;
  if (rest == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xff << (8 - rest));
  return (address[whole] & mask) == (range.prefix[whole] & mask);
}

bool is_private_v4(Bytes address) {
  return std::ranges::any_of(kPrivateV4, [address](const Range& range) { return in_range(address, range); });
}

bool is_private_v6(Bytes address) {
  if (std::ranges::any_of(kPrivateV6, [address](const Range& range) { return in_range(address, range); }))
    return true;
  return std::ranges::any_of(kCarriers, [address](const Carrier& carrier) {
    if (!in_range(address, carrier.range)) return false;
    std::array<std::uint8_t, 4> carried{};
    for (std::size_t index = 0; index < carried.size(); ++index) {
      const std::uint8_t byte = address[carrier.at + index];
      carried[index] = carrier.inverted ? static_cast<std::uint8_t>(~byte) : byte;
    }
    return is_private_v4(carried);
  });
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_hex_digit(char c) {
  return is_digit(c) || (base::lower(c) >= 'a' && base::lower(c) <= 'f');
}

/// Whether inet_aton and its kind would take the name for an IPv4 address: its last label is a number.
bool ends_in_number(std::string_view name) {
  const auto dot = name.rfind('.');
  const auto last = dot == std::string_view::npos ? name : name.substr(dot + 1);
  if (last.empty()) return false;
  if (last.size() >= 2 && last[0] == '0' && base::lower(last[1]) == 'x')
    return std::ranges::all_of(last.substr(2), is_hex_digit);
  return std::ranges::all_of(last, is_digit);
}

bool is_host_name(std::string_view name) {
  if (name.empty() || name.size() > kLongestName) return false;
  std::size_t label = 0;
  for (const char c : name) {
    if (c == '.') {
      if (label == 0) return false;
      label = 0;
      continue;
    }
    const char folded = base::lower(c);
    const bool fits = (folded >= 'a' && folded <= 'z') || is_digit(c) || c == '-' || c == '_';
    if (!fits || ++label > kLongestLabel) return false;
  }
  return label != 0;
}

struct HostText {
  std::string name;  // lower case
  std::optional<IpAddress> literal;
};

TargetResult<HostText> read_host(std::string_view host) {
  const bool bracketed = host.starts_with('[');
  if (bracketed) {
    if (!host.ends_with(']')) return TargetRefusal{Rule::bad_name};
    host = host.substr(1, host.size() - 2);
  }
  if (bracketed || host.find(':') != std::string_view::npos) {
    const auto address = IpAddress::parse(host);
    if (!address || address->is_v4()) return TargetRefusal{Rule::bad_name};
    return HostText{address->text(), address};
  }
  if (host.ends_with('.')) host.remove_suffix(1);
  if (const auto address = IpAddress::parse(host)) return HostText{address->text(), address};
  if (ends_in_number(host)) return TargetRefusal{Rule::number_form};
  if (!is_host_name(host)) return TargetRefusal{Rule::bad_name};
  HostText text{std::string(host), std::nullopt};
  std::ranges::transform(text.name, text.name.begin(), base::lower);
  return text;
}

/// `entry` is a name or an address as an operator wrote it.
bool matches_entry(std::string_view name, const IpAddress* literal, std::string_view entry) {
  if (literal != nullptr) {
    if (entry.starts_with('[') && entry.ends_with(']')) entry = entry.substr(1, entry.size() - 2);
    return IpAddress::parse(entry) == *literal;
  }
  if (entry.ends_with('.')) entry.remove_suffix(1);
  if (entry.starts_with('.')) entry.remove_prefix(1);
  if (entry.empty()) return false;
  if (name.size() == entry.size()) return base::equals_ignoring_case(name, entry);
  return name.size() > entry.size() && name[name.size() - entry.size() - 1] == '.' &&
         base::equals_ignoring_case(name.substr(name.size() - entry.size()), entry);
}

bool is_listed(std::string_view name, const IpAddress* literal, std::span<const std::string> list) {
  return list.empty() || std::ranges::any_of(list, [name, literal](const std::string& entry) {
           return matches_entry(name, literal, entry);
         });
}

TargetResult<HostText> check_text(std::string_view host, const TargetRules& rules) {
  auto text = read_host(host);
  if (!text) return text;
  const IpAddress* literal = text->literal ? &*text->literal : nullptr;
  if (!is_listed(text->name, literal, rules.allowed_hosts)) return TargetRefusal{Rule::not_listed};
  if (literal != nullptr && !rules.allow_private && literal->is_private())
    return TargetRefusal{Rule::private_address};
  return text;
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> copy{};
  if (text.size() >= copy.size() || text.find('\0') != std::string_view::npos) return std::nullopt;
  text.copy(copy.data(), text.size());
  IpAddress address;
  if (::inet_pton(AF_INET, copy.data(), address.bytes_.data()) == 1) {
    address.is_v4_ = true;
    return address;
  }
  address.bytes_ = {};
  if (::inet_pton(AF_INET6, copy.data(), address.bytes_.data()) == 1) return address;
  return std::nullopt;
}

IpAddress IpAddress::v4(std::span<const std::uint8_t, 4> bytes) {
  IpAddress address;
  address.is_v4_ = true;
  std::ranges::copy(bytes, address.bytes_.begin());
  return address;
}

IpAddress IpAddress::v6(std::span<const std::uint8_t, 16> bytes) {
  IpAddress address;
  std::ranges::copy(bytes, address.bytes_.begin());
  return address;
}

std::string IpAddress::text() const {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  ::inet_ntop(is_v4_ ? AF_INET : AF_INET6, bytes_.data(), buffer.data(), buffer.size());
  return buffer.data();
}

bool IpAddress::is_private() const {
  return is_v4_ ? is_private_v4(Bytes(bytes_).first(4)) : is_private_v6(bytes_);
}

std::string_view TargetRefusal::name() const {
  switch (rule) {
    case Rule::bad_name:
      return "bad_name";
    case Rule::number_form:
      return "number_form";
    case Rule::not_listed:
      return "not_listed";
    case Rule::private_address:
      return "private_address";
    case Rule::unresolved:
      return "unresolved";
    case Rule::busy:
      return "busy";
    case Rule::expired:
      return "expired";
  }
  return "bad_name";
}

contract::Error TargetRefusal::error(std::string_view what) const {
  using contract::Error;
  using contract::ErrorCode;
  const auto refused = [&](std::string_view why) {
    return Error(ErrorCode::target_not_allowed,
                 std::string(what) + " is not allowed: " + std::string(why) + ".")
        .with("rule", name());
  };
  switch (rule) {
    case Rule::bad_name:
      return refused("neither a host name nor an address");
    case Rule::number_form:
      return refused("an IPv4 address must have four decimal numbers");
    case Rule::not_listed:
      return refused("not in the allow-list");
    case Rule::private_address:
      return refused("private address");
    case Rule::unresolved:
      return Error(ErrorCode::backend_unreachable, std::string(what) + " has no address.")
          .with("reason", "dns");
    case Rule::busy:
      return {ErrorCode::overloaded, "Too many host names are being looked up."};
    case Rule::expired:
      break;
  }
  return {ErrorCode::deadline_exceeded, "The request's time limit passed before the database answered."};
}

void throw_exception_from_error(const TargetRefusal& refusal, const boost::source_location& where) {
  contract::throw_exception_from_error(refusal.error("The target"), where);
}

TargetResult<> check_target_text(std::string_view host, const TargetRules& rules) {
  const auto text = check_text(host, rules);
  if (!text) return text.error();
  return {};
}

TargetResult<> check_pinned(const PinnedTarget& target, const TargetRules& rules) {
  if (!rules.allowed_hosts.empty()) {
    const auto literal = IpAddress::parse(target.host);
    if (!is_listed(target.host, literal ? &*literal : nullptr, rules.allowed_hosts))
      return TargetRefusal{Rule::not_listed};
  }
  if (!rules.allow_private && target.address.is_private()) return TargetRefusal{Rule::private_address};
  return {};
}

base::Task<TargetResult<PinnedTarget>> pin_target(TargetRequest request, std::shared_ptr<Resolver> resolver,
                                                  base::Shard& shard, base::Deadline deadline) {
  const auto text = check_text(request.host, {request.allowed_hosts, request.allow_private});
  if (!text) co_return text.error();
  if (text->literal) co_return PinnedTarget{text->name, *text->literal, request.port};
  auto addresses = co_await look_up(text->name, std::move(resolver), shard, deadline.capped(kLongestLookup));
  if (!addresses) {
    const bool late = addresses.error().rule == Rule::unresolved && deadline.expired();
    co_return late ? TargetRefusal{Rule::expired} : addresses.error();
  }
  if (addresses->empty()) co_return TargetRefusal{Rule::unresolved};
  for (const auto& address : *addresses) {
    if (!request.allow_private && address.is_private()) co_return TargetRefusal{Rule::private_address};
  }
  co_return PinnedTarget{text->name, addresses->front(), request.port};
}

}  // namespace athena::engines

#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/coroutine.h"
#include "base/deadline.h"
#include "base/result.h"
#include "base/shard.h"
#include "contract/error.h"

namespace athena::engines {

/// An IPv4 or IPv6 address.
class IpAddress {
 public:
  /// Takes `127.0.0.1` and what RFC 4291 allows for IPv6; no brackets, zones, or other forms of IPv4.
  static std::optional<IpAddress> parse(std::string_view text);
  static IpAddress v4(std::span<const std::uint8_t, 4> bytes);
  static IpAddress v6(std::span<const std::uint8_t, 16> bytes);

  [[nodiscard]] bool is_v4() const { return is_v4_; }
  [[nodiscard]] std::string text() const;
  /// Loopback, private, link-local, multicast, reserved …, also inside of an IPv4-mapped, 6to4, NAT64, Teredo
  /// or other IPv6 address that carries an IPv4 one. docs/routing.md has the list.
  [[nodiscard]] bool is_private() const;
  friend bool operator==(const IpAddress&, const IpAddress&) = default;

 private:
  std::array<std::uint8_t, 16> bytes_{};  // IPv4: the first four
  bool is_v4_ = false;
};

/// What an operator allows as targets that callers name.
struct TargetRules {
  std::span<const std::string> allowed_hosts;  ///< empty = every host
  bool allow_private = false;
};

/// Why a target is refused.
struct TargetRefusal {
  enum class Rule : std::uint8_t {
    bad_name,         ///< neither a host name nor an address
    number_form,      ///< an IPv4 address in decimal, octal, hexadecimal or short form
    not_listed,       ///< not in the allow-list
    private_address,  ///< it, or one of the addresses of its name, is not a public one
    unresolved,       ///< the name has no address, or nobody said so in time
    busy,             ///< too many names are being looked up
    expired,          ///< the deadline of the request passed
  };
  Rule rule;

  /// Label of metrics and `details.rule`.
  [[nodiscard]] std::string_view name() const;
  /// target_not_allowed; backend_unreachable, overloaded or deadline_exceeded for the last three. `what`
  /// begins the sentence: "The host of x-pg-uri". Names the rule, never the host or an address.
  [[nodiscard]] contract::Error error(std::string_view what) const;
};
template <class T = void>
using TargetResult = base::Result<T, TargetRefusal>;
[[noreturn]] void throw_exception_from_error(const TargetRefusal& refusal,
                                             const boost::source_location& where);

/// A host that passed. Connections go to `address` and nowhere else; TLS is verified against `host`.
struct PinnedTarget {
  std::string host;  ///< lower case, without brackets and final dot
  IpAddress address;
  std::uint16_t port = 0;
};

/// Gives the addresses of names. Any thread, blocking.
class Resolver {
 public:
  virtual ~Resolver() = default;
  /// All addresses of the name, in the order in which they are to be tried; empty = none.
  virtual std::vector<IpAddress> resolve(const std::string& name) = 0;
};
/// getaddrinfo.
std::shared_ptr<Resolver> system_resolver();

struct TargetRequest {
  std::string host;  ///< as the caller wrote it; brackets around an IPv6 address may be there
  std::uint16_t port = 0;
  std::vector<std::string> allowed_hosts;
  bool allow_private = false;
};

/// The one check of every address that a caller names: form and allow-list; the name is looked up once, on
/// one of few worker threads; every address must pass; the first is the one to connect to. On `shard`; ends
/// by `deadline`, and after 5 s at the latest.
base::Task<TargetResult<PinnedTarget>> pin_target(TargetRequest request, std::shared_ptr<Resolver> resolver,
                                                  base::Shard& shard, base::Deadline deadline);
/// What pin_target says before it looks a name up. Any thread.
TargetResult<> check_target_text(std::string_view host, const TargetRules& rules);
/// Whether a target that was pinned before passes under these rules too, which may be newer ones. Any thread;
/// no look-up.
TargetResult<> check_pinned(const PinnedTarget& target, const TargetRules& rules);

}  // namespace athena::engines

#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "http/message.h"

namespace athena::http {

/// A set of methods.
class MethodSet {
 public:
  constexpr MethodSet() = default;
  template <class... M>
  constexpr explicit MethodSet(M... methods) : bits_(static_cast<std::uint8_t>((bit(methods) | ...))) {}
  [[nodiscard]] constexpr bool has(Method method) const { return (bits_ & bit(method)) != 0; }
  constexpr void add(MethodSet other) { bits_ |= other.bits_; }

 private:
  static constexpr std::uint8_t bit(Method method) {
    return method == Method::other ? std::uint8_t{0}
                                   : static_cast<std::uint8_t>(1U << static_cast<unsigned>(method));
  }
  std::uint8_t bits_ = 0;
};

/// One row of the route table as the router needs it.
struct RoutePattern {
  MethodSet methods;      ///< HEAD is added wherever GET is
  std::string_view path;  ///< literal, or with segments `{name}`
};

struct PathParameter {
  std::string_view name;
  std::string_view value;  ///< percent-decoded by the caller, not here
};

struct RouteMatch {
  enum class Outcome : std::uint8_t { matched, unknown_path, wrong_method };
  Outcome outcome = Outcome::unknown_path;
  int route = -1;     ///< index into the table given to the router
  MethodSet allowed;  ///< of the path, for Allow; OPTIONS is in it
  PathParameter parameters[4];
  std::size_t parameter_count = 0;
};

/// Finds routes by path and method. Literal paths by hash; patterns segment by segment; literals win.
/// Immutable, so any thread may use it. A path below `/db` is looked up without that prefix when it is not
/// itself in the table.
class Router {
 public:
  explicit Router(std::span<const RoutePattern> table);
  [[nodiscard]] RouteMatch find(Method method, std::string_view path) const;

 private:
  struct Entry {
    MethodSet allowed;
    std::vector<int> routes;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  [[nodiscard]] RouteMatch find_exact(Method method, std::string_view path) const;
  [[nodiscard]] RouteMatch select(Method method, const Entry& entry) const;

  std::span<const RoutePattern> table_;
  std::unordered_map<std::string, Entry, Hash, std::equal_to<>> literals_;
  std::vector<std::pair<std::vector<std::string_view>, Entry>> patterns_;
};

/// `GET, HEAD, OPTIONS` …, in the order of the enumeration.
std::string allow_header(MethodSet methods);

}  // namespace athena::http

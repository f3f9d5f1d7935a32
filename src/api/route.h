#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/coroutine.h"
#include "contract/capability.h"
#include "http/router.h"

namespace athena::api {

struct Call;

/// One row of the route table. Router, `GET /`, metrics labels and checks read it, and nothing else describes
/// a route.
struct Route {
  http::MethodSet methods;
  std::string_view path;
  std::string_view group;      ///< route_group of the metrics
  std::string_view operation;  ///< `data.operation` of failures; empty = none
  std::string_view summary;
  enum class Access : std::uint8_t { open, keyed, admin } access = Access::open;
  /// Exactly one of the two: a reply without waiting, or a coroutine.
  void (*now)(Call&) = nullptr;
  base::Task<void> (*later)(Call&) = nullptr;
  /// What a key needs where keys are asked for; empty = nothing but to be valid. `{table}.read` and its like
  /// are checked once the body names the table; of several, separated by blanks, the body says which.
  std::string_view right = {};
};

std::span<const Route> route_table();

}  // namespace athena::api

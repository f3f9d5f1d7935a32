#pragma once

#include <cstddef>

namespace athena::base {

/// How deep a JSON text may be nested.
constexpr std::size_t kMaxJsonDepth = 64;

}  // namespace athena::base

#pragma once

#include <cstdint>

namespace athena::sqlite {

/// Simple case folding of Unicode: one code point in, one out, the same for every process, locale and machine
/// (an index may depend on it). Characters whose folding is longer than one code point fold to their
/// lower-case letter: `İ` stays, `ẞ` is `ß`.
std::uint32_t fold_case(std::uint32_t code_point);

}  // namespace athena::sqlite

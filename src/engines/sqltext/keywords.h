#pragma once

#include <string_view>

#include "engines/sqltext/classify.h"

namespace athena::sqltext {

/// More statements than this in one text are not looked at: too_complex.
inline constexpr std::size_t kMostStatements = 100'000;

/// classify() by the words of the text alone, in linear time and without a tree.
TextClass classify_by_keywords(std::string_view text);

}  // namespace athena::sqltext

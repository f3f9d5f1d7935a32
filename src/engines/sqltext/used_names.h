#pragma once

#include <cstdint>
#include <string_view>

#include "engines/sqltext/classify.h"
#include "engines/sqltext/tree.h"

namespace athena::sqltext {

/// The strings of a list of names (`"funcname":[{"String":{"sval":"a"}}]`) below `list`; false when there are
/// other things in it.
bool read_names(const Tree& tree, std::uint32_t list, std::vector<std::string_view>& names);

/// Gathers what the nodes from `begin` to `end` use. False when something there forbids sharing a connection
/// whatever the names are.
bool collect_names(const Tree& tree, std::uint32_t begin, std::uint32_t end, UsedNames& names);

}  // namespace athena::sqltext

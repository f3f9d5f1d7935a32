#pragma once

#include <string_view>

namespace athena::catalog {

/// The name in a Host header: without port and final dot, brackets of an address kept off. A view into
/// `host`.
std::string_view bare_host(std::string_view host);

/// Whether `host`, as a Host header has it (any case, with or without port and final dot), fits `pattern`
/// (`*.db.example.com`, any case): the one `*` stands for exactly one label of 1 to 63 characters of
/// [a-z0-9_-]. Without a `*` both must be equal, and there is no label. `label`, which may be null, gets what
/// stands for the `*`: a view into `host`, spelled as it is there. Any thread; allocates nothing.
bool matches_host_pattern(std::string_view pattern, std::string_view host, std::string_view* label);

}  // namespace athena::catalog

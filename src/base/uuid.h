#pragma once

#include <array>
#include <string>
#include <string_view>

namespace athena::base {

using UuidText = std::array<char, 36>;

/// A time-ordered UUID (version 7, RFC 9562), lower case. Unique over threads; random part from a per-thread
/// generator seeded by the operating system. Not a secret.
UuidText uuid_v7();
/// A random UUID (version 4).
UuidText uuid_v4();
/// Whether `text` is 8-4-4-4-12 hex digits, in either case.
bool is_uuid(std::string_view text);
inline std::string_view view(const UuidText& uuid) {
  return {uuid.data(), uuid.size()};
}

}  // namespace athena::base

#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace athena::base {

using Sha256 = std::array<std::uint8_t, 32>;

Sha256 sha256(std::string_view text);
Sha256 hmac_sha256(std::string_view key, std::string_view text);
/// True when both are equal; the time does not depend on where they differ.
bool constant_time_equal(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b);
/// `bytes` random bytes from OpenSSL, as lower-case hex. Ends the process if the generator fails.
std::string random_hex(std::size_t bytes);
std::string to_hex(std::span<const std::uint8_t> bytes);

}  // namespace athena::base

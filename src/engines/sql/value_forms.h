#pragma once

#include <optional>
#include <string_view>

#include "query/request.h"

/// Forms of scalar values that are checked before a statement is sent.
namespace athena::sql {

/// Decimal digits with an optional sign, spaces around them ignored: the digits without spaces and `+`, else
/// nothing.
std::optional<std::string_view> integer_form(std::string_view text);
/// Whether integer_form() text lies between −2^(bits−1) and 2^(bits−1) − 1.
bool fits_signed(std::string_view digits, int bits);
/// PostgreSQL's texts for booleans: t, true, y, yes, on, 1 …, unique prefixes, any case.
std::optional<bool> boolean_form(std::string_view text);
/// Any form PostgreSQL takes (braces, upper case, hyphens after each fourth digit) with `urn:uuid:` removed,
/// else nothing.
std::optional<std::string_view> uuid_form(std::string_view text);
/// `\x…` or `0x…`: the digits, an even number of them, else nothing.
std::optional<std::string_view> hex_form(std::string_view text);
bool has_nul(std::string_view text);
/// Integer literal of JSON: no fraction, no exponent.
bool is_integer_literal(std::string_view number);

}  // namespace athena::sql

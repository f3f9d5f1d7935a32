#include "engines/sql/value_forms.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/ascii.h"

namespace athena::sql {
namespace {

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_hex(char c) {
  return is_digit(c) || (base::lower(c) >= 'a' && base::lower(c) <= 'f');
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

bool is_prefix_without_case(std::string_view text, std::string_view word) {
  return text.size() <= word.size() && std::equal(text.begin(), text.end(), word.begin(),
                                                  [](char a, char b) { return base::lower(a) == b; });
}

}  // namespace

std::optional<std::string_view> integer_form(std::string_view text) {
  text = trimmed(text);
  if (!text.empty() && text.front() == '+') {
    text.remove_prefix(1);
    if (!text.empty() && text.front() == '-') return std::nullopt;
  }
  const std::string_view digits = !text.empty() && text.front() == '-' ? text.substr(1) : text;
  if (digits.empty() || !std::all_of(digits.begin(), digits.end(), is_digit)) return std::nullopt;
  return text;
}

bool fits_signed(std::string_view digits, int bits) {
  std::int64_t value = 0;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (failure != std::errc() || end != digits.data() + digits.size()) return false;
  if (bits >= 64) return true;
  const std::int64_t bound = std::int64_t{1} << (bits - 1);
  return value >= -bound && value < bound;
}

std::optional<bool> boolean_form(std::string_view text) {
  text = trimmed(text);
  if (text.empty()) return std::nullopt;
  if (text == "1") return true;
  if (text == "0") return false;
  if (is_prefix_without_case(text, "true") || is_prefix_without_case(text, "yes")) return true;
  if (is_prefix_without_case(text, "false") || is_prefix_without_case(text, "no")) return false;
  if (text.size() >= 2 && is_prefix_without_case(text, "on")) return true;
  if (text.size() >= 2 && is_prefix_without_case(text, "off")) return false;
  return std::nullopt;
}

std::optional<std::string_view> uuid_form(std::string_view text) {
  constexpr std::string_view kUrn = "urn:uuid:";
  if (text.size() > kUrn.size() && is_prefix_without_case(text.substr(0, kUrn.size()), kUrn))
    text.remove_prefix(kUrn.size());
  std::string_view digits = text;
  if (digits.size() >= 2 && digits.front() == '{') {
    if (digits.back() != '}') return std::nullopt;
    digits = digits.substr(1, digits.size() - 2);
  }
  std::size_t count = 0;
  bool hyphen = true;  // none in front
  for (const char c : digits) {
    if (c == '-') {
      if (hyphen || count % 4 != 0 || count == 32) return std::nullopt;
      hyphen = true;
    } else {
      if (!is_hex(c) || ++count > 32) return std::nullopt;
      hyphen = false;
    }
  }
  if (count != 32) return std::nullopt;
  return text;
}

std::optional<std::string_view> hex_form(std::string_view text) {
  if (text.size() < 2 || (text.substr(0, 2) != "\\x" && text.substr(0, 2) != "0x")) return std::nullopt;
  text.remove_prefix(2);
  if (text.size() % 2 != 0 || !std::all_of(text.begin(), text.end(), is_hex)) return std::nullopt;
  return text;
}

bool has_nul(std::string_view text) {
  return !text.empty() && std::memchr(text.data(), 0, text.size()) != nullptr;
}

bool is_integer_literal(std::string_view number) {
  return number.find_first_not_of("-0123456789") == std::string_view::npos;
}

}  // namespace athena::sql

#include "services/control/texts.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/uuid.h"

namespace athena::control {
namespace {

/// The text as a pattern of LIKE that only it matches.
std::string like_literal(std::string_view text) {
  std::string pattern;
  for (const char c : text) {
    if (c == '%' || c == '_' || c == '\\') pattern += '\\';
    pattern += c;
  }
  return pattern;
}

}  // namespace

std::string placeholders(std::size_t first, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) text += ", ";
    text += "$" + std::to_string(first + i);
  }
  return text;
}

std::optional<std::string> optional_text(const Value& value) {
  if (is_null(value)) return std::nullopt;
  return as_text(value);
}

Value value_of(const std::optional<std::string>& text) {
  return text ? Value(*text) : null();
}

std::string trimmed_text(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const auto begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return std::string(text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1));
}

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string new_uuid() {
  return std::string(base::view(base::uuid_v4()));
}

std::string lower_uuid(std::string_view uuid) {
  return base::lower_case(uuid);
}

std::string in_quotes(std::string_view text) {
  return "\"" + std::string(text) + "\"";
}

void Conditions::add(std::string_view condition) {
  text_.append(text_.empty() ? " WHERE " : " AND ").append(condition);
}

void Conditions::add(std::string_view expression, Value value) {
  values_.push_back(std::move(value));
  add(expression);
  text_ += "$" + std::to_string(values_.size());
}

void Conditions::add_contains(std::string_view column, std::string_view text) {
  add("lower(" + std::string(column) + ") LIKE ", "%" + like_literal(base::lower_case(text)) + "%");
  text_ += " ESCAPE '\\'";
}

void Conditions::add_prefix(std::string_view column, std::string_view text) {
  add(std::string(column) + " LIKE ", like_literal(text) + "%");
  text_ += " ESCAPE '\\'";
}

}  // namespace athena::control

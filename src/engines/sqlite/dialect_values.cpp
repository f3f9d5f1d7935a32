#include "engines/sqlite/dialect_values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>
#include <string>

#include "base/json_reader.h"
#include "engines/sql/refusals.h"
#include "engines/sql/value_forms.h"

namespace athena::sqlite {
namespace {

using contract::Result;
using query::Value;
using sql::Bind;
using sql::Type;
using sql::TypeCategory;

constexpr int kIntegerBits = 64;

Bind text_bind(std::string_view text) {
  return {Bind::Kind::text, 0, text};
}

bool is_json(const Type& type) {
  return type.category == TypeCategory::json || type.category == TypeCategory::jsonb;
}

std::string upper(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - ('a' - 'A'));
  }
  return result;
}

// `POINT` and `INTERVAL` have INTEGER affinity too, and hold text all the same.
bool is_integer_declaration(std::string_view declaration) {
  static constexpr std::array<std::string_view, 15> kNames{
      "INT",    "INTEGER",          "TINYINT",          "SMALLINT",     "MEDIUMINT",
      "BIGINT", "BIG INT",          "UNSIGNED BIG INT", "INT2",         "INT4",
      "INT8",   "UNSIGNED INTEGER", "INTEGER UNSIGNED", "INT UNSIGNED", "BIGINT UNSIGNED"};
  std::string name = upper(declaration.substr(0, declaration.find('(')));
  while (!name.empty() && name.back() == ' ') name.pop_back();
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

/// Digits of a double, or `inf`; nothing when out of range or no number at all.
std::optional<std::string_view> real_form(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  if (text.empty() || text.find_first_of("nN") == 0) return std::nullopt;  // nan would be stored as NULL
  double value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size() || value != value) return std::nullopt;
  return text;
}

/// Numbers of any form: integers as such where int64 holds them, others as reals.
std::optional<Bind> number_bind(std::string_view text) {
  if (const auto digits = sql::integer_form(text)) {
    if (!sql::fits_signed(*digits, kIntegerBits)) return std::nullopt;
    return Bind{Bind::Kind::integer, 0, *digits};
  }
  if (const auto real = real_form(text)) return Bind{Bind::Kind::real, 0, *real};
  return std::nullopt;
}

std::string with_hyphens(std::string_view digits) {
  std::string uuid;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) uuid.push_back('-');
    uuid.push_back(digits[i]);
  }
  return uuid;
}

Result<Bind> bind_string(const Value& value, const Type& type, std::string_view what,
                         std::pmr::memory_resource& memory) {
  const std::string_view text = value.text;
  if (is_json(type)) return bind_json(value, memory);
  if (sql::has_nul(text)) {
    return sql::bad_value(
        what, "The value for column \"" + std::string(what) + "\" contains the character \\u0000.");
  }
  switch (type.category) {
    case TypeCategory::boolean: {
      const auto truth = sql::boolean_form(text);
      if (!truth) return sql::value_does_not_fit(what, type);
      return Bind{Bind::Kind::integer, 0, *truth ? "1" : "0"};
    }
    case TypeCategory::integer: {
      const auto digits = sql::integer_form(text);
      if (digits && sql::fits_signed(*digits, kIntegerBits)) return Bind{Bind::Kind::integer, 0, *digits};
      if (digits || is_integer_declaration(type.name)) return sql::value_does_not_fit(what, type);
      return text_bind(text);
    }
    case TypeCategory::numeric: {
      const auto number = number_bind(text);
      if (!number) return sql::value_does_not_fit(what, type);
      return *number;
    }
    case TypeCategory::floating: {
      const auto real = real_form(text);
      if (!real) return sql::value_does_not_fit(what, type);
      return Bind{Bind::Kind::real, 0, *real};
    }
    case TypeCategory::bytes: {
      const auto digits = sql::hex_form(text);
      if (!digits) return sql::value_does_not_fit(what, type);
      std::pmr::string bytes(&memory);
      bytes.reserve(digits->size() / 2);
      for (std::size_t i = 0; i < digits->size(); i += 2) {
        unsigned byte = 0;
        std::from_chars(digits->data() + i, digits->data() + i + 2, byte, 16);
        bytes.push_back(static_cast<char>(byte));
      }
      return Bind{Bind::Kind::blob, 0, keep(bytes, memory)};
    }
    case TypeCategory::uuid: {
      const std::string_view form = sql::uuid_form(text).value_or(text);
      // 32 digits of which none is a letter but `e` are a number for SQLite, which would store another one.
      const bool number =
          form.size() == 32 && form.find_first_not_of("0123456789eE") == std::string_view::npos;
      if (number && affinity_of(type.name) == Affinity::numeric)
        return text_bind(keep(with_hyphens(form), memory));
      return text_bind(form);
    }
    default: {
      // Text in the form of a number becomes one where the affinity says so, and must not lose digits by
      // that.
      const auto digits = sql::integer_form(text);
      const bool lossy =
          digits && !sql::fits_signed(*digits, kIntegerBits) && affinity_of(type.name) == Affinity::numeric;
      if (lossy) return sql::value_does_not_fit(what, type);
      return text_bind(text);
    }
  }
}

Result<Bind> bind_number(const Value& value, const Type& type, std::string_view what) {
  switch (type.category) {
    case TypeCategory::boolean:
      if (value.text == "0" || value.text == "1") return Bind{Bind::Kind::integer, 0, value.text};
      return sql::value_does_not_fit(what, type);
    case TypeCategory::integer: {
      const auto digits = sql::integer_form(value.text);
      if (!digits || !sql::fits_signed(*digits, kIntegerBits)) return sql::value_does_not_fit(what, type);
      return Bind{Bind::Kind::integer, 0, *digits};
    }
    case TypeCategory::floating:
      if (!real_form(value.text)) return sql::value_does_not_fit(what, type);
      return Bind{Bind::Kind::real, 0, value.text};
    case TypeCategory::text:
      return text_bind(value.text);
    case TypeCategory::json:
    case TypeCategory::jsonb:
      if (affinity_of(type.name) == Affinity::text) return text_bind(value.text);
      break;
    case TypeCategory::numeric:
    case TypeCategory::date_time:
    case TypeCategory::other:
      break;
    default:
      return sql::value_does_not_fit(what, type);
  }
  const auto number = number_bind(value.text);
  if (!number) return sql::value_does_not_fit(what, type);
  return *number;
}

Result<Bind> bind_boolean(const Value& value, const Type& type, std::string_view what) {
  switch (type.category) {
    case TypeCategory::boolean:
    case TypeCategory::integer:
    case TypeCategory::numeric:
    case TypeCategory::other:
      return Bind{Bind::Kind::integer, 0, value.boolean ? "1" : "0"};
    case TypeCategory::text:
    case TypeCategory::json:
    case TypeCategory::jsonb:
      return text_bind(value.boolean ? "true" : "false");
    default:
      return sql::value_does_not_fit(what, type);
  }
}

}  // namespace

std::string_view keep(std::string_view text, std::pmr::memory_resource& memory) {
  if (text.empty()) return {};
  auto* copy = static_cast<char*>(memory.allocate(text.size(), 1));
  std::memcpy(copy, text.data(), text.size());
  return {copy, text.size()};
}

Bind bind_json(const Value& value, std::pmr::memory_resource& memory) {
  base::Buffer json;
  base::append_json(json, value);
  return text_bind(keep(json.view(), memory));
}

Affinity affinity_of(std::string_view declaration) {
  const std::string name = upper(declaration);
  const auto has = [&name](std::string_view part) { return name.find(part) != std::string::npos; };
  if (has("INT")) return Affinity::integer;
  if (has("CHAR") || has("CLOB") || has("TEXT")) return Affinity::text;
  if (name.empty() || has("BLOB")) return Affinity::blob;
  if (has("REAL") || has("FLOA") || has("DOUB")) return Affinity::real;
  return Affinity::numeric;
}

Result<Bind> bind_value(const Value& value, const Type& type, std::string_view what,
                        std::pmr::memory_resource& memory) {
  switch (value.kind) {
    case Value::Kind::null:
      return Bind{Bind::Kind::null, 0, {}};
    case Value::Kind::string:
      return bind_string(value, type, what, memory);
    case Value::Kind::number:
      return bind_number(value, type, what);
    case Value::Kind::boolean:
      return bind_boolean(value, type, what);
    case Value::Kind::array:
    case Value::Kind::object:
      if (is_json(type)) return bind_json(value, memory);
      return sql::value_does_not_fit(what, type);
  }
  return sql::value_does_not_fit(what, type);
}

}  // namespace athena::sqlite

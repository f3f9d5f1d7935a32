#include "engines/postgres/dialect_values.h"

#include <cstring>
#include <string>

#include "base/json_reader.h"
#include "base/json_writer.h"
#include "engines/sql/refusals.h"
#include "engines/sql/value_forms.h"

namespace athena::postgres {
namespace {

using contract::Error;
using contract::Result;
using query::Value;
using sql::Bind;
using sql::Type;
using sql::TypeCategory;

Bind text_bind(std::string_view text, std::uint32_t type_oid) {
  return {Bind::Kind::text, type_oid, text};
}

bool integer_fits(std::string_view digits, std::uint32_t type_oid) {
  switch (type_oid) {
    case oid::kInt2:
      return sql::fits_signed(digits, 16);
    case oid::kInt4:
      return sql::fits_signed(digits, 32);
    case oid::kInt8:
      return sql::fits_signed(digits, 64);
    default:
      return true;  // oid and its kin: the server knows their ranges
  }
}

Error with_nul(std::string_view what) {
  return sql::bad_value(what,
                        "The value for column \"" + std::string(what) + "\" contains the character \\u0000.");
}

Result<Bind> bind_string(const Value& value, const Type& type, std::string_view what,
                         std::pmr::memory_resource& memory) {
  const std::string_view text = value.text;
  if (type.category == TypeCategory::json || type.category == TypeCategory::jsonb)
    return bind_json(value, type.oid, memory);
  if (sql::has_nul(text)) return with_nul(what);
  switch (type.category) {
    case TypeCategory::integer: {
      const auto digits = sql::integer_form(text);
      if (!digits || !integer_fits(*digits, type.oid)) return sql::value_does_not_fit(what, type);
      return text_bind(text, type.oid);
    }
    case TypeCategory::boolean:
      if (!sql::boolean_form(text)) return sql::value_does_not_fit(what, type);
      return text_bind(text, type.oid);
    case TypeCategory::uuid: {
      const auto uuid = sql::uuid_form(text);
      if (!uuid) return sql::value_does_not_fit(what, type);
      return text_bind(*uuid, type.oid);
    }
    case TypeCategory::bytes: {
      if (text.substr(0, 2) != "0x") return text_bind(text, type.oid);
      if (!sql::hex_form(text)) return sql::value_does_not_fit(what, type);
      std::pmr::string hex("\\x", &memory);
      hex.append(text.substr(2));
      return text_bind(keep(hex, memory), type.oid);
    }
    default:
      return text_bind(text, type.oid);
  }
}

Result<Bind> bind_number(const Value& value, const Type& type, std::string_view what) {
  switch (type.category) {
    case TypeCategory::integer: {
      const auto digits = sql::integer_form(value.text);
      if (!digits || !integer_fits(*digits, type.oid)) return sql::value_does_not_fit(what, type);
      break;
    }
    case TypeCategory::floating:
    case TypeCategory::numeric:
    case TypeCategory::text:
    case TypeCategory::json:
    case TypeCategory::jsonb:
    case TypeCategory::other:
      break;
    default:
      return sql::value_does_not_fit(what, type);
  }
  return text_bind(value.text, type.oid);
}

Result<Bind> bind_boolean(const Value& value, const Type& type, std::string_view what) {
  switch (type.category) {
    case TypeCategory::boolean:
    case TypeCategory::text:
    case TypeCategory::json:
    case TypeCategory::jsonb:
    case TypeCategory::other:
      return text_bind(value.boolean ? "true" : "false", type.oid);
    default:
      return sql::value_does_not_fit(what, type);
  }
}

void append_quoted(std::pmr::string& out, std::string_view text) {
  out.push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  out.push_back('"');
}

Result<void> append_array(std::pmr::string& out, std::span<const Value* const> values, const Type& element,
                          std::string_view what, std::pmr::memory_resource& memory) {
  const bool json = element.category == TypeCategory::json || element.category == TypeCategory::jsonb;
  const char delimiter = element.udt_name == "box" ? ';' : ',';
  out.push_back('{');
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Value& value = *values[i];
    if (i > 0) out.push_back(delimiter);
    if (value.is_array() && !json) {
      auto appended = append_array(out, value.items, element, what, memory);
      if (!appended) return appended;
      continue;
    }
    auto bound = bind_value(value, element, what, memory);
    if (!bound) return std::move(bound).error();
    if (bound->kind == Bind::Kind::null) {
      out.append("NULL");
    } else if (value.is_number() || value.is_boolean()) {
      out.append(bound->text);
    } else {
      append_quoted(out, bound->text);
    }
  }
  out.push_back('}');
  return {};
}

/// `"key"=>"value", …`: hstore takes strings and NULL; other scalars by their JSON text.
Result<Bind> bind_hstore(const Value& value, const Type& type, std::string_view what,
                         std::pmr::memory_resource& memory) {
  std::pmr::string text(&memory);
  for (const auto& member : value.members) {
    const Value& item = *member.value;
    if (item.is_array() || item.is_object()) return sql::value_does_not_fit(what, type);
    if (sql::has_nul(member.name) || sql::has_nul(item.text)) return with_nul(what);
    if (!text.empty()) text.push_back(',');
    append_quoted(text, member.name);
    text.append("=>");
    if (item.is_null()) {
      text.append("NULL");
    } else {
      append_quoted(text, item.is_boolean() ? (item.boolean ? "true" : "false") : item.text);
    }
  }
  return text_bind(keep(text, memory), type.oid);
}

}  // namespace

std::string_view keep(std::string_view text, std::pmr::memory_resource& memory) {
  if (text.empty()) return {};
  auto* copy = static_cast<char*>(memory.allocate(text.size(), 1));
  std::memcpy(copy, text.data(), text.size());
  return {copy, text.size()};
}

Bind bind_json(const Value& value, std::uint32_t type_oid, std::pmr::memory_resource& memory) {
  if (value.is_number()) return text_bind(value.text, type_oid);
  if (value.is_boolean()) return text_bind(value.boolean ? "true" : "false", type_oid);
  base::Buffer json;
  base::append_json(json, value);
  return text_bind(keep(json.view(), memory), type_oid);
}

Result<Bind> bind_array(std::span<const Value* const> values, const Type& element, std::string_view what,
                        std::pmr::memory_resource& memory) {
  std::pmr::string text(&memory);
  text.reserve(values.size() * 8 + 2);
  auto appended = append_array(text, values, element, what, memory);
  if (!appended) return std::move(appended).error();
  return text_bind(keep(text, memory), element.array_oid);
}

Result<Bind> bind_value(const Value& value, const Type& type, std::string_view what,
                        std::pmr::memory_resource& memory) {
  switch (value.kind) {
    case Value::Kind::null:
      return Bind{Bind::Kind::null, type.oid, {}};
    case Value::Kind::string:
      return bind_string(value, type, what, memory);
    case Value::Kind::number:
      return bind_number(value, type, what);
    case Value::Kind::boolean:
      return bind_boolean(value, type, what);
    case Value::Kind::array: {
      if (type.category == TypeCategory::json || type.category == TypeCategory::jsonb)
        return bind_json(value, type.oid, memory);
      if (type.category != TypeCategory::array || type.element == nullptr)
        return sql::value_does_not_fit(what, type);
      auto bound = bind_array(value.items, *type.element, what, memory);
      if (!bound) return bound;
      bound->type_oid = type.oid;
      return bound;
    }
    case Value::Kind::object:
      if (type.category == TypeCategory::json || type.category == TypeCategory::jsonb)
        return bind_json(value, type.oid, memory);
      if (type.udt_name == "hstore") return bind_hstore(value, type, what, memory);
      return sql::value_does_not_fit(what, type);
  }
  return sql::value_does_not_fit(what, type);
}

}  // namespace athena::postgres

#include "engines/postgres/dialect_values.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "base/json_reader.h"
#include "base/json_writer.h"
#include "engines/postgres/values.h"
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
                          char delimiter, std::string_view what, std::pmr::memory_resource& memory) {
  // An array in the place of an element is one more dimension, unless the elements take arrays themselves:
  // JSON, vectors, domains over arrays.
  const bool json = element.category == TypeCategory::json || element.category == TypeCategory::jsonb;
  const bool whole = json || element.category == TypeCategory::array || element.format == &kVectorFormat;
  out.push_back('{');
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Value& value = *values[i];
    if (i > 0) out.push_back(delimiter);
    if (value.is_array() && !whole) {
      auto appended = append_array(out, value.items, element, delimiter, what, memory);
      if (!appended) return appended;
      continue;
    }
    auto bound = bind_value(value, element, what, memory);
    if (!bound) return std::move(bound).error();
    if (bound->kind == Bind::Kind::null) {
      out.append("NULL");
    } else if (value.is_boolean() || (value.is_number() && (!json || is_json_number(bound->text)))) {
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

Result<Bind> bind_array_of(std::span<const Value* const> values, const Type& element, char delimiter,
                           std::uint32_t array_oid, std::string_view what,
                           std::pmr::memory_resource& memory) {
  std::pmr::string text(&memory);
  text.reserve(values.size() * 8 + 2);
  auto appended = append_array(text, values, element, delimiter, what, memory);
  if (!appended) return std::move(appended).error();
  return text_bind(keep(text, memory), array_oid);
}

/// int2vector, oidvector: numbers parted by spaces.
Result<Bind> bind_vector(const Value& value, const Type& type, std::string_view what,
                         std::pmr::memory_resource& memory) {
  std::pmr::string text(&memory);
  for (const auto* item : value.items) {
    if (!item->is_number() && !item->is_string()) return sql::value_does_not_fit(what, type);
    const auto digits = sql::integer_form(item->text);
    if (!digits) return sql::value_does_not_fit(what, type);
    if (!text.empty()) text.push_back(' ');
    text.append(*digits);
  }
  return text_bind(keep(text, memory), type.oid);
}

const CompositeAttributes* attributes_of(const Type& type) {
  if (type.category != TypeCategory::composite || type.format == nullptr) return nullptr;
  const auto* const found = composite_attributes(*type.format);
  if (found == nullptr) return nullptr;
  for (const auto& attribute : found->attributes) {
    if (attribute.type == nullptr) return nullptr;
  }
  return found;
}

/// `("a","b",)`: attributes that the object does not name are NULL, names that the type does not have are
/// refused.
Result<Bind> bind_composite(const Value& value, const Type& type, const CompositeAttributes& composite,
                            std::string_view what, std::pmr::memory_resource& memory) {
  std::size_t known = 0;
  std::pmr::string text("(", &memory);
  bool first = true;
  for (const auto& attribute : composite.attributes) {
    if (!first) text.push_back(',');
    first = false;
    const Value* const given = value.find(attribute.name);
    if (given == nullptr) continue;
    ++known;
    auto bound = bind_value(*given, *attribute.type, what, memory);
    if (!bound) return bound;
    if (bound->kind == Bind::Kind::null) continue;
    text.push_back('"');
    for (const char c : bound->text) {
      if (c == '"' || c == '\\') text.push_back(c);
      text.push_back(c);
    }
    text.push_back('"');
  }
  text.push_back(')');
  if (known == value.members.size()) return text_bind(keep(text, memory), type.oid);
  for (const auto& member : value.members) {
    const bool exists = std::ranges::any_of(
        composite.attributes, [&](const auto& attribute) { return attribute.name == member.name; });
    if (exists) continue;
    return sql::bad_value(what, "The value for column \"" + std::string(what) + "\" has a member \"" +
                                    std::string(member.name) + "\" that its type " + type.name +
                                    " does not have.");
  }
  return sql::value_does_not_fit(what, type);
}

}  // namespace

bool knows_attributes(const Type& type) {
  return attributes_of(type) != nullptr;
}

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
  return bind_array_of(values, element, element.udt_name == "box" ? ';' : ',', element.array_oid, what,
                       memory);
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
      if (type.format == &kVectorFormat) return bind_vector(value, type, what, memory);
      if (type.category != TypeCategory::array || type.element == nullptr)
        return sql::value_does_not_fit(what, type);
      return bind_array_of(value.items, *type.element,
                           type.format != nullptr ? array_delimiter(*type.format) : ',', type.oid, what,
                           memory);
    }
    case Value::Kind::object:
      if (type.category == TypeCategory::json || type.category == TypeCategory::jsonb)
        return bind_json(value, type.oid, memory);
      if (type.format == &kHstoreFormat || type.udt_name == "hstore")
        return bind_hstore(value, type, what, memory);
      if (const auto* attributes = attributes_of(type); attributes != nullptr)
        return bind_composite(value, type, *attributes, what, memory);
      return sql::value_does_not_fit(what, type);
  }
  return sql::value_does_not_fit(what, type);
}

}  // namespace athena::postgres

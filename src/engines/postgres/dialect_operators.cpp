#include <string>
#include <vector>

#include "engines/postgres/dialect.h"
#include "engines/postgres/dialect_values.h"
#include "engines/sql/conditions.h"
#include "engines/sql/refusals.h"
#include "engines/sql/value_forms.h"
#include "engines/sql/writer.h"

namespace athena::postgres {
namespace {

using contract::Error;
using contract::ErrorCode;
using contract::Result;
using query::Operator;
using query::Predicate;
using sql::Bind;
using sql::Operand;
using sql::Type;
using sql::TypeCategory;
using sql::Writer;

constexpr std::size_t kMaxRegexBytes = 1024;

Result<std::string_view> text_of(const Predicate& predicate, const Operand& operand,
                                 const query::Value& value) {
  if (!value.is_string()) return sql::operator_takes(predicate, operand.name, "a string");
  if (sql::has_nul(value.text))
    return sql::operator_takes(predicate, operand.name, "a string without the character \\u0000");
  return value.text;
}

bool ends_in_escape(std::string_view pattern) {
  std::size_t count = 0;
  while (count < pattern.size() && pattern[pattern.size() - 1 - count] == '\\') ++count;
  return count % 2 == 1;
}

std::string_view pattern_operator(Operator op) {
  switch (op) {
    case Operator::like:
      return " LIKE ";
    case Operator::ilike:
      return " ILIKE ";
    case Operator::match:
      return " ~ ";
    default:
      return " ~* ";
  }
}

// Types that bring patterns of their own (citext) would make `like` mean something else per column.
Result<void> write_pattern(Writer& out, const Predicate& predicate, const Operand& operand) {
  auto pattern = text_of(predicate, operand, *predicate.value);
  if (!pattern) return std::move(pattern).error();
  const bool regex = predicate.op == Operator::match || predicate.op == Operator::imatch;
  if (regex && pattern->size() > kMaxRegexBytes) {
    return sql::operator_takes(predicate, operand.name, "a regular expression of at most 1024 bytes");
  }
  if (!regex && ends_in_escape(*pattern)) {
    return sql::operator_takes(predicate, operand.name,
                               "a pattern that does not end in its escape character");
  }
  auto written = out.operand(operand);
  if (!written) return written;
  const auto type_oid = operand.type_or_unknown().oid;
  if (type_oid != oid::kText && type_oid != oid::kVarchar && type_oid != oid::kBpchar) out.add("::text");
  out.add(pattern_operator(predicate.op));
  if (predicate.value_cast.empty()) {
    out.placeholder({Bind::Kind::text, oid::kText, *pattern});
    return {};
  }
  return sql::write_operand_value(out, predicate, *predicate.value, operand);
}

/// A value of an expression is the text of its type, which for json is JSON: as a number its text stays as it
/// is.
query::Value in_text_form(const Predicate& predicate, const query::Value& value,
                          std::pmr::memory_resource& memory) {
  query::Value plain = value;
  if (!predicate.text_form) return plain;
  if (value.is_string()) plain.kind = query::Value::Kind::number;
  if (!value.is_array()) return plain;
  std::pmr::polymorphic_allocator<> allocator(&memory);
  auto** items = allocator.allocate_object<const query::Value*>(value.items.size());
  for (std::size_t i = 0; i < value.items.size(); ++i)
    items[i] = allocator.new_object<query::Value>(in_text_form(predicate, *value.items[i], memory));
  plain.items = {items, value.items.size()};
  return plain;
}

bool is_json(const Type& type) {
  return type.category == TypeCategory::json || type.category == TypeCategory::jsonb;
}

Result<void> write_any(Writer& out, const Predicate& predicate, const Operand& operand, const Type& type,
                       std::span<const query::Value* const> values) {
  auto written = out.operand(operand);
  if (!written) return written;
  if (type.array_oid != 0 && type.category != TypeCategory::array) {
    auto bound = bind_array(values, type, operand.name, out.memory());
    if (!bound) return std::move(bound).error();
    out.add(" = ANY(");
    out.placeholder(*bound);
    if (!predicate.value_cast.empty()) {
      out.add("::");
      out.add(type.name);
      out.add("[]");
    }
    out.add(")");
    return {};
  }
  out.add(" IN (");  // there are no arrays of this type
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) out.add(", ");
    written = sql::write_operand_value(out, predicate, *values[i], operand);
    if (!written) return written;
  }
  out.add(")");
  return {};
}

Result<void> write_in(Writer& out, const Predicate& predicate, const Operand& operand) {
  if (!predicate.value->is_array()) return sql::operator_takes(predicate, operand.name, "an array");
  auto type = sql::value_type(out, predicate, operand);
  if (!type) return std::move(type).error();
  std::pmr::vector<const query::Value*> values(&out.memory());
  values.reserve(predicate.value->items.size());
  for (const auto* item : predicate.value->items) {
    if (item->is_null()) continue;
    // A nested list would be flattened by the array, a row object has no text form.
    if (item->is_object() || (item->is_array() && (*type)->category != TypeCategory::array)) {
      return sql::operator_takes(predicate, operand.name, "an array of scalar values");
    }
    if (predicate.text_form && is_json(**type)) {
      values.push_back(std::pmr::polymorphic_allocator<>(&out.memory())
                           .new_object<query::Value>(in_text_form(predicate, *item, out.memory())));
      continue;
    }
    values.push_back(item);
  }
  const bool with_null = values.size() < predicate.value->items.size();
  if (values.empty() && !with_null) {
    out.add("FALSE");
    return {};
  }
  if (with_null && !values.empty()) out.add("(");
  if (!values.empty()) {
    auto written = write_any(out, predicate, operand, **type, values);
    if (!written || !with_null) return written;
    out.add(" OR ");
  }
  auto written = out.operand(operand);
  if (!written) return written;
  out.add(values.empty() ? " IS NULL" : " IS NULL)");
  return {};
}

bool is_range(const Type& type) {
  return type.category == TypeCategory::range || type.category == TypeCategory::multirange;
}

// json has no containment of its own.
Result<void> write_json_containment(Writer& out, const Predicate& predicate, const Operand& operand,
                                    std::string_view symbol) {
  auto written = out.operand(operand);
  if (!written) return written;
  if (operand.type_or_unknown().category == TypeCategory::json) out.add("::jsonb");
  out.add(symbol);
  out.placeholder(
      bind_json(in_text_form(predicate, *predicate.value, out.memory()), oid::kJsonb, out.memory()));
  if (predicate.value_cast.empty()) return {};
  const Type* cast = out.dialect().types().find(predicate.value_cast);
  if (cast == nullptr) return sql::unknown_cast(predicate.value_cast);
  out.dialect().end_cast(out.text(), *cast);
  return {};
}

/// A range, for a column of multiranges, is one of a single range.
std::string_view as_multirange(std::string_view text, std::pmr::memory_resource& memory) {
  const auto begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos || text[begin] == '{') return text;
  std::pmr::string braced("{", &memory);
  braced.append(text).push_back('}');
  return keep(braced, memory);
}

Result<void> write_set_operator(Writer& out, const Predicate& predicate, const Operand& operand) {
  const Type& type = operand.type_or_unknown();
  const query::Value& value = *predicate.value;
  const bool only_ranges = predicate.op >= Operator::sl && predicate.op <= Operator::adj;
  std::string_view symbol;
  switch (predicate.op) {
    case Operator::contains:
      symbol = " @> ";
      break;
    case Operator::contained_by:
      symbol = " <@ ";
      break;
    case Operator::overlaps:
      symbol = " && ";
      break;
    case Operator::sl:
      symbol = " << ";
      break;
    case Operator::sr:
      symbol = " >> ";
      break;
    case Operator::nxr:
      symbol = " &< ";
      break;
    case Operator::nxl:
      symbol = " &> ";
      break;
    default:
      symbol = " -|- ";
      break;
  }
  const bool contains = predicate.op == Operator::contains || predicate.op == Operator::contained_by;
  if (contains && is_json(type)) return write_json_containment(out, predicate, operand, symbol);
  if (is_range(type)) {
    if (!value.is_string()) return sql::operator_takes(predicate, operand.name, "the text of a range");
  } else if (type.category == TypeCategory::array && !only_ranges) {
    if (!value.is_array() && !value.is_string())
      return sql::operator_takes(predicate, operand.name, "an array");
  } else {
    return sql::operator_unusable(predicate, operand.name, type);
  }
  auto written = out.operand(operand);
  if (!written) return written;
  out.add(symbol);
  if (type.category == TypeCategory::array && type.element != nullptr && is_json(*type.element)) {
    const query::Value elements = value.is_array() ? in_text_form(predicate, value, out.memory()) : value;
    return sql::write_operand_value(out, predicate, elements, operand);
  }
  if (type.category != TypeCategory::multirange)
    return sql::write_operand_value(out, predicate, value, operand);
  query::Value ranges = value;
  ranges.text = as_multirange(value.text, out.memory());
  return sql::write_operand_value(out, predicate, ranges, operand);
}

// The configuration counts for both sides, or stems would not meet.
Result<void> write_text_search(Writer& out, const Predicate& predicate, const Operand& operand) {
  const Type& type = operand.type_or_unknown();
  auto query = text_of(predicate, operand, *predicate.value);
  if (!query) return std::move(query).error();
  const bool vector = type.category == TypeCategory::text_search && type.oid == oid::kTsvector;
  if (!vector && type.category != TypeCategory::text && !is_json(type)) {
    return sql::operator_unusable(predicate, operand.name, type);
  }
  if (sql::has_nul(predicate.text_search_config)) {
    return Error(ErrorCode::invalid_identifier, "A text search configuration has no character \\u0000.");
  }
  std::size_t config = 0;
  const auto write_config = [&] {
    if (predicate.text_search_config.empty()) return;
    if (config == 0) {
      config = out.placeholder({Bind::Kind::text, oid::kRegconfig, predicate.text_search_config});
    } else {
      out.placeholder_again(config);
    }
    out.add("::regconfig, ");
  };
  if (!vector) {
    out.add("to_tsvector(");
    write_config();
  }
  auto written = out.operand(operand);
  if (!written) return written;
  if (!vector) out.add(")");
  switch (predicate.op) {
    case Operator::fts:
      out.add(" @@ websearch_to_tsquery(");
      break;
    case Operator::plfts:
      out.add(" @@ plainto_tsquery(");
      break;
    default:
      out.add(" @@ phraseto_tsquery(");
      break;
  }
  write_config();
  out.placeholder({Bind::Kind::text, oid::kText, *query});
  out.add(")");
  return {};
}

}  // namespace

Result<void> PostgresDialect::write_comparison(Writer& out, const Predicate& predicate,
                                               const Operand& operand) const {
  switch (predicate.op) {
    case Operator::like:
    case Operator::ilike:
    case Operator::match:
    case Operator::imatch:
      return write_pattern(out, predicate, operand);
    case Operator::in:
      return write_in(out, predicate, operand);
    case Operator::fts:
    case Operator::plfts:
    case Operator::phfts:
      return write_text_search(out, predicate, operand);
    default:
      return write_set_operator(out, predicate, operand);
  }
}

}  // namespace athena::postgres

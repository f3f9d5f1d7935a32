#include "engines/sql/conditions.h"

#include <algorithm>
#include <string>

#include "engines/sql/refusals.h"
#include "engines/sql/value_forms.h"

namespace athena::sql {
namespace {

using contract::Result;
using query::Operator;
using query::Predicate;

std::string_view comparison(Operator op, const Dialect& dialect) {
  switch (op) {
    case Operator::eq:
      return " = ";
    case Operator::neq:
      return " <> ";
    case Operator::gt:
      return " > ";
    case Operator::gte:
      return " >= ";
    case Operator::lt:
      return " < ";
    case Operator::lte:
      return " <= ";
    case Operator::isdistinct:
      return dialect.traits().is_distinct_from;
    default:
      return {};
  }
}

bool is_equality(Operator op) {
  return op == Operator::eq || op == Operator::neq || op == Operator::isdistinct;
}

// `id::text = '…'` over a uuid column finds the rows of `id = '…'` when the text is the one the server would
// print, and the index of the column serves only the latter.
bool uuid_text_is_uuid(const Predicate& predicate, const Operand& operand, const Dialect& dialect) {
  if (predicate.op != Operator::eq && predicate.op != Operator::neq) return false;
  if (operand.cast == nullptr || !operand.path.empty() || operand.cast->category != TypeCategory::text)
    return false;
  const Type* type = operand.column->type;
  if (type == nullptr || type->category != TypeCategory::uuid || operand.cast != dialect.types().find("text"))
    return false;
  if (!predicate.value_cast.empty() && dialect.types().find(predicate.value_cast) != operand.cast)
    return false;
  return predicate.value->is_string() && is_canonical_uuid(predicate.value->text);
}

Result<void> write_scalar(Writer& out, const Predicate& predicate, const Operand& operand) {
  const query::Value& value = *predicate.value;
  if (value.is_null()) {
    if (!is_equality(predicate.op)) return operator_takes(predicate, operand.name, "a value, not null");
    auto written = out.operand(operand);
    if (!written) return written;
    out.add(predicate.op == Operator::eq ? " IS NULL" : " IS NOT NULL");
    return {};
  }
  if (uuid_text_is_uuid(predicate, operand, out.dialect())) {
    Predicate bare = predicate;
    bare.value_cast = {};
    Operand column;
    column.column = operand.column;
    column.type = operand.column->type;
    column.name = operand.name;
    return write_scalar(out, bare, column);
  }
  auto type = value_type(out, predicate, operand);
  if (!type) return std::move(type).error();
  if (value.is_object()) return operator_takes(predicate, operand.name, "a scalar value");
  if (value.is_array() && (!is_equality(predicate.op) || (*type)->category != TypeCategory::array)) {
    return operator_takes(predicate, operand.name, "a scalar value; use operator in for a list");
  }
  auto written = out.operand(operand);
  if (!written) return written;
  out.add(comparison(predicate.op, out.dialect()));
  return write_operand_value(out, predicate, value, operand);
}

Result<void> write_predicate(Writer& out, const Predicate& predicate);

Result<void> write_group(Writer& out, const Predicate& predicate) {
  // An empty group would be a term without effect; the parser makes none.
  if (predicate.children.empty()) {
    return contract::Error(contract::ErrorCode::invalid_payload, "A group of conditions must not be empty.");
  }
  out.add("(");
  bool first = true;
  for (const auto& child : predicate.children) {
    if (!first) out.add(predicate.kind == Predicate::Kind::any_of ? " OR " : " AND ");
    first = false;
    auto written = write_predicate(out, child);
    if (!written) return written;
  }
  out.add(")");
  return {};
}

std::string_view is_test(query::IsTest test, const Dialect& dialect) {
  switch (test) {
    case query::IsTest::null:
      return " IS NULL";
    case query::IsTest::not_null:
      return " IS NOT NULL";
    case query::IsTest::true_:
      return " IS TRUE";
    case query::IsTest::false_:
      return " IS FALSE";
    case query::IsTest::unknown:
      return dialect.traits().is_unknown;
  }
  return {};
}

Result<void> write_is(Writer& out, query::IsTest test, const Operand& operand) {
  const bool of_null = test == query::IsTest::null || test == query::IsTest::not_null;
  if (!of_null && !out.dialect().has_truth(operand.type_or_unknown())) {
    return bad_value(operand.name, "Operator is takes null or not_null for column \"" +
                                       std::string(operand.name) + "\"; true, false and unknown need " +
                                       std::string(out.dialect().traits().truth_type) + ".");
  }
  auto written = out.operand(operand);
  if (!written) return written;
  out.add(is_test(test, out.dialect()));
  return {};
}

Result<void> write_compare(Writer& out, const Predicate& predicate) {
  auto operand = resolve(predicate.column, out.table(), out.dialect());
  if (!operand) return std::move(operand).error();
  if (predicate.op == Operator::is) return write_is(out, predicate.is_test, *operand);
  if (comparison(predicate.op, out.dialect()).empty()) {
    return out.dialect().write_comparison(out, predicate, *operand);
  }
  return write_scalar(out, predicate, *operand);
}

Result<void> write_predicate(Writer& out, const Predicate& predicate) {
  if (predicate.kind != Predicate::Kind::compare) {
    if (predicate.negated) out.add("NOT ");
    return write_group(out, predicate);
  }
  if (!predicate.negated) return write_compare(out, predicate);
  out.add("NOT (");
  auto written = write_compare(out, predicate);
  if (!written) return written;
  out.add(")");
  return {};
}

bool is_index_equality(const Table& table, const Predicate& predicate) {
  if (predicate.kind == Predicate::Kind::all_of) {
    return !predicate.negated && has_indexed_equality(table, predicate.children);
  }
  if (predicate.kind != Predicate::Kind::compare || predicate.negated) return false;
  if (predicate.op != Operator::eq && predicate.op != Operator::in) return false;
  if (!predicate.column.path.empty() || !predicate.column.cast.empty() || predicate.value->is_null())
    return false;
  const int column = table.find_column(predicate.column.name);
  return column >= 0 && leads_an_index(table, static_cast<std::uint16_t>(column));
}

}  // namespace

Result<void> write_conditions(Writer& out, std::span<const Predicate> conditions) {
  bool first = true;
  for (const auto& condition : conditions) {
    if (!first) out.add(" AND ");
    first = false;
    auto written = write_predicate(out, condition);
    if (!written) return written;
  }
  return {};
}

Result<const Type*> value_type(const Writer& out, const Predicate& predicate, const Operand& operand) {
  if (predicate.value_cast.empty()) return &operand.type_or_unknown();
  const Type* cast = out.dialect().types().find(predicate.value_cast);
  if (cast == nullptr) return unknown_cast(predicate.value_cast);
  return cast;
}

Result<void> write_operand_value(Writer& out, const Predicate& predicate, const query::Value& value,
                                 const Operand& operand) {
  auto type = value_type(out, predicate, operand);
  if (!type) return std::move(type).error();
  const bool json = (*type)->category == TypeCategory::json || (*type)->category == TypeCategory::jsonb;
  if (json && predicate.text_form && value.is_string()) {  // JSON text, not a string of JSON
    if (has_nul(value.text)) return bad_value(operand.name, "JSON text has no character \\u0000.");
    if (!predicate.value_cast.empty()) out.dialect().begin_cast(out.text());
    out.placeholder({Bind::Kind::text, (*type)->oid, value.text});
    if (!predicate.value_cast.empty()) out.dialect().end_cast(out.text(), **type);
    return {};
  }
  if (predicate.value_cast.empty()) return out.dialect().write_value(out, value, **type, operand.name);
  out.dialect().begin_cast(out.text());
  auto written = out.dialect().write_value(out, value, **type, operand.name);
  if (!written) return written;
  out.dialect().end_cast(out.text(), **type);
  return {};
}

bool has_indexed_equality(const Table& table, std::span<const Predicate> conditions) {
  return std::any_of(conditions.begin(), conditions.end(),
                     [&table](const Predicate& condition) { return is_index_equality(table, condition); });
}

bool leads_an_index(const Table& table, std::uint16_t column) {
  const auto leads = [column](const Key& key) { return !key.empty() && key.front() == column; };
  return leads(table.primary_key) ||
         std::any_of(table.leading_index_columns.begin(), table.leading_index_columns.end(), leads) ||
         std::any_of(table.unique_keys.begin(), table.unique_keys.end(), leads);
}

bool is_canonical_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      if (c != '-') return false;
    } else if ((c < '0' || c > '9') && (c < 'a' || c > 'f')) {
      return false;
    }
  }
  return true;
}

}  // namespace athena::sql

#include <optional>
#include <string>
#include <vector>

#include "base/buffer.h"
#include "base/json_validator.h"
#include "base/json_writer.h"
#include "engines/sql/compiler.h"
#include "engines/sql/conditions.h"
#include "engines/sql/refusals.h"
#include "engines/sql/value_forms.h"
#include "engines/sql/writer.h"
#include "engines/sqlite/dialect.h"
#include "engines/sqlite/dialect_values.h"

namespace athena::sqlite {
namespace {

using contract::Result;
using query::Operator;
using query::Predicate;
using sql::Bind;
using sql::Operand;
using sql::Type;
using sql::TypeCategory;
using sql::Writer;

bool ends_in_escape(std::string_view pattern) {
  std::size_t count = 0;
  while (count < pattern.size() && pattern[pattern.size() - 1 - count] == '\\') ++count;
  return count % 2 == 1;
}

/// What every match begins with, cut so that its last byte has a successor of one byte.
std::pmr::string fixed_prefix(std::string_view pattern, std::pmr::memory_resource& memory) {
  std::pmr::string prefix(&memory);
  for (std::size_t i = 0; i < pattern.size() && pattern[i] != '%' && pattern[i] != '_'; ++i) {
    if (pattern[i] == '\\' && i + 1 < pattern.size()) ++i;
    prefix.push_back(pattern[i]);
  }
  while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) >= 0x7f) prefix.pop_back();
  return prefix;
}

Result<void> write_like(Writer& out, const Predicate& predicate, const Operand& operand) {
  const query::Value& value = *predicate.value;
  if (!value.is_string()) return sql::operator_takes(predicate, operand.name, "a string");
  if (sql::has_nul(value.text))
    return sql::operator_takes(predicate, operand.name, "a string without the character \\u0000");
  if (ends_in_escape(value.text)) {
    return sql::operator_takes(predicate, operand.name,
                               "a pattern that does not end in its escape character");
  }
  const bool ordered = operand.is_plain() && operand.column->binary_collation &&
                       operand.type_or_unknown().category == TypeCategory::text;
  const bool may_use_index =
      predicate.op == Operator::like && !predicate.negated && ordered && predicate.value_cast.empty();
  const auto prefix = may_use_index ? fixed_prefix(value.text, out.memory()) : std::pmr::string();
  if (!prefix.empty()) {
    const std::string_view lower = keep(prefix, out.memory());
    std::pmr::string successor(prefix, &out.memory());
    ++successor.back();
    out.add("(");
    out.column(*operand.column);
    out.add(" >= ");
    out.placeholder({Bind::Kind::text, 0, lower});
    out.add(" AND ");
    out.column(*operand.column);
    out.add(" < ");
    out.placeholder({Bind::Kind::text, 0, keep(successor, out.memory())});
    out.add(" AND ");
  }
  out.add(predicate.op == Operator::like ? "athena_like(" : "athena_ilike(");
  if (predicate.value_cast.empty()) {
    out.placeholder({Bind::Kind::text, 0, value.text});
  } else {
    auto cast = sql::write_operand_value(out, predicate, value, operand);
    if (!cast) return cast;
  }
  out.add(", ");
  auto written = out.operand(operand);
  if (!written) return written;
  out.add(prefix.empty() ? ")" : "))");
  return {};
}

bool is_json(const Type& type) {
  return type.category == TypeCategory::json || type.category == TypeCategory::jsonb;
}

bool is_json_integer(std::string_view digits) {
  if (digits.front() == '-') digits.remove_prefix(1);
  return digits == "0" || digits.front() != '0';
}

/// The list as one JSON array, so that its length does not change the text. Nothing when a value has no exact
/// JSON form.
Result<std::optional<Bind>> bind_list(const Writer& out, const Predicate& predicate, const Operand& operand,
                                      std::span<const query::Value* const> values) {
  if (!predicate.value_cast.empty()) return std::optional<Bind>();
  base::Buffer json;
  json.push_back('[');
  const bool json_texts = predicate.text_form && is_json(operand.type_or_unknown());
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (json_texts && values[i]->is_string()) {
      if (i > 0) json.push_back(',');
      base::append_json_string(json, values[i]->text);
      continue;
    }
    auto bound = out.dialect().bind(*values[i], operand.type_or_unknown(), operand.name, out.memory());
    if (!bound) return std::move(bound).error();
    if (i > 0) json.push_back(',');
    if (bound->kind == Bind::Kind::text) {
      base::append_json_string(json, bound->text);
    } else if (bound->kind == Bind::Kind::integer && is_json_integer(bound->text)) {
      json.append(bound->text);
    } else {
      return std::optional<Bind>();  // reals would be read by another rule, bytes and `007` are no JSON
    }
  }
  json.push_back(']');
  return std::optional<Bind>(Bind{Bind::Kind::text, 0, keep(json.view(), out.memory())});
}

Result<void> write_in(Writer& out, const Predicate& predicate, const Operand& operand) {
  if (!predicate.value->is_array()) return sql::operator_takes(predicate, operand.name, "an array");
  std::pmr::vector<const query::Value*> values(&out.memory());
  for (const auto* item : predicate.value->items) {
    if (item->is_null()) continue;
    if (item->is_object() || item->is_array())
      return sql::operator_takes(predicate, operand.name, "an array of scalar values");
    values.push_back(item);
  }
  const bool with_null = values.size() < predicate.value->items.size();
  if (values.empty() && !with_null) {
    out.add("0");
    return {};
  }
  if (with_null && !values.empty()) out.add("(");
  if (!values.empty()) {
    auto list = bind_list(out, predicate, operand, values);
    if (!list) return std::move(list).error();
    auto written = out.operand(operand);
    if (!written) return written;
    if (*list) {
      out.add(" IN (SELECT value FROM json_each(");
      out.placeholder(**list);
      out.add("))");
    } else {
      out.add(" IN (");
      for (std::size_t i = 0; i < values.size(); ++i) {
        if (i > 0) out.add(", ");
        written = sql::write_operand_value(out, predicate, *values[i], operand);
        if (!written) return written;
      }
      out.add(")");
    }
    if (!with_null) return {};
    out.add(" OR ");
  }
  auto written = out.operand(operand);
  if (!written) return written;
  out.add(values.empty() ? " IS NULL" : " IS NULL)");
  return {};
}

// Members are compared by value and kind, as `1` and `1.0` are one number and `1` and `true` are not. NULL
// for a NULL column; a row without a JSON array contains nothing. Columns stand with their table: json_each
// has columns of common names.
class ArrayComparison {
 public:
  ArrayComparison(Writer& out, const Predicate& predicate, const Operand& operand, const Bind& value)
      : out_(out), predicate_(predicate), operand_(operand), value_(value) {}

  Result<void> write() {
    const auto before = out_.qualify(out_.table_qualifier());
    auto written = write_qualified();
    out_.qualify(before);
    return written;
  }

 private:
  Result<void> write_qualified() {
    out_.add("CASE WHEN json_valid(");
    auto written = out_.operand(operand_);
    if (!written) return written;
    out_.add(") THEN json_type(");
    written = out_.operand(operand_);
    if (!written) return written;
    out_.add(") = 'array' AND ");
    switch (predicate_.op) {
      case Operator::contains:
        out_.add("NOT EXISTS (SELECT 1 FROM ");
        write_wanted();
        out_.add(" WHERE NOT EXISTS (SELECT 1 FROM ");
        written = write_present();
        break;
      case Operator::contained_by:
        out_.add("NOT EXISTS (SELECT 1 FROM ");
        written = write_present();
        if (!written) return written;
        out_.add(" WHERE NOT EXISTS (SELECT 1 FROM ");
        write_wanted();
        break;
      default:
        out_.add("EXISTS (SELECT 1 FROM ");
        written = write_present();
        out_.add(", ");
        write_wanted();
        break;
    }
    if (!written) return written;
    out_.add(" WHERE ");
    write_equality();
    out_.add(predicate_.op == Operator::overlaps ? ") END" : ")) END");
    return {};
  }

  // A table of these names would be hidden by them, so its own name decides between two.
  std::string_view wanted() const { return first_is_a() ? "b_wanted" : "a_wanted"; }
  std::string_view present() const { return first_is_a() ? "b_present" : "a_present"; }
  bool first_is_a() const {
    const std::string& name = out_.table().name;
    return !name.empty() && (name.front() == 'a' || name.front() == 'A');
  }

  void write_wanted() {
    out_.add("json_each(");
    out_.placeholder(value_);
    out_.add(") AS ");
    out_.add(wanted());
  }
  Result<void> write_present() {
    out_.add("json_each(");
    auto written = out_.operand(operand_);
    if (!written) return written;
    out_.add(") AS ");
    out_.add(present());
    return {};
  }
  void write_equality() {
    const auto kind = [this](std::string_view alias) {
      out_.add("replace(");
      out_.add(alias);
      out_.add(".type, 'real', 'integer')");
    };
    out_.add(wanted());
    out_.add(".value IS ");
    out_.add(present());
    out_.add(".value AND ");
    kind(wanted());
    out_.add(" = ");
    kind(present());
  }

  Writer& out_;
  const Predicate& predicate_;
  const Operand& operand_;
  const Bind& value_;
};

/// The array of a comparison as JSON. In an expression its elements are JSON texts, or all of it is one.
/// Nothing when it is no array.
std::optional<Bind> wanted_array(const Predicate& predicate, std::pmr::memory_resource& memory) {
  const query::Value& value = *predicate.value;
  if (!predicate.text_form) {
    if (!value.is_array()) return std::nullopt;
    return bind_json(value, memory);
  }
  base::Buffer json;
  if (value.is_array()) {
    json.push_back('[');
    for (const auto* item : value.items) {
      if (json.size() > 1) json.push_back(',');
      // `{red}` and `{"red"}` are the text red, as they are for an array of texts.
      if (base::is_json(item->text)) {
        json.append(item->text);
      } else {
        base::append_json_string(json, item->text);
      }
    }
    json.push_back(']');
  } else {
    json.append(value.text);
  }
  const auto first = json.view().find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos || json.view()[first] != '[' || !base::is_json(json.view()))
    return std::nullopt;
  return Bind{Bind::Kind::text, 0, keep(json.view(), memory)};
}

Result<void> write_array_comparison(Writer& out, const Predicate& predicate, const Operand& operand) {
  const Type& type = operand.type_or_unknown();
  if (!is_json(type)) return sql::operator_unusable(predicate, operand.name, type);
  const auto value = wanted_array(predicate, out.memory());
  if (!value) {
    return sql::operator_takes(predicate, operand.name,
                               predicate.text_form ? "a list of JSON values" : "an array");
  }
  if (!predicate.value_cast.empty() && out.dialect().types().find(predicate.value_cast) == nullptr) {
    return sql::unknown_cast(predicate.value_cast);
  }
  return ArrayComparison(out, predicate, operand, *value).write();
}

}  // namespace

Result<void> SqliteDialect::write_comparison(Writer& out, const Predicate& predicate,
                                             const Operand& operand) const {
  switch (predicate.op) {
    case Operator::like:
    case Operator::ilike:
      return write_like(out, predicate, operand);
    case Operator::in:
      return write_in(out, predicate, operand);
    case Operator::contains:
    case Operator::contained_by:
    case Operator::overlaps:
      return write_array_comparison(out, predicate, operand);
    default:
      return sql::feature_refused(engine(), "operator." + std::string(query::name(predicate.op)));
  }
}

}  // namespace athena::sqlite

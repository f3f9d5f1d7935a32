#include "engines/postgres/dialect.h"

#include <array>
#include <charconv>
#include <string>

#include "engines/postgres/dialect_values.h"
#include "engines/sql/refusals.h"
#include "engines/sql/value_forms.h"
#include "engines/sql/writer.h"

namespace athena::postgres {
namespace {

using contract::Error;
using contract::ErrorCode;
using contract::Result;
using sql::Bind;
using sql::Type;
using sql::TypeCategory;

constexpr std::size_t kMaxIndexDigits = 9;

}  // namespace

const sql::Traits& PostgresDialect::traits() const {
  static constexpr sql::Traits kTraits{
      .is_distinct_from = " IS DISTINCT FROM ",
      .is_unknown = " IS UNKNOWN",
      .truth_type = "type bool",
      .nulls_sort_low = false,
      .unnest_insert = true,
      .default_keyword = true,
      .lock_chosen_rows = true,
      .json_sorts = false,
      .limit_in_text = true,
      .max_insert_parameters = 60000,  // the protocol carries 65,535
  };
  return kTraits;
}

void PostgresDialect::append_placeholder(std::pmr::string& out, std::size_t n) const {
  std::array<char, 24> digits;
  digits[0] = '$';
  const auto end = std::to_chars(digits.data() + 1, digits.data() + digits.size(), n).ptr;
  out.append(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

Result<Bind> PostgresDialect::bind(const query::Value& value, const Type& type, std::string_view what,
                                   std::pmr::memory_resource& memory) const {
  return bind_value(value, type, what, memory);
}

Bind PostgresDialect::bind_integer(std::int64_t value, std::pmr::memory_resource& memory) const {
  std::array<char, 24> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  return {Bind::Kind::text, oid::kInt8,
          keep({digits.data(), static_cast<std::size_t>(end - digits.data())}, memory)};
}

Result<Bind> PostgresDialect::bind_list(std::span<const query::Value* const> values, const Type& type,
                                        std::string_view what, std::pmr::memory_resource& memory) const {
  return bind_array(values, type, what, memory);
}

// A row value from an object whose attributes are not known here: the server knows them.
Result<void> PostgresDialect::write_value(sql::Writer& out, const query::Value& value, const Type& type,
                                          std::string_view what) const {
  if (type.category == TypeCategory::composite && value.is_object() && !knows_attributes(type)) {
    out.add("jsonb_populate_record(NULL::");
    out.add(type.name);
    out.add(", ");
    out.placeholder(bind_json(value, oid::kJsonb, out.memory()));
    out.add(")");
    return {};
  }
  return Dialect::write_value(out, value, type, what);
}

void PostgresDialect::begin_cast(std::pmr::string& /*out*/) const {}

void PostgresDialect::end_cast(std::pmr::string& out, const Type& type) const {
  out.append("::").append(type.name);
}

Result<const Type*> PostgresDialect::json_path_type(const sql::Column& column,
                                                    std::span<const query::JsonStep> path) const {
  const auto category = column.type != nullptr ? column.type->category : TypeCategory::other;
  if (category != TypeCategory::json && category != TypeCategory::jsonb) {
    return Error(ErrorCode::invalid_operator,
                 "Column \"" + column.name + "\" is not of type json or jsonb, so it has no members.")
        .with("column", std::string_view(column.name));
  }
  return path.back().as_text ? types_.find("text") : column.type;
}

// Keys are bound. Their types stand in the text: `->` takes a text or a number, and the text alone is to say
// which.
Result<void> PostgresDialect::write_json_path(sql::Writer& out, const sql::Column& column,
                                              std::span<const query::JsonStep> path) const {
  out.add("(");
  out.column(column);
  for (std::size_t i = 0; i < path.size(); ++i) {
    const query::JsonStep& step = path[i];
    if (sql::has_nul(step.key) || (step.is_index && step.key.size() > kMaxIndexDigits) ||
        (step.as_text && i + 1 < path.size())) {
      return Error(ErrorCode::invalid_identifier,
                   "The JSON path below column \"" + column.name + "\" is not valid.")
          .with("column", std::string_view(column.name))
          .hint("->> stands before the last key only; a key has no \\u0000; an index has at most 9 digits.");
    }
    out.add(step.as_text ? " ->> " : " -> ");
    out.placeholder({Bind::Kind::text, step.is_index ? oid::kInt4 : oid::kText, step.key});
    out.add(step.is_index ? "::int4" : "::text");
  }
  out.add(")");
  return {};
}

bool PostgresDialect::has_truth(const Type& type) const {
  return type.category == TypeCategory::boolean || type.category == TypeCategory::other;
}

}  // namespace athena::postgres

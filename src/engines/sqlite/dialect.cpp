#include "engines/sqlite/dialect.h"

#include <array>
#include <charconv>
#include <string>
#include <unordered_map>

#include "base/ascii.h"
#include "base/buffer.h"
#include "base/json_writer.h"
#include "engines/sql/refusals.h"
#include "engines/sql/value_forms.h"
#include "engines/sql/writer.h"
#include "engines/sqlite/dialect_values.h"

namespace athena::sqlite {
namespace {

using contract::Error;
using contract::ErrorCode;
using contract::Result;
using sql::Bind;
using sql::Type;
using sql::TypeCategory;

constexpr std::size_t kMaxIndexDigits = 9;

struct CastName {
  std::string_view name;
  std::string_view target;
  TypeCategory category;
};

constexpr CastName kCasts[] = {
    {"bool", "INTEGER", TypeCategory::boolean},
    {"boolean", "INTEGER", TypeCategory::boolean},
    {"int2", "INTEGER", TypeCategory::integer},
    {"int4", "INTEGER", TypeCategory::integer},
    {"int8", "INTEGER", TypeCategory::integer},
    {"smallint", "INTEGER", TypeCategory::integer},
    {"int", "INTEGER", TypeCategory::integer},
    {"integer", "INTEGER", TypeCategory::integer},
    {"bigint", "INTEGER", TypeCategory::integer},
    {"numeric", "NUMERIC", TypeCategory::numeric},
    {"decimal", "NUMERIC", TypeCategory::numeric},
    {"float4", "REAL", TypeCategory::floating},
    {"float8", "REAL", TypeCategory::floating},
    {"real", "REAL", TypeCategory::floating},
    {"double precision", "REAL", TypeCategory::floating},
    {"text", "TEXT", TypeCategory::text},
    {"varchar", "TEXT", TypeCategory::text},
    {"uuid", "TEXT", TypeCategory::uuid},
    {"date", "TEXT", TypeCategory::date_time},
    {"time", "TEXT", TypeCategory::date_time},
    {"timetz", "TEXT", TypeCategory::date_time},
    {"timestamp", "TEXT", TypeCategory::date_time},
    {"timestamptz", "TEXT", TypeCategory::date_time},
    {"interval", "TEXT", TypeCategory::interval},
    {"json", "TEXT", TypeCategory::json},
    {"jsonb", "TEXT", TypeCategory::json},
    {"bytea", "BLOB", TypeCategory::bytes},
    {"blob", "BLOB", TypeCategory::bytes},
    {"inet", "TEXT", TypeCategory::network},
    {"cidr", "TEXT", TypeCategory::network},
};

const std::unordered_map<std::string_view, Type>& casts() {
  static const auto types = [] {
    std::unordered_map<std::string_view, Type> map;
    for (const auto& cast : kCasts) {
      Type& type = map[cast.name];
      type.name = cast.target;
      type.udt_name = cast.name;
      type.category = cast.category;
    }
    return map;
  }();
  return types;
}

const Type& cast_type(std::string_view name) {
  return casts().at(name);
}

}  // namespace

const Type* CastTypes::find(std::string_view name) const {
  std::array<char, 24> lowered;
  if (name.size() > lowered.size()) return nullptr;
  std::transform(name.begin(), name.end(), lowered.begin(), base::lower);
  const auto found = casts().find(std::string_view(lowered.data(), name.size()));
  return found == casts().end() ? nullptr : &found->second;
}

const sql::Traits& SqliteDialect::traits() const {
  static constexpr sql::Traits kTraits{
      .is_distinct_from = " IS NOT ",
      .is_unknown = " IS NULL",
      .truth_type = "a boolean",
      .nulls_sort_low = true,
      .unnest_insert = false,
      .default_keyword = false,
      .lock_chosen_rows = false,
      .json_sorts = true,
      .max_insert_parameters = 32000,  // the library's default limit is 32,766
  };
  return kTraits;
}

void SqliteDialect::append_placeholder(std::pmr::string& out, std::size_t n) const {
  std::array<char, 24> digits;
  digits[0] = '?';
  const auto end = std::to_chars(digits.data() + 1, digits.data() + digits.size(), n).ptr;
  out.append(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

Result<Bind> SqliteDialect::bind(const query::Value& value, const Type& type, std::string_view what,
                                 std::pmr::memory_resource& memory) const {
  return bind_value(value, type, what, memory);
}

Bind SqliteDialect::bind_integer(std::int64_t value, std::pmr::memory_resource& memory) const {
  std::array<char, 24> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  return {Bind::Kind::integer, 0,
          keep({digits.data(), static_cast<std::size_t>(end - digits.data())}, memory)};
}

void SqliteDialect::begin_cast(std::pmr::string& out) const {
  out.append("CAST(");
}

void SqliteDialect::end_cast(std::pmr::string& out, const Type& type) const {
  out.append(" AS ").append(type.name).push_back(')');
}

bool SqliteDialect::cast_is_void(const Type& from, const Type& to) const {
  return from.category == TypeCategory::text && to.category == TypeCategory::text;
}

Result<const Type*> SqliteDialect::json_path_type(const sql::Column& column,
                                                  std::span<const query::JsonStep> path) const {
  const auto category = column.type != nullptr ? column.type->category : TypeCategory::other;
  switch (category) {
    case TypeCategory::json:
    case TypeCategory::jsonb:
    case TypeCategory::text:
    case TypeCategory::other:
      return &cast_type(path.back().as_text ? "text" : "json");
    default:
      return Error(ErrorCode::invalid_operator,
                   "Column \"" + column.name + "\" holds no JSON, so it has no members.")
          .with("column", std::string_view(column.name));
  }
}

// One bound path `$."a"[0]`. A row without valid JSON has no members; SQLite alone would fail the whole
// statement there.
// `->>` gives text as in PostgreSQL: numbers and truth values as they are written, null as NULL.
Result<void> SqliteDialect::write_json_path(sql::Writer& out, const sql::Column& column,
                                            std::span<const query::JsonStep> path) const {
  base::Buffer text;
  text.push_back('$');
  for (std::size_t i = 0; i < path.size(); ++i) {
    const query::JsonStep& step = path[i];
    const bool quote = step.key.find('"') != std::string_view::npos;  // paths have no escape for it
    if (sql::has_nul(step.key) || quote || (step.is_index && step.key.size() > kMaxIndexDigits) ||
        (step.as_text && i + 1 < path.size())) {
      return Error(ErrorCode::invalid_identifier,
                   "The JSON path below column \"" + column.name + "\" is not valid.")
          .with("column", std::string_view(column.name))
          .hint(
              "->> stands before the last key only; a key has neither \\u0000 nor a quote; an index has at "
              "most 9 digits.");
    }
    if (step.is_index) {
      text.push_back('[');
      text.append(step.key);
      text.push_back(']');
    } else {
      text.push_back('.');
      base::append_json_string(text, step.key);
    }
  }
  out.add("CASE WHEN json_valid(");
  out.column(column);
  out.add(") THEN ");
  const Bind bind{Bind::Kind::text, 0, keep(text.view(), out.memory())};
  if (!path.back().as_text) {
    out.column(column);
    out.add(" -> ");
    out.placeholder(bind);
    out.add(" END");
    return {};
  }
  out.add("CASE json_type(");
  out.column(column);
  out.add(", ");
  const std::size_t n = out.placeholder(bind);
  out.add(") WHEN 'text' THEN ");
  out.column(column);
  out.add(" ->> ");
  out.placeholder_again(n);
  out.add(" WHEN 'null' THEN NULL ELSE ");
  out.column(column);
  out.add(" -> ");
  out.placeholder_again(n);
  out.add(" END END");
  return {};
}

bool SqliteDialect::has_truth(const Type& type) const {
  return type.category == TypeCategory::boolean || type.category == TypeCategory::integer ||
         type.category == TypeCategory::numeric || type.category == TypeCategory::other;
}

}  // namespace athena::sqlite

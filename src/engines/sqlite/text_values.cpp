#include "engines/sqlite/text_values.h"

#include <charconv>
#include <cmath>

#include "base/buffer.h"
#include "base/json_reader.h"
#include "engines/sql/value_forms.h"
#include "engines/sqlite/owned_statement.h"

namespace athena::sqlite {
namespace {

using contract::Error;
using contract::ErrorCode;
using contract::Result;
using sql::Bind;

Error unfit(std::size_t number, std::string_view why) {
  Error error(ErrorCode::invalid_value,
              "Parameter $" + std::to_string(number) + " " + std::string(why) + ".");
  error.with("member", "params[" + std::to_string(number - 1) + "]");
  return error;
}

bool is_double(std::string_view digits) {
  double value = 0;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return failure == std::errc() && end == digits.data() + digits.size() && std::isfinite(value);
}

}  // namespace

Result<TextValues> TextValues::from(std::span<const query::Value* const> values) {
  TextValues result;
  result.values_.reserve(values.size());
  for (const query::Value* value : values) {
    const std::size_t number = result.values_.size() + 1;
    switch (value->kind) {
      case query::Value::Kind::null:
        result.values_.push_back({Bind::Kind::null, {}});
        break;
      case query::Value::Kind::boolean:
        result.values_.push_back({Bind::Kind::integer, value->boolean ? "1" : "0"});
        break;
      case query::Value::Kind::string:
        if (sql::has_nul(value->text)) return unfit(number, "contains the character \\u0000");
        result.values_.push_back({Bind::Kind::text, std::string(value->text)});
        break;
      case query::Value::Kind::number: {
        const bool integer = sql::is_integer_literal(value->text);
        if (integer && !sql::fits_signed(value->text, 64))
          return unfit(number, "is an integer beyond the 64 bits that SQLite stores");
        if (!integer && !is_double(value->text)) return unfit(number, "is a number out of range");
        result.values_.push_back(
            {integer ? Bind::Kind::integer : Bind::Kind::real, std::string(value->text)});
        break;
      }
      case query::Value::Kind::array:
      case query::Value::Kind::object: {
        base::Buffer json;
        base::append_json(json, *value);
        result.values_.push_back({Bind::Kind::text, std::string(json.view())});
        break;
      }
    }
  }
  return result;
}

Result<void> TextValues::check(const TextInfo& info) const {
  if (info.parameters < 0) {
    return Error(ErrorCode::invalid_payload, "The placeholders of a statement are $1, $2 … or ?, not both.")
        .with("member", std::string_view("query"))
        .hint("A cast is written CAST($1 AS INTEGER).");
  }
  const auto wanted = static_cast<std::size_t>(info.parameters);
  if (wanted == count()) return {};
  Error error(ErrorCode::invalid_payload, "The statement takes " + std::to_string(wanted) +
                                              " parameters, params has " + std::to_string(count()) + ".");
  error.with("member", std::string_view("params"));
  error.with("expected", static_cast<std::int64_t>(wanted)).with("given", static_cast<std::int64_t>(count()));
  return error;
}

Result<void> TextValues::bind(Connection& connection, const TextStatement& statement) const {
  int position = 0;
  for (const int number : statement.info().numbers) {
    const Value& value = values_[static_cast<std::size_t>(number - 1)];
    auto bound = bind_one(connection, statement.handle(), ++position, value.kind, value.text);
    if (!bound) return bound;
  }
  return {};
}

}  // namespace athena::sqlite

#pragma once

#include <cstdint>
#include <memory_resource>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "contract/error.h"
#include "engines/sql/statement.h"
#include "engines/sqlite/text_statement.h"
#include "query/request.h"

namespace athena::sqlite {

/// The values of a caller's text: `params`, each bound as what its JSON is. Owns what it looks at.
class TextValues {
 public:
  /// Integers beyond int64, reals beyond double and texts with \u0000 are invalid_value; objects and arrays
  /// become JSON text.
  static contract::Result<TextValues> from(std::span<const query::Value* const> values);

  [[nodiscard]] std::size_t count() const { return values_.size(); }
  /// invalid_payload when the statement takes another number of values, or writes its placeholders in a form
  /// that has none.
  [[nodiscard]] contract::Result<void> check(const TextInfo& info) const;
  /// After check(). This must live until the statement is reset.
  contract::Result<void> bind(Connection& connection, const TextStatement& statement) const;

 private:
  struct Value {
    sql::Bind::Kind kind;
    std::string text;
  };
  std::vector<Value> values_;
};

}  // namespace athena::sqlite

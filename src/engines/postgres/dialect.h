#pragma once

#include "engines/sql/dialect.h"

namespace athena::postgres {

/// SQL of PostgreSQL 12 and later: `$n` placeholders, values as text with the OID of their type. The OIDs of
/// a statement follow from its text and the table it was compiled against, so that the text serves as the key
/// of prepared statements.
class PostgresDialect : public sql::Dialect {
 public:
  /// `types` outlives the dialect.
  explicit PostgresDialect(const sql::TypeCatalogue& types) : types_(types) {}

  [[nodiscard]] contract::Engine engine() const override { return contract::Engine::postgresql; }
  [[nodiscard]] const sql::Traits& traits() const override;
  [[nodiscard]] const sql::TypeCatalogue& types() const override { return types_; }
  void append_placeholder(std::pmr::string& out, std::size_t n) const override;
  contract::Result<sql::Bind> bind(const query::Value& value, const sql::Type& type, std::string_view what,
                                   std::pmr::memory_resource& memory) const override;
  [[nodiscard]] sql::Bind bind_integer(std::int64_t value, std::pmr::memory_resource& memory) const override;
  contract::Result<sql::Bind> bind_list(std::span<const query::Value* const> values, const sql::Type& type,
                                        std::string_view what,
                                        std::pmr::memory_resource& memory) const override;
  contract::Result<void> write_value(sql::Writer& out, const query::Value& value, const sql::Type& type,
                                     std::string_view what) const override;
  void begin_cast(std::pmr::string& out) const override;
  void end_cast(std::pmr::string& out, const sql::Type& type) const override;
  contract::Result<const sql::Type*> json_path_type(const sql::Column& column,
                                                    std::span<const query::JsonStep> path) const override;
  contract::Result<void> write_json_path(sql::Writer& out, const sql::Column& column,
                                         std::span<const query::JsonStep> path) const override;
  contract::Result<void> write_comparison(sql::Writer& out, const query::Predicate& predicate,
                                          const sql::Operand& operand) const override;
  [[nodiscard]] bool has_truth(const sql::Type& type) const override;

 private:
  const sql::TypeCatalogue& types_;
};

}  // namespace athena::postgres

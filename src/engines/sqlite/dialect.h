#pragma once

#include "engines/sql/dialect.h"

namespace athena::sqlite {

/// Types that a cast may name: the names of PostgreSQL's types and SQLite's own, each as what `CAST`
/// understands
/// (`varchar` → TEXT, `int4` → INTEGER). There are no arrays.
class CastTypes : public sql::TypeCatalogue {
 public:
  [[nodiscard]] const sql::Type* find(std::string_view name) const override;
};

/// SQL of SQLite 3.38 and later (RETURNING, `->>`). Compiled text calls athena_like(pattern, value) and
/// athena_ilike(pattern, value), which the connection registers. Types of columns carry their declaration as
/// name.
class SqliteDialect : public sql::Dialect {
 public:
  [[nodiscard]] contract::Engine engine() const override { return contract::Engine::sqlite; }
  [[nodiscard]] const sql::Traits& traits() const override;
  [[nodiscard]] const sql::TypeCatalogue& types() const override { return types_; }
  void append_placeholder(std::pmr::string& out, std::size_t n) const override;
  /// Integers and booleans as integers, other numbers as reals (for text columns as their digits), `\x…` for
  /// BLOB columns as bytes, json as text. Integers that SQLite would turn into a REAL are refused.
  contract::Result<sql::Bind> bind(const query::Value& value, const sql::Type& type, std::string_view what,
                                   std::pmr::memory_resource& memory) const override;
  [[nodiscard]] sql::Bind bind_integer(std::int64_t value, std::pmr::memory_resource& memory) const override;
  void begin_cast(std::pmr::string& out) const override;
  void end_cast(std::pmr::string& out, const sql::Type& type) const override;
  [[nodiscard]] bool cast_is_void(const sql::Type& from, const sql::Type& to) const override;
  contract::Result<const sql::Type*> json_path_type(const sql::Column& column,
                                                    std::span<const query::JsonStep> path) const override;
  contract::Result<void> write_json_path(sql::Writer& out, const sql::Column& column,
                                         std::span<const query::JsonStep> path) const override;
  contract::Result<void> write_comparison(sql::Writer& out, const query::Predicate& predicate,
                                          const sql::Operand& operand) const override;
  [[nodiscard]] bool has_truth(const sql::Type& type) const override;

 private:
  CastTypes types_;
};

}  // namespace athena::sqlite

#pragma once

#include <cstdint>
#include <memory_resource>
#include <span>
#include <string>
#include <string_view>

#include "contract/capability.h"
#include "contract/error.h"
#include "engines/sql/statement.h"
#include "query/request.h"

namespace athena::sql {

class Writer;
struct Operand;

/// Appends `"name"` with inner quotes doubled. The one place where identifiers enter SQL.
void append_identifier(std::pmr::string& out, std::string_view name);

/// Finds types for casts in the client's catalogue.
class TypeCatalogue {
 public:
  virtual ~TypeCatalogue() = default;
  /// `text` as in `::text`, `int4[]`, `myschema.kind`; null = unknown.
  [[nodiscard]] virtual const Type* find(std::string_view name) const = 0;
};

/// Constants of an engine that decide between forms of a statement.
struct Traits {
  std::string_view is_distinct_from;  ///< operator between two values
  std::string_view is_unknown;        ///< test of a truth value
  std::string_view truth_type;        ///< what has one, for refusals: `type bool`
  bool nulls_sort_low = false;        ///< NULL sorts before every value, so `last` ascending must be written
  bool unnest_insert = false;         ///< many rows as one array per column
  bool default_keyword = false;  ///< `DEFAULT` may stand in VALUES, an upsert clause behind DEFAULT VALUES
  bool lock_chosen_rows =
      false;               ///< update and delete with limit: by primary key and FOR UPDATE; else by rowid
  bool json_sorts = true;  ///< the type json has an order
  /// The limit of a select stands in its text: PostgreSQL cannot keep a plan for a limit it does not know,
  /// and would plan each execution anew. The number is one that Athena has read and checked, never text of
  /// the request.
  bool limit_in_text = false;
  std::size_t max_insert_parameters = 0;
};

/// What differs between SQL engines. Stateless but for the catalogue; one object per client and shard.
class Dialect {
 public:
  virtual ~Dialect() = default;
  [[nodiscard]] virtual contract::Engine engine() const = 0;
  [[nodiscard]] virtual const Traits& traits() const = 0;
  [[nodiscard]] virtual const TypeCatalogue& types() const = 0;
  /// Appends the placeholder of the n-th value (1-based): `$n` or `?n`.
  virtual void append_placeholder(std::pmr::string& out, std::size_t n) const = 0;
  /// A JSON value as a bind for `type` (conventions 5.4), or invalid_value naming `what` (a column). `memory`
  /// holds converted text.
  virtual contract::Result<Bind> bind(const query::Value& value, const Type& type, std::string_view what,
                                      std::pmr::memory_resource& memory) const = 0;
  /// A number of Athena's own (limit, offset).
  [[nodiscard]] virtual Bind bind_integer(std::int64_t value, std::pmr::memory_resource& memory) const = 0;
  /// The values as one array of `type`; only where traits().unnest_insert holds. Errors: as bind().
  virtual contract::Result<Bind> bind_list(std::span<const query::Value* const> values, const Type& type,
                                           std::string_view what, std::pmr::memory_resource& memory) const;

  /// Writes `value` as an expression of `type`: its placeholder, unless the type needs more around it.
  virtual contract::Result<void> write_value(Writer& out, const query::Value& value, const Type& type,
                                             std::string_view what) const;
  /// `begin_cast` … expression … `end_cast`.
  virtual void begin_cast(std::pmr::string& out) const = 0;
  virtual void end_cast(std::pmr::string& out, const Type& type) const = 0;
  /// True when casting a column of `from` to `to` changes nothing, so that it can be left out and an index be
  /// used.
  [[nodiscard]] virtual bool cast_is_void(const Type& from, const Type& to) const;
  /// A JSON path below a column: its type, or invalid_operator when the column has no members.
  virtual contract::Result<const Type*> json_path_type(const Column& column,
                                                       std::span<const query::JsonStep> path) const = 0;
  virtual contract::Result<void> write_json_path(Writer& out, const Column& column,
                                                 std::span<const query::JsonStep> path) const = 0;
  /// Writes one comparison whose form is the engine's own: like, match, in, contains, ranges, text search.
  /// Negation is not its business. Errors: invalid_operator, invalid_value, capability_not_supported.
  virtual contract::Result<void> write_comparison(Writer& out, const query::Predicate& predicate,
                                                  const Operand& operand) const = 0;
  /// Whether a value of this type may be tested for `IS TRUE` and its kin; the engine would refuse others.
  [[nodiscard]] virtual bool has_truth(const Type& type) const = 0;
};

}  // namespace athena::sql

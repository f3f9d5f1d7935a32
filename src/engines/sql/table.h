#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "query/row_sink.h"

namespace athena::sql {

/// What a type is good for; decides which operators and values fit.
enum class TypeCategory : std::uint8_t {
  boolean,
  integer,
  floating,
  numeric,
  text,
  uuid,
  bytes,
  date_time,
  interval,
  json,
  jsonb,
  array,
  range,
  multirange,
  enumeration,
  composite,
  text_search,
  network,
  geometric,
  other,
};

/// A type of the database, as the engine's catalogue knows it. Immutable and shared.
struct Type {
  std::string name;       ///< as written behind `::`, already quoted where needed: int4, "my schema"."kind"
  std::string udt_name;   ///< bare: int4, _text
  std::uint32_t oid = 0;  ///< PostgreSQL; 0 elsewhere
  std::uint32_t array_oid = 0;  ///< type of arrays of this, 0 = none
  TypeCategory category = TypeCategory::other;
  const Type* element = nullptr;               ///< arrays
  const query::ValueFormat* format = nullptr;  ///< database text → JSON
};

enum class Generated : std::uint8_t { no, identity_always, identity_default, stored, virtual_ };

struct Column {
  std::string name;
  const Type* type = nullptr;
  bool not_null = false;
  bool has_default = false;
  Generated generated = Generated::no;
  bool binary_collation = false;  ///< SQLite: a fixed LIKE prefix may become a range
};

/// A key: indices into Table::columns.
using Key = std::vector<std::uint16_t>;

/// One table or view of the schema cache. Immutable; requests hold it by shared pointer while they run.
struct Table {
  std::string schema;
  std::string name;
  std::string quoted;  ///< `"schema"."name"`, ready for SQL
  enum class Kind : std::uint8_t { table, partitioned, view, materialized_view, foreign } kind = Kind::table;
  std::vector<Column> columns;   ///< in attribute order, generated ones included
  Key primary_key;               ///< empty = none
  std::vector<Key> unique_keys;  ///< usable as conflict targets: no partial, expression or deferrable ones;
                                 ///< with the primary key
  std::vector<Key>
      leading_index_columns;  ///< first column(s) of every index, for "is there equality on an index"
  bool has_user_triggers = false;
  bool without_rowid = false;  ///< SQLite
  double row_estimate = -1;    ///< −1 = unknown
  std::uint64_t version = 0;   ///< changes when the entry is reloaded

  /// Exact name, else the single column that differs only in the case of ASCII letters; −1 = none.
  [[nodiscard]] int find_column(std::string_view column) const;
};

using TablePtr = std::shared_ptr<const Table>;

}  // namespace athena::sql

#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/coroutine.h"
#include "base/deadline.h"
#include "contract/settings.h"
#include "engines/backend.h"
#include "engines/postgres/text_query.h"
#include "engines/sql/dialect.h"
#include "engines/sql/table.h"

namespace athena::postgres {

class FunctionCache;

/// Tables and types of one client as one shard knows them. Entries are loaded on first use by one catalogue
/// query per table, kept for engines.schema_cache_ttl_seconds, at most 4096 (least recently used out); a
/// missing table is remembered for 2 s. Concurrent first uses of a table share one load.
class SchemaCache {
 public:
  SchemaCache(TextQueryRunner& runner, contract::SettingsView settings);
  ~SchemaCache();

  /// The cached entry or null; no waiting, a hash lookup. `schema` empty = by search_path, never pg_catalog.
  [[nodiscard]] sql::TablePtr find_cached(std::string_view schema, std::string_view table);
  /// The entry, loaded when needed. Unknown: undefined_table naming it, with near names as suggestions.
  base::Task<contract::Result<sql::TablePtr>> find(std::string_view schema, std::string_view table,
                                                   base::Deadline deadline);
  /// Types known so far; built-in ones always, those of user schemas once load_type() has run for them.
  [[nodiscard]] const sql::TypeCatalogue& types() const;
  /// Makes a user-defined type named in a cast known; a type that does not exist is remembered as unknown for
  /// 2 s.
  base::Task<contract::Result<void>> load_type(std::string_view name, base::Deadline deadline);
  /// The functions of this client.
  [[nodiscard]] FunctionCache& functions();
  /// The type of an OID (RowDescription of a statement), built-in or seen in a loaded table; null = unknown,
  /// treat as text.
  [[nodiscard]] const sql::Type* type(std::uint32_t oid) const;

  /// Drops one table (schema change noticed) or everything.
  void forget(const sql::Table& table);
  void forget_all();
  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] std::uint64_t reloads() const;

  /// GET /schema/tables and /schema/columns: read the database each time.
  base::Task<contract::Result<std::vector<engines::TableInfo>>> list_tables(engines::TableQuery query,
                                                                            base::Deadline deadline);
  base::Task<contract::Result<std::vector<engines::ColumnInfo>>> list_columns(std::string schema,
                                                                              std::string table,
                                                                              base::Deadline deadline);
  /// What constraints, migrations and descriptions are read with.
  [[nodiscard]] TextQueryRunner& runner();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace athena::postgres

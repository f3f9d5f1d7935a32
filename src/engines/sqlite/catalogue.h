#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "contract/error.h"
#include "engines/sqlite/connection.h"

/// How the catalogue of a file is read; for the functions of schema.h and constraints.h.
namespace athena::sqlite {

/// One statement over the catalogue, read row by row. The first failure ends it and stays in `code`.
class CatalogueQuery {
 public:
  CatalogueQuery(Connection& connection, std::string_view sql, std::string_view parameter = {})
      : connection_(connection) {
    auto prepared = connection.prepare(sql);
    if (!prepared) {
      failure_ = prepared.error();
      return;
    }
    statement_ = (*prepared)->statement;
    if (parameter.data() != nullptr && sqlite3_bind_parameter_count(statement_) > 0) {
      sqlite3_bind_text(statement_, 1, parameter.data(), static_cast<int>(parameter.size()),
                        SQLITE_TRANSIENT);
    }
  }
  ~CatalogueQuery() {
    if (statement_ != nullptr) const StatementUse use(statement_);
  }
  CatalogueQuery(const CatalogueQuery&) = delete;
  CatalogueQuery& operator=(const CatalogueQuery&) = delete;

  bool next() {
    if (failure_) return false;
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) return true;
    if (code != SQLITE_DONE) failure_ = connection_.error(code);
    return false;
  }
  [[nodiscard]] std::string text(int column) const {
    const auto* value = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    return value == nullptr
               ? std::string()
               : std::string(value, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)));
  }
  [[nodiscard]] std::int64_t number(int column) const { return sqlite3_column_int64(statement_, column); }
  [[nodiscard]] bool is_null(int column) const {
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
  }
  [[nodiscard]] const std::optional<contract::Error>& failure() const { return failure_; }

 private:
  Connection& connection_;
  sqlite3_stmt* statement_ = nullptr;
  std::optional<contract::Error> failure_;
};

/// A read transaction of its own, unless one is open already.
class Snapshot {
 public:
  explicit Snapshot(Connection& connection) : connection_(connection), own_(connection.autocommit()) {
    if (own_) code_ = connection.run("BEGIN");
  }
  ~Snapshot() {
    if (own_ && !connection_.autocommit()) connection_.run("COMMIT");
  }
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;
  [[nodiscard]] int code() const { return code_; }

 private:
  Connection& connection_;
  bool own_;
  int code_ = SQLITE_OK;
};

inline constexpr std::int64_t kGeneratedVirtual = 2;
inline constexpr std::int64_t kGeneratedStored = 3;
inline constexpr std::int64_t kHidden = 1;

struct CatalogueColumn {
  std::string name, type;
  bool not_null = false;
  std::optional<std::string> default_value;
  std::int64_t key_position = 0;
  std::int64_t hidden = 0;
};

struct CatalogueTable {
  std::string name, type;
  bool without_rowid = false;
};

/// Columns in their order, without hidden ones.
contract::Result<std::vector<CatalogueColumn>> read_columns(Connection& connection, std::string_view table);
/// A table or view by its name, whatever the case of its letters. Unknown: undefined_table with near names.
contract::Result<CatalogueTable> find_table(Connection& connection, std::string_view name);
bool same_ignoring_case(std::string_view a, std::string_view b);

}  // namespace athena::sqlite

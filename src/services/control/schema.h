#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "services/control/session.h"

namespace athena::control {

/// The tables of the store, declared once for both homes (schema_text.cpp).

enum class ColumnType : std::uint8_t { pk, uuid, timestamp, boolean, json, integer, big, number, text, blob };

struct Column {
  std::string name;
  ColumnType type = ColumnType::text;
  bool not_null = false;
  bool primary_key = false;                    ///< also where `type` is pk
  bool default_now = false;                    ///< the time of the insert
  std::optional<std::string> standard;         ///< default, as SQL
  std::string references;                      ///< table whose `id` it names; empty = no foreign key
  bool cascade = false;                        ///< rule when that row is deleted: CASCADE, else SET NULL
  std::vector<std::string> one_of;             ///< check: the values allowed, as SQL
  std::optional<std::pair<int, int>> between;  ///< check: from, to
};

struct Index {
  std::string name;
  bool unique = false;
  bool brin = false;               ///< PostgreSQL only
  std::vector<std::string> terms;  ///< `column`, `column desc`, `lower(column)`
  std::string where;               ///< predicate of a partial index, empty = none
};

/// What a home can hold. The common tables are in every home.
enum class Group : std::uint8_t { auth, main, common };

struct Table {
  std::string name;
  Group group = Group::main;
  std::vector<Column> columns;
  std::vector<std::string> any_of;  ///< check: one of these columns, or `column.member`, is not null
  std::vector<Index> indexes;

  [[nodiscard]] const Column* find(std::string_view column) const;
};

/// Reads the notation of schema_text.cpp. The error names the place.
base::Result<std::vector<Table>, std::string> read_schema(std::string_view text);

/// The notation: what a checksum is made of.
std::string_view schema_text();
/// The tables of Athena in an order in which they can be created. Read once; any thread.
const std::vector<Table>& schema();

/// Statements of one home.
std::string create_table(const Table& table, Home home);
/// For a table that exists, maybe with rows: a column that may not be null but has no default is added as one
/// that may. `now` is the time that existing rows get in SQLite.
std::string add_column(const Table& table, const Column& column, Home home, std::string_view now);
/// Empty when this home has no such index.
std::string create_index(const Table& table, const Index& index, Home home);

/// Which groups a home holds besides the common one.
struct Groups {
  bool auth = true;
  bool main = true;
  [[nodiscard]] bool hold(Group group) const {
    return group == Group::common || (group == Group::auth ? auth : main);
  }
};

}  // namespace athena::control

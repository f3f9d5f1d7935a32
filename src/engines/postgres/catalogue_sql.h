#pragma once

#include <cstdint>
#include <string_view>

namespace athena::postgres::catalogue_sql {

/// The statements by which Athena reads the catalogue; PostgreSQL 12 and later. Each starts with the comment
/// `/* athena:catalogue */`, names every relation with its schema, and takes names as parameters ($1 =
/// schema, empty = by search_path; $2 = name, at most 63 bytes).

/// One table with everything its Table needs, types included: rows of a part, a number to sort by, and nine
/// fields, sorted by part. No row = no such table. Undotted names never reach system schemas.
extern const std::string_view kTable;
/// The type $2 and all it is made of: a row of part 0 with its OID, then types and attributes as in kTable.
/// No row = no such type.
extern const std::string_view kType;

/// Parts of the answers to kTable and kType.
/// Fields: schema, name, relkind, reltuples, has user triggers.
inline constexpr std::uint32_t kPartTable = 0;
/// attnum, name, type oid, not null, has default, attgenerated, attidentity.
inline constexpr std::uint32_t kPartColumn = 1;
/// Key attnums parted by spaces, primary, conflict target, usable for equality.
inline constexpr std::uint32_t kPartIndex = 2;
/// oid, schema, name, typtype, typcategory, array oid, element oid (true arrays), base oid, typdelim.
inline constexpr std::uint32_t kPartType = 3;
/// oid of the composite, name, type oid; in attribute order.
inline constexpr std::uint32_t kPartAttribute = 4;

/// Names near to a missing table $2, as schema, name, "1" when an undotted name finds it: at most 500,
/// those the login may read.
extern const std::string_view kNearTables;

/// $1 schema (empty = all), $2 include views, $3 limit, $4 offset: schema, name, table_type, estimated rows,
/// oid.
extern const std::string_view kListTables;
/// Columns that the login may read, of a table it may read: name (null in the one row of a table without
/// columns), data_type, udt_name, default, is nullable, position, is primary key, is_generated, schema, oid
/// of the table. No row = no such table.
extern const std::string_view kListColumns;
/// Constraints of a readable table: name (null in the one row of a table without any), type, columns as a
/// JSON array, schema, table and columns referred to, on delete, on update, definition, oid of the table. No
/// row = no such table.
extern const std::string_view kListConstraints;
/// The same two of all tables whose OIDs $1 holds as an array.
extern const std::string_view kColumnsOfTables;
extern const std::string_view kConstraintsOfTables;
/// The tables of migration tools that exist: schema, name.
extern const std::string_view kMigrationTables;

/// All functions named $2 of schema $1, with the types of their arguments and results. No row = none. Without
/// aggregates, window functions and procedures.
extern const std::string_view kFunctions;
/// oid, schema, name, volatility, returns a set, type of the result, its typtype, arguments as text, number
/// of arguments with a default.
inline constexpr std::uint32_t kPartFunction = 5;
/// oid of the function, mode, name, type oid, typtype; in order.
inline constexpr std::uint32_t kPartArgument = 6;
/// Names near to the function $2 of schema $1 that the login may call, at most 500.
extern const std::string_view kNearFunctions;

}  // namespace athena::postgres::catalogue_sql

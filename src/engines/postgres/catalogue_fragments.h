#pragma once

/// Parts of the catalogue statements; for catalogue_*.cpp only.

// Fragments are macros, so that every statement is one constant text.

#define ATHENA_TAG "/* athena:catalogue */ "

// Schemas that an undotted name may reach, and those that discovery shows.
#define ATHENA_USER_SCHEMA "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"

#define ATHENA_READABLE(SCHEMA, TABLE)                                                                     \
  "pg_catalog.has_schema_privilege(" SCHEMA                                                                \
  ", 'USAGE') "                                                                                            \
  "AND (pg_catalog.has_table_privilege(" TABLE ", 'SELECT') OR pg_catalog.has_any_column_privilege(" TABLE \
  ", 'SELECT'))"

// $1, $2 → the place of the first match in the search path. Casts to name would cut: texts are compared.
#define ATHENA_BY_PATH(NAME)                                                              \
  NAME " = $2::pg_catalog.text AND CASE WHEN $1::pg_catalog.text = '' "                   \
       "THEN n.nspname = ANY (pg_catalog.current_schemas(false)) AND " ATHENA_USER_SCHEMA \
       " ELSE n.nspname = $1::pg_catalog.text END "
#define ATHENA_FIRST_IN_PATH \
  "ORDER BY pg_catalog.array_position(pg_catalog.current_schemas(false), n.nspname), n.nspname LIMIT 1"

// needed: every type reachable from `seed`. Built-in types are known already; the row types of the
// catalogue's own tables are the only ones below 10000 that are not.
#define ATHENA_NEEDED_TYPES(SEED)                                                                           \
  "needed(oid) AS (" SEED                                                                                   \
  " UNION SELECT d.oid FROM needed x JOIN pg_catalog.pg_type t ON t.oid = x.oid CROSS JOIN LATERAL ("       \
  "SELECT t.typelem WHERE t.typelem <> 0 "                                                                  \
  "UNION ALL SELECT t.typarray WHERE t.typarray <> 0 "                                                      \
  "UNION ALL SELECT t.typbasetype WHERE t.typbasetype <> 0 "                                                \
  "UNION ALL SELECT a.atttypid FROM pg_catalog.pg_attribute a WHERE t.typtype = 'c' AND a.attrelid = "      \
  "t.typrelid "                                                                                             \
  "AND a.attnum > 0 AND NOT a.attisdropped) d(oid) WHERE t.oid >= 10000 OR t.typtype = 'c'), "              \
  "made AS MATERIALIZED (SELECT t.* FROM needed x CROSS JOIN LATERAL ("                                     \
  "SELECT * FROM pg_catalog.pg_type y WHERE y.oid = x.oid OFFSET 0) t WHERE t.oid >= 10000 OR t.typtype = " \
  "'c') "

// OFFSET 0 keeps each of the few types an index look-up; joined, the planner reads all of pg_type.
#define ATHENA_TYPE_ROWS                                                                                   \
  "SELECT 3, t.oid::pg_catalog.int8, t.oid::pg_catalog.text, n.nspname::pg_catalog.text, "                 \
  "t.typname::pg_catalog.text, t.typtype::pg_catalog.text, t.typcategory::pg_catalog.text, "               \
  "t.typarray::pg_catalog.text, COALESCE((SELECT e.oid FROM pg_catalog.pg_type e WHERE e.oid = t.typelem " \
  "AND e.typarray = t.oid), 0)::pg_catalog.text, t.typbasetype::pg_catalog.text, "                         \
  "t.typdelim::pg_catalog.text "                                                                           \
  "FROM made t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace "                                  \
  "UNION ALL SELECT 4, a.attnum, t.oid::pg_catalog.text, a.attname::pg_catalog.text, "                     \
  "a.atttypid::pg_catalog.text, "                                                                          \
  "NULL, NULL, NULL, NULL, NULL, NULL FROM made t CROSS JOIN LATERAL ("                                    \
  "SELECT b.attnum, b.attname, b.atttypid FROM pg_catalog.pg_attribute b WHERE t.typtype = 'c' "           \
  "AND b.attrelid = t.typrelid AND b.attnum > 0 AND NOT b.attisdropped OFFSET 0) a ORDER BY 1, 2"

#include "engines/postgres/catalogue_fragments.h"
#include "engines/postgres/catalogue_sql.h"

namespace athena::postgres::catalogue_sql {

// rel: the readable table $2 of schema $1, or of the search path.
#define ATHENA_READABLE_BY_PATH                                                                              \
  "WITH found AS MATERIALIZED ("                                                                             \
  "SELECT c.oid, c.relnamespace FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = "       \
  "c.relnamespace "                                                                                          \
  "WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND " ATHENA_USER_SCHEMA " AND " ATHENA_BY_PATH("c.relname") \
      ATHENA_FIRST_IN_PATH                                                                                   \
      "), "                                                                                                  \
      "rel AS MATERIALIZED (SELECT c.oid, n.nspname FROM found c JOIN pg_catalog.pg_namespace n ON n.oid = " \
      "c.relnamespace "                                                                                      \
      "WHERE " ATHENA_READABLE("n.oid", "c.oid") ") "

// data_type and udt_name are computed as information_schema.columns does it.
#define ATHENA_COLUMNS_OF_REL                                                                                \
  "SELECT a.attname::pg_catalog.text, "                                                                      \
  "CASE WHEN t.typtype = 'd' THEN CASE WHEN b.typelem <> 0 AND b.typlen = -1 THEN 'ARRAY' "                  \
  "WHEN bn.nspname = 'pg_catalog' THEN pg_catalog.format_type(t.typbasetype, NULL) ELSE 'USER-DEFINED' END " \
  "ELSE CASE WHEN t.typelem <> 0 AND t.typlen = -1 THEN 'ARRAY' "                                            \
  "WHEN tn.nspname = 'pg_catalog' THEN pg_catalog.format_type(a.atttypid, NULL) ELSE 'USER-DEFINED' END "    \
  "END, "                                                                                                    \
  "COALESCE(b.typname, t.typname)::pg_catalog.text, "                                                        \
  "CASE WHEN a.attgenerated = '' THEN pg_catalog.pg_get_expr(d.adbin, d.adrelid) END, "                      \
  "(NOT (a.attnotnull OR (t.typtype = 'd' AND t.typnotnull)))::pg_catalog.text, "                            \
  "a.attnum::pg_catalog.text, "                                                                              \
  "(EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = rel.oid AND i.indisprimary "                \
  "AND a.attnum = ANY ((i.indkey::pg_catalog.int2[])[0:i.indnkeyatts - 1])))::pg_catalog.text, "             \
  "CASE WHEN a.attidentity <> '' THEN 'identity' WHEN a.attgenerated = 's' THEN 'stored' "                   \
  "WHEN a.attgenerated <> '' THEN 'virtual' END, "                                                           \
  "rel.nspname::pg_catalog.text, rel.oid::pg_catalog.text "                                                  \
  "FROM rel LEFT JOIN (pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid "           \
  "JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace "                                              \
  "LEFT JOIN (pg_catalog.pg_type b JOIN pg_catalog.pg_namespace bn ON bn.oid = b.typnamespace) "             \
  "ON t.typtype = 'd' AND b.oid = t.typbasetype "                                                            \
  "LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum) "                     \
  "ON a.attrelid = rel.oid AND a.attnum > 0 AND NOT a.attisdropped "                                         \
  "AND pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT')"

// Names in the order of the key, as a JSON array; expressions have none.
#define ATHENA_KEY_NAMES(KEY, TABLE)                                                    \
  "(SELECT pg_catalog.json_agg(a.attname ORDER BY k.place) FROM pg_catalog.unnest(" KEY \
  ") "                                                                                  \
  "WITH ORDINALITY AS k(number, place) JOIN pg_catalog.pg_attribute a "                 \
  "ON a.attrelid = " TABLE " AND a.attnum = k.number)::pg_catalog.text"

#define ATHENA_ACTION(LETTER)                                                    \
  "CASE " LETTER                                                                 \
  " WHEN 'a' THEN 'NO ACTION' WHEN 'r' THEN 'RESTRICT' WHEN 'c' THEN 'CASCADE' " \
  "WHEN 'n' THEN 'SET NULL' WHEN 'd' THEN 'SET DEFAULT' END"

#define ATHENA_CONSTRAINTS_OF_REL \
  "SELECT con.conname::pg_catalog.text, CASE con.contype WHEN 'p' THEN 'PRIMARY KEY' WHEN 'u' THEN " \
  "'UNIQUE' " \
  "WHEN 'f' THEN 'FOREIGN KEY' WHEN 'c' THEN 'CHECK' WHEN 'x' THEN 'EXCLUDE' END, " \
  ATHENA_KEY_NAMES("con.conkey", "con.conrelid") ", " \
  "fn.nspname::pg_catalog.text, fc.relname::pg_catalog.text, " \
  ATHENA_KEY_NAMES("con.confkey", "con.confrelid") ", " \
  ATHENA_ACTION("con.confdeltype") ", " ATHENA_ACTION("con.confupdtype") ", " \
  "pg_catalog.pg_get_constraintdef(con.oid), rel.oid::pg_catalog.text " \
  "FROM rel LEFT JOIN (pg_catalog.pg_constraint con " \
  "LEFT JOIN (pg_catalog.pg_class fc JOIN pg_catalog.pg_namespace fn ON fn.oid = fc.relnamespace) " \
  "ON con.contype = 'f' AND fc.oid = con.confrelid) " \
  "ON con.conrelid = rel.oid AND con.contype IN ('p', 'u', 'f', 'c', 'x')"

// rel: the tables of the OIDs in $1.
#define ATHENA_GIVEN_TABLES                                                       \
  "WITH rel AS MATERIALIZED (SELECT c.oid, n.nspname FROM pg_catalog.pg_class c " \
  "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = ANY ($1::pg_catalog.oid[])) "

const std::string_view kListTables = ATHENA_TAG
    "SELECT n.nspname::pg_catalog.text, c.relname::pg_catalog.text, "
    "CASE c.relkind WHEN 'r' THEN 'BASE TABLE' WHEN 'p' THEN 'PARTITIONED TABLE' WHEN 'v' THEN 'VIEW' "
    "WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'FOREIGN TABLE' END, "
    // Before PostgreSQL 14 a table that was never analysed had 0 rows on 0 pages.
    "CASE WHEN c.relkind = 'v' OR c.reltuples < 0 OR (c.reltuples = 0 AND c.relpages = 0 AND "
    "pg_catalog.current_setting('server_version_num')::pg_catalog.int4 < 140000) THEN NULL "
    "ELSE c.reltuples::pg_catalog.int8::pg_catalog.text END, c.oid::pg_catalog.text "
    "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
    "WHERE (c.relkind IN ('r', 'p', 'f') OR (c.relkind IN ('v', 'm') AND $2::pg_catalog.bool)) "
    "AND " ATHENA_USER_SCHEMA
    " AND ($1::pg_catalog.text = '' OR n.nspname = $1::pg_catalog.text) AND " ATHENA_READABLE(
        "n.oid",
        "c.oid") " ORDER BY n.nspname, c.relname LIMIT $3::pg_catalog.int8 OFFSET $4::pg_catalog.int8";

const std::string_view kListColumns =
    ATHENA_TAG ATHENA_READABLE_BY_PATH ATHENA_COLUMNS_OF_REL " ORDER BY a.attnum";

const std::string_view kListConstraints = ATHENA_TAG ATHENA_READABLE_BY_PATH ATHENA_CONSTRAINTS_OF_REL;

const std::string_view kColumnsOfTables =
    ATHENA_TAG ATHENA_GIVEN_TABLES ATHENA_COLUMNS_OF_REL " ORDER BY rel.oid, a.attnum";

const std::string_view kConstraintsOfTables = ATHENA_TAG ATHENA_GIVEN_TABLES ATHENA_CONSTRAINTS_OF_REL;

// Which of the known tables of migration tools are there, with the columns that they are read by.
const std::string_view kMigrationTables = ATHENA_TAG
    "SELECT n.nspname::pg_catalog.text, c.relname::pg_catalog.text "
    "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
    "JOIN (VALUES ('supabase_migrations', 'schema_migrations', '{version,name}'), "
    "('public', '_sqlx_migrations', '{version,description}'), "
    "('public', '_prisma_migrations', '{migration_name}'), "
    "('public', 'schema_migrations', '{version}')) AS known(schema, name, columns) "
    "ON n.nspname = known.schema AND c.relname = known.name "
    "WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND (SELECT pg_catalog.count(*) FROM "
    "pg_catalog.pg_attribute a "
    "WHERE a.attrelid = c.oid AND NOT a.attisdropped AND a.attname = ANY (known.columns::pg_catalog.text[])) "
    "= "
    "pg_catalog.array_length(known.columns::pg_catalog.text[], 1)";

}  // namespace athena::postgres::catalogue_sql

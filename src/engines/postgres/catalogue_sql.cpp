#include "engines/postgres/catalogue_sql.h"

namespace athena::postgres::catalogue_sql {

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

const std::string_view kTable = ATHENA_TAG
    "WITH RECURSIVE rel AS MATERIALIZED ("
    "SELECT c.oid, n.nspname, c.relname, c.relkind, c.reltuples FROM pg_catalog.pg_class c "
    "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
    "WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND " ATHENA_BY_PATH("c.relname") ATHENA_FIRST_IN_PATH "), "
    "attr AS MATERIALIZED ("
    "SELECT a.* FROM rel JOIN pg_catalog.pg_attribute a ON a.attrelid = rel.oid "
    "WHERE a.attnum > 0 AND NOT a.attisdropped), " ATHENA_NEEDED_TYPES("SELECT atttypid FROM attr")
    "SELECT 0, 0::pg_catalog.int8, nspname::pg_catalog.text, relname::pg_catalog.text, relkind::pg_catalog.text, "
    "reltuples::pg_catalog.text, "
    "(EXISTS (SELECT FROM pg_catalog.pg_trigger g WHERE g.tgrelid = rel.oid AND NOT g.tgisinternal "
    "AND g.tgenabled <> 'D'))::pg_catalog.text, NULL, NULL, NULL, NULL FROM rel "
    "UNION ALL "
    "SELECT 1, a.attnum, a.attnum::pg_catalog.text, a.attname::pg_catalog.text, a.atttypid::pg_catalog.text, "
    "(a.attnotnull OR t.typnotnull)::pg_catalog.text, "
    "((a.atthasdef AND a.attgenerated = '') OR t.typdefault IS NOT NULL)::pg_catalog.text, "
    "a.attgenerated::pg_catalog.text, a.attidentity::pg_catalog.text, NULL, NULL "
    "FROM attr a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid "
    "UNION ALL "
    "SELECT 2, i.indexrelid::pg_catalog.int8, "
    "pg_catalog.array_to_string((i.indkey::pg_catalog.int2[])[0:i.indnkeyatts - 1], ' '), "
    "i.indisprimary::pg_catalog.text, "
    "(i.indisunique AND i.indimmediate AND i.indexprs IS NULL)::pg_catalog.text, "
    "(m.amname IN ('btree', 'hash'))::pg_catalog.text, NULL, NULL, NULL, NULL, NULL "
    "FROM rel JOIN pg_catalog.pg_index i ON i.indrelid = rel.oid "
    "JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid JOIN pg_catalog.pg_am m ON m.oid = x.relam "
    "WHERE i.indisvalid AND i.indpred IS NULL "
    "UNION ALL " ATHENA_TYPE_ROWS;

const std::string_view kType = ATHENA_TAG
    "WITH RECURSIVE root AS MATERIALIZED ("
    "SELECT t.oid FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace "
    "WHERE t.typtype <> 'p' AND t.typisdefined AND " ATHENA_BY_PATH("t.typname") ATHENA_FIRST_IN_PATH
    "), " ATHENA_NEEDED_TYPES("SELECT oid FROM root")
    "SELECT 0, 0::pg_catalog.int8, oid::pg_catalog.text, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM root "
    "UNION ALL " ATHENA_TYPE_ROWS;

// The nearest by their first letter are picked before rights are asked for: that takes 5 µs each.
const std::string_view kNearTables = ATHENA_TAG
    "SELECT x.nspname::pg_catalog.text, x.relname::pg_catalog.text, "
    "CASE WHEN x.nspname = ANY (pg_catalog.current_schemas(false)) THEN '1' ELSE '0' END FROM ("
    "SELECT n.oid AS schema, n.nspname, c.oid AS relation, c.relname "
    "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
    "WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND " ATHENA_USER_SCHEMA
    " AND "
    "CASE WHEN c.relname = $2::pg_catalog.text THEN true "
    "WHEN $1::pg_catalog.text = '' THEN n.nspname = ANY (pg_catalog.current_schemas(false)) "
    "ELSE n.nspname = $1::pg_catalog.text END "
    "AND pg_catalog.abs(pg_catalog.length(c.relname::pg_catalog.text) - "
    "pg_catalog.length($2::pg_catalog.text)) "
    "<= GREATEST(2, pg_catalog.length($2::pg_catalog.text) / 3) "
    "ORDER BY c.relname = $2::pg_catalog.text DESC, "
    "pg_catalog.lower(pg_catalog.\"left\"(c.relname::pg_catalog.text, 1)) = "
    "pg_catalog.lower(pg_catalog.\"left\"($2::pg_catalog.text, 1)) DESC, c.relname, n.nspname LIMIT 500) x "
    "WHERE " ATHENA_READABLE("x.schema", "x.relation");

const std::string_view kListTables = ATHENA_TAG
    "SELECT n.nspname::pg_catalog.text, c.relname::pg_catalog.text, "
    "CASE c.relkind WHEN 'r' THEN 'BASE TABLE' WHEN 'p' THEN 'PARTITIONED TABLE' WHEN 'v' THEN 'VIEW' "
    "WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'FOREIGN TABLE' END, "
    // Before PostgreSQL 14 a table that was never analysed had 0 rows on 0 pages.
    "CASE WHEN c.relkind = 'v' OR c.reltuples < 0 OR (c.reltuples = 0 AND c.relpages = 0 AND "
    "pg_catalog.current_setting('server_version_num')::pg_catalog.int4 < 140000) THEN NULL "
    "ELSE c.reltuples::pg_catalog.int8::pg_catalog.text END "
    "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
    "WHERE (c.relkind IN ('r', 'p', 'f') OR (c.relkind IN ('v', 'm') AND $2::pg_catalog.bool)) "
    "AND " ATHENA_USER_SCHEMA
    " AND ($1::pg_catalog.text = '' OR n.nspname = $1::pg_catalog.text) AND " ATHENA_READABLE(
        "n.oid",
        "c.oid") " ORDER BY n.nspname, c.relname LIMIT $3::pg_catalog.int8 OFFSET $4::pg_catalog.int8";

// data_type and udt_name are computed as information_schema.columns does it.
const std::string_view kListColumns = ATHENA_TAG
    "WITH found AS MATERIALIZED ("
    "SELECT c.oid, c.relnamespace FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = "
    "c.relnamespace "
    "WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND " ATHENA_USER_SCHEMA " AND " ATHENA_BY_PATH("c.relname")
        ATHENA_FIRST_IN_PATH
    "), "
    "rel AS MATERIALIZED (SELECT c.oid, n.nspname FROM found c JOIN pg_catalog.pg_namespace n ON n.oid = "
    "c.relnamespace "
    "WHERE " ATHENA_READABLE("n.oid", "c.oid")
    ") SELECT a.attname::pg_catalog.text, "
    "CASE WHEN t.typtype = 'd' THEN CASE WHEN b.typelem <> 0 AND b.typlen = -1 THEN 'ARRAY' "
    "WHEN bn.nspname = 'pg_catalog' THEN pg_catalog.format_type(t.typbasetype, NULL) ELSE 'USER-DEFINED' END "
    "ELSE CASE WHEN t.typelem <> 0 AND t.typlen = -1 THEN 'ARRAY' "
    "WHEN tn.nspname = 'pg_catalog' THEN pg_catalog.format_type(a.atttypid, NULL) ELSE 'USER-DEFINED' END "
    "END, "
    "COALESCE(b.typname, t.typname)::pg_catalog.text, "
    "CASE WHEN a.attgenerated = '' THEN pg_catalog.pg_get_expr(d.adbin, d.adrelid) END, "
    "(NOT (a.attnotnull OR (t.typtype = 'd' AND t.typnotnull)))::pg_catalog.text, "
    "a.attnum::pg_catalog.text, "
    "(EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = rel.oid AND i.indisprimary "
    "AND a.attnum = ANY ((i.indkey::pg_catalog.int2[])[0:i.indnkeyatts - 1])))::pg_catalog.text, "
    "CASE WHEN a.attidentity <> '' THEN 'identity' WHEN a.attgenerated = 's' THEN 'stored' "
    "WHEN a.attgenerated <> '' THEN 'virtual' END, "
    "rel.nspname::pg_catalog.text "
    "FROM rel LEFT JOIN (pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid "
    "JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace "
    "LEFT JOIN (pg_catalog.pg_type b JOIN pg_catalog.pg_namespace bn ON bn.oid = b.typnamespace) "
    "ON t.typtype = 'd' AND b.oid = t.typbasetype "
    "LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum) "
    "ON a.attrelid = rel.oid AND a.attnum > 0 AND NOT a.attisdropped "
    "AND pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT') ORDER BY a.attnum";

}  // namespace athena::postgres::catalogue_sql

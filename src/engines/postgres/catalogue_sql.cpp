#include "engines/postgres/catalogue_sql.h"

#include "engines/postgres/catalogue_fragments.h"

namespace athena::postgres::catalogue_sql {

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

}  // namespace athena::postgres::catalogue_sql

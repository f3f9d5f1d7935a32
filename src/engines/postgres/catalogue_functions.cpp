#include "engines/postgres/catalogue_fragments.h"
#include "engines/postgres/catalogue_sql.h"

namespace athena::postgres::catalogue_sql {

// proargtypes counts from 0, proallargtypes, modes and names from 1: unnest gives both from 1.
const std::string_view kFunctions = ATHENA_TAG
    "WITH RECURSIVE fn AS MATERIALIZED ("
    "SELECT p.oid, n.nspname, p.proname, p.provolatile, p.proretset, p.prorettype, p.pronargdefaults, "
    "COALESCE(p.proallargtypes, p.proargtypes::pg_catalog.oid[]) AS types, p.proargmodes, p.proargnames "
    "FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace "
    "WHERE p.prokind = 'f' AND n.nspname = $1::pg_catalog.text AND p.proname = $2::pg_catalog.text "
    "ORDER BY p.oid LIMIT 256), "
    "arg AS MATERIALIZED ("
    "SELECT fn.oid AS function, a.place, a.type, COALESCE(fn.proargmodes[a.place]::pg_catalog.text, 'i') AS mode, "
    "fn.proargnames[a.place] AS name FROM fn "
    "CROSS JOIN LATERAL pg_catalog.unnest(fn.types) WITH ORDINALITY AS a(type, place)), " ATHENA_NEEDED_TYPES(
        "SELECT type FROM arg UNION SELECT prorettype FROM fn")
    "SELECT 5, fn.oid::pg_catalog.int8, fn.oid::pg_catalog.text, fn.nspname::pg_catalog.text, "
    "fn.proname::pg_catalog.text, fn.provolatile::pg_catalog.text, fn.proretset::pg_catalog.text, "
    "fn.prorettype::pg_catalog.text, t.typtype::pg_catalog.text, "
    "pg_catalog.pg_get_function_arguments(fn.oid), fn.pronargdefaults::pg_catalog.text "
    "FROM fn JOIN pg_catalog.pg_type t ON t.oid = fn.prorettype "
    "UNION ALL "
    "SELECT 6, arg.place, arg.function::pg_catalog.text, arg.mode, arg.name::pg_catalog.text, "
    "arg.type::pg_catalog.text, t.typtype::pg_catalog.text, NULL, NULL, NULL, NULL "
    "FROM arg JOIN pg_catalog.pg_type t ON t.oid = arg.type "
    "UNION ALL " ATHENA_TYPE_ROWS;

const std::string_view kNearFunctions = ATHENA_TAG
    "SELECT DISTINCT p.proname::pg_catalog.text FROM pg_catalog.pg_proc p "
    "JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace "
    "WHERE p.prokind = 'f' AND n.nspname = $1::pg_catalog.text "
    "AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_function_privilege(p.oid, "
    "'EXECUTE') "
    "AND p.prorettype NOT IN ('pg_catalog.trigger'::pg_catalog.regtype, "
    "'pg_catalog.event_trigger'::pg_catalog.regtype) "
    "AND pg_catalog.abs(pg_catalog.length(p.proname::pg_catalog.text) - "
    "pg_catalog.length($2::pg_catalog.text)) <= GREATEST(2, pg_catalog.length($2::pg_catalog.text) / 3) "
    "ORDER BY 1 LIMIT 500";

}  // namespace athena::postgres::catalogue_sql

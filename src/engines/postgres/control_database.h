#pragma once

#include "contract/client_definition.h"
#include "engines/postgres/target.h"

namespace athena::postgres {

/// Tells the process that this database holds control tables (engines::ControlDatabases). A connection that
/// can't be read is no home.
void add_control_database(const contract::PostgresConnection& connection);
/// Whether a host of `target` and its database are those of one, by their names.
bool names_control_database(const Target& target);

/// Gives the two columns of which engines::database_identity() is made.
inline constexpr const char* kIdentitySql =
    "SELECT system_identifier::text, (SELECT oid::text FROM pg_catalog.pg_database WHERE datname = "
    "pg_catalog.current_database()) FROM pg_catalog.pg_control_system()";

}  // namespace athena::postgres

#pragma once

namespace athena::sqlite {

class Connection;

/// Registers the functions that compiled conditions use, deterministic and innocuous:
///   athena_like(pattern, value)   LIKE as in PostgreSQL: minds case, `\` escapes
///   athena_ilike(pattern, value)  the same after Unicode's simple case folding
///   json_valid(value)             in place of SQLite's, so that checks of a file may use it; 0 for NULL
/// The first two: NULL for a NULL argument, else 1 or 0. A pattern that ends with a lone `\` is an error, as in PostgreSQL.
/// Returns SQLite's result code.
int register_functions(Connection& connection);

}  // namespace athena::sqlite

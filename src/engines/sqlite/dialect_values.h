#pragma once

#include <memory_resource>
#include <string_view>

#include "contract/error.h"
#include "engines/sql/statement.h"
#include "query/request.h"

namespace athena::sqlite {

/// A JSON value as SQLite stores it in a column of `type` (its name is the declaration). Errors:
/// invalid_value naming `what`.
contract::Result<sql::Bind> bind_value(const query::Value& value, const sql::Type& type,
                                       std::string_view what, std::pmr::memory_resource& memory);
/// The value as JSON text.
sql::Bind bind_json(const query::Value& value, std::pmr::memory_resource& memory);
/// `text` copied to the request's memory.
std::string_view keep(std::string_view text, std::pmr::memory_resource& memory);

/// How SQLite converts values on their way into a column of that declaration
/// (https://sqlite.org/datatype3.html#affinity).
enum class Affinity : std::uint8_t { integer, text, blob, real, numeric };
Affinity affinity_of(std::string_view declaration);

}  // namespace athena::sqlite

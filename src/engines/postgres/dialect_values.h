#pragma once

#include <cstdint>
#include <memory_resource>
#include <span>
#include <string_view>

#include "contract/error.h"
#include "engines/sql/statement.h"
#include "query/request.h"

/// JSON values as text of PostgreSQL types.
namespace athena::postgres {

namespace oid {
inline constexpr std::uint32_t kInt8 = 20, kInt2 = 21, kInt4 = 23, kText = 25, kOid = 26, kBpchar = 1042,
                               kVarchar = 1043, kTsvector = 3614, kRegconfig = 3734, kJsonb = 3802;
}  // namespace oid

/// One value; null = SQL NULL. Errors: invalid_value naming `what`.
contract::Result<sql::Bind> bind_value(const query::Value& value, const sql::Type& type,
                                       std::string_view what, std::pmr::memory_resource& memory);
/// `{1,NULL,"a b"}` of values of the element type; the bind's OID is that of arrays of `element`.
contract::Result<sql::Bind> bind_array(std::span<const query::Value* const> values, const sql::Type& element,
                                       std::string_view what, std::pmr::memory_resource& memory);
/// Whether bind_value takes objects for this composite type: all its attributes are known.
bool knows_attributes(const sql::Type& type);
/// The value as JSON text; JSON null as `null`.
sql::Bind bind_json(const query::Value& value, std::uint32_t type_oid, std::pmr::memory_resource& memory);
/// `text` copied to the request's memory.
std::string_view keep(std::string_view text, std::pmr::memory_resource& memory);

}  // namespace athena::postgres

#include "engines/postgres/raw_params.h"

#include "engines/postgres/dialect_values.h"
#include "engines/sql/value_forms.h"

namespace athena::postgres {
namespace {

using contract::Error;
using contract::ErrorCode;
using contract::Result;

/// Text as the server's own input function takes it.
Result<sql::Bind> bind_loosely(const query::Value& value, std::uint32_t type_oid, const std::string& what,
                               std::pmr::memory_resource& memory) {
  if (value.is_null()) return sql::Bind{sql::Bind::Kind::null, type_oid, {}};
  if (!value.is_string()) return bind_json(value, type_oid, memory);
  if (sql::has_nul(value.text))
    return Error(ErrorCode::invalid_value, "The value of " + what + " contains the character \\u0000.");
  return sql::Bind{sql::Bind::Kind::text, type_oid, value.text};
}

}  // namespace

Error wrong_number_of_params(std::size_t given, std::size_t wanted) {
  Error error(ErrorCode::invalid_payload, "The query takes " + std::to_string(wanted) + " params, " +
                                              std::to_string(given) + " were given.");
  error.with("member", std::string_view("params"));
  return error;
}

Result<void> bind_params(const query::RawText& raw, std::span<const std::uint32_t> parameter_oids,
                         const SchemaCache& schema, std::pmr::memory_resource& memory,
                         std::pmr::vector<sql::Bind>& binds) {
  binds.clear();
  if (raw.params.size() != parameter_oids.size())
    return wrong_number_of_params(raw.params.size(), parameter_oids.size());
  binds.reserve(raw.params.size());
  for (std::size_t index = 0; index < raw.params.size(); ++index) {
    const std::string what = "$" + std::to_string(index + 1);
    const auto& value = *raw.params[index];
    const sql::Type* const type = schema.type(parameter_oids[index]);
    auto bound = type != nullptr ? bind_value(value, *type, what, memory)
                                 : bind_loosely(value, parameter_oids[index], what, memory);
    if (!bound) return std::move(bound).error();
    bound->type_oid = parameter_oids[index];
    binds.push_back(*bound);
  }
  return {};
}

}  // namespace athena::postgres

#pragma once

#include <cstdint>
#include <memory_resource>
#include <span>

#include "contract/error.h"
#include "engines/postgres/schema_cache.h"
#include "engines/sql/statement.h"
#include "query/raw_text.h"

namespace athena::postgres {

/// `params` as values of the types that the database found for them; of types that are not known here as
/// their text, lists and objects as JSON. Errors: invalid_payload when their number does not fit;
/// invalid_value naming
/// `$n`.
contract::Result<void> bind_params(const query::RawText& raw, std::span<const std::uint32_t> parameter_oids,
                                   const SchemaCache& schema, std::pmr::memory_resource& memory,
                                   std::pmr::vector<sql::Bind>& binds);

/// How many there are and how many there should be.
contract::Error wrong_number_of_params(std::size_t given, std::size_t wanted);

}  // namespace athena::postgres

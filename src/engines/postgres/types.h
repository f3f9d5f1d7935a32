#pragma once

#include <cstdint>
#include <string_view>

#include "engines/sql/table.h"
#include "query/row_sink.h"

namespace athena::postgres {

/// A built-in type by OID or by its name in a cast (`int4`, `integer`, `timestamptz`, `int4[]` …); null = not
/// built in.
const sql::Type* builtin_type(std::uint32_t oid);
const sql::Type* builtin_type(std::string_view name);

/// How text of a built-in type (server settings DateStyle=ISO, TimeZone=UTC, IntervalStyle=postgres,
/// extra_float_digits=1) becomes JSON; `string` for types unknown. See docs/types.md.
const query::ValueFormat& format_of(std::uint32_t oid);

}  // namespace athena::postgres

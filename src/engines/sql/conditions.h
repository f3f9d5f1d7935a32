#pragma once

#include <span>
#include <string_view>

#include "contract/error.h"
#include "engines/sql/writer.h"
#include "query/request.h"

namespace athena::sql {

/// Writes the conditions joined by AND, without WHERE; nothing for none. Every term is written or refused.
contract::Result<void> write_conditions(Writer& out, std::span<const query::Predicate> conditions);

/// Type that the value of a comparison is bound with: value_cast, else what it is compared with.
/// invalid_identifier.
contract::Result<const Type*> value_type(const Writer& out, const query::Predicate& predicate,
                                         const Operand& operand);
/// Writes `value` of a comparison, with value_cast around it.
contract::Result<void> write_operand_value(Writer& out, const query::Predicate& predicate,
                                           const query::Value& value, const Operand& operand);

/// True when a term that must hold compares the leading column of an index for equality.
bool has_indexed_equality(const Table& table, std::span<const query::Predicate> conditions);
/// True when an index of the table begins with that column.
bool leads_an_index(const Table& table, std::uint16_t column);

/// 8-4-4-4-12 lower-case hexadecimal digits.
bool is_canonical_uuid(std::string_view text);

}  // namespace athena::sql

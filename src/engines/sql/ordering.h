#pragma once

#include <span>

#include "contract/error.h"
#include "contract/settings.h"
#include "engines/sql/writer.h"
#include "query/request.h"

namespace athena::sql {

/// Writes ` ORDER BY …` with the order of NULLs where the engine's own differs, and the tie-breaker of stable
/// paging. Nothing when no order is asked for. Errors: undefined_column, invalid_identifier,
/// invalid_operator.
contract::Result<void> write_order(Writer& out, std::span<const query::SortTerm> sort,
                                   const query::Page& page, const contract::GatewaySettings& settings);

/// Writes ` LIMIT n OFFSET n`; `extra` rows more than page.limit. Numbers are bound, but for the limit of a
/// plain select (`locks` false) where the engine's traits say so.
void write_page(Writer& out, const query::Page& page, std::int64_t extra, bool locks);

}  // namespace athena::sql

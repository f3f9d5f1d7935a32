#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string_view>

#include "contract/error.h"
#include "contract/settings.h"
#include "engines/sql/writer.h"
#include "query/request.h"

/// Update and delete of rows that a limit or an order chooses: the rows are found first, by key, and locked
/// where the engine has row locks, so that a row changed meanwhile is looked at again and not lost.
namespace athena::sql {

struct RowChoice {
  std::span<const query::SortTerm> sort;
  const query::Page& page;
  const contract::GatewaySettings& settings;
  std::string_view feature;  ///< `requires` of a refusal: update.limit, delete.limit
  std::function<contract::Result<void>(Writer&)> conditions;  ///< writes ` WHERE …`, or nothing

  [[nodiscard]] bool needed() const { return page.limit.has_value() || page.offset > 0 || !sort.empty(); }
};

/// How one row is told from another: the engine's row id, or the columns of the primary key.
struct RowLocator {
  std::string_view rowid;  ///< empty = by the key
  const Key* key = nullptr;
};

/// capability_not_supported for `choice.feature` when the table has no key to choose rows by.
contract::Result<RowLocator> find_locator(const Writer& out, const RowChoice& choice);

/// `WITH t AS MATERIALIZED (SELECT key … FOR UPDATE) `
contract::Result<void> write_locked_rows(Writer& out, const RowLocator& locator, const RowChoice& choice);
/// `(x."id") = (t."id")`
void write_key_join(Writer& out, const RowLocator& locator);
/// `rowid IN (SELECT rowid …)`
contract::Result<void> write_row_subquery(Writer& out, const RowLocator& locator, const RowChoice& choice);

}  // namespace athena::sql

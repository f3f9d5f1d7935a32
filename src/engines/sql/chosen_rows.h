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

/// The parts of an update or delete that depend on whether rows are chosen, in the order they are written:
/// begin() before the first word, alias() behind the table, where() behind what is set.
class ChosenRows {
 public:
  /// `choice` outlives this.
  ChosenRows(Writer& out, const RowChoice& choice) : out_(out), choice_(choice) {}
  /// `WITH t AS MATERIALIZED (SELECT key … FOR UPDATE) `, or nothing. capability_not_supported for
  /// `choice.feature` when the table has no key to choose rows by.
  contract::Result<void> begin();
  /// Rows that were found and locked first stand in `t`, the table then goes by the name `x`.
  [[nodiscard]] bool locked() const { return locked_; }
  /// ` WHERE …`: `t_clause` (` FROM t`, ` USING t`) and the join with locked rows, `rowid IN (SELECT rowid
  /// …)`, or the conditions alone.
  contract::Result<void> where(std::string_view t_clause);

 private:
  Writer& out_;
  const RowChoice& choice_;
  RowLocator locator_;
  bool locked_ = false;
};

}  // namespace athena::sql

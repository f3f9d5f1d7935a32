#include <string>

#include "engines/sql/assignments.h"
#include "engines/sql/chosen_rows.h"
#include "engines/sql/conditions.h"
#include "engines/sql/operations.h"
#include "engines/sql/projection.h"

namespace athena::sql {

using contract::Result;

Result<void> compile_update(const query::Update& update, const CompileContext& context, Plan& plan) {
  const Table& table = *context.table;
  if (update.conditions.empty() && !update.allow_unfiltered) {
    return contract::Error(contract::ErrorCode::filter_required,
                           "An update of table \"" + table.name + "\" needs conditions.")
        .hint("allow_unfiltered: true updates every row.");
  }
  if (update.set.empty()) {
    return contract::Error(contract::ErrorCode::missing_field, "Missing update_body");
  }
  Statement& statement = plan.statements.emplace_back(context.memory);
  statement.text.reserve(384);
  Writer out(statement, context.dialect, table, context.memory);
  const auto write_where = [&](Writer& writer) -> Result<void> {
    if (update.conditions.empty()) return {};
    writer.add(" WHERE ");
    return write_conditions(writer, update.conditions);
  };
  const RowChoice choice{update.sort, update.page, context.settings, "update.limit", write_where};
  RowLocator locator;
  if (choice.needed()) {
    auto found = find_locator(out, choice);
    if (!found) return std::move(found).error();
    locator = *found;
  }
  const bool locked = choice.needed() && context.dialect.traits().lock_chosen_rows;
  if (locked) {
    auto written = write_locked_rows(out, locator, choice);
    if (!written) return written;
  }
  out.add("UPDATE ");
  out.add(table.quoted);
  out.add(locked ? " AS x SET " : " SET ");
  auto written = write_assignments(out, update.set);
  if (!written) return written;
  if (locked) {
    out.add(" FROM t WHERE ");
    write_key_join(out, locator);
    out.qualify("x");
  } else if (choice.needed()) {
    out.add(" WHERE ");
    written = write_row_subquery(out, locator, choice);
  } else {
    written = write_where(out);
  }
  if (!written) return written;
  plan.indexed_equality = has_indexed_equality(table, update.conditions);
  return write_returning(out, {update.returning, update.return_nothing, false});
}

}  // namespace athena::sql

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
  ChosenRows rows(out, choice);
  auto written = rows.begin();
  if (!written) return written;
  out.add("UPDATE ");
  out.add(table.quoted);
  out.add(rows.locked() ? " AS x SET " : " SET ");
  written = write_assignments(out, update.set);
  if (!written) return written;
  written = rows.where(" FROM t");
  if (!written) return written;
  plan.indexed_equality = has_indexed_equality(table, update.conditions);
  return write_returning(out, {update.returning, update.return_nothing, false});
}

}  // namespace athena::sql

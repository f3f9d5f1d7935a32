#include "engines/sql/conditions.h"
#include "engines/sql/operations.h"

namespace athena::sql {

contract::Result<void> compile_count(const query::Count& count, const CompileContext& context, Plan& plan) {
  const Table& table = *context.table;
  Statement& statement = plan.statements.emplace_back(context.memory);
  Writer out(statement, context.dialect, table, context.memory);
  out.add("SELECT count(*) AS \"count\" FROM ");
  out.add(table.quoted);
  if (!count.conditions.empty()) {
    out.add(" WHERE ");
    auto written = write_conditions(out, count.conditions);
    if (!written) return written;
  }
  statement.columns.push_back({"count", {}, false});
  statement.types.push_back(nullptr);
  plan.row_limit = 1;
  plan.indexed_equality = has_indexed_equality(table, count.conditions);
  return {};
}

}  // namespace athena::sql

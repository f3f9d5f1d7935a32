#include "engines/sql/conditions.h"
#include "engines/sql/operations.h"
#include "engines/sql/ordering.h"
#include "engines/sql/projection.h"

namespace athena::sql {
namespace {

// Typical selects fit, so that the text is not moved while it grows.
constexpr std::size_t kUsualText = 384;

}  // namespace

contract::Result<void> compile_select(const query::Select& select, const CompileContext& context,
                                      Plan& plan) {
  const Table& table = *context.table;
  Statement& statement = plan.statements.emplace_back(context.memory);
  const std::size_t columns = select.columns.empty() ? table.columns.size() : select.columns.size();
  statement.text.reserve(kUsualText + columns * 8);
  statement.columns.reserve(columns);
  statement.types.reserve(columns);
  statement.binds.reserve(select.conditions.size() + 2);

  Writer out(statement, context.dialect, table, context.memory);
  out.add("SELECT ");
  auto written = write_projection(out, select.columns);
  if (!written) return written;
  out.add(" FROM ");
  out.add(table.quoted);
  if (!select.conditions.empty()) {
    out.add(" WHERE ");
    written = write_conditions(out, select.conditions);
    if (!written) return written;
  }
  written = write_order(out, select.sort, select.page, context.settings);
  if (!written) return written;
  write_page(out, select.page, select.page.default_limit ? 1 : 0, /*locks=*/false);

  plan.extra_row = select.page.default_limit && select.page.limit.has_value();
  plan.row_limit = select.page.limit.value_or(-1);
  plan.indexed_equality = has_indexed_equality(table, select.conditions);
  return {};
}

}  // namespace athena::sql

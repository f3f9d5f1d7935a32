#include "engines/postgres/function_plan.h"

#include <algorithm>
#include <string>
#include <utility>

#include "engines/postgres/dialect_values.h"
#include "engines/sql/conditions.h"
#include "engines/sql/ordering.h"
#include "engines/sql/projection.h"
#include "engines/sql/writer.h"

namespace athena::postgres {
namespace {

using contract::Error;
using contract::Result;
using query::FunctionCall;
using sql::Writer;
using Form = query::RowShape::Form;

constexpr std::string_view kOfColumn = "The value for column \"";

/// The dialect speaks of columns; here it is an argument.
Error of_argument(const Error& error, std::string_view argument) {
  std::string text = error.text();
  if (text.starts_with(kOfColumn)) text.replace(0, kOfColumn.size(), "The value for argument \"");
  Error renamed(error.code(), std::move(text));
  renamed.with("argument", argument);
  return renamed;
}

/// A value of a URL is text in every case: for json it is JSON text, not a string of JSON.
Result<void> write_argument_value(Writer& out, const FunctionCall& call, const query::Value& value,
                                  const FunctionArgument& argument) {
  using sql::TypeCategory;
  const auto category = argument.type->category;
  const bool json = category == TypeCategory::json || category == TypeCategory::jsonb;
  if (call.read_only && json && value.is_string()) {
    out.placeholder({sql::Bind::Kind::text, argument.type->oid, value.text});
    return {};
  }
  return out.dialect().write_value(out, value, *argument.type, argument.name);
}

Result<void> write_call(Writer& out, const FunctionCall& call, const FunctionOverload& overload) {
  out.add(overload.result.quoted);
  out.add("(");
  bool first = true;
  // In the order of the signature: the text of one set of arguments is always the same, and VARIADIC is last.
  for (const auto& argument : overload.arguments) {
    const auto given = std::ranges::find(call.arguments, std::string_view(argument.name),
                                         [](const auto& member) { return member.name; });
    if (argument.name.empty() || given == call.arguments.end()) continue;
    if (!first) out.add(", ");
    first = false;
    if (argument.variadic) out.add("VARIADIC ");
    out.identifier(argument.name);
    out.add(" => ");
    auto written = write_argument_value(out, call, *given->value, argument);
    if (!written) return of_argument(written.error(), argument.name);
  }
  out.add(")");
  return {};
}

/// The call as an item of FROM, named like the function, and the conditions on its rows.
Result<void> write_source(Writer& out, const FunctionCall& call, const FunctionOverload& overload) {
  out.add(" FROM ");
  if (overload.anonymous_record) out.add("(SELECT ");
  auto written = write_call(out, call, overload);
  if (!written) return written;
  if (overload.anonymous_record) out.add(")");
  out.add(" AS ");
  out.identifier(overload.result.name);
  if (overload.form == Form::value || overload.form == Form::values) {
    out.add("(");
    out.identifier(overload.result.columns.front().name);
    out.add(")");
  }
  if (call.conditions.empty()) return {};
  out.add(" WHERE ");
  return sql::write_conditions(out, call.conditions);
}

Result<void> write_order_and_page(Writer& out, const FunctionCall& call, const FunctionOverload& overload,
                                  const FunctionPlanContext& context) {
  auto written = sql::write_order(out, call.sort, call.page, context.settings);
  if (!written) return written;
  const bool pages = overload.form == Form::rows || overload.form == Form::values || !call.page.default_limit;
  if (pages) sql::write_page(out, call.page, call.page.default_limit ? 1 : 0, /*locks=*/false);
  return {};
}

void describe(sql::Statement& statement, std::string_view name, const sql::Type* type) {
  statement.columns.push_back({name, {}, true});
  statement.types.push_back(type);
}

Result<void> write_plain(Writer& out, const FunctionCall& call, const FunctionOverload& overload,
                         const FunctionPlanContext& context) {
  out.add("SELECT ");
  auto written = sql::write_projection(out, call.columns);
  if (!written) return written;
  written = write_source(out, call, overload);
  if (!written) return written;
  return write_order_and_page(out, call, overload, context);
}

/// The function may have effects, so it runs once, and the page and the count both come of what it returned.
/// The join gives a row also when the page has none.
Result<void> write_counted(Writer& out, const FunctionCall& call, const FunctionOverload& overload,
                           const FunctionPlanContext& context) {
  out.add("WITH \"called\" AS MATERIALIZED (SELECT *");
  auto written = write_source(out, call, overload);
  if (!written) return written;
  out.add(
      ") SELECT \"page\".*, \"total\".\"n\" FROM (SELECT count(*) AS \"n\" FROM \"called\") AS \"total\" ");
  out.add("LEFT JOIN (SELECT ");
  written = sql::write_projection(out, call.columns);
  if (!written) return written;
  if (!out.statement().columns.empty()) out.add(", ");
  out.add("true FROM \"called\" AS ");
  out.identifier(overload.result.name);
  written = write_order_and_page(out, call, overload, context);
  if (!written) return written;
  out.add(") AS \"page\" ON true");
  return {};
}

/// Only the number of rows; the columns are written all the same, so that what is wrong in them is found.
Result<void> write_head(Writer& out, const FunctionCall& call, const FunctionOverload& overload) {
  out.add("SELECT count(*) AS \"n\" FROM (SELECT ");
  auto written = sql::write_projection(out, call.columns);
  if (!written) return written;
  written = write_source(out, call, overload);
  if (!written) return written;
  out.add(") AS \"called\"");
  return {};
}

}  // namespace

Result<FunctionPlan> compile_call(const FunctionCall& call, const FunctionSetPtr& set,
                                  const FunctionOverload& overload, const FunctionPlanContext& context) {
  FunctionPlan result(context.memory);
  sql::Plan& plan = result.plan;
  plan.table = sql::TablePtr(set, &overload.result);
  plan.is_write = overload.signature.is_volatile;
  plan.read_only = call.read_only;
  // Also a function that only reads may call set_config.
  const bool trusted = overload.in_pg_catalog || context.trust_functions;
  plan.resets_session = overload.signature.is_volatile || !trusted;

  sql::Statement& statement = plan.statements.emplace_back(context.memory);
  Writer out(statement, context.dialect, overload.result, context.memory);
  result.counted = call.head || call.count != query::CountMode::none;
  auto written = call.head        ? write_head(out, call, overload)
                 : result.counted ? write_counted(out, call, overload, context)
                                  : write_plain(out, call, overload, context);
  if (!written) return std::move(written).error();
  result.columns.assign(statement.columns.begin(), statement.columns.end());
  if (call.head) {
    statement.columns.clear();
    statement.types.clear();
    describe(statement, "n", context.dialect.types().find("int8"));
    plan.row_limit = 1;
    return contract::Result<FunctionPlan>(std::move(result));
  }
  if (result.counted) {
    describe(statement, "page", context.dialect.types().find("bool"));
    describe(statement, "n", context.dialect.types().find("int8"));
  }
  if (overload.form == Form::rows || overload.form == Form::values) {
    plan.row_limit = call.page.limit.value_or(-1);
    plan.extra_row = call.page.default_limit && call.page.limit.has_value();
    // A page without rows still brings the one that carries the count.
    if (result.counted && plan.row_limit == 0) plan.row_limit = 1;
  } else {
    plan.row_limit = 1;
  }
  return contract::Result<FunctionPlan>(std::move(result));
}

}  // namespace athena::postgres

#include "engines/postgres/function_executor.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "engines/postgres/casts.h"
#include "engines/postgres/errors.h"
#include "engines/postgres/function_resolve.h"
#include "engines/postgres/function_sink.h"

namespace athena::postgres {
namespace {

using contract::Error;
using contract::ErrorCode;
using query::FunctionCall;

// Calls that fit no function make a shard read the catalogue at most this often.
constexpr std::chrono::milliseconds kReloadPause{20};

/// The function, its arguments or its result are perhaps not what they were.
bool catalogue_changed(const Error& error) {
  constexpr std::string_view kStates[] = {"\"42883\"", "\"42725\"", "\"42703\"", "\"42804\"",
                                          "\"42P01\"", "\"42P18\"", "\"42704\"", "\"0A000\""};
  for (const auto& detail : error.details()) {
    if (detail.name == "sql_state") return std::ranges::find(kStates, detail.json) != std::end(kStates);
  }
  // The columns of its result are not those that were compiled, so it did not run.
  return error.code() == ErrorCode::database_error;
}

}  // namespace

FunctionExecutor::FunctionExecutor(Client& client, Pool& pool, SchemaCache& schema,
                                   const sql::Dialect& dialect, Executor& executor)
    : client_(client), pool_(pool), schema_(schema), dialect_(dialect), executor_(executor) {}

base::Task<contract::Result<std::vector<query::FunctionSignature>>> FunctionExecutor::signatures(
    std::string schema, std::string function, base::Deadline deadline) {
  pool_.touch();
  if (auto admitted = client_.breaker.admit(); !admitted) co_return admitted.error();
  const engines::ProbeGuard guard{client_.breaker};
  auto found = co_await schema_.functions().find(schema, function, deadline);
  if (!found) co_return found.error();
  if (found->set->overloads.empty()) {
    Error error = co_await undefined_function_with_suggestions(pool_, schema, function, deadline);
    co_return error;
  }
  std::vector<query::FunctionSignature> signatures;
  for (const auto& overload : found->set->overloads) signatures.push_back(overload.signature);
  co_return signatures;
}

bool FunctionExecutor::may_reload(ErrorCode code) {
  using enum ErrorCode;
  if (code != undefined_function && code != ambiguous_function && code != undefined_column &&
      code != invalid_value && code != invalid_operator && code != method_not_allowed &&
      code != invalid_payload) {
    return false;
  }
  const auto now = base::Clock::now();
  if (now - last_reload_ < kReloadPause) return false;
  last_reload_ = now;
  return true;
}

contract::Result<FunctionPlan> FunctionExecutor::compile(const FunctionCall& call, const FunctionSetPtr& set,
                                                         query::RowShape::Form& form,
                                                         const engines::ExecutionContext& context) const {
  auto chosen = choose_overload(*set, call);
  if (!chosen) return chosen.error();
  const FunctionOverload& overload = **chosen;
  if (call.read_only && overload.signature.is_volatile) {
    return Error(ErrorCode::method_not_allowed, "Function \"" + overload.result.schema + "." +
                                                    overload.result.name +
                                                    "\" is volatile: it may change data, so GET cannot call "
                                                    "it.")
        .hint("Call it by POST, or declare it STABLE or IMMUTABLE if it only reads.");
  }
  form = overload.form;
  return compile_call(call, set, overload,
                      {dialect_, client_.settings(), context.memory, client_.limits().trust_functions});
}

base::Task<contract::Result<query::Summary>> FunctionExecutor::call(
    const FunctionCall& call, query::RowSink& sink, const engines::ExecutionContext& context) {
  pool_.touch();
  if (auto admitted = client_.breaker.admit(); !admitted) co_return admitted.error();
  const engines::ProbeGuard guard{client_.breaker};
  const std::string schema(call.function.schema), name(call.function.table);
  FunctionSink between(sink);
  std::optional<FunctionPlan> plans[2];  // what a receiver was shown lives to the end
  FunctionCache& functions = schema_.functions();
  bool casts_loaded = false;
  bool looked_again = false;
  auto found = co_await functions.find(schema, name, context.deadline);
  for (int round = 0;;) {
    if (!found) co_return found.error();
    FunctionCache::Found known = std::move(*found);
    if (known.set->overloads.empty()) {
      Error error = co_await undefined_function_with_suggestions(pool_, schema, name, context.deadline);
      co_return error;
    }
    auto form = query::RowShape::Form::rows;
    auto compiled = compile(call, known.set, form, context);
    if (!compiled) {
      Error error = compiled.error();
      if (known.cached && !looked_again && may_reload(error.code())) {
        looked_again = true;
        functions.forget(schema, name);
        found = co_await functions.find(schema, name, context.deadline);
        continue;
      }
      // A cast to a type of the user's own is not known before its first use.
      if (error.code() != ErrorCode::invalid_identifier || casts_loaded) co_return error;
      casts_loaded = true;
      auto loaded = co_await load_casts(call, schema_, context.deadline);
      if (!loaded) co_return error;
      found = FunctionCache::Found{known.set, known.cached};
      continue;
    }
    FunctionPlan& plan = plans[round].emplace(std::move(*compiled));
    between.expect({plan.columns, form, plan.counted, call.head});
    auto summary = co_await executor_.run(plan.plan, between, context);
    if (summary) {
      summary->rows_returned = between.rows();
      summary->rows_affected = 0;
      if (call.count != query::CountMode::none) summary->total = between.total();
      co_return summary;
    }
    Error error = summary.error();
    if (round != 0 || !known.cached || !catalogue_changed(error)) co_return error;
    // Errors of this kind come from inside functions too: it runs again only when it is another one by now.
    functions.forget(schema, name);
    found = co_await functions.find(schema, name, context.deadline);
    if (!found || found->set->definition == known.set->definition || !between.restart()) co_return error;
    ++round;
  }
}

}  // namespace athena::postgres

#include "engines/postgres/errors.h"

#include <algorithm>
#include <array>

namespace athena::postgres {
namespace {

using contract::Error;
using contract::ErrorCode;

struct StateCode {
  std::string_view state;  ///< a whole SQLSTATE, or the beginning of a class
  ErrorCode code;
};

// Sorted by precedence: whole states before the class they belong to.
constexpr StateCode kCodes[] = {
    {"23505", ErrorCode::unique_violation},
    {"23P01", ErrorCode::exclusion_violation},
    {"23503", ErrorCode::foreign_key_violation},
    {"23001", ErrorCode::foreign_key_violation},
    {"23502", ErrorCode::not_null_violation},
    {"23514", ErrorCode::check_constraint_violation},
    {"23000", ErrorCode::check_constraint_violation},
    {"44000", ErrorCode::check_constraint_violation},
    {"42P01", ErrorCode::undefined_table},
    {"42703", ErrorCode::undefined_column},
    {"42501", ErrorCode::insufficient_privilege},
    {"25006", ErrorCode::read_only_violation},
    {"25", ErrorCode::invalid_transaction_state},
    {"2D", ErrorCode::invalid_transaction_state},
    {"3B", ErrorCode::invalid_transaction_state},
    {"40001", ErrorCode::serialization_failure},
    {"40002", ErrorCode::serialization_failure},
    {"40P01", ErrorCode::deadlock_detected},
    {"40003", ErrorCode::outcome_unknown},
    {"42883", ErrorCode::undefined_function},
    {"42704", ErrorCode::undefined_object},
    {"3F000", ErrorCode::undefined_object},
    {"42725", ErrorCode::ambiguous_function},
    {"42P07", ErrorCode::duplicate_object},
    {"42P04", ErrorCode::duplicate_object},
    {"42P06", ErrorCode::duplicate_object},
    {"42701", ErrorCode::duplicate_object},
    {"42710", ErrorCode::duplicate_object},
    {"42712", ErrorCode::duplicate_object},
    {"42723", ErrorCode::duplicate_object},
    {"42804", ErrorCode::invalid_value},
    {"42P08", ErrorCode::invalid_value},
    {"42P18", ErrorCode::invalid_value},
    {"428C9", ErrorCode::invalid_value},
    {"42P05", ErrorCode::database_error},
    {"21", ErrorCode::invalid_value},
    {"22", ErrorCode::invalid_value},
    {"42", ErrorCode::syntax_error},
    {"0A000", ErrorCode::feature_not_supported},
    {"HV", ErrorCode::upstream_error},
    {"P0002", ErrorCode::row_not_found},
    {"02000", ErrorCode::row_not_found},
    {"P0", ErrorCode::raised_exception},
    {"2F", ErrorCode::raised_exception},
    {"38", ErrorCode::raised_exception},
    {"39", ErrorCode::raised_exception},
    {"09", ErrorCode::raised_exception},
    {"53", ErrorCode::overloaded},
    {"54", ErrorCode::too_complex},
    {"55P03", ErrorCode::lock_not_available},
    {"55006", ErrorCode::object_in_use},
    {"2BP01", ErrorCode::object_in_use},
    {"55", ErrorCode::feature_not_supported},
    {"57014", ErrorCode::statement_timeout},
    {"08", ErrorCode::backend_unreachable},
    {"57P", ErrorCode::backend_unreachable},
    {"28", ErrorCode::backend_unreachable},
    {"3D000", ErrorCode::backend_unreachable},
};

}  // namespace

ErrorCode code_of(std::string_view sql_state, std::string_view routine, const ErrorContext& context) {
  if (sql_state == "42883" && routine == "op_error") return ErrorCode::invalid_value;
  if (sql_state == "42P10" && routine == "infer_arbiter_indexes") return ErrorCode::ambiguous_conflict_target;
  if (sql_state == "0A000" && routine == "RevalidateCachedQuery") return ErrorCode::database_error;
  if (context.is_write && (sql_state.starts_with("08") || sql_state == "57P01" || sql_state == "57P02")) {
    return ErrorCode::outcome_unknown;
  }
  const auto* const found = std::ranges::find_if(
      kCodes, [&](const StateCode& entry) { return sql_state.starts_with(entry.state); });
  return found == std::end(kCodes) ? ErrorCode::database_error : found->code;
}

Error map_error(const ServerError& error, const ErrorContext& context) {
  const auto code = code_of(error.sql_state, error.routine, context);
  if (code == ErrorCode::outcome_unknown) return lost_error(&error, true);
  const bool own_login = error.sql_state.starts_with("28") || error.sql_state == "3D000";
  Error mapped = own_login || error.message.empty() ? Error(code) : Error(code, error.message);
  if (!error.hint.empty() && !own_login) mapped.hint(error.hint);
  const auto add = [&mapped](std::string_view name, const std::string& value) {
    if (!value.empty()) mapped.with_database(name, value);
  };
  add("sql_state", error.sql_state);
  if (own_login) return mapped;
  add("constraint", error.constraint);
  add("column", error.column);
  add("table", error.table);
  add("schema", error.schema);
  add("detail", error.detail);
  add("hint", error.hint);
  const bool digits = !error.position.empty() && error.position.size() < 10 &&
                      std::ranges::all_of(error.position, [](char c) { return c >= '0' && c <= '9'; });
  if (context.callers_text && digits) mapped.with_json("position", error.position, true);
  return mapped;
}

Error connect_error(const ConnectFailure& failure) {
  if (failure.sql_state.starts_with("53")) {
    Error error(ErrorCode::overloaded, "The database has no connection to spare.");
    error.with_database("sql_state", failure.sql_state);
    return error;
  }
  Error error(ErrorCode::backend_unreachable, "The database of this client cannot be reached.");
  error.with("reason", failure.reason);
  if (!failure.sql_state.empty()) error.with_database("sql_state", failure.sql_state);
  return error;
}

Error lost_error(const ServerError* last_words, bool is_write) {
  Error error = is_write ? Error(ErrorCode::outcome_unknown,
                                 "The connection to the database was lost before it answered; whether the "
                                 "write was stored is not known.")
                         : Error(ErrorCode::backend_unreachable, "The connection to the database was lost.");
  if (is_write) error.hint("Send an Idempotency-Key with writes, so that they can be repeated safely.");
  error.with("reason", std::string_view("lost"));
  if (last_words != nullptr && !last_words->sql_state.empty())
    error.with_database("sql_state", last_words->sql_state);
  return error;
}

Error deadline_error() {
  return {ErrorCode::deadline_exceeded, "The request's time limit passed before the database answered."};
}

}  // namespace athena::postgres

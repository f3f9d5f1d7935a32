#include "engines/postgres/errors.h"

#include <gtest/gtest.h>

namespace athena::postgres {
namespace {

using contract::ErrorCode;

std::string_view code(std::string_view state, std::string_view routine = {}, ErrorContext context = {}) {
  return contract::info(code_of(state, routine, context)).name;
}

TEST(PostgresErrors, StatesAndRoutines) {
  EXPECT_EQ(code("23505"), "unique_violation");
  EXPECT_EQ(code("23P01"), "exclusion_violation");
  EXPECT_EQ(code("23503"), "foreign_key_violation");
  EXPECT_EQ(code("23001"), "foreign_key_violation");
  EXPECT_EQ(code("23502"), "not_null_violation");
  EXPECT_EQ(code("23514"), "check_constraint_violation");
  EXPECT_EQ(code("44000"), "check_constraint_violation");
  EXPECT_EQ(code("42P01"), "undefined_table");
  EXPECT_EQ(code("42703"), "undefined_column");
  EXPECT_EQ(code("42501"), "insufficient_privilege");
  EXPECT_EQ(code("25006"), "read_only_violation");
  EXPECT_EQ(code("25P02"), "invalid_transaction_state");
  EXPECT_EQ(code("40001"), "serialization_failure");
  EXPECT_EQ(code("40P01"), "deadlock_detected");
  EXPECT_EQ(code("40003"), "outcome_unknown");
  EXPECT_EQ(code("42883"), "undefined_function");
  EXPECT_EQ(code("42883", "op_error"), "invalid_value");
  EXPECT_EQ(code("42P10"), "syntax_error");
  EXPECT_EQ(code("42P10", "infer_arbiter_indexes"), "ambiguous_conflict_target");
  EXPECT_EQ(code("0A000"), "feature_not_supported");
  EXPECT_EQ(code("0A000", "RevalidateCachedQuery"), "database_error");
  EXPECT_EQ(code("26000"), "database_error");
  EXPECT_EQ(code("22P02"), "invalid_value");
  EXPECT_EQ(code("21000"), "invalid_value");
  EXPECT_EQ(code("428C9"), "invalid_value");
  EXPECT_EQ(code("42601"), "syntax_error");
  EXPECT_EQ(code("42P07"), "duplicate_object");
  EXPECT_EQ(code("P0001"), "raised_exception");
  EXPECT_EQ(code("P0002"), "row_not_found");
  EXPECT_EQ(code("39004"), "raised_exception");
  EXPECT_EQ(code("53300"), "overloaded");
  EXPECT_EQ(code("54001"), "too_complex");
  EXPECT_EQ(code("55P03"), "lock_not_available");
  EXPECT_EQ(code("2BP01"), "object_in_use");
  EXPECT_EQ(code("55000"), "feature_not_supported");
  EXPECT_EQ(code("HV000"), "upstream_error");
  EXPECT_EQ(code("57P01"), "backend_unreachable");
  EXPECT_EQ(code("57P01", {}, {.is_write = true}), "outcome_unknown");
  EXPECT_EQ(code("57P03", {}, {.is_write = true}), "backend_unreachable");
  EXPECT_EQ(code("08006", {}, {.is_write = true}), "outcome_unknown");
  EXPECT_EQ(code("28P01"), "backend_unreachable");
  EXPECT_EQ(code("XX000"), "database_error");
  EXPECT_EQ(code(""), "database_error");
}

TEST(PostgresErrors, TheServersMembersPassThrough) {
  ServerError error;
  error.sql_state = "23505";
  error.message = "duplicate key value violates unique constraint \"t_pkey\"";
  error.detail = "Key (id)=(1) already exists.";
  error.constraint = "t_pkey";
  error.position = "12";
  const auto mapped = map_error(error, {});
  EXPECT_EQ(mapped.text(), error.message);
  std::string names;
  for (const auto& detail : mapped.details()) {
    names += detail.name + ' ';
    EXPECT_TRUE(detail.from_database);
  }
  EXPECT_EQ(names, "sql_state constraint detail ");  // the position is in Athena's text, not in the caller's
}

TEST(PostgresErrors, AthenasOwnLoginIsNobodysBusiness) {
  ServerError error;
  error.sql_state = "28P01";
  error.message = "password authentication failed for user \"gateway\"";
  const auto mapped = map_error(error, {});
  EXPECT_EQ(mapped.code(), ErrorCode::backend_unreachable);
  EXPECT_EQ(mapped.text().find("gateway"), std::string::npos);
}

}  // namespace
}  // namespace athena::postgres

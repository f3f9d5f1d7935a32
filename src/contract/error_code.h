#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace athena::contract {

/// Every error a caller can see. Order and spelling are those of the catalogue in error_code.cpp.
enum class ErrorCode : std::uint8_t {
  missing_client_header,
  missing_audit_header,
  unknown_client,
  malformed_request,
  invalid_json,
  missing_field,
  invalid_payload,
  invalid_identifier,
  undefined_table,
  undefined_column,
  undefined_function,
  undefined_object,
  ambiguous_function,
  ambiguous_conflict_target,
  invalid_operator,
  invalid_value,
  not_null_violation,
  check_constraint_violation,
  raised_exception,
  syntax_error,
  feature_not_supported,
  invalid_transaction_state,
  too_complex,
  limit_too_large,
  invalid_post_processing,
  filter_required,
  invalid_driver,
  client_mismatch,
  unknown_right,
  missing_api_key,
  invalid_api_key,
  inactive_api_key,
  expired_api_key,
  invalid_admin_key,
  origin_not_allowed,
  api_key_client_mismatch,
  missing_api_key_rights,
  read_only_violation,
  statement_not_allowed,
  insufficient_privilege,
  target_not_allowed,
  not_found,
  row_not_found,
  method_not_allowed,
  unique_violation,
  exclusion_violation,
  duplicate_object,
  already_exists,
  limit_reached,
  serialization_failure,
  deadlock_detected,
  lock_not_available,
  object_in_use,
  idempotency_conflict,
  payload_too_large,
  uri_too_long,
  unsupported_media_type,
  foreign_key_violation,
  plan_too_expensive,
  client_frozen,
  client_inactive,
  rate_limited,
  header_fields_too_large,
  client_closed_request,
  database_error,
  internal_error,
  capability_not_supported,
  upstream_error,
  outcome_unknown,
  backend_unreachable,
  circuit_open,
  pool_timeout,
  overloaded,
  auth_store_unavailable,
  control_store_unavailable,
  not_ready,
  deadline_exceeded,
  statement_timeout,
};

struct ErrorCodeInfo {
  ErrorCode code;
  std::string_view name;      ///< as sent in `code`
  std::uint16_t status;       ///< HTTP
  std::string_view message;   ///< the stable text sent in `message`
  std::string_view when;      ///< one sentence for the documentation
  std::string_view hint;      ///< what to do next, in general; may be empty
  bool retryable;             ///< the same request may succeed later, and repeating it is safe
  std::string_view families;  ///< route families that send it, separated by blanks
};

/// The whole catalogue, in enumeration order.
std::span<const ErrorCodeInfo> error_catalogue();
const ErrorCodeInfo& info(ErrorCode code);

}  // namespace athena::contract

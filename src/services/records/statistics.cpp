#include "services/records/statistics.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/iso_time.h"
#include "services/records/text.h"

namespace athena::records {
namespace {

using control::Value;
using control::Values;

constexpr std::size_t kRowsPerStatement = 500;

Value time_or_null(std::int64_t unix_ms) {
  return unix_ms == 0 ? control::null() : Value(base::iso_time(unix_ms));
}

constexpr std::string_view kClientInsert =
    "INSERT INTO client_statistics (client_name, total_requests, successful_requests, failed_requests, "
    "total_cached_requests, total_operations, base_requests, base_successful, base_failed, base_cached, "
    "base_operations, last_request_at, last_operation_at, created_at, updated_at) VALUES ";
constexpr std::string_view kClientConflict =
    " ON CONFLICT (lower(client_name)) DO UPDATE SET "
    "total_requests = client_statistics.total_requests + excluded.total_requests, "
    "successful_requests = client_statistics.successful_requests + excluded.successful_requests, "
    "failed_requests = client_statistics.failed_requests + excluded.failed_requests, "
    "total_cached_requests = client_statistics.total_cached_requests + excluded.total_cached_requests, "
    "total_operations = client_statistics.total_operations + excluded.total_operations, "
    "base_requests = client_statistics.base_requests + excluded.base_requests, "
    "base_successful = client_statistics.base_successful + excluded.base_successful, "
    "base_failed = client_statistics.base_failed + excluded.base_failed, "
    "base_cached = client_statistics.base_cached + excluded.base_cached, "
    "base_operations = client_statistics.base_operations + excluded.base_operations, "
    "last_request_at = CASE WHEN client_statistics.last_request_at IS NULL OR "
    "excluded.last_request_at > client_statistics.last_request_at THEN excluded.last_request_at "
    "ELSE client_statistics.last_request_at END, "
    "last_operation_at = CASE WHEN client_statistics.last_operation_at IS NULL OR "
    "excluded.last_operation_at > client_statistics.last_operation_at THEN excluded.last_operation_at "
    "ELSE client_statistics.last_operation_at END, updated_at = excluded.updated_at";

constexpr std::string_view kTableInsert =
    "INSERT INTO client_table_statistics (client_name, table_name, operation, total_operations, "
    "error_operations, base_operations, base_errors, last_operation_at, created_at, updated_at) VALUES ";
constexpr std::string_view kTableConflict =
    " ON CONFLICT (lower(client_name), table_name, operation) DO UPDATE SET "
    "total_operations = client_table_statistics.total_operations + excluded.total_operations, "
    "error_operations = client_table_statistics.error_operations + excluded.error_operations, "
    "base_operations = client_table_statistics.base_operations + excluded.base_operations, "
    "base_errors = client_table_statistics.base_errors + excluded.base_errors, "
    "last_operation_at = CASE WHEN client_table_statistics.last_operation_at IS NULL OR "
    "excluded.last_operation_at > client_table_statistics.last_operation_at "
    "THEN excluded.last_operation_at ELSE client_table_statistics.last_operation_at END, "
    "updated_at = excluded.updated_at";

void append_client(Values& values, const ClientDelta& delta, const std::string& now) {
  values.insert(values.end(),
                {delta.client, delta.total.requests, delta.total.successful, delta.total.failed,
                 delta.total.cached, delta.total.operations, delta.base.requests, delta.base.successful,
                 delta.base.failed, delta.base.cached, delta.base.operations,
                 time_or_null(delta.last_request_ms), time_or_null(delta.last_operation_ms), now, now});
}

void append_table(Values& values, const TableDelta& delta, const std::string& now) {
  values.insert(values.end(), {delta.client, delta.table, delta.operation, delta.total, delta.errors,
                               delta.base_total, delta.base_errors, time_or_null(delta.last_ms), now, now});
}

/// One statement for each few hundred deltas.
template <class Deltas, class Append>
control::StoreResult<void> upsert(control::Session& session, const Deltas& deltas, std::string_view insert,
                                  std::string_view conflict, Append append) {
  for (auto at = deltas.begin(); at != deltas.end();) {
    Values values;
    std::size_t rows = 0;
    for (; at != deltas.end() && rows < kRowsPerStatement; ++at, ++rows) append(values, at->second);
    const std::string sql =
        std::string(insert) + placeholders(rows, values.size() / rows) + std::string(conflict);
    if (auto done = session.execute(sql, values); !done) return done.error();
  }
  return {};
}

}  // namespace

std::string placeholders(std::size_t rows, std::size_t columns) {
  std::string result;
  std::size_t number = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    result += row == 0 ? "(" : ",(";
    for (std::size_t column = 0; column < columns; ++column) {
      if (column != 0) result += ',';
      result += '$' + std::to_string(++number);
    }
    result += ')';
  }
  return result;
}

std::string_view KnownTables::admit(const std::string& client_key, std::string_view table) {
  if (table.empty()) return kNoTable;
  auto& tables = tables_[client_key];
  const std::string name(table);
  if (tables.contains(name)) return table;
  if (tables.size() >= kMost) return kOtherTables;
  tables.insert(name);
  return table;
}

void KnownTables::add(const std::string& client_key, std::string_view table) {
  if (table != kOtherTables && table != kNoTable) tables_[client_key].emplace(table);
}

ClientDelta& Statistics::client(std::string_view name) {
  auto& delta = clients_[base::lower_case(name)];
  if (delta.client.empty()) delta.client = name;
  return delta;
}

TableDelta& Statistics::table(const Operation& operation) {
  const auto client_key = base::lower_case(operation.client);
  const auto table = tables_->admit(client_key, operation.table);
  std::string key = client_key;
  key.append(1, '\0').append(table).append(1, '\0').append(operation.operation);
  auto& delta = operations_[std::move(key)];
  if (delta.client.empty()) {
    delta.client = operation.client;
    delta.table = table;
    delta.operation = operation.operation;
  }
  return delta;
}

void Statistics::add(const Request& request, bool logged) {
  auto& delta = client(request.client);
  const auto count = [&request](ClientDelta::Counts& counts) {
    ++counts.requests;
    ++(request.failed ? counts.failed : counts.successful);
    if (request.cached) ++counts.cached;
  };
  count(delta.total);
  if (!logged) count(delta.base);
  delta.last_request_ms = std::max(delta.last_request_ms, request.time_ms);
}

void Statistics::add(const Operation& operation, bool logged) {
  auto& whole = client(operation.client);
  ++whole.total.operations;
  whole.last_operation_ms = std::max(whole.last_operation_ms, operation.time_ms);
  auto& delta = table(operation);
  ++delta.total;
  if (operation.failed) ++delta.errors;
  delta.last_ms = std::max(delta.last_ms, operation.time_ms);
  if (!logged) not_logged(operation);
}

void Statistics::not_logged(const Request& request) {
  auto& base = client(request.client).base;
  ++base.requests;
  ++(request.failed ? base.failed : base.successful);
  if (request.cached) ++base.cached;
}

void Statistics::not_logged(const Operation& operation) {
  ++client(operation.client).base.operations;
  auto& delta = table(operation);
  ++delta.base_total;
  if (operation.failed) ++delta.base_errors;
}

control::StoreResult<void> Statistics::write(control::Session& session, std::int64_t now_ms) const {
  const auto now = base::iso_time(now_ms);
  auto written = upsert(session, clients_, kClientInsert, kClientConflict,
                        [&now](Values& values, const auto& delta) { append_client(values, delta, now); });
  if (!written) return written;
  return upsert(session, operations_, kTableInsert, kTableConflict,
                [&now](Values& values, const auto& delta) { append_table(values, delta, now); });
}

}  // namespace athena::records

#include "services/records/rebuild.h"

#include <algorithm>

#include "base/iso_time.h"
#include "services/records/flush.h"

namespace athena::records {
namespace {

using control::Session;
using control::StoreResult;
using control::Transaction;
using control::Values;

// The name a request counts under. Requests that came to no client have no engine.
constexpr std::string_view kRequestClient = "CASE WHEN engine IS NULL THEN 'unknown' ELSE client END";

/// Counts of the request log by client, into the columns of that prefix.
std::string add_requests(bool base, const std::string& where) {
  const std::string requests = base ? "base_requests" : "total_requests";
  const std::string successful = base ? "base_successful" : "successful_requests";
  const std::string failed = base ? "base_failed" : "failed_requests";
  const std::string cached = base ? "base_cached" : "total_cached_requests";
  const auto sum = [](const std::string& column) {
    return column + " = client_statistics." + column + " + excluded." + column;
  };
  return "INSERT INTO client_statistics (client_name, " + requests + ", " + successful + ", " + failed +
         ", " + cached +
         ", last_request_at) SELECT min(name), count(*), sum(CASE WHEN status_code < 400 THEN 1 ELSE 0 END), "
         "sum(CASE WHEN status_code < 400 THEN 0 ELSE 1 END), sum(CASE WHEN cached THEN 1 ELSE 0 END), "
         "max(created_at) FROM (SELECT " +
         std::string(kRequestClient) +
         " AS name, status_code, cached, created_at FROM gateway_request_log WHERE " + where +
         ") AS log GROUP BY lower(name) ON CONFLICT (lower(client_name)) DO UPDATE SET " + sum(requests) +
         ", " + sum(successful) + ", " + sum(failed) + ", " + sum(cached);
}

std::string add_operations(bool base, const std::string& where) {
  const std::string column = base ? "base_operations" : "total_operations";
  return "INSERT INTO client_statistics (client_name, " + column +
         ", last_operation_at) SELECT min(client), count(*), max(created_at) FROM gateway_operation_log "
         "WHERE client IS NOT NULL AND " +
         where + " GROUP BY lower(client) ON CONFLICT (lower(client_name)) DO UPDATE SET " + column +
         " = client_statistics." + column + " + excluded." + column;
}

std::string add_tables(bool base, const std::string& where) {
  const std::string total = base ? "base_operations" : "total_operations";
  const std::string errors = base ? "base_errors" : "error_operations";
  // Tables that have statistics of their own keep them; all others count together.
  return "INSERT INTO client_table_statistics (client_name, table_name, operation, " + total + ", " + errors +
         ", last_operation_at) SELECT min(client), counted_as, operation, sum(n_rows), sum(n_errors), "
         "max(last_at) FROM (SELECT client, operation, n_rows, n_errors, last_at, CASE WHEN table_name IS "
         "NULL THEN '_none' "
         "WHEN EXISTS (SELECT 1 FROM client_table_statistics AS own WHERE lower(own.client_name) = "
         "lower(log.client) AND own.table_name = log.table_name) THEN table_name ELSE '_other' END AS "
         "counted_as FROM (SELECT min(client) AS client, table_name, operation, count(*) AS n_rows, "
         "sum(CASE WHEN error THEN 1 ELSE 0 END) AS n_errors, max(created_at) AS last_at FROM "
         "gateway_operation_log WHERE client IS NOT NULL AND " +
         where +
         " GROUP BY lower(client), table_name, operation) AS log) AS counted GROUP BY lower(client), "
         "counted_as, operation ON CONFLICT (lower(client_name), table_name, operation) DO UPDATE SET " +
         total + " = client_table_statistics." + total + " + excluded." + total + ", " + errors +
         " = client_table_statistics." + errors + " + excluded." + errors;
}

StoreResult<void> run(Session& session, const std::string& sql, const Values& values = {}) {
  auto done = session.execute(sql, values);
  if (!done) return done.error();
  return {};
}

/// Before its rows go: what they counted for becomes part of the base.
StoreResult<void> keep_counts(Session& session, Age age, const std::string& where, const Values& values) {
  if (age == Age::request) return run(session, add_requests(true, where), values);
  if (age != Age::operation) return {};
  if (auto done = run(session, add_operations(true, where), values); !done) return done;
  return run(session, add_tables(true, where), values);
}

constexpr std::string_view kLease = "retention_lease";

}  // namespace

StoreResult<void> rebuild_statistics(Session& session, const std::string& now) {
  Transaction transaction(session);
  if (auto begun = transaction.begin(); !begun) return begun;
  if (auto locked = lock_logs(session, LogLock::exclusive); !locked) return locked;
  auto done = run(session,
                  "UPDATE client_statistics SET total_requests = base_requests, successful_requests = "
                  "base_successful, failed_requests = base_failed, total_cached_requests = base_cached, "
                  "total_operations = base_operations, updated_at = $1",
                  {now});
  if (!done) return done;
  if (done = run(session, add_requests(false, "true")); !done) return done;
  if (done = run(session, add_operations(false, "true")); !done) return done;
  done = run(session,
             "UPDATE client_table_statistics SET total_operations = base_operations, error_operations = "
             "base_errors, updated_at = $1",
             {now});
  if (!done) return done;
  if (done = run(session, add_tables(false, "true")); !done) return done;
  return transaction.commit();
}

StoreResult<std::int64_t> delete_expired(Session& session, const Expired& expired, const std::string& now) {
  const std::string table(expired.table.name);
  const bool by_time = expired.table.age == Age::expires;
  // Keys of these tables are uuids, or they are few: no batches by id.
  const bool by_id = table != "query_history" && table != "ui_request_log";
  const std::string column = by_time ? "expires_at" : table == "query_history" ? "executed_at" : "created_at";
  const std::string& cutoff = by_time ? now : expired.cutoff;
  Transaction transaction(session);
  if (auto begun = transaction.begin(); !begun) return begun.error();
  if (expired.table.age == Age::request || expired.table.age == Age::operation) {
    if (auto locked = lock_logs(session, LogLock::shared); !locked) return locked.error();
  }
  std::string where;
  Values values;
  if (!by_id) {
    where = column + " < $1";
    values = {cutoff};
  } else {
    const bool capped = expired.last_id >= 0;
    const std::string oldest = "SELECT id FROM " + table + (by_time ? " WHERE " + column + " < $1" : "") +
                               " ORDER BY id LIMIT " + std::to_string(kRetentionBatch);
    auto last = by_time ? session.execute("SELECT max(id) FROM (" + oldest + ") AS oldest", {cutoff})
                        : session.execute("SELECT max(id) FROM (" + oldest + ") AS oldest");
    if (!last) return last.error();
    if (last->rows.empty() || control::is_null(last->rows[0][0])) return 0;
    auto to = control::as_integer(last->rows[0][0]);
    if (capped) {
      to = std::min(to, expired.last_id);
      where = "id <= $1";
      values = {to};
    } else {
      where = "id <= $1 AND " + column + " < $2";
      values = {to, cutoff};
    }
  }
  if (auto kept = keep_counts(session, expired.table.age, where, values); !kept) return kept.error();
  auto deleted = session.execute("DELETE FROM " + table + " WHERE " + where, values);
  if (!deleted) return deleted.error();
  if (auto committed = transaction.commit(); !committed) return committed.error();
  return deleted->affected;
}

StoreResult<std::int64_t> last_id_above_cap(Session& session, std::string_view table, std::int64_t cap) {
  const std::string name(table);
  auto ends = session.execute("SELECT min(id), max(id) FROM " + name);
  if (!ends) return ends.error();
  if (ends->rows.empty() || control::is_null(ends->rows[0][0])) return -1;
  const auto first = control::as_integer(ends->rows[0][0]);
  const auto last = control::as_integer(ends->rows[0][1]);
  return last - first + 1 > cap ? last - cap : -1;
}

StoreResult<std::int64_t> purge_connections(Session& session, const std::string& cutoff) {
  auto deleted =
      session.execute("DELETE FROM gateway_connection_registry_realtime WHERE last_seen_at < $1", {cutoff});
  if (!deleted) return deleted.error();
  return deleted->affected;
}

StoreResult<bool> take_retention_lease(Session& session, const std::string& instance_id,
                                       std::int64_t now_ms) {
  // The value is the instance that works on it, empty once it is through; updated_at says since when.
  constexpr std::int64_t kMinute = 60000;
  auto taken = session.execute(
      "INSERT INTO athena_settings (name, value, updated_at) VALUES ($1, $2, $3) ON CONFLICT (name) DO "
      "UPDATE SET value = excluded.value, updated_at = excluded.updated_at WHERE athena_settings.value = $2 "
      "OR (athena_settings.value = '' AND athena_settings.updated_at < $4) OR (athena_settings.value <> '' "
      "AND "
      "athena_settings.updated_at < $5)",
      {std::string(kLease), instance_id, base::iso_time(now_ms), base::iso_time(now_ms - 55 * kMinute),
       base::iso_time(now_ms - 10 * kMinute)});
  if (!taken) return taken.error();
  return taken->affected > 0;
}

StoreResult<void> end_retention_lease(Session& session, const std::string& instance_id, std::int64_t now_ms) {
  return run(session, "UPDATE athena_settings SET value = '', updated_at = $1 WHERE name = $2 AND value = $3",
             {base::iso_time(now_ms), std::string(kLease), instance_id});
}

}  // namespace athena::records

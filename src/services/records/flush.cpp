#include "services/records/flush.h"

#include <algorithm>

#include "base/iso_time.h"
#include "base/unix_time.h"

namespace athena::records {
namespace {

using control::Home;
using control::null;
using control::Session;
using control::StoreError;
using control::StoreResult;
using control::Transaction;
using control::Value;
using control::Values;

// "ATHL": beside the lock of the migrations.
constexpr std::int64_t kLogLock = 0x4154484C;
constexpr std::size_t kRowsPerStatement = 200;
constexpr int kMostBadRows = 16;

Value text_or_null(const std::string& text) {
  return text.empty() ? null() : Value(text);
}

constexpr std::string_view kRegistryInsert =
    "INSERT INTO gateway_connection_registry_realtime (registry_key, client_name, ipv4, athena_url, "
    "api_key_public_id, api_key_external_id, api_key_authenticated, api_key_authorized, last_method, "
    "last_path, user_agent, last_request_id, last_status_code, total_hits, first_seen_at, last_seen_at, "
    "created_at, updated_at) VALUES ";
constexpr std::string_view kRegistryConflict =
    " ON CONFLICT (registry_key) DO UPDATE SET api_key_external_id = excluded.api_key_external_id, "
    "api_key_authenticated = excluded.api_key_authenticated, "
    "api_key_authorized = excluded.api_key_authorized, last_method = excluded.last_method, "
    "last_path = excluded.last_path, user_agent = excluded.user_agent, "
    "last_request_id = excluded.last_request_id, last_status_code = excluded.last_status_code, "
    "total_hits = gateway_connection_registry_realtime.total_hits + excluded.total_hits, "
    "last_seen_at = excluded.last_seen_at, updated_at = excluded.updated_at";

StoreResult<void> write_registry(Session& session, const Batch& batch, const std::string& now) {
  const auto& registry = batch.registry();
  for (auto at = registry.begin(); at != registry.end();) {
    Values values;
    std::size_t rows = 0;
    for (; at != registry.end() && rows < kRowsPerStatement; ++at, ++rows) {
      const auto& [key, delta] = *at;
      values.insert(values.end(),
                    {key, delta.client, delta.address, delta.url, text_or_null(delta.public_id),
                     text_or_null(delta.key_id), delta.authenticated, delta.authorized, delta.method,
                     delta.path, text_or_null(delta.user_agent), delta.request_id, delta.status, delta.hits,
                     base::iso_time(delta.first_ms), base::iso_time(delta.last_ms), now, now});
    }
    const std::string sql = std::string(kRegistryInsert) + placeholders(rows, values.size() / rows) +
                            std::string(kRegistryConflict);
    if (auto done = session.execute(sql, values); !done) return done.error();
  }
  return {};
}

StoreResult<void> write_times(Session& session, std::string_view sql,
                              const std::map<std::string, std::int64_t>& times) {
  for (const auto& [name, at] : times) {
    if (auto done = session.execute(sql, {base::iso_time(at), name}); !done) return done.error();
  }
  return {};
}

bool is_for(const LogRows& log, FlushTarget target) {
  return log.kind == Kind::auth ? target.auth : target.main;
}

StoreResult<void> write_all(Session& session, const Batch& batch, FlushTarget target) {
  for (const auto& log : batch.logs()) {
    if (log.rows.empty() || !is_for(log, target)) continue;
    if (auto done = session.insert_many(log.table, *log.columns, log.rows); !done) return done;
  }
  const auto now_ms = base::unix_ms();
  if (target.main) {
    if (auto done = write_registry(session, batch, base::iso_time(now_ms)); !done) return done;
    if (auto done = batch.statistics().write(session, now_ms); !done) return done;
    auto done = write_times(session,
                            "UPDATE athena_clients SET last_seen_at = $1 WHERE lower(client_name) = $2 AND "
                            "deleted_at IS NULL",
                            batch.clients_seen());
    if (!done) return done;
  }
  if (!target.auth) return {};
  return write_times(session, "UPDATE api_keys SET last_used_at = $1 WHERE public_id = $2",
                     batch.keys_used());
}

/// Whether the store takes these rows.
StoreResult<bool> fits(Session& session, const LogRows& log, std::size_t begin, std::size_t end) {
  const auto at = [&log](std::size_t index) { return log.rows.begin() + static_cast<std::ptrdiff_t>(index); };
  const std::vector<control::Row> rows(at(begin), at(end));
  Transaction transaction(session);
  if (auto begun = transaction.begin(); !begun) return begun.error();
  auto inserted = session.insert_many(log.table, *log.columns, rows);
  session.rollback();
  if (inserted) return true;
  if (is_content_failure(inserted.error())) return false;
  return inserted.error();
}

/// The first row that does not fit; log.rows.size() when all do.
StoreResult<std::size_t> first_bad(Session& session, const LogRows& log) {
  auto whole = fits(session, log, 0, log.rows.size());
  if (!whole) return whole.error();
  if (*whole) return log.rows.size();
  std::size_t good = 0,
              bad = log.rows.size();  // rows before `good` fit, among those before `bad` one does not
  while (bad - good > 1) {
    const auto middle = good + (bad - good) / 2;
    auto half = fits(session, log, good, middle);
    if (!half) return half.error();
    (*half ? good : bad) = middle;
  }
  return good;
}

}  // namespace

StoreResult<void> lock_logs(Session& session, LogLock how) {
  if (session.home() == Home::sqlite) return {};
  // What is lost by a crash of the database is what a crash of the gateway would lose.
  const std::string sql = how == LogLock::shared ? "SELECT pg_advisory_xact_lock_shared($1) IS NULL, "
                                                   "set_config('synchronous_commit', 'off', true)"
                                                 : "SELECT pg_advisory_xact_lock($1) IS NULL";
  auto locked = session.execute(sql, {kLogLock});
  if (!locked) return locked.error();
  return {};
}

bool is_content_failure(const StoreError& error) {
  if (error.kind == StoreError::Kind::conflict) return true;
  if (error.kind != StoreError::Kind::failed) return false;
  const std::string_view state = error.sql_state;
  return state.starts_with("22") || state.starts_with("23") || state == "54000" ||
         state == "SQLITE_MISMATCH" || state == "SQLITE_TOOBIG" || state.starts_with("SQLITE_CONSTRAINT");
}

StoreResult<void> flush(Session& session, const Batch& batch, FlushTarget target) {
  Transaction transaction(session);
  if (auto begun = transaction.begin(); !begun) return begun;
  if (target.main) {
    if (auto locked = lock_logs(session, LogLock::shared); !locked) return locked;
  }
  if (auto written = write_all(session, batch, target); !written) return written;
  return transaction.commit();
}

StoreResult<bool> was_written(Session& session, const Batch& batch) {
  const auto& requests = batch.logs()[Batch::requests];
  if (requests.rows.empty()) return false;
  const auto& columns = *requests.columns;
  const auto column = [&columns](std::string_view name) {
    return static_cast<std::size_t>(std::find(columns.begin(), columns.end(), name) - columns.begin());
  };
  const auto& row = requests.rows.front();
  auto found = session.execute(
      "SELECT count(*) FROM gateway_request_log WHERE request_id = $1 AND created_at = $2 AND instance_id = "
      "$3",
      {row[column("request_id")], row[column("created_at")], row[column("instance_id")]});
  if (!found) return found.error();
  return control::as_integer(found->rows[0][0]) > 0;
}

StoreResult<bool> remove_bad_rows(Session& session, Batch& batch) {
  bool removed = false;
  const auto& logs = batch.logs();
  for (std::size_t index = 0; index < logs.size(); ++index) {
    for (int count = 0; !logs[index].rows.empty(); ++count) {
      auto bad = first_bad(session, logs[index]);
      if (!bad) return bad.error();
      if (*bad == logs[index].rows.size()) break;
      removed = true;
      if (count < kMostBadRows) {
        batch.drop_row(index, *bad);
        continue;
      }
      while (!logs[index].rows.empty()) batch.drop_row(index, logs[index].rows.size() - 1);
    }
  }
  return removed;
}

}  // namespace athena::records

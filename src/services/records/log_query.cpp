#include "services/records/log_query.h"

#include <algorithm>

#include "base/iso_time.h"
#include "services/control/texts.h"
#include "services/records/statistics.h"

namespace athena::records {
namespace {

using control::Conditions;
using control::Row;
using control::Session;
using control::StoreResult;

struct Source {
  std::string_view table, client, columns;
};

Source source_of(Log log) {
  switch (log) {
    case Log::requests:
      return {"gateway_request_log", "client",
              "created_at, request_id, client, method, path, query_string, status_code, ipv4, user_agent, "
              "headers, body, user_id, company_id, organization_id, api_key_id, presented_api_key_public_id, "
              "presented_api_key_hash, presented_api_key_salt, api_key_authenticated, api_key_authorized, "
              "api_key_enforced, api_key_auth_reason, host, cached, time, route, route_group, engine, "
              "error_code, cache_outcome, duration_ms, request_bytes, response_bytes, instance_id"};
    case Log::operations:
      return {
          "gateway_operation_log", "client",
          "created_at, request_id, operation, table_name, client, method, path, status_code, duration_ms, "
          "operation_time_ms, details, time, error, message, cache_key, engine, error_code, row_count"};
    case Log::auth:
      break;
  }
  return {"api_key_auth_log", "client_name",
          "api_key_auth_log_id, created_at, time, request_id, api_key_id, api_key_public_id, client_name, "
          "method, path, presented_key_hash, presented_key_salt, required_rights, granted_rights, "
          "authenticated, authorized, enforced, failure_reason, remote_addr, user_agent"};
}

// Instances write their rows some time after the fact, so ids follow the times only about.
constexpr std::int64_t kDisorder = 20000;

/// The lowest id whose row is not older than `time`, about; `end` when all are older.
StoreResult<std::int64_t> id_at(Session& session, const std::string& table, const std::string& time,
                                std::int64_t begin, std::int64_t end) {
  const std::string sql = "SELECT created_at FROM " + table + " WHERE id >= $1 ORDER BY id LIMIT 1";
  while (begin < end) {
    const auto middle = begin + (end - begin) / 2;
    auto row = session.execute(sql, {middle});
    if (!row) return row.error();
    if (row->rows.empty() || control::as_text(row->rows[0][0]) >= time) {
      end = middle;
    } else {
      begin = middle + 1;
    }
  }
  return begin;
}

struct Range {
  std::int64_t first = 0, end = 0;  ///< ids: end is behind the last one
};

/// The ids that can hold what is asked for.
StoreResult<Range> range_of(Session& session, const LogQuery& query, const std::string& table) {
  auto ends = session.execute("SELECT min(id), max(id) FROM " + table);
  if (!ends) return ends.error();
  if (ends->rows.empty() || control::is_null(ends->rows[0][0])) return Range{};
  const auto lowest = control::as_integer(ends->rows[0][0]);
  Range range{lowest, control::as_integer(ends->rows[0][1]) + 1};
  const auto end = range.end;
  if (query.since_ms) {
    auto id = id_at(session, table, base::iso_time(*query.since_ms), lowest, end);
    if (!id) return id.error();
    range.first = std::max(lowest, *id - kDisorder);
  }
  if (query.until_ms) {
    auto id = id_at(session, table, base::iso_time(*query.until_ms), lowest, end);
    if (!id) return id.error();
    range.end = std::min(end, *id + kDisorder);
  }
  range.end = std::min(range.end, query.before);
  return range;
}

Conditions conditions_of(const LogQuery& query, const Source& source) {
  Conditions conditions;
  if (!query.client.empty()) {
    conditions.add("lower(" + std::string(source.client) + ") = ", query.client);
  }
  if (!query.request_id.empty()) conditions.add("request_id = ", query.request_id);
  if (query.since_ms) conditions.add("created_at >= ", base::iso_time(*query.since_ms));
  if (query.until_ms) conditions.add("created_at < ", base::iso_time(*query.until_ms));
  if (query.status.most != 0) {
    conditions.add("status_code >= ", std::int64_t{query.status.least});
    conditions.add("status_code <= ", std::int64_t{query.status.most});
  }
  if (query.status.failures) {
    conditions.add(query.log == Log::auth         ? "NOT (authenticated AND authorized)"
                   : query.log == Log::operations ? "(error OR status_code >= 400)"
                                                  : "status_code >= 400");
  }
  if (query.only_normal) conditions.add("NOT error AND status_code < 400");
  if (query.table == kNoTable) {
    conditions.add("table_name IS NULL");
  } else if (!query.table.empty()) {
    conditions.add("table_name = ", query.table);
  }
  if (!query.operation.empty()) conditions.add("operation = ", query.operation);
  return conditions;
}

}  // namespace

const std::vector<std::string_view>& log_columns(Log log) {
  static const auto split = [](std::string_view names) {
    std::vector<std::string_view> columns;
    while (!names.empty()) {
      const auto comma = names.find(',');
      columns.push_back(names.substr(0, comma));
      if (comma == std::string_view::npos) break;
      names.remove_prefix(comma + 2);
    }
    return columns;
  };
  static const auto requests = split(source_of(Log::requests).columns);
  static const auto operations = split(source_of(Log::operations).columns);
  static const auto auth = split(source_of(Log::auth).columns);
  return log == Log::requests ? requests : log == Log::operations ? operations : auth;
}

StoreResult<LogPage> read_log(Session& session, const LogQuery& query) {
  const auto source = source_of(query.log);
  const std::string table(source.table);
  auto range = range_of(session, query, table);
  if (!range) return range.error();
  LogPage page;
  if (range->first >= range->end) return page;
  // The index finds a request's rows whatever their number.
  const bool indexed = query.log == Log::requests && !query.request_id.empty();
  const auto lowest = indexed ? range->first : std::max(range->first, range->end - kMostExamined);
  auto conditions = conditions_of(query, source);
  conditions.add("id < ", range->end);
  conditions.add("id >= ", lowest);
  std::string columns(source.columns);
  if (query.log == Log::auth) {
    // What others know a key by.
    constexpr std::string_view kInternal = "api_key_id, api_key_public_id";
    columns.replace(columns.find(kInternal), kInternal.size(),
                    "(SELECT api_keys_id FROM api_keys WHERE api_keys.id = api_key_auth_log.api_key_id) AS "
                    "api_key_id, api_key_public_id");
  }
  const std::string sql = "SELECT " + columns + ", id FROM " + table + conditions.text() +
                          " ORDER BY id DESC LIMIT " + std::to_string(query.limit + 1) + " OFFSET " +
                          std::to_string(query.offset);
  auto rows = session.execute(sql, conditions.values());
  if (!rows) return rows.error();
  page.rows = std::move(rows->rows);
  if (static_cast<std::int64_t>(page.rows.size()) > query.limit) {
    page.rows.resize(static_cast<std::size_t>(query.limit));
    page.next = control::as_integer(page.rows.back().back());
  } else if (lowest > range->first) {
    page.next = lowest;
  }
  for (auto& row : page.rows) row.pop_back();
  return page;
}

StoreResult<std::optional<std::int64_t>> time_of_request(Session& session, const std::string& request_id) {
  using Time = std::optional<std::int64_t>;
  auto rows = session.execute(
      "SELECT created_at FROM gateway_request_log WHERE request_id = $1 ORDER BY id DESC LIMIT 1",
      {request_id});
  if (!rows) return rows.error();
  if (rows->rows.empty()) return Time();
  return Time(base::parse_iso_time(control::as_text(rows->rows[0][0])));
}

}  // namespace athena::records

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <vector>

#include "api/admin_handlers.h"
#include "api/store_access.h"
#include "base/ascii.h"
#include "base/iso_time.h"
#include "contract/client_definition.h"
#include "services/records/log_query.h"

namespace athena::api {
namespace {

using contract::Error;
using contract::ErrorCode;
using control::Row;
using control::Session;
using records::Log;
using records::LogPage;
using records::LogQuery;

Error wrong(std::string_view name, std::string_view accepted) {
  return Error(ErrorCode::invalid_value, std::string(name) + " must be " + std::string(accepted) + ".")
      .with("member", name);
}

Error missing(std::string_view name, std::string_view why) {
  return Error(ErrorCode::missing_field, std::string(name) + " is required" + std::string(why) + ".")
      .with("member", name);
}

contract::Result<void> read_time(const QueryString& parameters, std::string_view name,
                                 std::optional<std::int64_t>& time) {
  const auto text = parameters.find(name);
  if (!text) return {};
  time = base::parse_iso_time(*text);
  if (!time) return wrong(name, "a time with its offset, like 2026-03-01T08:00:00Z");
  return {};
}

contract::Result<LogQuery::Status> status_of(const QueryString& parameters, Log log) {
  LogQuery::Status status;
  const auto text = parameters.find("status");
  if (!text) return status;
  if (*text == "error") {
    status.failures = true;
    return status;
  }
  if (log == Log::auth) return wrong("status", "error here");
  if (*text == "4xx") return LogQuery::Status{400, 499, false};
  if (*text == "5xx") return LogQuery::Status{500, 599, false};
  int number = 0;
  const auto* end = text->data() + text->size();
  const auto parsed = std::from_chars(text->data(), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end || number < 100 || number > 599)
    return wrong("status", "a status, 4xx, 5xx or error");
  return LogQuery::Status{number, number, false};
}

contract::Result<LogQuery> query_of(const QueryString& parameters, Log log) {
  LogQuery query;
  query.log = log;
  query.client = contract::client_key(parameters.find("client").value_or(""));
  query.request_id = parameters.find("request_id").value_or("");
  auto status = status_of(parameters, log);
  if (!status) return status.error();
  query.status = *status;
  if (auto read = read_time(parameters, "since", query.since_ms); !read) return read.error();
  if (auto read = read_time(parameters, "until", query.until_ms); !read) return read.error();
  return query;
}

/// A cell as JSON: columns of documents hold JSON already.
void append_cell(JsonBuilder& json, std::string_view name, const control::Value& cell) {
  static constexpr std::array<std::string_view, 5> kDocuments{"headers", "body", "details", "required_rights",
                                                              "granted_rights"};
  static constexpr std::array<std::string_view, 7> kFlags{
      "api_key_authenticated", "api_key_authorized", "api_key_enforced", "cached",
      "authenticated",         "authorized",         "enforced"};
  json.key(name);
  if (control::is_null(cell)) {
    json.raw("null");
  } else if (std::find(kDocuments.begin(), kDocuments.end(), name) != kDocuments.end()) {
    json.raw(control::as_text(cell));
  } else if (std::find(kFlags.begin(), kFlags.end(), name) != kFlags.end() || name == "error") {
    json.value(control::as_bool(cell));
  } else if (const auto* number = std::get_if<std::int64_t>(&cell)) {
    json.value(*number);
  } else if (const auto* fraction = std::get_if<double>(&cell)) {
    std::array<char, 40> text{};
    const auto end =
        std::to_chars(text.data(), text.data() + text.size(), *fraction, std::chars_format::fixed);
    json.raw({text.data(), static_cast<std::size_t>(end.ptr - text.data())});
  } else {
    json.value(control::as_text(cell));
  }
}

void append_row(JsonBuilder& json, const Row& row, const std::vector<std::string_view>& columns) {
  json.begin_object();
  for (std::size_t i = 0; i < columns.size(); ++i) append_cell(json, columns[i], row[i]);
  json.end_object();
}

control::Outcome<LogPage> page_of(Session& session, const LogQuery& query) {
  auto page = records::read_log(session, query);
  if (!page) return page.error();
  return contract::Result<LogPage>(std::move(*page));
}

/// Where to look for the rows of one request in the logs that have no index for it.
base::Task<contract::Result<void>> narrow(Call& call, LogQuery& query) {
  using Time = std::optional<std::int64_t>;
  constexpr std::int64_t kAround = 60000;
  auto time = co_await on_store<Time>(call, StoreFamily::others,
                                      [id = query.request_id](Session& session) -> control::Outcome<Time> {
                                        auto at = records::time_of_request(session, id);
                                        if (!at) return at.error();
                                        return contract::Result<Time>(*at);
                                      });
  if (!time) co_return time.error();
  if (!*time) {
    if (!query.since_ms)
      co_return missing("since", ", as the request log does not know when this request was");
    co_return contract::Result<void>();
  }
  // Operations end before their request does.
  const auto longest = std::chrono::milliseconds(call.settings().max_timeout_ms).count();
  query.since_ms = std::max(query.since_ms.value_or(0), **time - longest - kAround);
  query.until_ms = std::min(query.until_ms.value_or(INT64_MAX), **time + kAround);
  co_return contract::Result<void>();
}

base::Task<void> list_log(Call& call, Log log, std::string_view list) {
  const auto parameters = QueryString::parse(call.request().query);
  if (!parameters) co_return call.fail(parameters.error());
  const auto page = list_page(call, *parameters, list);
  if (!page) co_return call.fail(page.error());
  auto query = query_of(*parameters, log);
  if (!query) co_return call.fail(query.error());
  query->limit = page->limit;
  if (!page->place.empty()) query->before = std::stoll(page->place);
  if (log != Log::requests && !query->request_id.empty()) {
    auto narrowed = co_await narrow(call, *query);
    if (!narrowed) co_return call.fail(narrowed.error());
  }
  const auto family = log == Log::auth ? StoreFamily::keys : StoreFamily::others;
  auto rows = co_await on_store<LogPage>(
      call, family, [query = *query](Session& session) { return page_of(session, query); });
  if (!rows) co_return call.fail(rows.error());
  auto json = begin_data(call, "Listed log rows");
  json.key("rows").begin_array();
  for (const auto& row : rows->rows) append_row(json, row, records::log_columns(log));
  json.end_array();
  std::optional<std::string> next;
  if (rows->next) next = std::to_string(*rows->next);
  end_list(call, json, list, next, static_cast<std::int64_t>(rows->rows.size()));
}

// ---- connections ----

constexpr std::string_view kConnections = "connections";

const std::vector<std::string_view>& connection_columns() {
  static const std::vector<std::string_view> columns{
      "created_at",         "registry_key",      "client_name",         "ipv4",
      "athena_url",         "api_key_public_id", "api_key_external_id", "api_key_authenticated",
      "api_key_authorized", "last_method",       "last_path",           "user_agent",
      "last_request_id",    "last_status_code",  "total_hits",          "first_seen_at",
      "last_seen_at",       "updated_at"};
  return columns;
}

using Found = std::vector<Row>;

/// `place` = last_seen_at and id of the last row of the page before.
control::Outcome<Found> connections_page(Session& session, const std::string& client, const ListPage& page) {
  std::string sql = "SELECT ";
  for (const auto column : connection_columns()) sql.append(column).append(", ");
  sql += "id FROM gateway_connection_registry_realtime";
  control::Values values;
  std::string_view word = " WHERE ";
  if (const auto bar = page.place.find('|'); bar != std::string::npos) {
    sql += " WHERE (last_seen_at < $1 OR (last_seen_at = $1 AND id < $2))";
    values = {page.place.substr(0, bar), std::int64_t{std::stoll(page.place.substr(bar + 1))}};
    word = " AND ";
  }
  if (!client.empty()) {
    values.emplace_back(client);
    sql.append(word).append("lower(client_name) = $").append(std::to_string(values.size()));
  }
  sql += " ORDER BY last_seen_at DESC, id DESC LIMIT " + std::to_string(page.limit + 1);
  auto rows = session.execute(sql, values);
  if (!rows) return rows.error();
  return contract::Result<Found>(std::move(rows->rows));
}

// ---- drilldown ----

const std::array<std::string_view, 14>& drilldown_names() {
  static constexpr std::array<std::string_view, 14> names{
      "created_at",  "request_id",  "operation",         "table_name", "client_name", "method",  "path",
      "status_code", "duration_ms", "operation_time_ms", "details",    "error",       "message", "cache_key"};
  return names;
}

}  // namespace

base::Task<void> list_request_log(Call& call) {
  co_await list_log(call, Log::requests, "log_requests");
}

base::Task<void> list_operation_log(Call& call) {
  co_await list_log(call, Log::operations, "log_operations");
}

base::Task<void> list_auth_log(Call& call) {
  co_await list_log(call, Log::auth, "log_auth");
}

base::Task<void> list_connections(Call& call) {
  const auto parameters = QueryString::parse(call.request().query);
  if (!parameters) co_return call.fail(parameters.error());
  const auto page = list_page(call, *parameters, kConnections);
  if (!page) co_return call.fail(page.error());
  const auto client = contract::client_key(parameters->find("client").value_or(""));
  auto rows = co_await on_store<Found>(call, StoreFamily::others, [client, page = *page](Session& session) {
    return connections_page(session, client, page);
  });
  if (!rows) co_return call.fail(rows.error());
  std::optional<std::string> next;
  const auto& columns = connection_columns();
  if (static_cast<std::int64_t>(rows->size()) > page->limit) {
    rows->resize(static_cast<std::size_t>(page->limit));
    const auto& last = rows->back();
    next =
        control::as_text(last[columns.size() - 2]) + '|' + std::to_string(control::as_integer(last.back()));
  }
  auto json = begin_data(call, "Listed connections");
  json.key("connections").begin_array();
  for (const auto& row : *rows) append_row(json, row, columns);
  json.end_array();
  end_list(call, json, kConnections, next, static_cast<std::int64_t>(rows->size()));
}

base::Task<void> drill_down(Call& call) {
  const auto client = name_of_path(call);
  if (!client) co_return call.fail(client.error());
  const auto parameters = QueryString::parse(call.request().query);
  if (!parameters) co_return call.fail(parameters.error());
  LogQuery query;
  query.log = Log::operations;
  query.client = contract::client_key(*client);
  for (const auto& [name, target] : {std::pair<std::string_view, std::string*>{"table_name", &query.table},
                                     {"operation", &query.operation}}) {
    const auto text = parameters->find(name);
    if (!text) {
      const auto error = missing(name, "");
      co_return call.fail(error);
    }
    *target = *text;
  }
  const auto status = parameters->find("status").value_or("all");
  if (status != "all" && status != "errors" && status != "normal") {
    const auto error = wrong("status", "all, errors or normal");
    co_return call.fail(error);
  }
  query.status.failures = status == "errors";
  query.only_normal = status == "normal";
  const auto page = list_page(call, *parameters, "drilldown");
  if (!page) co_return call.fail(page.error());
  constexpr std::int64_t kMostOffset = 100000;
  const auto offset = parameters->integer("offset", 0, 0, kMostOffset);
  if (!offset) co_return call.fail(offset.error());
  query.limit = page->limit;
  query.offset = *offset;
  auto rows = co_await on_store<LogPage>(call, StoreFamily::others,
                                         [query](Session& session) { return page_of(session, query); });
  if (!rows) co_return call.fail(rows.error());
  const auto* entry = call.registry().find(*client);
  auto json = begin_data(call, "Loaded operation drilldown");
  json.member("client_name", entry == nullptr ? std::string_view(*client) : std::string_view(entry->label));
  json.member("table_name", query.table).member("operation", query.operation).member("status", status);
  json.member("limit", query.limit).member("offset", query.offset).key("rows").begin_array();
  const auto& columns = records::log_columns(Log::operations);
  for (const auto& row : rows->rows) {
    json.begin_object();
    for (const auto name : drilldown_names()) {
      const auto column = name == "client_name" ? std::string_view("client") : name;
      const auto at = std::find(columns.begin(), columns.end(), column) - columns.begin();
      append_cell(json, name, row[static_cast<std::size_t>(at)]);
    }
    json.end_object();
  }
  const auto count = static_cast<std::int64_t>(rows->rows.size());
  json.end_array().end_object().key("meta").begin_object().member("returned_row_count", count);
  json.member("truncated", rows->next.has_value());
  if (rows->next && count == query.limit) json.member("next_offset", query.offset + count);
  json.end_object().end_object();
}

}  // namespace athena::api

#include <charconv>
#include <memory>
#include <string>
#include <vector>

#include "api/admin_handlers.h"
#include "api/store_access.h"
#include "base/ascii.h"
#include "base/iso_time.h"
#include "base/unix_time.h"
#include "services/control/texts.h"
#include "services/records/records.h"
#include "services/records/statistics.h"

namespace athena::api {
namespace {

using contract::Error;
using contract::ErrorCode;
using control::Row;
using control::Session;

constexpr std::string_view kList = "client_statistics";
constexpr std::string_view kColumns =
    "client_name, total_requests, successful_requests, failed_requests, total_cached_requests, "
    "total_operations, last_request_at, last_operation_at, updated_at, id";
constexpr std::string_view kTableColumns =
    "client_name, table_name, operation, total_operations, error_operations, last_operation_at, updated_at";

void append_row(JsonBuilder& json, const Row& row, std::string_view columns) {
  json.begin_object();
  for (const auto& cell : row) {
    const auto comma = columns.find(',');
    const auto name = columns.substr(0, comma);
    if (name == "id") break;
    json.key(name);
    if (control::is_null(cell)) {
      json.raw("null");
    } else if (const auto* number = std::get_if<std::int64_t>(&cell)) {
      json.value(*number);
    } else {
      json.value(control::as_text(cell));
    }
    if (comma == std::string_view::npos) break;
    columns.remove_prefix(comma + 2);
  }
  json.end_object();
}

using Found = std::vector<Row>;

control::Outcome<Found> found(control::StoreResult<control::Rows> rows) {
  if (!rows) return rows.error();
  return contract::Result<Found>(std::move(rows->rows));
}

/// `total:id` of the last row of the page before.
struct Place {
  std::int64_t total = 0, id = 0;
};

Place place_of(const std::string& text) {
  Place place;
  const auto* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, place.total);
  if (read.ptr != end) std::from_chars(read.ptr + 1, end, place.id);
  return place;
}

control::Outcome<Found> page_of(Session& session, const ListPage& page) {
  std::string sql = "SELECT " + std::string(kColumns) + " FROM client_statistics";
  control::Values values;
  if (!page.place.empty()) {
    const auto place = place_of(page.place);
    sql += " WHERE total_requests < $1 OR (total_requests = $1 AND id > $2)";
    values = {place.total, place.id};
  }
  sql += " ORDER BY total_requests DESC, id LIMIT " + std::to_string(page.limit + 1);
  return found(session.execute(sql, values));
}

void append_statistics(JsonBuilder& json, const Found& rows) {
  json.key("statistics").begin_array();
  for (const auto& row : rows) append_row(json, row, kColumns);
  json.end_array();
}

struct OneClient {
  Found statistics, tables;
  bool registered = false;
};

control::Outcome<OneClient> one_client(Session& session, const std::string& client) {
  OneClient one;
  const auto key = base::lower_case(client);
  auto statistics = session.execute(
      "SELECT " + std::string(kColumns) + " FROM client_statistics WHERE lower(client_name) = $1", {key});
  if (!statistics) return statistics.error();
  auto tables = session.execute("SELECT " + std::string(kTableColumns) +
                                    " FROM client_table_statistics WHERE lower(client_name) = $1 "
                                    "ORDER BY total_operations DESC, table_name, operation",
                                {key});
  if (!tables) return tables.error();
  auto rows = session.execute("SELECT count(*) FROM athena_clients WHERE lower(client_name) = $1", {key});
  if (!rows) return rows.error();
  one.statistics = std::move(statistics->rows);
  one.tables = std::move(tables->rows);
  one.registered = control::as_integer(rows->rows[0][0]) > 0;
  return contract::Result<OneClient>(std::move(one));
}

}  // namespace

base::Task<void> list_client_statistics(Call& call) {
  const auto parameters = QueryString::parse(call.request().query);
  if (!parameters) co_return call.fail(parameters.error());
  const auto page = list_page(call, *parameters, kList, 500);
  if (!page) co_return call.fail(page.error());
  auto rows = co_await on_store<Found>(call, StoreFamily::others,
                                       [page = *page](Session& session) { return page_of(session, page); });
  if (!rows) co_return call.fail(rows.error());
  std::optional<std::string> next;
  if (static_cast<std::int64_t>(rows->size()) > page->limit) {
    rows->resize(static_cast<std::size_t>(page->limit));
    const auto& last = rows->back();
    next =
        std::to_string(control::as_integer(last[1])) + ':' + std::to_string(control::as_integer(last.back()));
  }
  const auto count = static_cast<std::int64_t>(rows->size());
  auto json = begin_data(call, "Listed client statistics");
  append_statistics(json, *rows);
  end_list(call, json, kList, next, count);
}

base::Task<void> refresh_client_statistics(Call& call) {
  using Rebuilt = control::StoreResult<records::Housekeeping::Rebuilt>;
  auto* keeper =
      call.context.process.records == nullptr ? nullptr : call.context.process.records->housekeeping();
  if (keeper == nullptr) {
    const auto error = no_store(StoreFamily::others);
    co_return call.fail(error);
  }
  const auto home = call.context.shard.context().get_executor();
  auto rebuilt = co_await base::suspend<std::shared_ptr<Rebuilt>>([keeper, home](auto completion) {
    auto done = std::make_shared<decltype(completion)>(std::move(completion));
    keeper->rebuild([done, home](const Rebuilt& result) {
      auto copy = std::make_shared<Rebuilt>(result);
      boost::asio::post(home, [done, copy]() mutable { (*done)(std::move(copy)); });
    });
  });
  if (!*rebuilt) {
    const auto error = store_failure(call, StoreFamily::others, rebuilt->error());
    co_return call.fail(error);
  }
  if ((*rebuilt)->too_slow) {
    const Error error(ErrorCode::statement_timeout, "The statistics could not be rebuilt within a minute.");
    co_return call.fail(error);
  }
  const auto actor = actor_of(call);
  ListPage page;
  page.limit = 500;
  auto rows = co_await on_store<Found>(
      call, StoreFamily::others, [page, actor](Session& session) -> control::Outcome<Found> {
        control::Transaction transaction(session);
        if (auto begun = transaction.begin(); !begun) return begun.error();
        const control::AuditEntry entry{"statistics.refresh", "statistics", "", {}, {}};
        auto audited = control::write_audit(session, actor, entry, base::iso_time(base::unix_ms()));
        if (!audited) return audited.error();
        if (auto committed = transaction.commit(); !committed) return committed.error();
        return page_of(session, page);
      });
  if (!rows) co_return call.fail(rows.error());
  const bool truncated = static_cast<std::int64_t>(rows->size()) > page.limit;
  if (truncated) rows->resize(static_cast<std::size_t>(page.limit));
  auto json = begin_data(call, "Rebuilt client statistics");
  append_statistics(json, *rows);
  json.member("rebuilt_in_ms", (*rebuilt)->milliseconds).end_object().key("meta").begin_object();
  json.member("returned_row_count", static_cast<std::int64_t>(rows->size())).member("truncated", truncated);
  json.end_object().end_object();
}

base::Task<void> get_client_statistics(Call& call) {
  const auto client = name_of_path(call);
  if (!client) co_return call.fail(client.error());
  auto one = co_await on_store<OneClient>(call, StoreFamily::others, [client = *client](Session& session) {
    return one_client(session, client);
  });
  if (!one) co_return call.fail(one.error());
  const auto* entry = call.registry().find(*client);
  if (one->statistics.empty() && !one->registered && entry == nullptr) {
    const Error error(ErrorCode::not_found, "No client has this name, and none had.");
    co_return call.fail(error);
  }
  if (one->statistics.empty()) {
    const std::string name = entry == nullptr ? *client : entry->definition.client_name;
    const std::int64_t none = 0;
    one->statistics.push_back(
        {name, none, none, none, none, none, control::null(), control::null(), control::null(), none});
  }
  auto json = begin_data(call, "Loaded client statistics");
  json.key("statistics");
  append_row(json, one->statistics.front(), kColumns);
  json.key("tables").begin_array();
  for (const auto& row : one->tables) append_row(json, row, kTableColumns);
  json.end_array();
  end_data(json);
}

}  // namespace athena::api

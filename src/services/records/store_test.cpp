#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <thread>

#include "base/iso_time.h"
#include "base/unix_time.h"
#include "services/control/migrations.h"
#include "services/control/store_fixture.h"
#include "services/records/log_query.h"
#include "services/records/rebuild.h"
#include "services/records/writer.h"

namespace athena::records {
namespace {

using control::Session;
using control::StoreError;
using control::StoreResult;
using control::testing::StoreTest;
using std::chrono::milliseconds;

constexpr std::string_view kInstance = "0197a2b4-0000-7000-8000-000000000001";

struct Request {
  std::string client = "App";
  std::uint16_t status = 200;
  bool known = true;
  std::string headers = "Host\nlocalhost\n";
  std::string path = "/gateway/fetch";
  std::string query = "";
};

struct Operation {
  std::string client = "App", table = "orders";
  std::string_view name = "fetch";  // static text, as of a route
  std::uint16_t status = 200;
  double milliseconds = 1;
};

/// Passes everything on to a session of the store, but for what a test wants to fail.
class FailingSession final : public Session {
 public:
  struct Rules {
    std::function<std::optional<StoreError>(std::string_view sql)> on_execute;
    std::function<std::optional<StoreError>()> after_commit;
  };
  FailingSession(std::unique_ptr<Session> session, Rules& rules)
      : session_(std::move(session)), rules_(rules) {}

  control::Home home() const override { return session_->home(); }
  StoreResult<control::Rows> execute(std::string_view sql, const control::Values& values) override {
    if (rules_.on_execute) {
      if (auto error = rules_.on_execute(sql)) return *error;
    }
    return session_->execute(sql, values);
  }
  StoreResult<void> begin() override { return session_->begin(); }
  StoreResult<void> commit() override {
    auto done = session_->commit();
    if (done && rules_.after_commit) {
      if (auto error = rules_.after_commit()) return *error;
    }
    return done;
  }
  void rollback() override { session_->rollback(); }
  bool in_transaction() const override { return session_->in_transaction(); }
  StoreResult<void> insert_many(std::string_view table, const std::vector<std::string_view>& columns,
                                const std::vector<control::Row>& rows) override {
    return session_->insert_many(table, columns, rows);
  }
  void set_deadline(base::Deadline deadline) override { session_->set_deadline(deadline); }
  StoreResult<std::vector<std::string>> wait_for_notifications(base::Deadline until) override {
    return session_->wait_for_notifications(until);
  }

 private:
  std::unique_ptr<Session> session_;
  Rules& rules_;
};

class RecordsTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    if (IsSkipped()) return;
    session = open();
    const auto migrated = control::migrate(*session, {});
    ASSERT_TRUE(migrated.has_value()) << migrated.error().message;
    settings.flush_interval = milliseconds(10);
    settings.max_rows_per_second = 0;
    make_queue(50000);
  }

  void make_queue(std::size_t capacity) {
    queue = std::make_unique<Queue>(capacity, Queue::kMostBytes, counters);
  }

  void add(const Request& request, int count = 1) {
    Chunk chunk(Kind::request);
    for (int i = 0; i < count; ++i) {
      RequestHead head;
      head.time_ms = ++now;
      head.duration_ms = 1.5;
      head.status = request.status;
      head.method = http::Method::post;
      head.engine = request.known ? std::uint8_t{0} : kNoEngine;
      head.route = "/gateway/fetch";
      head.route_group = "gateway";
      chunk.add(head, {request.path, request.query, "r" + std::to_string(now), request.client, "127.0.0.1",
                       "localhost:4052", "", "", "", request.headers});
    }
    queue->push(chunk);
  }

  void add(const Operation& operation, int count = 1) {
    Chunk chunk(Kind::operation);
    for (int i = 0; i < count; ++i) {
      OperationHead head;
      head.time_ms = ++now;
      head.operation_ms = operation.milliseconds;
      head.operation = operation.name;
      head.status = operation.status;
      head.engine = 0;
      chunk.add(head, {"o" + std::to_string(now), operation.table, operation.client, "/gateway/fetch",
                       operation.status < 400 ? "" : "it failed", ""});
    }
    queue->push(chunk);
  }

  std::unique_ptr<Writer> make_writer() {
    Writer::Options options;
    options.instance_id = kInstance;
    options.make_session = [this] {
      return std::make_unique<FailingSession>(control::make_session(location), rules);
    };
    options.warn = [this](std::string_view line) { warning = line; };
    options.first_pause = milliseconds(20);
    auto writer = std::make_unique<Writer>(*queue, counters, std::move(options), settings);
    writer->start();
    return writer;
  }

  /// Writes what is queued; how many records were left over.
  std::size_t write() { return make_writer()->stop(base::Deadline::in(std::chrono::seconds(20))); }

  std::int64_t number(const std::string& sql, const control::Values& values = {}) {
    auto rows = session->execute(sql, values);
    EXPECT_TRUE(rows.has_value()) << sql << ": " << (rows ? "" : rows.error().message);
    if (!rows || rows->rows.empty() || control::is_null(rows->rows[0][0])) return -1;
    return static_cast<std::int64_t>(std::llround(control::as_number(rows->rows[0][0])));
  }
  std::string text(const std::string& sql) {
    auto rows = session->execute(sql);
    EXPECT_TRUE(rows.has_value()) << sql << ": " << (rows ? "" : rows.error().message);
    return rows && !rows->rows.empty() ? control::text_or_empty(rows->rows[0][0]) : "";
  }
  /// All statistics as text, to compare.
  std::string statistics() {
    std::string all;
    for (const char* sql :
         {"SELECT client_name, total_requests, successful_requests, failed_requests, total_cached_requests, "
          "total_operations FROM client_statistics ORDER BY lower(client_name)",
          "SELECT client_name, table_name, operation, total_operations, error_operations FROM "
          "client_table_statistics ORDER BY lower(client_name), table_name, operation"}) {
      auto rows = session->execute(sql);
      EXPECT_TRUE(rows.has_value()) << (rows ? "" : rows.error().message);
      if (!rows) return all;
      for (const auto& row : rows->rows) {
        for (const auto& cell : row) {
          const auto* count = std::get_if<std::int64_t>(&cell);
          all += (count != nullptr ? std::to_string(*count) : control::as_text(cell)) + ' ';
        }
        all += '\n';
      }
    }
    return all;
  }
  void rebuild() { ATHENA_ASSERT_STORED(rebuild_statistics(*session, base::iso_time(base::unix_ms()))); }
  std::uint64_t dropped(Kind kind, Dropped why) {
    return counters.dropped[static_cast<std::size_t>(kind)][static_cast<std::size_t>(why)].load();
  }

  Settings settings;
  Counters counters;
  FailingSession::Rules rules;
  std::unique_ptr<Queue> queue;
  std::unique_ptr<Session> session;
  std::string warning;
  std::int64_t now = 1772352000000;
};
ATHENA_BOTH_HOMES(RecordsTest);

TEST_P(RecordsTest, AreWrittenAndCounted) {
  add(Request{}, 3);
  add(Request{.status = 503}, 2);
  add(Operation{}, 3);
  add(Operation{.table = "", .status = 400}, 1);
  EXPECT_EQ(write(), 0u);
  EXPECT_EQ(number("SELECT count(*) FROM gateway_request_log"), 5);
  EXPECT_EQ(number("SELECT count(*) FROM gateway_operation_log"), 4);
  EXPECT_EQ(statistics(), "App 5 3 2 0 4 \nApp _none fetch 1 1 \nApp orders fetch 3 0 \n");
  EXPECT_EQ(text("SELECT last_request_at FROM client_statistics"), "2026-03-01T08:00:00.005Z");
  EXPECT_EQ(text("SELECT message FROM gateway_operation_log WHERE error"), "it failed");
  EXPECT_EQ(number("SELECT total_hits FROM gateway_connection_registry_realtime"), 5);
  EXPECT_EQ(text("SELECT registry_key FROM gateway_connection_registry_realtime"),
            "App|127.0.0.1|http://localhost:4052|ANON");
  EXPECT_EQ(counters.written[0].load(), 5u);
  const auto before = statistics();
  rebuild();
  EXPECT_EQ(statistics(), before);
}

TEST_P(RecordsTest, MergeSpellingsAndUnknownNames) {
  for (const char* spelling : {"App", "APP", "app"}) add(Request{.client = spelling});
  for (int i = 0; i < 50; ++i) add(Request{.client = "scan" + std::to_string(i), .known = false});
  add(Request{.client = "direct"});
  add(Operation{.client = "APP"});
  EXPECT_EQ(write(), 0u);
  EXPECT_EQ(statistics(), "App 3 3 0 0 1 \ndirect 1 1 0 0 0 \nunknown 50 50 0 0 0 \nAPP orders fetch 1 0 \n");
  rebuild();
  EXPECT_EQ(number("SELECT count(*) FROM client_statistics"), 3);
  EXPECT_EQ(number("SELECT total_requests FROM client_statistics WHERE client_name = 'unknown'"), 50);
}

TEST_P(RecordsTest, CountWhatTheRateDrops) {
  settings.max_rows_per_second = 10;
  add(Request{}, 30);
  add(Request{.status = 500}, 6);
  add(Operation{}, 4);
  EXPECT_EQ(write(), 0u);
  EXPECT_EQ(number("SELECT count(*) FROM gateway_request_log WHERE status_code = 500"), 6) << "failures stay";
  const auto logged = number("SELECT count(*) FROM gateway_request_log") +
                      number("SELECT count(*) FROM gateway_operation_log");
  EXPECT_EQ(logged, 10);
  EXPECT_EQ(dropped(Kind::request, Dropped::rate) + dropped(Kind::operation, Dropped::rate), 30u);
  const auto before = statistics();
  EXPECT_EQ(before, "App 36 30 6 0 4 \nApp orders fetch 4 0 \n");
  rebuild();
  EXPECT_EQ(statistics(), before);
}

TEST_P(RecordsTest, KeepTheBatchWhileTheStoreIsAway) {
  std::atomic<bool> away{true};
  rules.on_execute = [&](std::string_view) -> std::optional<StoreError> {
    if (!away) return std::nullopt;
    return StoreError{StoreError::Kind::unreachable, "gone", ""};
  };
  make_queue(100);
  auto writer = make_writer();
  add(Request{}, 40);
  std::this_thread::sleep_for(milliseconds(200));
  add(Request{}, 90);
  EXPECT_EQ(queue->size(), 100u);
  away = false;
  EXPECT_EQ(writer->stop(base::Deadline::in(std::chrono::seconds(20))), 0u);
  EXPECT_EQ(number("SELECT count(*) FROM gateway_request_log"), 100);
  EXPECT_EQ(dropped(Kind::request, Dropped::queue), 30u);
  EXPECT_EQ(statistics(), "App 100 100 0 0 0 \n");
  EXPECT_NE(warning.find("gone"), std::string::npos);
}

TEST_P(RecordsTest, AreNotWrittenTwiceWhenACommitGaveNoAnswer) {
  int failures = 2;
  rules.after_commit = [&]() -> std::optional<StoreError> {
    if (failures-- <= 0) return std::nullopt;
    return StoreError{StoreError::Kind::unreachable, "connection lost", ""};
  };
  add(Request{}, 5);
  add(Operation{}, 2);
  EXPECT_EQ(write(), 0u);
  EXPECT_EQ(number("SELECT count(*) FROM gateway_request_log"), 5);
  EXPECT_EQ(statistics(), "App 5 5 0 0 2 \nApp orders fetch 2 0 \n");
}

TEST_P(RecordsTest, LoseOnlyTheRowTheStoreRefuses) {
  // A check stands for whatever a store may refuse.
  if (on_postgres()) {
    ATHENA_ASSERT_STORED(session->execute(
        "ALTER TABLE gateway_request_log ADD CONSTRAINT no_teapots CHECK (status_code <> 418)"));
  } else {
    ATHENA_ASSERT_STORED(session->execute(
        "CREATE TRIGGER no_teapots BEFORE INSERT ON gateway_request_log WHEN NEW.status_code = 418 BEGIN "
        "SELECT RAISE(ABORT, 'teapot'); END"));
  }
  add(Request{}, 20);
  add(Request{.status = 418}, 1);
  add(Request{}, 20);
  add(Request{.status = 418}, 1);
  add(Operation{}, 3);
  EXPECT_EQ(write(), 0u);
  EXPECT_EQ(number("SELECT count(*) FROM gateway_request_log"), 40);
  EXPECT_EQ(number("SELECT count(*) FROM gateway_operation_log"), 3);
  EXPECT_EQ(dropped(Kind::request, Dropped::content), 2u);
  const auto before = statistics();
  EXPECT_EQ(before, "App 42 40 2 0 3 \nApp orders fetch 3 0 \n");
  rebuild();
  EXPECT_EQ(statistics(), before);
}

TEST_P(RecordsTest, EndInTimeWhenTheStoreStaysAway) {
  rules.on_execute = [](std::string_view) -> std::optional<StoreError> {
    return StoreError{StoreError::Kind::unreachable, "gone", ""};
  };
  auto writer = make_writer();
  add(Request{}, 7);
  const auto began = base::Clock::now();
  EXPECT_EQ(writer->stop(base::Deadline::in(milliseconds(300))), 7u);
  EXPECT_LT(base::Clock::now() - began, std::chrono::seconds(3));
  EXPECT_EQ(dropped(Kind::request, Dropped::shutdown), 7u);
}

TEST_P(RecordsTest, HoldNoSecret) {
  const std::string secret = "S3cr3tPlanted";
  add(Request{.headers = "Host\nlocalhost\nAuthorization\nBearer " + secret + "\nCookie\na=" + secret +
                         "\nX-JDBC-URL\njdbc:postgresql://h/d?password=" + secret +
                         "\nReferer\nhttp://h/?api_key=" + secret + "\nX-Other\npostgres://u:" + secret +
                         "@h/d\nUser-Agent\ncurl/8\nX-User-Id\nalice\n",
              .path = "/proxy/postgres://u:" + secret + "@h/d",
              .query = "a=1&token=" + secret + "&to=postgres%3A%2F%2Fu%3A" + secret + "%40h"});
  EXPECT_EQ(write(), 0u);
  auto row =
      session->execute("SELECT path, query_string, headers, user_agent, user_id FROM gateway_request_log");
  ATHENA_ASSERT_STORED(row);
  for (const auto& cell : row->rows.at(0))
    EXPECT_EQ(control::as_text(cell).find(secret), std::string::npos) << control::as_text(cell);
  EXPECT_EQ(control::as_text(row->rows[0][3]), "curl/8");
  EXPECT_EQ(control::as_text(row->rows[0][4]), "alice");
  EXPECT_NE(control::as_text(row->rows[0][2]).find("[REDACTED]"), std::string::npos);
  EXPECT_EQ(number("SELECT count(*) FROM gateway_connection_registry_realtime WHERE last_path LIKE '%" +
                   secret + "%'"),
            0);
}

TEST_P(RecordsTest, BoundTheTablesOfAClient) {
  for (int i = 0; i < 2010; ++i) add(Operation{.table = "t" + std::to_string(i)});
  EXPECT_EQ(write(), 0u);
  EXPECT_EQ(number("SELECT count(*) FROM client_table_statistics"), 2001);
  EXPECT_EQ(number("SELECT total_operations FROM client_table_statistics WHERE table_name = '_other'"), 10);
  const auto before = statistics();
  rebuild();
  EXPECT_EQ(statistics(), before);
  make_queue(50000);
  add(Operation{.table = "new"});
  EXPECT_EQ(write(), 0u) << "another start knows the tables";
  EXPECT_EQ(number("SELECT total_operations FROM client_table_statistics WHERE table_name = '_other'"), 11);
}

TEST_P(RecordsTest, SlowOperationsAreTold) {
  settings.slow_query = milliseconds(100);
  add(Operation{.milliseconds = 99});
  add(Operation{.milliseconds = 1500});
  EXPECT_EQ(write(), 0u);
  EXPECT_EQ(number("SELECT count(*) FROM client_alert_queries"), 1);
  EXPECT_EQ(text("SELECT summary FROM client_alert_queries"), "fetch orders");
}

TEST_P(RecordsTest, TheAuthLogHasFingerprintsAndOneFirstUseAnHour) {
  const auto id = text("SELECT value FROM athena_settings WHERE name = 'fingerprint_key'");
  ASSERT_FALSE(id.empty());
  const auto use = [this](bool first) {
    Chunk chunk(Kind::auth);
    AuthHead head;
    head.time_ms = now;
    head.reason = "api_key_authenticated";
    head.key = {{'0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'},
                true,
                true,
                true,
                true};
    head.first_use = first;
    head.touch = true;
    chunk.add(head, {"r1", "App", "/gateway/fetch", "ath_0123456789abcdef.secret", "127.0.0.1", "curl", "",
                     R"(["orders.read"])", ""});
    queue->push(chunk);
  };
  ATHENA_ASSERT_STORED(
      session->execute("INSERT INTO api_keys (api_keys_id, public_id, name, key_salt, key_hash) VALUES ($1, "
                       "$2, 'k', 's', 'h')",
                       {std::string(kInstance), std::string("0123456789abcdef")}));
  use(true);
  use(true);
  EXPECT_EQ(write(), 0u);
  EXPECT_EQ(number("SELECT count(*) FROM api_key_auth_log"), 1);
  EXPECT_EQ(text("SELECT presented_key_hash FROM api_key_auth_log"),
            fingerprint(id, "ath_0123456789abcdef.secret"));
  EXPECT_EQ(text("SELECT presented_key_salt FROM api_key_auth_log"), "v1");
  EXPECT_EQ(text("SELECT last_used_at FROM api_keys"), base::iso_time(now));
}

TEST_P(RecordsTest, RetentionKeepsTheTotals) {
  add(Request{}, 10);
  add(Request{.client = "x", .known = false}, 2);
  add(Operation{}, 5);
  add(Operation{.status = 500}, 1);
  now += 86400000;
  add(Request{}, 3);
  add(Operation{.table = "other"}, 2);
  EXPECT_EQ(write(), 0u);
  const auto before = statistics();
  const auto cutoff = base::iso_time(now - 3600000);
  for (const auto& table : kAgedTables) {
    auto deleted = delete_expired(*session, {table, cutoff}, base::iso_time(now));
    ASSERT_TRUE(deleted.has_value()) << table.name << ' ' << deleted.error().message;
    const std::int64_t expected = table.age == Age::request ? 12 : table.age == Age::operation ? 6 : 0;
    EXPECT_EQ(*deleted, expected) << table.name;
  }
  EXPECT_EQ(number("SELECT count(*) FROM gateway_request_log"), 3);
  EXPECT_EQ(statistics(), before);
  rebuild();
  EXPECT_EQ(statistics(), before);
  auto last = last_id_above_cap(*session, "gateway_request_log", 1);
  ASSERT_TRUE(last.has_value());
  auto deleted = delete_expired(*session, {kAgedTables[0], {}, *last}, base::iso_time(now));
  ASSERT_TRUE(deleted.has_value());
  EXPECT_EQ(*deleted, 2);
  rebuild();
  EXPECT_EQ(statistics(), before);
}

TEST_P(RecordsTest, OneInstanceAtATimeHasTheLease) {
  const auto take = [this](const char* who, std::int64_t minutes) {
    auto taken = take_retention_lease(*session, who, now + minutes * 60000);
    EXPECT_TRUE(taken.has_value()) << (taken ? "" : taken.error().message);
    return taken && *taken;
  };
  EXPECT_TRUE(take("a", 0));
  EXPECT_FALSE(take("b", 1));
  EXPECT_TRUE(take("a", 2)) << "renewed";
  EXPECT_FALSE(take("b", 11));
  EXPECT_TRUE(take("b", 13)) << "a is gone";
  ATHENA_ASSERT_STORED(end_retention_lease(*session, "b", now + 14 * 60000));
  EXPECT_FALSE(take("a", 30)) << "done within the hour";
  EXPECT_TRUE(take("a", 75));
}

TEST_P(RecordsTest, IdleConnectionsGo) {
  add(Request{});
  now += 600000;
  add(Request{.client = "other"});
  EXPECT_EQ(write(), 0u);
  auto purged = purge_connections(*session, base::iso_time(now - 300000));
  ATHENA_ASSERT_STORED(purged);
  EXPECT_EQ(*purged, 1);
  EXPECT_EQ(text("SELECT client_name FROM gateway_connection_registry_realtime"), "other");
}

TEST_P(RecordsTest, PagesOfALogThatGrowsHaveEachRowOnce) {
  add(Request{}, 25);
  EXPECT_EQ(write(), 0u);
  LogQuery query;
  query.limit = 10;
  std::set<std::string> seen;
  for (int pages = 0; pages < 10; ++pages) {
    auto page = read_log(*session, query);
    ATHENA_ASSERT_STORED(page);
    for (const auto& row : page->rows) EXPECT_TRUE(seen.insert(control::as_text(row[1])).second);
    if (!page->next) break;
    query.before = *page->next;
    make_queue(50000);  // the one before was stopped
    add(Request{}, 7);
    EXPECT_EQ(write(), 0u);
  }
  EXPECT_EQ(seen.size(), 25u);
}

TEST_P(RecordsTest, LogsAreFiltered) {
  add(Request{}, 3);
  add(Request{.client = "other", .status = 503}, 2);
  add(Operation{.status = 400});
  EXPECT_EQ(write(), 0u);
  const auto count = [this](LogQuery query) {
    auto page = read_log(*session, query);
    EXPECT_TRUE(page.has_value()) << (page ? "" : page.error().message);
    return page ? page->rows.size() : 999;
  };
  EXPECT_EQ(count({.client = "app"}), 3u);
  EXPECT_EQ(count({.status = {500, 599, false}}), 2u);
  EXPECT_EQ(count({.status = {0, 0, true}}), 2u);
  EXPECT_EQ(count({.log = Log::operations, .status = {0, 0, true}}), 1u);
  EXPECT_EQ(count({.log = Log::operations, .only_normal = true}), 0u);
  EXPECT_EQ(count({.log = Log::auth, .status = {0, 0, true}}), 0u);
  EXPECT_EQ(count({.request_id = "r1772352000001"}), 1u);
  EXPECT_EQ(count({.since_ms = 1772352000003}), 3u);
  EXPECT_EQ(count({.until_ms = 1772352000003}), 2u);
  auto at = time_of_request(*session, "r1772352000001");
  ATHENA_ASSERT_STORED(at);
  EXPECT_EQ(**at, 1772352000001);
}

}  // namespace
}  // namespace athena::records

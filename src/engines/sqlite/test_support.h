#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <stdlib.h>

#include <filesystem>
#include <future>
#include <memory>
#include <memory_resource>
#include <optional>
#include <string>
#include <vector>

#include "base/coroutine.h"
#include "base/json_reader.h"
#include "base/shard.h"
#include "contract/settings.h"
#include "engines/backend.h"
#include "engines/sql/statement.h"
#include "engines/sqlite/client.h"
#include "engines/sqlite/shard_backend.h"
#include "query/parse.h"
#include "query/row_sink.h"

/// What the tests of this folder share: a folder that goes away, a second connection to look with, a shard, a
/// sink that keeps rows as JSON, and plans written by hand.
namespace athena::sqlite::testing {

using namespace std::chrono_literals;

class Folder {
 public:
  Folder() {
    std::string name = std::filesystem::temp_directory_path() / "athena_sqlite_XXXXXX";
    path_ = mkdtemp(name.data());
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] std::string file(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

/// A plain connection beside Athena, as another process has one.
class Outside {
 public:
  explicit Outside(const std::string& path) {
    EXPECT_EQ(sqlite3_open(path.c_str(), &db_), SQLITE_OK);
    sqlite3_busy_timeout(db_, 5000);
  }
  ~Outside() { sqlite3_close(db_); }
  Outside(const Outside&) = delete;
  Outside& operator=(const Outside&) = delete;

  void run(const std::string& sql) {
    char* message = nullptr;
    EXPECT_EQ(sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, &message), SQLITE_OK)
        << sql << ": " << (message ? message : "");
    sqlite3_free(message);
  }
  /// First column of all rows, comma separated.
  std::string values(const std::string& sql) {
    std::string result;
    char* message = nullptr;
    sqlite3_exec(
        db_, sql.c_str(),
        [](void* out, int, char** cells, char**) {
          auto& text = *static_cast<std::string*>(out);
          if (!text.empty()) text += ',';
          text += cells[0] == nullptr ? "NULL" : cells[0];
          return 0;
        },
        &result, &message);
    EXPECT_EQ(message, nullptr) << message;
    sqlite3_free(message);
    return result;
  }

 private:
  sqlite3* db_ = nullptr;
};

/// Keeps rows as `[1,"a",null]`. Can pause and stop.
class Rows final : public query::RowSink {
 public:
  void begin(const query::RowShape& shape, query::RowSource& from) override {
    ++begins;
    columns = shape.columns.size();
    header.clear();
    for (const auto& column : shape.columns) {
      header += header.empty() ? "" : ",";
      header.append(column.name).append(column.type_name.empty() ? "" : ":").append(column.type_name);
    }
    source = &from;
  }
  query::RowFlow row(std::span<const query::Cell> cells) override {
    base::Buffer out;
    for (const auto& cell : cells) {
      out.push_back(out.empty() ? '[' : ',');
      if (cell.format == nullptr) {
        out.append("null");
      } else {
        query::append_cell(out, cell.text, *cell.format);
      }
    }
    out.push_back(']');
    rows.emplace_back(out.view());
    if (stop_after != 0 && rows.size() >= stop_after) return query::RowFlow::stop;
    if (pause_every != 0 && rows.size() % pause_every == 0) {
      ++pauses;
      if (on_pause) on_pause();
      return query::RowFlow::pause;
    }
    return query::RowFlow::more;
  }
  bool restart() override { return rows.empty(); }
  [[nodiscard]] std::string joined() const {
    std::string all;
    for (const auto& row : rows) all += row;
    return all;
  }

  std::vector<std::string> rows;
  std::size_t columns = 0;
  std::string header;  ///< `id:INTEGER,n`
  int begins = 0;
  int pauses = 0;
  std::size_t stop_after = 0;
  std::size_t pause_every = 0;
  std::function<void()> on_pause;
  query::RowSource* source = nullptr;
};

/// A plan of one statement without the compiler.
struct PlanText {
  std::string sql;
  std::vector<std::optional<std::string>> texts;  ///< bound as text
  std::size_t columns = 0;
  bool write = false;
  std::int64_t row_limit = -1;
};

inline sql::Plan make_plan(const PlanText& text, std::pmr::memory_resource& memory) {
  sql::Plan plan(memory);
  auto& statement = plan.statements.emplace_back(memory);
  statement.text = text.sql;
  for (const auto& value : text.texts) {
    statement.binds.push_back(value ? sql::Bind{sql::Bind::Kind::text, 0, *value}
                                    : sql::Bind{sql::Bind::Kind::null, 0, {}});
  }
  for (std::size_t i = 0; i < text.columns; ++i) statement.columns.push_back({"c", "", false});
  plan.is_write = text.write;
  plan.row_limit = text.row_limit;
  return plan;
}

struct PlanResult {
  contract::Result<RowChannel::Result> result;
  std::shared_ptr<Rows> rows;

  [[nodiscard]] std::string code() const {
    return result ? "" : std::string(contract::info(result.error().code()).name);
  }
};

/// A client on a file, with one shard.
class Fixture {
 public:
  explicit Fixture(contract::SqliteConnection options, unsigned shards = 1,
                   contract::GatewaySettings with = {})
      : settings(with), shards_(shards) {
    contract::ClientDefinition definition;
    definition.client_name = "local";
    definition.engine = contract::Engine::sqlite;
    definition.connection = std::move(options);
    auto made = make_client(definition, engines::EngineEnvironment{settings, shards});
    EXPECT_TRUE(made.has_value());
    client = *made;
    shards_.start();
    backends_.resize(shards);
    shards_.run_on_all(
        [this](base::Shard& shard) { backends_[shard.index()] = client->make_backend(shard); });
  }
  ~Fixture() {
    shards_.run_on_all([this](base::Shard& shard) { backends_[shard.index()].reset(); });
    shards_.stop();
  }
  Fixture(const Fixture&) = delete;
  Fixture& operator=(const Fixture&) = delete;

  static contract::SqliteConnection options(const std::string& path) {
    contract::SqliteConnection connection;
    connection.path = path;
    return connection;
  }

  base::Shard& shard(unsigned index = 0) { return shards_[index]; }
  ShardBackend& backend(unsigned index = 0) { return static_cast<ShardBackend&>(*backends_[index]); }

  /// Waits until the file is open.
  void wait_ready() {
    for (int i = 0; i < 500 && !client->status().reachable; ++i) std::this_thread::sleep_for(2ms);
    EXPECT_TRUE(client->status().reachable);
  }

  /// Runs a coroutine made by `make` on a shard; the value arrives in the future.
  template <class T, class Make>
  std::future<T> start(unsigned index, Make make) {
    auto promise = std::make_shared<std::promise<T>>();
    auto future = promise->get_future();
    auto begin = [this, index, promise, make = std::move(make)]() mutable {
      auto run = [](Make body, std::shared_ptr<std::promise<T>> done) -> base::Task<> {
        auto value = co_await body();
        done->set_value(std::move(value));
      };
      base::asio::co_spawn(shards_[index].context(), run(std::move(make), promise), base::asio::detached);
    };
    // As a request from a socket, it comes behind what the request before has posted at its end: that one may
    // still be on its last lines.
    shards_[index].post(
        [this, index, begin = std::move(begin)]() mutable { shards_[index].post(std::move(begin)); });
    return future;
  }

  /// Starts a hand-written plan. `version`: 0 = the schema as it is now.
  std::future<PlanResult> plan(PlanText text, base::Deadline deadline, unsigned index = 0,
                               engines::Cancellation* cancellation = nullptr,
                               std::shared_ptr<Rows> rows = std::make_shared<Rows>(),
                               std::int64_t max_rows = 10000) {
    return start<PlanResult>(index, [this, text, deadline, index, cancellation, rows, max_rows] {
      return run_plan(text, deadline, index, cancellation, rows, max_rows, schema_version);
    });
  }
  PlanResult read(const std::string& sql, std::size_t columns, std::chrono::milliseconds within = 10s) {
    return plan({sql, {}, columns, false, -1}, base::Deadline::in(within)).get();
  }
  PlanResult write(const std::string& sql, std::size_t columns = 0, std::chrono::milliseconds within = 10s) {
    return plan({sql, {}, columns, true, -1}, base::Deadline::in(within)).get();
  }

  enum class Operation { fetch, insert, update, remove };
  struct Reply {
    contract::Result<query::Summary> result;
    std::shared_ptr<Rows> rows;
    [[nodiscard]] std::string code() const {
      return result ? "" : std::string(contract::info(result.error().code()).name);
    }
    /// Rows, or the error's sentence.
    [[nodiscard]] std::string text() const { return result ? rows->joined() : result.error().text(); }
    [[nodiscard]] std::string detail(std::string_view name) const {
      if (result) return "no error";
      const auto error = result.error();
      for (const auto& detail : error.details()) {
        if (detail.name == name) return detail.json;
      }
      return "absent";
    }
  };
  /// A request's body through parser, compiler and file.
  std::future<Reply> send(Operation operation, std::string body, unsigned index = 0,
                          std::shared_ptr<Rows> rows = std::make_shared<Rows>(),
                          base::Deadline deadline = base::Deadline::in(10s)) {
    return start<Reply>(index, [this, operation, body, index, rows, deadline] {
      return run_body(operation, body, index, rows, deadline);
    });
  }
  Reply fetch(std::string body, unsigned index = 0) {
    return send(Operation::fetch, std::move(body), index).get();
  }
  /// A caller's text.
  struct Text {
    std::string sql;
    std::string params = {};  ///< a JSON array; empty = not given
    bool read_only = false;
    bool count_only = false;
    std::int64_t max_rows = 10000;
    std::string schema_name = {};
    std::optional<std::chrono::milliseconds> timeout = {};
    bool exclusive = false;
    engines::Cancellation* cancellation = nullptr;
  };
  std::future<Reply> start_raw(Text text, unsigned index = 0,
                               std::shared_ptr<Rows> rows = std::make_shared<Rows>(),
                               base::Deadline deadline = base::Deadline::in(10s)) {
    return start<Reply>(index,
                        [this, text, index, rows, deadline] { return run_raw(text, index, rows, deadline); });
  }
  Reply raw(std::string sql, unsigned index = 0) { return start_raw({std::move(sql)}, index).get(); }
  Reply raw(Text text, unsigned index = 0) { return start_raw(std::move(text), index).get(); }
  Reply raw(std::string sql, std::string params) {
    return start_raw({std::move(sql), std::move(params)}).get();
  }
  Reply count(std::string table, query::CountMode mode, unsigned index = 0) {
    return start<Reply>(index, [this, table, mode, index] { return run_count(table, mode, index); }).get();
  }
  Reply insert(std::string body, unsigned index = 0) {
    return send(Operation::insert, std::move(body), index).get();
  }

  contract::GatewaySettings settings;
  std::shared_ptr<engines::EngineClient> client;
  std::int64_t schema_version = 0;

 private:
  base::Task<Reply> run_body(Operation operation, std::string body, unsigned index,
                             std::shared_ptr<Rows> rows, base::Deadline deadline) {
    std::pmr::monotonic_buffer_resource memory;
    const query::ParseContext parse{memory, settings, settings.max_rows};
    query::ReadOptions options;
    auto tree = query::parse_body(body, memory);
    if (!tree) co_return Reply{tree.error(), rows};
    contract::Result<query::Request> request = contract::Error(contract::ErrorCode::internal_error);
    const auto take = [&request](auto parsed) {
      if (parsed) {
        request = query::Request(std::move(*parsed));
      } else {
        request = parsed.error();
      }
    };
    switch (operation) {
      case Operation::fetch:
        take(query::parse_select(**tree, parse, options));
        break;
      case Operation::insert:
        take(query::parse_insert(**tree, parse));
        break;
      case Operation::update:
        take(query::parse_update(**tree, parse, options));
        break;
      case Operation::remove:
        take(query::parse_delete(**tree, parse));
        break;
    }
    if (!request) co_return Reply{request.error(), rows};
    engines::ExecutionContext context{deadline, memory, settings.max_rows};
    auto result = co_await backend(index).execute(*request, *rows, context);
    co_return Reply{std::move(result), rows};
  }

  base::Task<Reply> run_raw(Text text, unsigned index, std::shared_ptr<Rows> rows, base::Deadline deadline) {
    std::pmr::monotonic_buffer_resource memory;
    query::RawText raw;
    raw.text = text.sql;
    raw.read_only = text.read_only;
    raw.count_only = text.count_only;
    raw.max_rows = text.max_rows;
    raw.schema_name = text.schema_name;
    raw.timeout = text.timeout;
    if (!text.params.empty()) {
      const auto parsed = base::parse_json(text.params, memory);
      raw.params = (*parsed)->items;
      raw.has_params = true;
    }
    engines::ExecutionContext context{deadline,          memory, text.max_rows, text.exclusive,
                                      text.cancellation, nullptr};
    auto result = co_await backend(index).run(raw, *rows, context);
    co_return Reply{std::move(result), rows};
  }

  base::Task<Reply> run_count(std::string table, query::CountMode mode, unsigned index) {
    std::pmr::monotonic_buffer_resource memory;
    query::Count count;
    count.target.table = table;
    count.mode = mode;
    const query::Request request(std::move(count));
    auto rows = std::make_shared<Rows>();
    engines::ExecutionContext context{base::Deadline::in(10s), memory, 10000};
    auto result = co_await backend(index).execute(request, *rows, context);
    co_return Reply{std::move(result), rows};
  }

  base::Task<PlanResult> run_plan(PlanText text, base::Deadline deadline, unsigned index,
                                  engines::Cancellation* cancellation, std::shared_ptr<Rows> rows,
                                  std::int64_t max_rows, std::int64_t version) {
    std::pmr::monotonic_buffer_resource memory;
    const sql::Plan compiled = make_plan(text, memory);
    engines::ExecutionContext context{deadline, memory, max_rows, false, cancellation, nullptr};
    auto result = co_await backend(index).run_plan(compiled, version, *rows, context);
    co_return PlanResult{std::move(result), rows};
  }

  base::ShardGroup shards_;
  std::vector<std::unique_ptr<engines::Backend>> backends_;
};

}  // namespace athena::sqlite::testing

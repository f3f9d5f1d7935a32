#pragma once

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <memory_resource>
#include <string>
#include <vector>

#include "engines/postgres/raw_executor.h"
#include "engines/postgres/server_fixture.h"
#include "engines/postgres/types.h"

namespace athena::postgres::testing {

inline constexpr const char* kRawSchema = R"(
create type mood as enum ('sad','ok');
create table felt(id int primary key, m mood, ms mood[]); insert into felt values (1,'ok','{sad,ok}');
create function stable_leak() returns text language plpgsql stable as $$ begin
  perform set_config('athena.mark','leaked',false); return 'x'; end $$;
create function shout() returns int language plpgsql as $$ begin
  for i in 1..12 loop raise notice 'note %', i; end loop; raise warning '%', repeat('w',2000); return 1; end $$;
create function writes_on_read() returns int language sql as $$ insert into notes values (777,'x') returning 1 $$;
create schema other; create table other.notes(id int, body text); insert into other.notes values (1,'of other');
create table typed(b bool, i2 int2, i4 int4, i8 int8, n numeric, f float8, t text, u uuid, d date, ts timestamptz,
  j json, jb jsonb, ai int[], at text[], by bytea, m mood);
analyze;
)";

/// One shard with RawExecutor on it.
class RawGateway {
 public:
  explicit RawGateway(contract::PostgresConnection connection, contract::GatewaySettings with = {})
      : settings(std::move(with)), shards_(1) {
    contract::ClientDefinition definition;
    definition.client_name = "test";
    definition.engine = contract::Engine::postgresql;
    definition.connection = std::move(connection);
    client = std::make_shared<Client>(std::move(definition), engines::EngineEnvironment{settings, 1});
    shards_.start();
    shards_.run_on_all([this](base::Shard& shard) { side_ = std::make_unique<Side>(shard, *client); });
  }
  ~RawGateway() {
    shards_.run_on_all([this](base::Shard&) { side_.reset(); });
    shards_.stop();
  }
  RawGateway(const RawGateway&) = delete;
  RawGateway& operator=(const RawGateway&) = delete;

  struct Options {
    std::string params;  ///< JSON array, or empty
    bool read_only = false;
    bool count_only = false;
    std::chrono::milliseconds timeout{10000};
    std::chrono::milliseconds statement_timeout{0};
    std::int64_t max_rows = 10000;
    std::string schema_name;
    engines::Cancellation* cancellation = nullptr;
    query::RowSink* sink = nullptr;
  };
  base::Task<Answer> ask(std::string text, Options options) {
    Answer answer;
    std::pmr::monotonic_buffer_resource memory;
    query::RawText raw;
    raw.text = text;
    std::vector<const query::Value*> params;
    if (!options.params.empty()) {
      auto parsed = base::parse_json(options.params, memory);
      if (parsed) params.assign((*parsed)->items.begin(), (*parsed)->items.end());
    }
    raw.params = params;
    raw.has_params = !options.params.empty();
    raw.read_only = options.read_only;
    raw.count_only = options.count_only;
    raw.max_rows = options.max_rows;
    raw.schema_name = options.schema_name;
    if (options.statement_timeout.count() > 0) raw.timeout = options.statement_timeout;
    base::Buffer out;
    query::JsonRowSink json(out, {});
    query::RowSink& sink = options.sink != nullptr ? *options.sink : json;
    engines::ExecutionContext context{
        base::Deadline::in(options.timeout), memory, 10000, false, options.cancellation, &answer.sql};
    auto ran = co_await side_->raw.run(raw, sink, context);
    if (ran) {
      answer.summary = *ran;
    } else {
      answer.error = ran.error();
    }
    answer.rows = out.view();
    co_return answer;
  }
  std::future<Answer> send(std::string text, Options options) {
    return base::asio::co_spawn(shards_[0].context().get_executor(), ask(std::move(text), std::move(options)),
                                base::asio::use_future);
  }
  Answer run(std::string text, Options options) { return send(std::move(text), std::move(options)).get(); }
  Answer run(std::string text) { return run(std::move(text), Options{}); }
  Answer run(std::string text, std::string params) {
    Options options;
    options.params = std::move(params);
    return run(std::move(text), std::move(options));
  }
  base::Shard& shard() { return shards_[0]; }
  std::uint64_t pipelined() const { return client->pipelined_requests.load(); }
  std::uint64_t exclusive() const { return client->exclusive_requests.load(); }

  contract::GatewaySettings settings;
  std::shared_ptr<Client> client;

 private:
  struct Side {
    Side(base::Shard& shard, Client& of)
        : pool(shard, of), schema(pool, of.settings()), raw(of, pool, schema) {
      pool.format_with(&Side::format, this);
      pool.start();
    }
    ~Side() { pool.close_all(); }
    static const query::ValueFormat& format(void* self, std::uint32_t oid) {
      const sql::Type* const type = static_cast<Side*>(self)->schema.type(oid);
      return type != nullptr && type->format != nullptr ? *type->format : format_of(oid);
    }
    Pool pool;
    SchemaCache schema;
    RawExecutor raw;
  };
  base::ShardGroup shards_;
  std::unique_ptr<Side> side_;
};

class RawServerTest : public ServerTest {
 protected:
  static void SetUpTestSuite() {
    ServerTest::SetUpTestSuite();
    if (server->running()) server->sql(kRawSchema);
  }
};

}  // namespace athena::postgres::testing

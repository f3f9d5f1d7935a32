#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "engines/postgres/test_support.h"

namespace athena::postgres::testing {

using namespace std::chrono_literals;
using Kind = Gateway::Kind;

inline constexpr const char* kSchema = R"(
create table items(id bigint primary key, name text not null, price numeric(10,2), tags text[], doc jsonb, at timestamptz);
insert into items select i, 'name '||i, i/100.0, array['a',i::text], jsonb_build_object('n',i), '2026-03-01 08:00:00+00'
  from generate_series(1,5000) i;
create table one(id int primary key); insert into one values (1);
create view slow as select id, pg_sleep(30)::text as z from one;
create view nap as select id, pg_sleep(0.3)::text as z from one;
create view failing as select id, 1/(id-1) as x from one;
create table notes(id int primary key, body text);
create table keyed(id bigint generated always as identity primary key, k text unique, n int);
create table big(id int primary key, filler text);
insert into big select i, repeat('x',1000) from generate_series(1,20000) i;
create table triggered(id int primary key);
create function meddle() returns trigger language plpgsql as $$ begin
  perform set_config('search_path','pg_catalog',false); perform set_config('athena.mark','set',false); return new; end $$;
create trigger meddle before insert on triggered for each row execute function meddle();
create view mark as select coalesce(current_setting('athena.mark', true),'') as v;
create sequence tries;
create table contended(id int primary key);
create function contend() returns trigger language plpgsql as $$ begin
  if nextval('tries') % 3 <> 0 then raise sqlstate '40001'; end if; return new; end $$;
create trigger contend before insert on contended for each row execute function contend();
create table moving(id int primary key, a text); insert into moving values (1,'x');
analyze;
)";

/// One server for all tests of a suite.
class ServerTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    server = std::make_unique<Server>();
    if (server->running()) server->sql(kSchema);
  }
  static void TearDownTestSuite() { server.reset(); }
  void SetUp() override {
    if (!server->running()) GTEST_SKIP() << "no PostgreSQL here";
    connection.uri = server->uri();
  }
  static std::string by_id(int id, const char* columns = "\"id\",\"name\"") {
    return R"({"table_name":"items","columns":[)" + std::string(columns) +
           R"(],"conditions":[{"operator":"eq","column":"id","value":)" + std::to_string(id) + "}]}";
  }
  static std::string row(int id) {
    return R"({"id":)" + std::to_string(id) + R"(,"name":"name )" + std::to_string(id) + "\"}";
  }

  static inline std::unique_ptr<Server> server;
  contract::PostgresConnection connection;
};

/// Wants a pause after every row of the first ones and is woken by a timer.
class HesitantSink final : public query::RowSink {
 public:
  HesitantSink(base::Shard& shard, int pauses)
      : shard_(shard), pauses_(pauses), timer_([this] { source_->resume(); }) {}
  void begin(const query::RowShape&, query::RowSource& source) override { source_ = &source; }
  query::RowFlow row(std::span<const query::Cell> cells) override {
    sum += std::stoll(std::string(cells[0].text));
    if (++rows % 100 != 0 || pauses_-- <= 0) return query::RowFlow::more;
    shard_.timers().arm(timer_, 20ms);
    return query::RowFlow::pause;
  }
  bool restart() override { return false; }
  std::int64_t rows = 0, sum = 0;

 private:
  base::Shard& shard_;
  int pauses_;
  query::RowSource* source_ = nullptr;
  base::Timer timer_;
};

}  // namespace athena::postgres::testing

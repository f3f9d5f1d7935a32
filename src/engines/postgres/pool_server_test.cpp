// Connections under stress: few of them, killed, frozen, a server that stops. Skipped without PostgreSQL.
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <random>
#include <thread>

#include "engines/postgres/server_fixture.h"

namespace athena::postgres::testing {
namespace {

using PoolServerTest = ServerTest;

TEST_F(PoolServerTest, KilledBackendsUnderLoad) {
  Gateway gateway(connection);
  std::atomic<bool> running{true};
  std::atomic<int> reads{0}, wrong{0}, failed_reads{0};
  struct Written {
    int n;
    std::string code;
  };
  std::vector<Written> written;
  std::map<std::string, int> failures;
  std::thread reader([&] {
    std::mt19937 random(7);
    while (running) {
      std::vector<std::pair<int, std::future<Answer>>> batch;
      for (int i = 0; i < 50; ++i) {
        const int id = static_cast<int>(random() % 5000) + 1;
        batch.emplace_back(id, gateway.send(Kind::fetch, by_id(id), {}));
      }
      for (auto& [id, future] : batch) {
        const auto answer = future.get();
        ++reads;
        if (answer.error) {
          ++failed_reads;
          ++failures[answer.code() + answer.detail("reason")];
          EXPECT_TRUE(answer.code() == "backend_unreachable" || answer.code() == "circuit_open")
              << answer.code();
        } else if (answer.rows != row(id)) {
          ++wrong;
        }
      }
    }
  });
  std::thread writer([&] {
    for (int n = 1; running; ++n) {
      const auto answer = gateway.run(
          Kind::insert, R"({"table_name":"keyed","insert_body":{"k":"k)" + std::to_string(n) + R"(","n":1}})",
          {});
      written.push_back({n, answer.code()});
    }
  });
  for (int i = 0; i < 6; ++i) {
    std::this_thread::sleep_for(400ms);
    server->sql(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name='athena/test' order "
        "by random() limit 1");
  }
  running = false;
  reader.join();
  writer.join();
  std::string codes;
  for (const auto& [code, count] : failures) codes += code + " " + std::to_string(count) + ", ";
  EXPECT_GT(reads, 500) << codes;
  EXPECT_EQ(wrong, 0);
  // A kill meets up to 16 reads at once; repeats are limited to a tenth of all, so a few may fail.
  EXPECT_LE(failed_reads, 6 * 16) << codes;
  EXPECT_LT(failed_reads, reads / 3);
  for (const auto& [n, code] : written) {
    const auto stored = server->sql("select count(*) from keyed where k='k" + std::to_string(n) + "'");
    if (code == "ok") {
      EXPECT_EQ(stored, "1") << n;
    } else if (code != "outcome_unknown") {
      EXPECT_EQ(stored, "0") << n << ' ' << code;
    }
    if (code != "ok") {
      EXPECT_TRUE(code == "outcome_unknown" || code == "backend_unreachable" || code == "circuit_open")
          << code;
    }
    if (n > 300) break;
  }
  // Recovery.
  for (int i = 0; i < 30 && gateway.fetch(by_id(1)).code() != "ok"; ++i) std::this_thread::sleep_for(100ms);
  EXPECT_EQ(gateway.fetch(by_id(2)).rows, row(2));
}

TEST_F(PoolServerTest, AnExhaustedPoolAnswersInTime) {
  connection.pool.max_connections = 3;  // one pipelined, two exclusive
  connection.pool.acquire_timeout_seconds = 1;
  connection.pool.max_waiting = 5;
  Gateway gateway(connection);
  Gateway::Options exclusive;
  exclusive.exclusive = true;
  exclusive.timeout = 3s;
  ASSERT_EQ(gateway.fetch(by_id(1)).code(), "ok");
  auto holder = gateway.send(Kind::fetch, R"({"table_name":"slow"})", exclusive);
  auto other = gateway.send(Kind::fetch, R"({"table_name":"slow","columns":["id","z"]})", exclusive);
  std::this_thread::sleep_for(500ms);
  std::vector<std::future<Answer>> waiting;
  for (int i = 0; i < 20; ++i) waiting.push_back(gateway.send(Kind::fetch, by_id(i + 1), exclusive));
  int timeouts = 0, overloaded = 0;
  for (auto& future : waiting) {
    const auto code = future.get().code();
    timeouts += code == "pool_timeout" ? 1 : 0;
    overloaded += code == "overloaded" ? 1 : 0;
  }
  EXPECT_GE(timeouts, 1);
  EXPECT_GE(overloaded, 1);
  EXPECT_EQ(timeouts + overloaded, 20);
  EXPECT_EQ(holder.get().code(), "deadline_exceeded");
  EXPECT_EQ(other.get().code(), "deadline_exceeded");
  EXPECT_LE(gateway.client->status().pool.size, 3);
  EXPECT_EQ(gateway.fetch(by_id(1), exclusive).rows, row(1));
}

TEST_F(PoolServerTest, ManyShardsFewConnections) {
  connection.pool.max_connections = 4;
  Gateway gateway(connection, 8);
  std::vector<std::pair<int, std::future<Answer>>> sent;
  for (int i = 0; i < 400; ++i) {
    Gateway::Options options;
    options.shard = static_cast<unsigned>(i) % 8;
    options.exclusive = i % 5 == 0;
    sent.emplace_back(i + 1, gateway.send(Kind::fetch, by_id(i + 1), options));
  }
  for (auto& [id, future] : sent) {
    const auto answer = future.get();
    EXPECT_EQ(answer.rows, row(id)) << answer.code();
  }
  EXPECT_LE(gateway.client->status().pool.size, 4);
  EXPECT_LE(
      std::stoi(server->sql("select count(*) from pg_stat_activity where application_name='athena/test'")),
      4);
}

TEST_F(PoolServerTest, AShardWithoutConnectionsOfItsOwn) {
  connection.pool.max_connections = 4;
  Gateway gateway(connection, 8);
  HesitantSink sink(gateway.shard(7), 20);
  Gateway::Options options;
  options.shard = 7;
  options.sink = &sink;
  auto answer = gateway.fetch(
      R"({"table_name":"big","columns":["id","filler"],"sort_by":{"field":"id"},"limit":10000})", options);
  EXPECT_EQ(answer.code(), "ok");
  EXPECT_EQ(sink.rows, 10000);
  EXPECT_EQ(sink.sum, 10000LL * 10001 / 2);
  EXPECT_EQ(answer.sql.size(), 1U);
  options.sink = nullptr;
  EXPECT_EQ(gateway.fetch(R"({"table_name":"failing"})", options).detail("sql_state"), "\"22012\"");
  answer = gateway.fetch(by_id(-1), options);
  EXPECT_EQ(answer.code(), "ok");
  EXPECT_EQ(answer.rows, "");
  options.timeout = 400ms;
  EXPECT_EQ(gateway.fetch(R"({"table_name":"slow"})", options).code(), "deadline_exceeded");
  engines::Cancellation cancellation;
  options.timeout = 5s;
  options.cancellation = &cancellation;
  auto left = gateway.send(Kind::fetch, R"({"table_name":"slow"})", options);
  std::this_thread::sleep_for(300ms);
  gateway.shard(7).post([&] { cancellation.request(); });
  EXPECT_EQ(left.get().code(), "client_closed_request");
  auto tables = base::asio::co_spawn(gateway.shard(7).context().get_executor(),
                                     gateway.backends[7]->schema()->tables({}, base::Deadline::in(5s)),
                                     base::asio::use_future)
                    .get();
  ASSERT_TRUE(tables);
  EXPECT_GT(tables->size(), 5U);
}

TEST_F(PoolServerTest, AWriteThatDidNotRunIsRepeated) {
  Gateway gateway(connection);
  auto answer = gateway.run(Kind::insert, R"({"table_name":"contended","insert_body":{"id":1}})", {});
  EXPECT_EQ(answer.code(), "ok");
  EXPECT_EQ(answer.summary.attempts, 3);
  EXPECT_EQ(answer.rows, R"({"id":1})");
  contract::GatewaySettings never;
  never.retry_attempts = 1;
  Gateway stubborn(connection, 1, never);
  answer = stubborn.run(Kind::insert, R"({"table_name":"contended","insert_body":{"id":2}})", {});
  EXPECT_EQ(answer.code(), "serialization_failure");
  EXPECT_EQ(server->sql("select count(*) from contended"), "1");
}

TEST_F(PoolServerTest, ConnectionsAgeAndIdleOnesGo) {
  connection.pool.max_lifetime_seconds = 1;
  connection.pool.min_connections = 0;
  connection.pool.idle_timeout_seconds = 2;
  Gateway gateway(connection);
  ASSERT_EQ(gateway.fetch(by_id(1)).code(), "ok");
  const std::string pids =
      "select string_agg(pid::text, ',' order by pid) from pg_stat_activity where "
      "application_name='athena/test' and query not like '%slow%'";
  const auto before = server->sql(pids);
  const auto began = base::Clock::now();
  for (int i = 1; base::Clock::now() - began < 2500ms; i = i % 5000 + 1) {
    ASSERT_EQ(gateway.fetch(by_id(i)).rows, row(i));
    std::this_thread::sleep_for(5ms);
  }
  EXPECT_NE(server->sql(pids), before);
  std::this_thread::sleep_for(4500ms);
  EXPECT_EQ(gateway.client->status().pool.size, 0);
  EXPECT_EQ(server->sql(pids), "");
  EXPECT_EQ(gateway.fetch(by_id(2)).rows, row(2));
}

TEST_F(PoolServerTest, TheCeilingOfTheProcessMovesIdleConnections) {
  contract::GatewaySettings tight;
  tight.process_max_connections = 4;
  connection.pool.min_connections = 4;
  Gateway first(connection, 1, tight);
  ASSERT_EQ(first.fetch(by_id(1)).code(), "ok");
  for (int i = 0; i < 60 && first.client->status().pool.size < 4; ++i) std::this_thread::sleep_for(100ms);
  EXPECT_EQ(first.client->status().pool.size, 4);
  Gateway second(connection, 1, tight);
  EXPECT_EQ(second.fetch(by_id(2)).rows, row(2));
  EXPECT_LE(first.client->status().pool.size + second.client->status().pool.size, 4);
  EXPECT_EQ(first.fetch(by_id(3)).rows, row(3));
}

TEST_F(PoolServerTest, AFrozenBackendIsGivenUp) {
  Gateway gateway(connection);
  ASSERT_EQ(gateway.fetch(by_id(1)).code(), "ok");
  ASSERT_EQ(gateway.fetch(R"({"table_name":"notes","limit":1})").code(), "ok");
  const auto pids = server->sql(
      "select string_agg(pid::text, ' ') from pg_stat_activity where application_name='athena/test'");
  ASSERT_EQ(std::system(("kill -STOP " + pids).c_str()), 0);
  for (const bool write : {false, true}) {
    Gateway::Options options;
    options.timeout = 500ms;
    const auto began = base::Clock::now();
    const auto answer =
        write ? gateway.run(Kind::insert, R"({"table_name":"notes","insert_body":{"id":900}})", options)
              : gateway.fetch(by_id(2), options);
    // The write may have been stored: nobody knows.
    EXPECT_EQ(answer.code(), write ? "outcome_unknown" : "deadline_exceeded");
    EXPECT_LE(base::Clock::now() - began, 1100ms);
  }
  // Each frozen one is found out by the first request it gets, and closed; new ones serve.
  std::string code;
  const auto began = base::Clock::now();
  Gateway::Options options;
  options.timeout = 500ms;
  while (code != "ok" && base::Clock::now() - began < 10s) {
    code = gateway.fetch(by_id(3), options).code();
    std::this_thread::sleep_for(100ms);
  }
  EXPECT_EQ(code, "ok");
  EXPECT_EQ(gateway.fetch(by_id(3)).rows, row(3));
  ASSERT_EQ(std::system(("kill -CONT " + pids).c_str()), 0);
}

TEST_F(PoolServerTest, AnEndInTheMiddleOfWork) {
  connection.pool.max_connections = 2;
  std::vector<std::future<Answer>> running;
  {
    Gateway gateway(connection);
    ASSERT_EQ(gateway.fetch(by_id(1)).code(), "ok");
    Gateway::Options exclusive;
    exclusive.exclusive = true;
    for (int i = 0; i < 3; ++i)
      running.push_back(gateway.send(Kind::fetch, R"({"table_name":"slow"})", exclusive));
    for (int i = 0; i < 3; ++i) running.push_back(gateway.send(Kind::fetch, R"({"table_name":"slow"})", {}));
    std::this_thread::sleep_for(300ms);
    gateway.end();
  }
  for (auto& future : running) EXPECT_EQ(future.get().code(), "backend_unreachable");
}

TEST_F(PoolServerTest, ZServerStopsAndComesBack) {
  Gateway gateway(connection);
  ASSERT_EQ(gateway.fetch(by_id(1)).code(), "ok");
  server->stop();
  int unreachable = 0;
  std::string code;
  for (int i = 0; i < 10 && code != "circuit_open"; ++i) {
    code = gateway.fetch(by_id(1)).code();
    if (code == "backend_unreachable") ++unreachable;
  }
  EXPECT_EQ(code, "circuit_open");
  EXPECT_GE(unreachable, 1);
  EXPECT_LE(unreachable, 6);
  EXPECT_EQ(gateway.client->status().state, engines::HealthState::open);
  EXPECT_EQ(gateway.client->status().last_error_reason, "refused");
  ASSERT_TRUE(server->start());
  const auto began = base::Clock::now();
  while (gateway.fetch(by_id(1)).code() != "ok" && base::Clock::now() - began < 5s)
    std::this_thread::sleep_for(20ms);
  EXPECT_LE(base::Clock::now() - began, 2500ms);
  EXPECT_EQ(gateway.fetch(by_id(2)).rows, row(2));
  EXPECT_EQ(gateway.client->status().state, engines::HealthState::closed);
}

TEST_F(PoolServerTest, ZUnreachableFromTheStart) {
  server->stop();
  Gateway gateway(connection);
  for (int i = 0; i < 10; ++i) {
    const auto answer = gateway.fetch(by_id(1));
    EXPECT_EQ(answer.code(), "backend_unreachable");
    EXPECT_EQ(answer.detail("reason"), "\"refused\"");
    EXPECT_TRUE(answer.error->retry_after_seconds());
  }
  EXPECT_EQ(gateway.client->status().state, engines::HealthState::unreachable);
  ASSERT_TRUE(server->start());
  std::this_thread::sleep_for(2500ms);
  EXPECT_EQ(gateway.client->status().state, engines::HealthState::closed);  // by itself
  EXPECT_EQ(gateway.fetch(by_id(2)).rows, row(2));
}

}  // namespace
}  // namespace athena::postgres::testing

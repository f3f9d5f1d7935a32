#include "services/telemetry/exposition.h"

#include <gtest/gtest.h>

#include <ctime>

namespace athena::telemetry {
namespace {

using namespace std::chrono_literals;
using Form = TextWriter::Form;
using Kind = TextWriter::Kind;

constexpr RouteLabel kRoutes[] = {{"/gateway/fetch", "gateway"}, {"/ping", "health"}};

std::string written(Form form, const std::function<void(TextWriter&)>& write) {
  base::Buffer out;
  TextWriter writer(out, form);
  write(writer);
  return std::string(out.view());
}

std::string rendered(const Scrape& scrape, Form form = Form::prometheus) {
  base::Buffer out;
  render(scrape, form, out);
  return std::string(out.view());
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(TextWriter, WritesAFamily) {
  const auto write = [](TextWriter& writer) {
    writer.family("things_total", "What there is.", Kind::counter);
    writer.sample({{"kind", "a\"b\\c\nd"}}, std::uint64_t{3});
    writer.sample({}, 0.5);
  };
  EXPECT_EQ(written(Form::prometheus, write),
            "# HELP athena_things_total What there is.\n# TYPE athena_things_total counter\n"
            "athena_things_total{kind=\"a\\\"b\\\\c\\nd\"} 3\nathena_things_total 0.5\n");
  EXPECT_EQ(written(Form::open_metrics, write),
            "# HELP athena_things What there is.\n# TYPE athena_things counter\n"
            "athena_things_total{kind=\"a\\\"b\\\\c\\nd\"} 3\nathena_things_total 0.5\n");
}

TEST(TextWriter, BucketsAreCumulativeAndTheExemplarStandsOnce) {
  base::SecondsHistogram histogram;
  histogram.observe(0.002);
  histogram.observe(0.75);
  histogram.observe(100);
  const auto write = [&](TextWriter& writer) {
    writer.family("time_seconds", "Time.", Kind::histogram);
    writer.histogram({{"a", "b"}}, histogram, "some-id", 0.75);
  };
  const auto plain = written(Form::prometheus, write);
  EXPECT_TRUE(has(plain, "athena_time_seconds_bucket{a=\"b\",le=\"0.001\"} 0\n"));
  EXPECT_TRUE(has(plain, "athena_time_seconds_bucket{a=\"b\",le=\"0.0025\"} 1\n"));
  EXPECT_TRUE(has(plain, "athena_time_seconds_bucket{a=\"b\",le=\"1\"} 2\n"));
  EXPECT_TRUE(has(plain, "athena_time_seconds_bucket{a=\"b\",le=\"+Inf\"} 3\n"));
  EXPECT_TRUE(has(plain, "athena_time_seconds_sum{a=\"b\"} 100.752\nathena_time_seconds_count{a=\"b\"} 3\n"));
  EXPECT_FALSE(has(plain, "some-id"));
  const auto open = written(Form::open_metrics, write);
  EXPECT_TRUE(has(open, "le=\"1.0\"} 2 # {request_id=\"some-id\"} 0.75\n"));
  EXPECT_EQ(open.find("some-id"), open.rfind("some-id"));
}

TEST(Exposition, ListsEveryFamilyWhileNothingHasHappened) {
  Scrape scrape;
  scrape.shards.resize(2);
  const auto text = rendered(scrape);
  for (const std::string_view family : {"build_info",
                                        "process_start_time_seconds",
                                        "uptime_seconds",
                                        "process_available_parallelism",
                                        "shards",
                                        "process_resident_memory_bytes",
                                        "process_open_fds",
                                        "process_threads",
                                        "process_cpu_seconds_total",
                                        "log_lines_dropped_total",
                                        "shard_loop_lag_seconds",
                                        "config_reloads_total",
                                        "http_connections",
                                        "draining",
                                        "http_connections_rejected_total",
                                        "http_rejected_total",
                                        "http_stream_aborts_total",
                                        "http_requests_total",
                                        "http_requests_by_status_code_total",
                                        "http_request_duration_seconds_histogram",
                                        "http_requests_by_client_total",
                                        "http_in_flight_requests",
                                        "http_request_bytes",
                                        "http_response_bytes",
                                        "gateway_stage_seconds",
                                        "gateway_operations_total",
                                        "gateway_rows_total",
                                        "gateway_postgres_backend_total",
                                        "gateway_truncated_total",
                                        "gateway_retries_total",
                                        "errors_total",
                                        "auth_attempts_total",
                                        "auth_throttled_total",
                                        "auth_keys",
                                        "auth_store_up",
                                        "auth_snapshot_age_seconds",
                                        "registry_version",
                                        "registry_clients",
                                        "client_up",
                                        "client_resolution_total",
                                        "direct_rejected_total",
                                        "pg_registered_clients",
                                        "pg_active_clients",
                                        "pg_connected_clients",
                                        "jdbc_pool_cache_entries",
                                        "pool_connections",
                                        "pool_max_connections",
                                        "pool_waiting",
                                        "pool_wait_seconds",
                                        "pool_timeouts_total",
                                        "requests_cancelled_total",
                                        "backend_requests_total",
                                        "backend_duration_seconds",
                                        "backend_retries_total",
                                        "backend_reconnects_total",
                                        "circuit_breaker_state",
                                        "circuit_breaker_transitions_total",
                                        "prepared_statements",
                                        "prepared_evictions_total",
                                        "pg_pipeline_depth",
                                        "pg_shapes_exclusive",
                                        "schema_cache_entries",
                                        "schema_cache_reloads_total",
                                        "schema_cache_total",
                                        "sqlite_writer_group_size",
                                        "sqlite_queue"}) {
    EXPECT_TRUE(has(text, "# HELP athena_" + std::string(family) + " ")) << family;
    EXPECT_TRUE(has(text, "# TYPE athena_" + std::string(family) + " ")) << family;
  }
}

TEST(Exposition, OpenMetricsEndsWithItsMark) {
  Scrape scrape;
  const auto text = rendered(scrape, Form::open_metrics);
  EXPECT_TRUE(text.ends_with("\n# EOF\n"));
  EXPECT_FALSE(has(rendered(scrape), "# EOF"));
}

TEST(Exposition, RequestsAreSummedOverStatusesAndShards) {
  ShardMetrics one, two;
  one.request_finished(0, http::Method::post, 200, "shop", 10, 100, 2ms, "r1");
  two.request_finished(0, http::Method::post, 207, "shop", 10, 100, 2ms, "r2");
  two.request_finished(-1, http::Method::other, 404, "unknown", 10, 100, 2ms);
  two.error("not_found", -1);
  Scrape scrape;
  scrape.shards = {one.numbers(), two.numbers()};
  scrape.routes = kRoutes;
  const auto text = rendered(scrape);
  EXPECT_TRUE(
      has(text,
          "athena_http_requests_total{method=\"POST\",route=\"/gateway/fetch\",status_family=\"2xx\"} 2\n"));
  EXPECT_TRUE(has(
      text, "athena_http_requests_total{method=\"OTHER\",route=\"unmatched\",status_family=\"4xx\"} 1\n"));
  EXPECT_TRUE(has(
      text,
      "athena_http_request_bytes_sum{method=\"POST\",route=\"/gateway/fetch\",status_family=\"2xx\"} 20\n"));
  EXPECT_TRUE(has(text,
                  "athena_http_requests_by_client_total{client=\"shop\",method=\"POST\",route_group="
                  "\"gateway\",status_family=\"2xx\"} 2\n"));
  EXPECT_TRUE(has(text, "athena_errors_total{code=\"not_found\",route_group=\"other\"} 1\n"));
  EXPECT_TRUE(has(text, "status_code=\"207\""));
}

ClientSample client(std::string name, contract::Engine engine, bool own_series = true) {
  ClientSample sample;
  sample.name = std::move(name);
  sample.engine = engine;
  sample.has_backend = true;
  sample.own_series = own_series;
  sample.status.pool.max = 5;
  sample.status.counters.pool_timeouts = 2;
  sample.status.transitions.open = 1;
  return sample;
}

TEST(Exposition, ClientsWithoutSeriesOfTheirOwnAreOneOther) {
  Scrape scrape;
  scrape.clients = {client("a", contract::Engine::postgresql),
                    client("b", contract::Engine::postgresql, false),
                    client("c", contract::Engine::sqlite, false)};
  const auto text = rendered(scrape);
  EXPECT_TRUE(
      has(text,
          "athena_pool_max_connections{client=\"a\"} 5\nathena_pool_max_connections{client=\"other\"} 10\n"));
  EXPECT_TRUE(has(text, "athena_circuit_breaker_transitions_total{client=\"other\",to=\"open\"} 2\n"));
  EXPECT_TRUE(has(text, "athena_client_up{client=\"a\",engine=\"postgresql\"} 0\n"));
  EXPECT_FALSE(has(text, "client=\"b\""));
  EXPECT_FALSE(has(text, "client_up{client=\"other\""));
}

TEST(Exposition, AThousandClientsInBudget) {
  ShardMetrics metrics;
  Scrape scrape;
  scrape.routes = kRoutes;
  for (int i = 0; i < 1000; ++i) {
    auto sample = client("client_number_" + std::to_string(i),
                         i % 2 == 0 ? contract::Engine::postgresql : contract::Engine::sqlite);
    sample.status.pipeline_depth.observe(3);
    sample.status.writer_group.observe(3);
    for (const auto operation : {"fetch", "insert", "update"}) {
      metrics.request_finished(0, http::Method::post, 200, sample.name, 10, 100, 2ms);
      metrics.operation({sample.name, sample.engine, operation, BackendOutcome::ok, 1, 1, false, 1ms});
    }
    scrape.clients.push_back(std::move(sample));
  }
  scrape.shards = {metrics.numbers(), metrics.numbers()};
  timespec before{}, after{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
  const auto text = rendered(scrape);
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
  const double ms = static_cast<double>(after.tv_sec - before.tv_sec) * 1e3 +
                    static_cast<double>(after.tv_nsec - before.tv_nsec) / 1e6;
  RecordProperty("cpu_ms", std::to_string(ms));
  RecordProperty("bytes", std::to_string(text.size()));
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
  const ShardNumbers copy = metrics.numbers();
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
  const double copy_ms = static_cast<double>(after.tv_sec - before.tv_sec) * 1e3 +
                         static_cast<double>(after.tv_nsec - before.tv_nsec) / 1e6;
  RecordProperty("copy_ms", std::to_string(copy_ms));
  std::printf("scrape of 1000 clients: %zu bytes, %.1f ms; copy of a shard %.2f ms\n", text.size(), ms,
              copy_ms);
  EXPECT_EQ(copy.clients.size(), 1003U);
  EXPECT_LT(text.size(), 8U << 20);
}

}  // namespace
}  // namespace athena::telemetry

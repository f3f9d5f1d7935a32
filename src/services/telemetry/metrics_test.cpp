#include "services/telemetry/metrics.h"

#include <gtest/gtest.h>

#include <numeric>

namespace athena::telemetry {
namespace {

using namespace std::chrono_literals;
using http::Method;

std::uint64_t requests_of(const ShardNumbers& numbers, std::string_view client) {
  for (const auto& series : numbers.clients) {
    if (series.name != client) continue;
    const auto& entries = series.requests.entries();
    return std::accumulate(entries.begin(), entries.end(), std::uint64_t{0},
                           [](auto sum, const auto& entry) { return sum + entry.count; });
  }
  return 0;
}

void request(ShardMetrics& metrics, std::string_view client, int route = 0, Method method = Method::post,
             std::uint16_t status = 200) {
  metrics.request_started(route, method);
  metrics.request_finished(route, method, status, client, 10, 20, 2ms, "id");
  metrics.request_ended(route, method);
}

TEST(ShardMetrics, CountsRequestsByRouteMethodAndStatus) {
  ShardMetrics metrics;
  request(metrics, "a", 0);
  request(metrics, "a", 0);
  request(metrics, "a", 0, Method::post, 503);
  request(metrics, "a", -1, Method::other, 404);
  const auto& routes = metrics.numbers().routes;
  ASSERT_EQ(routes.size(), 2U);
  ASSERT_EQ(routes[1].requests.size(), 2U);
  EXPECT_EQ(routes[1].requests[0].count, 2U);
  EXPECT_EQ(routes[1].requests[0].request_bytes, 20U);
  EXPECT_EQ(routes[1].requests[0].response_bytes, 40U);
  EXPECT_EQ(routes[1].requests[0].duration.counts[1], 2U);
  EXPECT_EQ(routes[1].requests[1].key & 1023U, 503U);
  EXPECT_EQ(routes[0].requests[0].key >> 10, static_cast<unsigned>(Method::other));
  EXPECT_EQ(routes[1].in_flight[static_cast<std::size_t>(Method::post)], 0);
}

TEST(ShardMetrics, LabelsAreToldApartByTheirText) {
  ShardMetrics metrics;
  std::string name = "first";
  request(metrics, name);
  name = "other_one";  // the same address, another client
  request(metrics, name);
  const std::string again = "first";  // the same client at another address
  request(metrics, again);
  EXPECT_EQ(requests_of(metrics.numbers(), "first"), 2U);
  EXPECT_EQ(requests_of(metrics.numbers(), "other_one"), 1U);
}

TEST(ShardMetrics, ClientsBeyondTheLimitAreOther) {
  ClientLabels labels;
  ShardMetrics one(labels, 2), two(labels, 2);
  request(one, "a");
  request(two, "b");
  request(two, "c");
  request(one, "d");
  request(one, "b");
  request(one, "unknown");
  request(two, "direct");
  EXPECT_EQ(requests_of(one.numbers(), "other"), 1U);
  EXPECT_EQ(requests_of(one.numbers(), "b"), 1U);
  EXPECT_EQ(requests_of(two.numbers(), "other"), 1U);
  ShardNumbers total;
  total.add(one.numbers());
  total.add(two.numbers());
  EXPECT_EQ(total.clients.size(), 5U);
  EXPECT_EQ(requests_of(total, "b"), 2U);
  EXPECT_EQ(requests_of(total, "other"), 2U);
  EXPECT_EQ(requests_of(total, "unknown"), 1U);
  EXPECT_EQ(requests_of(total, "direct"), 1U);
}

TEST(ShardMetrics, SeriesStayBoundedUnderManyNames) {
  ClientLabels labels;
  ShardMetrics metrics(labels, 10);
  for (int i = 0; i < 10'000; ++i) request(metrics, "client" + std::to_string(i));
  EXPECT_EQ(metrics.numbers().clients.size(), 13U);
  EXPECT_EQ(requests_of(metrics.numbers(), "other"), 9990U);
}

TEST(ShardMetrics, WordsOfAnOpenSetDoNotGrowForEver) {
  ShardMetrics metrics;
  for (int i = 0; i < 10'000; ++i) metrics.rejected("reason" + std::to_string(i));
  EXPECT_LE(metrics.numbers().rejected.entries().size(), 64U);
}

TEST(ShardMetrics, OperationsCountRowsAndOutcomes) {
  ShardMetrics metrics;
  const BackendCall fetch{"a", contract::Engine::postgresql, "fetch", BackendOutcome::ok, 7, 0, true, 3ms};
  metrics.operation(fetch);
  auto failed = fetch;
  failed.outcome = BackendOutcome::timeout;
  failed.rows_returned = 0;
  failed.truncated = false;
  metrics.operation(failed);
  const auto& series = metrics.numbers().clients[3];
  EXPECT_EQ(series.name, "a");
  EXPECT_EQ(series.returned, 7U);
  EXPECT_EQ(series.truncated, 1U);
  EXPECT_EQ(series.operations.entries().size(), 2U);
  EXPECT_EQ(series.backend.entries().size(), 2U);
  ASSERT_EQ(metrics.numbers().cancelled.entries().size(), 1U);
  EXPECT_EQ(metrics.numbers().cancelled.entries()[0].first, "deadline");
}

TEST(ShardMetrics, TheSumOfShardsIsThatOfItsParts) {
  ShardMetrics one, two;
  request(one, "a", 3);
  request(two, "a", 5);
  one.error("unknown_client", 3);
  two.error("unknown_client", 3);
  one.auth_attempt("allowed", "");
  two.auth_attempt("allowed", "");
  one.loop_lag(1ms);
  ShardNumbers total;
  total.add(one.numbers());
  total.add(two.numbers());
  EXPECT_EQ(total.routes[4].requests[0].count, 1U);
  EXPECT_EQ(total.routes[6].requests[0].count, 1U);
  ASSERT_EQ(total.errors.entries().size(), 1U);
  EXPECT_EQ(total.errors.entries()[0].count, 2U);
  EXPECT_EQ(total.auth.entries()[0].count, 2U);
  EXPECT_EQ(total.loop_lag.counts[0], 1U);
  EXPECT_EQ(total.routes[4].requests[0].exemplar.text(), "id");
}

}  // namespace
}  // namespace athena::telemetry

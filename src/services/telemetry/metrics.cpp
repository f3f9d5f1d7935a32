#include "services/telemetry/metrics.h"

#include <algorithm>

namespace athena::telemetry {
namespace {

std::uint32_t request_key(int route, http::Method method, std::uint16_t status) {
  return (static_cast<std::uint32_t>(route + 1) << 16) | (static_cast<std::uint32_t>(method) << 10) | status;
}

std::uint32_t in_flight_key(int route, http::Method method) {
  return (static_cast<std::uint32_t>(route + 1) << 8) | static_cast<std::uint32_t>(method);
}

std::string join(std::initializer_list<std::string_view> labels) {
  std::string joined;
  for (const auto label : labels) {
    if (!joined.empty()) joined += '\x1f';
    joined += label;
  }
  return joined;
}

template <class Map>
void add_map(Map& total, const Map& part) {
  for (const auto& [key, value] : part) total[key] += value;
}

}  // namespace

void Histogram::observe(double seconds) {
  const auto* bucket = std::lower_bound(kBuckets.begin(), kBuckets.end(), seconds);
  ++counts[static_cast<std::size_t>(bucket - kBuckets.begin())];
  sum += seconds;
}

void Histogram::add(const Histogram& other) {
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += other.counts[i];
  sum += other.sum;
}

void ShardMetrics::add(Counters& counters, std::initializer_list<std::string_view> labels,
                       std::uint64_t amount) {
  counters[join(labels)] += amount;
}

void ShardMetrics::request_started(int route, http::Method method) {
  ++in_flight_[in_flight_key(route, method)];
}
void ShardMetrics::request_ended(int route, http::Method method) {
  --in_flight_[in_flight_key(route, method)];
}

void ShardMetrics::request_finished(int route, http::Method method, std::uint16_t status,
                                    std::string_view client, std::uint64_t request_bytes,
                                    std::uint64_t response_bytes, base::Clock::duration duration) {
  const auto key = request_key(route, method, status);
  if (key != last_key_) {
    last_ = &requests_[key];  // references into an unordered_map stay valid
    last_key_ = key;
  }
  ++last_->count;
  last_->request_bytes += request_bytes;
  last_->response_bytes += response_bytes;
  last_->duration.observe(std::chrono::duration<double>(duration).count());

  // Labels are static text or names of the registry, so their address identifies them.
  if (last_client_.key != key || last_client_.client.data() != client.data()) {
    last_client_ = {
        client, key,
        &by_client_[join({client, http::name(method), std::to_string(route), std::to_string(status / 100)})]};
  }
  ++*last_client_.counter;
}

void ShardMetrics::error(std::string_view code, int route) {
  add(errors_, {code, std::to_string(route)});
}
void ShardMetrics::rejected(std::string_view reason) {
  add(rejected_, {reason});
}
void ShardMetrics::stream_aborted(std::string_view reason) {
  add(aborted_, {reason});
}

void ShardMetrics::auth_attempt(std::string_view outcome, std::string_view reason) {
  if (last_auth_.first != outcome.data() || last_auth_.second != reason.data()) {
    last_auth_ = {outcome.data(), reason.data(), &auth_[join({outcome, reason})]};
  }
  ++*last_auth_.counter;
}

void ShardMetrics::client_resolved(std::string_view outcome) {
  if (last_resolution_.first != outcome.data()) {
    last_resolution_ = {outcome.data(), nullptr, &resolutions_[std::string(outcome)]};
  }
  ++*last_resolution_.counter;
}

void ShardMetrics::direct_rejected(std::string_view reason) {
  add(direct_rejected_, {reason});
}

void ShardMetrics::operation(std::string_view client, std::string_view engine, std::string_view operation,
                             bool ok, std::int64_t rows_returned, std::int64_t rows_written, bool truncated) {
  if (!ok) {
    add(operations_, {client, engine, operation, "error"});
    return;
  }
  auto& hit = last_operation_;
  if (hit.client.data() != client.data() || hit.operation.data() != operation.data()) {
    hit = {client, operation, &operations_[join({client, engine, operation, "ok"})],
           &rows_[join({client, "returned"})], &rows_[join({client, "written"})]};
  }
  ++*hit.operations;
  *hit.returned += static_cast<std::uint64_t>(rows_returned);
  *hit.written += static_cast<std::uint64_t>(rows_written);
  if (truncated) add(truncated_, {client});
}

void ShardMetrics::add_to(ShardMetrics& total) const {
  for (const auto& [key, series] : requests_) {
    auto& sum = total.requests_[key];
    sum.count += series.count;
    sum.request_bytes += series.request_bytes;
    sum.response_bytes += series.response_bytes;
    sum.duration.add(series.duration);
  }
  add_map(total.in_flight_, in_flight_);
  add_map(total.by_client_, by_client_);
  add_map(total.errors_, errors_);
  add_map(total.rejected_, rejected_);
  add_map(total.aborted_, aborted_);
  add_map(total.auth_, auth_);
  add_map(total.resolutions_, resolutions_);
  add_map(total.operations_, operations_);
  add_map(total.rows_, rows_);
  add_map(total.truncated_, truncated_);
  add_map(total.direct_rejected_, direct_rejected_);
}

}  // namespace athena::telemetry

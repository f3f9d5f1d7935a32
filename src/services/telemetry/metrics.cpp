#include "services/telemetry/metrics.h"

#include <algorithm>
#include <cstring>

#include "contract/error_code.h"

namespace athena::telemetry {
namespace {

std::uint32_t operation_index(std::string_view name) {
  std::uint32_t index = 0;
  while (index + 1 < kOperations.size() && kOperations[index].route != name) ++index;
  return index;
}

RequestSeries& series_of(RouteSeries& route, std::uint16_t key) {
  for (auto& series : route.requests) {
    if (series.key == key) return series;
  }
  auto& series = route.requests.emplace_back();
  series.key = key;
  return series;
}

}  // namespace

ProcessCounters& ProcessCounters::process() {
  static ProcessCounters counters;
  return counters;
}

bool ClientLabels::admit(std::string_view client, std::size_t most) {
  const std::lock_guard lock(mutex_);
  std::string name(client);
  if (admitted_.contains(name)) return true;
  if (admitted_.size() >= most) return false;
  admitted_.insert(std::move(name));
  return true;
}

void WordCounters::add(std::string_view first, std::string_view second, std::uint64_t amount) {
  for (auto& entry : entries_) {
    if (entry.first != first || entry.second != second) continue;
    entry.count += amount;
    return;
  }
  if (entries_.size() < kMost) entries_.push_back({std::string(first), std::string(second), amount});
}

ShardNumbers::ShardNumbers() : clients(3) {
  clients[kUnknownClient].name = "unknown";
  clients[kDirectClient].name = "direct";
  clients[kOtherClient].name = "other";
}

void ShardNumbers::add(const ShardNumbers& part) {
  if (routes.size() < part.routes.size()) routes.resize(part.routes.size());
  for (std::size_t i = 0; i < part.routes.size(); ++i) {
    const auto& from = part.routes[i];
    auto& to = routes[i];
    for (const auto& series : from.requests) {
      auto& sum = series_of(to, series.key);
      sum.count += series.count;
      sum.request_bytes += series.request_bytes;
      sum.response_bytes += series.response_bytes;
      sum.duration.add(series.duration);
      if (series.exemplar.length != 0) sum.exemplar = series.exemplar;
    }
    for (std::size_t m = 0; m < from.in_flight.size(); ++m) to.in_flight[m] += from.in_flight[m];
    to.pipelined += from.pipelined;
    to.exclusive += from.exclusive;
  }
  std::unordered_map<std::string_view, std::size_t> index;
  clients.reserve(clients.size() + part.clients.size());  // the names' text stays where it is
  for (std::size_t i = 0; i < clients.size(); ++i) index.emplace(clients[i].name, i);
  for (const auto& from : part.clients) {
    const auto [found, fresh] = index.try_emplace(from.name, clients.size());
    if (fresh) {
      clients.push_back(from);
      continue;
    }
    auto& to = clients[found->second];
    to.requests.add(from.requests);
    to.operations.add(from.operations);
    to.backend.add(from.backend);
    to.returned += from.returned;
    to.written += from.written;
    to.truncated += from.truncated;
  }
  errors.add(part.errors);
  rejected.add(part.rejected);
  aborted.add(part.aborted);
  auth.add(part.auth);
  auth_throttled += part.auth_throttled;
  resolutions.add(part.resolutions);
  direct_rejected.add(part.direct_rejected);
  cancelled.add(part.cancelled);
  for (std::size_t s = 0; s < stages.size(); ++s) {
    for (std::size_t e = 0; e < kEngines; ++e) stages[s][e].add(part.stages[s][e]);
  }
  for (std::size_t e = 0; e < kEngines; ++e) {
    for (std::size_t o = 0; o < kOperations.size(); ++o) backend[e][o].add(part.backend[e][o]);
  }
  loop_lag.add(part.loop_lag);
}

RouteSeries& ShardMetrics::route(int index) {
  const auto place = static_cast<std::size_t>(index + 1);
  if (place >= numbers_.routes.size()) numbers_.routes.resize(place + 1);
  return numbers_.routes[place];
}

ClientSeries& ShardMetrics::client(std::string_view name) {
  if (numbers_.clients[last_client_].name != name) last_client_ = find_client(name);
  return numbers_.clients[last_client_];
}

std::size_t ShardMetrics::find_client(std::string_view name) {
  if (client_index_.empty()) {
    for (std::size_t i = 0; i < numbers_.clients.size(); ++i)
      client_index_.emplace(numbers_.clients[i].name, i);
  }
  if (const auto found = client_index_.find(name); found != client_index_.end()) return found->second;
  const bool room =
      labels_ != nullptr ? labels_->admit(name, most_clients_) : numbers_.clients.size() < most_clients_ + 3;
  // Those without series of their own are not remembered: it is they who come and go.
  if (!room) return ShardNumbers::kOtherClient;
  const auto index = numbers_.clients.size();
  numbers_.clients.emplace_back().name = name;
  client_index_.emplace(name, index);
  return index;
}

void ShardMetrics::request_finished(int route_index, http::Method method, std::uint16_t status,
                                    std::string_view client_name, std::uint64_t request_bytes,
                                    std::uint64_t response_bytes, base::Clock::duration duration,
                                    std::string_view request_id) {
  const auto method_number = static_cast<std::uint32_t>(method);
  auto& series =
      series_of(route(route_index), static_cast<std::uint16_t>((method_number << 10) | (status & 1023U)));
  ++series.count;
  series.request_bytes += request_bytes;
  series.response_bytes += response_bytes;
  const double seconds = std::chrono::duration<double>(duration).count();
  series.duration.observe(seconds);
  if (!request_id.empty() && request_id.size() <= series.exemplar.id.size()) {
    series.exemplar.value = seconds;
    series.exemplar.length = static_cast<std::uint8_t>(request_id.size());
    std::memcpy(series.exemplar.id.data(), request_id.data(), request_id.size());
  }
  client(client_name)
      .requests.add((static_cast<std::uint32_t>(route_index + 1) << 16) | (method_number << 8) |
                    (status / 100U));
}

void ShardMetrics::error(std::string_view code, int route_index) {
  std::uint32_t place = 0;
  for (const auto& known : contract::error_catalogue()) {
    if (known.name == code) break;
    ++place;
  }
  numbers_.errors.add((static_cast<std::uint32_t>(route_index + 1) << 16) | place);
}

void ShardMetrics::operation(const BackendCall& call) {
  auto& series = client(call.client);
  const auto engine = static_cast<std::uint32_t>(call.engine);
  const auto what = operation_index(call.operation);
  const bool ok = call.outcome == BackendOutcome::ok;
  series.operations.add((engine << 16) | (what << 8) | (ok ? 1U : 0U));
  series.backend.add((engine << 8) | static_cast<std::uint32_t>(call.outcome));
  series.returned += static_cast<std::uint64_t>(call.rows_returned);
  series.written += static_cast<std::uint64_t>(call.rows_written);
  series.truncated += call.truncated ? 1 : 0;
  numbers_.backend[engine][what].observe(std::chrono::duration<double>(call.duration).count());
  if (call.outcome == BackendOutcome::cancelled) numbers_.cancelled.add(call.by_operator ? "operator" : "disconnect");
  if (call.outcome == BackendOutcome::timeout) numbers_.cancelled.add("deadline");
}

void ShardMetrics::postgres_path(int route_index, bool exclusive) {
  auto& series = route(route_index);
  ++(exclusive ? series.exclusive : series.pipelined);
}

}  // namespace athena::telemetry

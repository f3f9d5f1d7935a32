#include "services/telemetry/exposition.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <sys/resource.h>
#include <unistd.h>

#include <charconv>
#include <deque>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

namespace athena::telemetry {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

using LabelNames = std::initializer_list<const char*>;

/// Builds the families one after the other.
class Families {
 public:
  MetricFamily& open(std::string name, std::string help, MetricType type) {
    families_.push_back({"athena_" + std::move(name), std::move(help), type, {}});
    return families_.back();
  }
  void gauge(std::string name, std::string help, double value) {
    gauge_value(open(std::move(name), std::move(help), MetricType::Gauge), {}, value);
  }
  static void gauge_value(MetricFamily& family, std::vector<ClientMetric::Label> labels, double value) {
    auto& metric = family.metric.emplace_back();
    metric.label = std::move(labels);
    metric.gauge.value = value;
  }
  static void counter_value(MetricFamily& family, std::vector<ClientMetric::Label> labels, double value) {
    auto& metric = family.metric.emplace_back();
    metric.label = std::move(labels);
    metric.counter.value = value;
  }
  [[nodiscard]] std::string text() const {
    std::ostringstream out;
    prometheus::TextSerializer().Serialize(out, {families_.begin(), families_.end()});
    return out.str();
  }

 private:
  std::deque<MetricFamily> families_;  // references to its elements stay valid
};

std::vector<std::string_view> split(std::string_view labels) {
  std::vector<std::string_view> values;
  for (;;) {
    const auto end = labels.find('\x1f');
    values.push_back(labels.substr(0, end));
    if (end == std::string_view::npos) return values;
    labels.remove_prefix(end + 1);
  }
}

int to_int(std::string_view text) {
  int value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

ClientMetric::Label label(const char* name, std::string_view value) {
  return {name, std::string(value)};
}

struct RouteNames {
  std::span<const RouteLabel> routes;
  [[nodiscard]] std::string_view pattern(int route) const {
    return route < 0 ? "unmatched" : routes[static_cast<std::size_t>(route)].pattern;
  }
  [[nodiscard]] std::string_view group(int route) const {
    return route < 0 ? "other" : routes[static_cast<std::size_t>(route)].group;
  }
};

prometheus::ClientMetric::Histogram to_histogram(const Histogram& histogram) {
  prometheus::ClientMetric::Histogram result;
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i < histogram.counts.size(); ++i) {
    cumulative += histogram.counts[i];
    const double bound = i < kBuckets.size() ? kBuckets[i] : std::numeric_limits<double>::infinity();
    result.bucket.push_back({cumulative, bound});
  }
  result.sample_count = cumulative;
  result.sample_sum = histogram.sum;
  return result;
}

std::string status_family(unsigned status) {
  return std::to_string(status / 100) + "xx";
}

struct SeriesKey {
  int route;
  http::Method method;
  unsigned status;
  explicit SeriesKey(std::uint32_t key)
      : route(static_cast<int>(key >> 16) - 1),
        method(static_cast<http::Method>((key >> 10) & 63)),
        status(key & 1023) {}
};

/// First number of a field of /proc/self/status, in bytes; 0 when it is not there.
double proc_status_bytes(std::string_view field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(field)) return std::strtod(line.c_str() + field.size(), nullptr) * 1024;
  }
  return 0;
}

double count_entries(const char* folder) {
  std::error_code error;
  double count = 0;
  for (auto it = std::filesystem::directory_iterator(folder, error);
       !error && it != std::filesystem::directory_iterator(); it.increment(error)) {
    ++count;
  }
  return count;
}

void add_process(Families& out, const ProcessSample& process) {
  Families::gauge_value(out.open("build_info", "Version of the program; the value is 1.", MetricType::Gauge),
                        {label("version", process.version), label("revision", process.revision)}, 1);
  out.gauge("process_start_time_seconds", "Start of the process, Unix time.", process.start_time_seconds);
  out.gauge("uptime_seconds", "Seconds since the start.", process.uptime_seconds);
  out.gauge("process_available_parallelism", "Processors the process may use.",
            std::thread::hardware_concurrency());
  out.gauge("shards", "Event loop threads.", process.shards);
  out.gauge("process_resident_memory_bytes", "Resident memory.", proc_status_bytes("VmRSS:"));
  out.gauge("process_open_fds", "Open file descriptors.", count_entries("/proc/self/fd"));
  out.gauge("process_threads", "Threads of the process.", count_entries("/proc/self/task"));
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  Families::counter_value(
      out.open("process_cpu_seconds_total", "User and system time used.", MetricType::Counter), {},
      seconds(usage.ru_utime) + seconds(usage.ru_stime));
  auto& connections = out.open("http_connections", "Open HTTP connections.", MetricType::Gauge);
  Families::gauge_value(connections, {label("state", "active")},
                        static_cast<double>(process.connections_active));
  Families::gauge_value(connections, {label("state", "idle")}, static_cast<double>(process.connections_idle));
  out.gauge("draining", "1 while the gateway drains.", process.draining ? 1 : 0);
  out.gauge("jdbc_pool_cache_entries", "Pools of direct PostgreSQL URIs.",
            static_cast<double>(process.direct_pools));
}

void add_clients(Families& out, std::span<const ClientSample> clients) {
  using contract::Lifecycle;
  auto& registered = out.open("registry_clients", "Clients of the registry.", MetricType::Gauge);
  std::unordered_map<std::string, double> counts;
  for (const auto& client : clients) {
    counts[std::string(name(client.definition->engine)) + '\x1f' +
           std::string(name(client.definition->lifecycle))] += 1;
  }
  for (const auto& [key, count] : counts) {
    const auto parts = split(key);
    Families::gauge_value(registered, {label("engine", parts[0]), label("lifecycle", parts[1])}, count);
  }

  // One row per family: how its value is read from a client's status.
  struct PerClient {
    const char *name, *help;
    MetricType type;
    double (*value)(const engines::BackendStatus&);
  };
  static constexpr PerClient kPerClient[] = {
      {"pool_max_connections", "Ceiling of the client's connections.", MetricType::Gauge,
       [](const auto& s) { return static_cast<double>(s.pool.max); }},
      {"pool_waiting", "Requests waiting for a connection.", MetricType::Gauge,
       [](const auto& s) { return static_cast<double>(s.pool.waiting); }},
      {"pool_timeouts_total", "Requests refused because no connection became free.", MetricType::Counter,
       [](const auto& s) { return static_cast<double>(s.counters.pool_timeouts); }},
      {"backend_reconnects_total", "Connections opened after one was lost.", MetricType::Counter,
       [](const auto& s) { return static_cast<double>(s.counters.reconnects); }},
      {"gateway_retries_total", "Operations that ran again.", MetricType::Counter,
       [](const auto& s) { return static_cast<double>(s.counters.retries); }},
      {"prepared_statements", "Prepared statements held by all connections.", MetricType::Gauge,
       [](const auto& s) { return static_cast<double>(s.counters.prepared_statements); }},
      {"prepared_evictions_total", "Prepared statements closed to make room.", MetricType::Counter,
       [](const auto& s) { return static_cast<double>(s.counters.prepared_evictions); }},
      {"schema_cache_entries", "Tables in the schema caches.", MetricType::Gauge,
       [](const auto& s) { return static_cast<double>(s.counters.schema_cache_entries); }},
      {"schema_cache_reloads_total", "Tables read from the catalogue.", MetricType::Counter,
       [](const auto& s) { return static_cast<double>(s.counters.schema_cache_reloads); }},
      {"sqlite_queue", "Jobs waiting for the SQLite writer or readers.", MetricType::Gauge,
       [](const auto& s) { return static_cast<double>(s.queue); }},
      {"circuit_breaker_state", "0 closed, 1 half-open, 2 open, 3 forced offline.", MetricType::Gauge,
       [](const auto& s) {
         switch (s.state) {
           case engines::HealthState::half_open:
             return 1.0;
           case engines::HealthState::open:
             return 2.0;
           case engines::HealthState::forced_offline:
             return 3.0;
           default:
             return 0.0;
         }
       }},
  };
  for (const auto& family : kPerClient) {
    auto& opened = out.open(family.name, family.help, family.type);
    for (const auto& client : clients) {
      if (!client.has_engine) continue;
      std::vector<ClientMetric::Label> labels{label("client", client.definition->client_name)};
      if (family.type == MetricType::Counter) {
        Families::counter_value(opened, std::move(labels), family.value(client.status));
      } else {
        Families::gauge_value(opened, std::move(labels), family.value(client.status));
      }
    }
  }
  auto& up = out.open("client_up", "1 when the last contact with the client's backend succeeded.",
                      MetricType::Gauge);
  auto& pool = out.open("pool_connections", "Connections of the client's pool.", MetricType::Gauge);
  auto& routes = out.open("gateway_postgres_backend_total", "PostgreSQL requests by kind of connection.",
                          MetricType::Counter);
  for (const auto& client : clients) {
    if (!client.has_engine) continue;
    const auto& definition = *client.definition;
    const auto& status = client.status;
    Families::gauge_value(up,
                          {label("client", definition.client_name), label("engine", name(definition.engine))},
                          status.reachable ? 1 : 0);
    const auto connections = [&](const char* state, int count) {
      Families::gauge_value(pool, {label("client", definition.client_name), label("state", state)}, count);
    };
    connections("active", status.pool.active);
    connections("idle", status.pool.idle);
    connections("connecting", status.pool.connecting);
    if (definition.engine != contract::Engine::postgresql) continue;
    const auto kind = [&](const char* backend, std::uint64_t count) {
      Families::counter_value(routes, {label("client", definition.client_name), label("backend", backend)},
                              static_cast<double>(count));
    };
    kind("pipelined", status.counters.pipelined_requests);
    kind("exclusive", status.counters.exclusive_requests);
  }
}

}  // namespace

std::string Exposition::render(const ShardMetrics& total, const ProcessSample& process,
                               std::span<const RouteLabel> routes, std::span<const ClientSample> clients) {
  const RouteNames names{routes};
  Families out;
  add_process(out, process);

  std::unordered_map<std::string, std::array<double, 3>> by_family;  // count, request bytes, response bytes
  for (const auto& [key, series] : total.requests_) {
    const SeriesKey parts(key);
    auto& sum = by_family[std::string(http::name(parts.method)) + '\x1f' +
                          std::string(names.pattern(parts.route)) + '\x1f' + status_family(parts.status)];
    sum[0] += static_cast<double>(series.count);
    sum[1] += static_cast<double>(series.request_bytes);
    sum[2] += static_cast<double>(series.response_bytes);
  }
  const auto family_labels = [](const std::string& key) {
    const auto parts = split(key);
    return std::vector<ClientMetric::Label>{label("method", parts[0]), label("route", parts[1]),
                                            label("status_family", parts[2])};
  };
  {
    auto& family = out.open("http_requests_total", "Requests answered.", MetricType::Counter);
    for (const auto& [key, sum] : by_family) Families::counter_value(family, family_labels(key), sum[0]);
  }
  for (const std::size_t index : {std::size_t{1}, std::size_t{2}}) {
    auto& family =
        index == 1 ? out.open("http_request_bytes", "Bytes of requests, head and body.", MetricType::Summary)
                   : out.open("http_response_bytes", "Bytes of replies, head and body.", MetricType::Summary);
    for (const auto& [key, sum] : by_family) {
      auto& metric = family.metric.emplace_back();
      metric.label = family_labels(key);
      metric.summary.sample_count = static_cast<std::uint64_t>(sum[0]);
      metric.summary.sample_sum = sum[index];
    }
  }
  const auto series_labels = [&names](const SeriesKey& key) {
    return std::vector<ClientMetric::Label>{
        label("method", http::name(key.method)), label("route", names.pattern(key.route)),
        label("route_group", names.group(key.route)), label("status_code", std::to_string(key.status)),
        label("status_family", status_family(key.status))};
  };
  {
    auto& family =
        out.open("http_requests_by_status_code_total", "Requests answered, by status.", MetricType::Counter);
    for (const auto& [key, series] : total.requests_) {
      Families::counter_value(family, series_labels(SeriesKey(key)), static_cast<double>(series.count));
    }
  }
  {
    auto& family =
        out.open("http_request_duration_seconds_histogram",
                 "From the end of the request head to the last byte of the reply.", MetricType::Histogram);
    for (const auto& [key, series] : total.requests_) {
      auto& metric = family.metric.emplace_back();
      metric.label = series_labels(SeriesKey(key));
      metric.histogram = to_histogram(series.duration);
    }
  }
  {
    auto& family = out.open("http_in_flight_requests", "Requests being answered.", MetricType::Gauge);
    for (const auto& [key, count] : total.in_flight_) {
      const int route = static_cast<int>(key >> 8) - 1;
      Families::gauge_value(family,
                            {label("method", http::name(static_cast<http::Method>(key & 255))),
                             label("route", names.pattern(route)), label("route_group", names.group(route))},
                            static_cast<double>(count));
    }
  }
  {
    auto& family =
        out.open("http_requests_by_client_total", "Requests answered, by client.", MetricType::Counter);
    std::unordered_map<std::string, double> sums;
    for (const auto& [key, count] : total.by_client_) {
      const auto parts = split(key);
      sums[std::string(parts[0]) + '\x1f' + std::string(parts[1]) + '\x1f' +
           std::string(names.group(to_int(parts[2]))) + '\x1f' + std::string(parts[3]) + "xx"] +=
          static_cast<double>(count);
    }
    for (const auto& [key, sum] : sums) {
      const auto parts = split(key);
      Families::counter_value(family,
                              {label("client", parts[0]), label("method", parts[1]),
                               label("route_group", parts[2]), label("status_family", parts[3])},
                              sum);
    }
  }
  {
    auto& family = out.open("errors_total", "Failures sent, by code.", MetricType::Counter);
    std::unordered_map<std::string, double> sums;
    for (const auto& [key, count] : total.errors_) {
      const auto parts = split(key);
      sums[std::string(parts[0]) + '\x1f' + std::string(names.group(to_int(parts[1])))] +=
          static_cast<double>(count);
    }
    for (const auto& [key, sum] : sums) {
      const auto parts = split(key);
      Families::counter_value(family, {label("code", parts[0]), label("route_group", parts[1])}, sum);
    }
  }
  const auto plain = [&out](const char* family_name, const char* help, const ShardMetrics::Counters& counters,
                            LabelNames label_names) {
    auto& family = out.open(family_name, help, MetricType::Counter);
    for (const auto& [key, count] : counters) {
      const auto values = split(key);
      std::vector<ClientMetric::Label> labels;
      std::size_t i = 0;
      for (const auto* label_name : label_names) labels.push_back(label(label_name, values[i++]));
      Families::counter_value(family, std::move(labels), static_cast<double>(count));
    }
  };
  plain("http_rejected_total", "Connections and requests refused below the routes.", total.rejected_,
        {"reason"});
  plain("http_stream_aborts_total", "Replies cut after their first byte.", total.aborted_, {"reason"});
  plain("direct_rejected_total", "Requests with a direct PostgreSQL URI that were refused.",
        total.direct_rejected_, {"reason"});
  plain("auth_attempts_total", "Credentials looked at.", total.auth_, {"outcome", "reason"});
  plain("client_resolution_total", "Client names looked up.", total.resolutions_, {"outcome"});
  plain("gateway_operations_total", "Operations on clients.", total.operations_,
        {"client", "engine", "operation", "outcome"});
  plain("gateway_rows_total", "Rows returned and written.", total.rows_, {"client", "direction"});
  plain("gateway_truncated_total", "Results cut by the default limit or a cap.", total.truncated_,
        {"client"});
  add_clients(out, clients);
  return out.text();
}

}  // namespace athena::telemetry

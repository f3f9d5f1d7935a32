#include "services/telemetry/exposition.h"

#include <charconv>
#include <map>
#include <tuple>

#include "contract/error_code.h"

namespace athena::telemetry {
namespace {

using Kind = TextWriter::Kind;

/// Texts of numbers in labels.
class Digits {
 public:
  explicit Digits(std::uint64_t number)
      : end_(std::to_chars(text_.data(), text_.data() + text_.size(), number).ptr) {}
  operator std::string_view() const {  // NOLINT(google-explicit-constructor)
    return {text_.data(), static_cast<std::size_t>(end_ - text_.data())};
  }

 private:
  std::array<char, 20> text_;
  char* end_;
};

std::string_view status_family(std::uint64_t hundreds) {
  static constexpr std::array<std::string_view, 6> kFamilies{"0xx", "1xx", "2xx", "3xx", "4xx", "5xx"};
  return kFamilies[hundreds < kFamilies.size() ? hundreds : 0];
}

/// Names of the routes, by route index + 1.
struct RouteNames {
  std::span<const RouteLabel> routes;
  [[nodiscard]] std::string_view pattern(std::size_t place) const {
    return place == 0 || place > routes.size() ? "unmatched" : routes[place - 1].pattern;
  }
  [[nodiscard]] std::string_view group(std::size_t place) const {
    return place == 0 || place > routes.size() ? "other" : routes[place - 1].group;
  }
};

std::string_view method_name(std::size_t method) {
  return http::name(static_cast<http::Method>(method));
}

std::string_view engine_name(std::size_t engine) {
  return engine < contract::kEngineCount ? name(static_cast<contract::Engine>(engine)) : "none";
}

bool empty(const base::SecondsHistogram& histogram) {
  return histogram.counts == base::SecondsHistogram{}.counts;
}

/// Calls `each(place, method, status, series)`.
template <class Each>
void for_each_series(const ShardNumbers& total, Each each) {
  for (std::size_t place = 0; place < total.routes.size(); ++place) {
    for (const auto& series : total.routes[place].requests)
      each(place, static_cast<std::size_t>(series.key >> 10), series.key & 1023U, series);
  }
}

void words(TextWriter& out, const WordCounters& counters, std::string_view first,
           std::string_view second = {}) {
  for (const auto& entry : counters.entries()) {
    if (second.empty()) {
      out.sample({{first, entry.first}}, entry.count);
    } else {
      out.sample({{first, entry.first}, {second, entry.second}}, entry.count);
    }
  }
}

}  // namespace

void render_requests(const Scrape& scrape, const ShardNumbers& total, TextWriter& out) {
  const RouteNames names{scrape.routes};
  struct Sum {
    std::uint64_t count = 0, request_bytes = 0, response_bytes = 0;
  };
  std::map<std::tuple<std::size_t, std::size_t, std::size_t>, Sum> sums;  // route, method, status / 100
  for_each_series(total, [&](std::size_t place, std::size_t method, unsigned status, const auto& series) {
    auto& sum = sums[{place, method, status / 100}];
    sum.count += series.count;
    sum.request_bytes += series.request_bytes;
    sum.response_bytes += series.response_bytes;
  });
  const auto by_family = [&](auto write) {
    for (const auto& [key, sum] : sums) {
      const auto& [place, method, hundreds] = key;
      write(Label{"method", method_name(method)}, Label{"route", names.pattern(place)},
            Label{"status_family", status_family(hundreds)}, sum);
    }
  };
  out.family("http_requests_total", "Requests answered.", Kind::counter);
  by_family([&](Label method, Label route, Label family, const Sum& sum) {
    out.sample({method, route, family}, sum.count);
  });
  out.family("http_request_bytes", "Bytes of requests, head and body.", Kind::summary);
  by_family([&](Label method, Label route, Label family, const Sum& sum) {
    out.summary({method, route, family}, static_cast<double>(sum.request_bytes), sum.count);
  });
  out.family("http_response_bytes", "Bytes of replies, head and body.", Kind::summary);
  by_family([&](Label method, Label route, Label family, const Sum& sum) {
    out.summary({method, route, family}, static_cast<double>(sum.response_bytes), sum.count);
  });

  const auto by_status = [&](auto write) {
    for_each_series(total, [&](std::size_t place, std::size_t method, unsigned status, const auto& series) {
      const Digits code(status);
      write(Labels{{"method", method_name(method)},
                   {"route", names.pattern(place)},
                   {"route_group", names.group(place)},
                   {"status_code", code},
                   {"status_family", status_family(status / 100)}},
            series);
    });
  };
  out.family("http_requests_by_status_code_total", "Requests answered, by status.", Kind::counter);
  by_status([&](Labels labels, const RequestSeries& series) { out.sample(labels, series.count); });
  out.family("http_request_duration_seconds_histogram",
             "From the end of the request head to the last byte of the reply.", Kind::histogram);
  by_status([&](Labels labels, const RequestSeries& series) {
    out.histogram(labels, series.duration, series.exemplar.text(), series.exemplar.value);
  });

  out.family("http_in_flight_requests", "Requests being answered.", Kind::gauge);
  for (std::size_t place = 0; place < total.routes.size(); ++place) {
    const auto& route = total.routes[place];
    for (std::size_t method = 0; method < route.in_flight.size(); ++method) {
      const bool seen = std::any_of(route.requests.begin(), route.requests.end(),
                                    [&](const auto& series) { return (series.key >> 10) == method; });
      if (!seen && route.in_flight[method] == 0) continue;
      out.sample({{"method", method_name(method)},
                  {"route", names.pattern(place)},
                  {"route_group", names.group(place)}},
                 static_cast<double>(route.in_flight[method]));
    }
  }

  out.family("http_requests_by_client_total", "Requests answered, by client.", Kind::counter);
  for (const auto& client : total.clients) {
    std::map<std::tuple<std::size_t, std::string_view, std::size_t>, std::uint64_t> counts;
    for (const auto& [key, count] : client.requests.entries())
      counts[{(key >> 8) & 255U, names.group(key >> 16), key & 255U}] += count;
    for (const auto& [key, count] : counts) {
      const auto& [method, group, hundreds] = key;
      out.sample({{"client", client.name},
                  {"method", method_name(method)},
                  {"route_group", group},
                  {"status_family", status_family(hundreds)}},
                 count);
    }
  }

  out.family("errors_total", "Failures sent, by code.", Kind::counter);
  std::map<std::pair<std::size_t, std::string_view>, std::uint64_t> errors;
  for (const auto& [key, count] : total.errors.entries())
    errors[{key & 0xFFFFU, names.group(key >> 16)}] += count;
  for (const auto& [key, count] : errors) {
    const auto catalogue = contract::error_catalogue();
    const auto code = key.first < catalogue.size() ? catalogue[key.first].name : "internal_error";
    out.sample({{"code", code}, {"route_group", key.second}}, count);
  }
  out.family("http_rejected_total", "Connections and requests refused below the routes.", Kind::counter);
  words(out, total.rejected, "reason");
  out.family("http_connections_rejected_total", "Connections refused or closed before a request was read.",
             Kind::counter);
  for (const auto& entry : total.rejected.entries()) {
    if (entry.first == "limit") out.sample({{"reason", "limit"}}, entry.count);
  }
  out.family("http_stream_aborts_total", "Replies cut after their first byte.", Kind::counter);
  words(out, total.aborted, "reason");
  out.family("auth_attempts_total", "Credentials looked at.", Kind::counter);
  words(out, total.auth, "outcome", "reason");
  out.family("auth_throttled_total", "Wrong credentials refused with 429.", Kind::counter);
  out.sample({}, total.auth_throttled);
  out.family("client_resolution_total", "Client names looked up.", Kind::counter);
  words(out, total.resolutions, "outcome");
  out.family("direct_rejected_total", "Database addresses named by callers that were refused.",
             Kind::counter);
  words(out, total.direct_rejected, "reason");
}

void render_operations(const Scrape& scrape, const ShardNumbers& total, TextWriter& out) {
  const RouteNames names{scrape.routes};
  out.family("gateway_stage_seconds",
             "Where requests spent their time; one request in eight is measured. What is written while rows "
             "arrive is part of db.",
             Kind::histogram);
  for (std::size_t s = 0; s < kStages.size(); ++s) {
    for (std::size_t e = 0; e < ShardNumbers::kEngines; ++e) {
      if (!empty(total.stages[s][e]))
        out.histogram({{"stage", kStages[s]}, {"engine", engine_name(e)}}, total.stages[s][e]);
    }
  }
  out.family("gateway_operations_total", "Operations on clients.", Kind::counter);
  for (const auto& client : total.clients) {
    for (const auto& [key, count] : client.operations.entries()) {
      out.sample({{"client", client.name},
                  {"engine", engine_name(key >> 16)},
                  {"operation", kOperations[(key >> 8) & 255U].route},
                  {"outcome", (key & 255U) != 0 ? "ok" : "error"}},
                 count);
    }
  }
  out.family("gateway_rows_total", "Rows returned and written.", Kind::counter);
  for (const auto& client : total.clients) {
    if (client.operations.entries().empty()) continue;
    out.sample({{"client", client.name}, {"direction", "returned"}}, client.returned);
    out.sample({{"client", client.name}, {"direction", "written"}}, client.written);
  }
  out.family("gateway_truncated_total", "Results cut by the default limit or a cap.", Kind::counter);
  for (const auto& client : total.clients) {
    if (client.truncated != 0) out.sample({{"client", client.name}}, client.truncated);
  }
  out.family("gateway_postgres_backend_total", "PostgreSQL operations by kind of connection.", Kind::counter);
  for (std::size_t place = 0; place < total.routes.size(); ++place) {
    const auto& route = total.routes[place];
    if (route.pipelined + route.exclusive == 0) continue;
    out.sample({{"route", names.pattern(place)}, {"backend", "pipelined"}}, route.pipelined);
    out.sample({{"route", names.pattern(place)}, {"backend", "exclusive"}}, route.exclusive);
  }
  out.family("backend_requests_total", "Operations given to the clients' engines.", Kind::counter);
  for (const auto& client : total.clients) {
    for (const auto& [key, count] : client.backend.entries()) {
      out.sample({{"client", client.name},
                  {"engine", engine_name(key >> 8)},
                  {"outcome", kBackendOutcomes[key & 255U]}},
                 count);
    }
  }
  out.family("backend_duration_seconds", "Time operations took in their engine.", Kind::histogram);
  for (std::size_t e = 0; e < ShardNumbers::kEngines; ++e) {
    std::map<std::string_view, base::SecondsHistogram> sums;
    for (std::size_t o = 0; o < kOperations.size(); ++o) {
      if (!empty(total.backend[e][o])) sums[kOperations[o].backend].add(total.backend[e][o]);
    }
    for (const auto& [operation, histogram] : sums)
      out.histogram({{"engine", engine_name(e)}, {"operation", operation}}, histogram);
  }
  out.family("requests_cancelled_total", "Operations that ended before their database answered.",
             Kind::counter);
  words(out, total.cancelled, "reason");
  out.family("shard_loop_lag_seconds", "How late a timer of the event loop was, once a second.",
             Kind::histogram);
  for (std::size_t shard = 0; shard < scrape.shards.size(); ++shard)
    out.histogram({{"shard", Digits(shard)}}, scrape.shards[shard].loop_lag);
}

void render(const Scrape& scrape, TextWriter::Form form, base::Buffer& out) {
  ShardNumbers total;
  for (const auto& shard : scrape.shards) total.add(shard);
  TextWriter writer(out, form);
  render_process(scrape, writer);
  render_requests(scrape, total, writer);
  render_operations(scrape, total, writer);
  render_clients(scrape, writer);
  if (scrape.others) scrape.others(writer);
  writer.end();
}

}  // namespace athena::telemetry

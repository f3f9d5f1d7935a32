#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/deadline.h"
#include "http/message.h"

namespace athena::telemetry {

/// Upper bounds of duration histograms, in seconds.
inline constexpr std::array<double, 15> kBuckets{.001, .0025, .005, .01, .025, .05, .1, .25,
                                                 .5,   1,     2.5,  5,   10,   20,  30};

struct Histogram {
  std::array<std::uint64_t, kBuckets.size() + 1> counts{};
  double sum = 0;
  void observe(double seconds);
  void add(const Histogram& other);
};

/// What one (route, method, status) has seen.
struct RequestSeries {
  std::uint64_t count = 0;
  std::uint64_t request_bytes = 0;
  std::uint64_t response_bytes = 0;
  Histogram duration;
};

/// Counters of one shard. Written by that shard alone, without atomics; a scrape runs `add_to` on the shard
/// to get a copy. Every label is from a closed set: route index, method, status of the catalogue, registered
/// client.
class ShardMetrics {
 public:
  void request_started(int route, http::Method method);
  void request_ended(int route, http::Method method);
  void request_finished(int route, http::Method method, std::uint16_t status, std::string_view client,
                        std::uint64_t request_bytes, std::uint64_t response_bytes,
                        base::Clock::duration duration);
  void error(std::string_view code, int route);
  void rejected(std::string_view reason);
  void stream_aborted(std::string_view reason);
  void auth_attempt(std::string_view outcome, std::string_view reason);
  void client_resolved(std::string_view outcome);
  /// A direct URI that was refused; `reason` is static text of a closed set.
  void direct_rejected(std::string_view reason);
  /// `operation`: fetch, insert, update, delete; `outcome`: ok or an error code's family.
  void operation(std::string_view client, std::string_view engine, std::string_view operation, bool ok,
                 std::int64_t rows_returned, std::int64_t rows_written, bool truncated);

  /// Adds this shard's numbers to `total`.
  void add_to(ShardMetrics& total) const;

 private:
  friend class Exposition;
  using Labels = std::string;  // label values joined by '\x1f'
  using Counters = std::unordered_map<Labels, std::uint64_t>;
  static void add(Counters& counters, std::initializer_list<std::string_view> labels,
                  std::uint64_t amount = 1);

  std::unordered_map<std::uint32_t, RequestSeries> requests_;  // route << 16 | method << 10 | status
  std::unordered_map<std::uint32_t, std::int64_t> in_flight_;  // route << 8 | method
  Counters by_client_, errors_, rejected_, aborted_, auth_, resolutions_, operations_, rows_, truncated_,
      direct_rejected_;
  // the series of the last request, as most requests repeat it
  std::uint32_t last_key_ = UINT32_MAX;
  RequestSeries* last_ = nullptr;
  struct LabelHit {
    const char *first = nullptr, *second = nullptr;
    std::uint64_t* counter = nullptr;
  } last_auth_, last_resolution_;
  struct ClientHit {
    std::string_view client;
    std::uint32_t key = UINT32_MAX;
    std::uint64_t* counter = nullptr;
  } last_client_;
  struct OperationHit {
    std::string_view client, operation;
    std::uint64_t *operations = nullptr, *returned = nullptr, *written = nullptr;
  } last_operation_;
};

/// What the process as a whole adds to a scrape.
struct ProcessSample {
  std::string version, revision;
  double start_time_seconds = 0, uptime_seconds = 0;
  unsigned shards = 1;
  std::uint64_t connections_active = 0, connections_idle = 0;
  bool draining = false;
  std::uint64_t direct_pools = 0;
};

struct RouteLabel {
  std::string_view pattern;
  std::string_view group;
};

}  // namespace athena::telemetry

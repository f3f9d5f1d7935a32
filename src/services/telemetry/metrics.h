#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/deadline.h"
#include "base/histogram.h"
#include "contract/capability.h"
#include "http/message.h"

namespace athena::telemetry {

/// What the process counts outside its shards. Any thread.
struct ProcessCounters {
  std::atomic<std::uint64_t> reloads_ok{0}, reloads_failed{0}, log_lines_dropped{0};
  static ProcessCounters& process();
};

/// Which clients have series of their own: the first ones that were seen, up to a limit. One for all shards,
/// so that they agree; a shard asks once per name. Any thread.
class ClientLabels {
 public:
  bool admit(std::string_view client, std::size_t most);

 private:
  std::mutex mutex_;
  std::unordered_set<std::string> admitted_;
};

/// Counters by small numbers. A lookup walks a handful of entries: no hash, and no allocation but for the
/// first of a kind.
class SmallCounters {
 public:
  struct Entry {
    std::uint32_t key;
    std::uint64_t count;
  };
  void add(std::uint32_t key, std::uint64_t amount = 1) {
    for (auto& entry : entries_) {
      if (entry.key != key) continue;
      entry.count += amount;
      return;
    }
    entries_.push_back({key, amount});
  }
  void add(const SmallCounters& other) {
    for (const auto& entry : other.entries_) add(entry.key, entry.count);
  }
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::vector<Entry> entries_;
};

/// Counters by one or two words of a closed set.
class WordCounters {
 public:
  struct Entry {
    std::string first, second;
    std::uint64_t count;
  };
  void add(std::string_view first, std::string_view second = {}, std::uint64_t amount = 1);
  void add(const WordCounters& other) {
    for (const auto& entry : other.entries_) add(entry.first, entry.second, entry.count);
  }
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }

 private:
  static constexpr std::size_t kMost = 64;  // should a caller break the rule of the closed set
  std::vector<Entry> entries_;
};

enum class Stage : std::uint8_t { auth, plan, wait, database, encode };
inline constexpr std::array<std::string_view, 5> kStages{"auth", "plan", "wait", "db", "encode"};

enum class BackendOutcome : std::uint8_t { ok, client_error, error, unreachable, timeout, cancelled };
inline constexpr std::array<std::string_view, 6> kBackendOutcomes{"ok",          "client_error", "error",
                                                                  "unreachable", "timeout",      "cancelled"};

/// Operations as routes name them, and the word of backend_duration_seconds for each.
struct OperationName {
  std::string_view route, backend;
};
inline constexpr std::array<OperationName, 9> kOperations{{{"fetch", "select"},
                                                           {"insert", "insert"},
                                                           {"update", "update"},
                                                           {"delete", "delete"},
                                                           {"query", "raw"},
                                                           {"sql", "raw"},
                                                           {"count", "count"},
                                                           {"rpc", "call"},
                                                           {"other", "select"}}};

/// The last request of a series, for OpenMetrics.
struct Exemplar {
  double value = 0;
  std::uint8_t length = 0;  ///< 0 = none
  std::array<char, 47> id;
  [[nodiscard]] std::string_view text() const { return {id.data(), length}; }
};

/// What one (route, method, status) has seen.
struct RequestSeries {
  std::uint16_t key = 0;  ///< method << 10 | status
  std::uint64_t count = 0, request_bytes = 0, response_bytes = 0;
  base::SecondsHistogram duration;
  Exemplar exemplar;
};

/// What one route has seen.
struct RouteSeries {
  std::vector<RequestSeries> requests;
  std::array<std::int64_t, 8> in_flight{};     ///< by method
  std::uint64_t pipelined = 0, exclusive = 0;  ///< PostgreSQL operations
};

/// What one client has seen.
struct ClientSeries {
  std::string name;
  SmallCounters requests;    ///< route + 1 << 16 | method << 8 | status / 100
  SmallCounters operations;  ///< engine << 16 | operation << 8 | ok
  SmallCounters backend;     ///< engine << 8 | BackendOutcome
  std::uint64_t returned = 0, written = 0, truncated = 0;
};

/// The numbers of a shard, or of all shards: plain values that are copied for a scrape.
struct ShardNumbers {
  static constexpr std::size_t kEngines = contract::kEngineCount + 1;  // the last one is `none`
  static constexpr std::size_t kUnknownClient = 0, kDirectClient = 1, kOtherClient = 2;

  std::vector<RouteSeries> routes;    ///< by route index + 1
  std::vector<ClientSeries> clients;  ///< unknown, direct, other, then as they came
  SmallCounters errors;               ///< route + 1 << 16 | place in the catalogue
  std::uint64_t auth_throttled = 0;
  WordCounters rejected, aborted, auth, resolutions, direct_rejected, cancelled;
  std::array<std::array<base::SecondsHistogram, kEngines>, kStages.size()> stages;
  std::array<std::array<base::SecondsHistogram, kOperations.size()>, kEngines> backend;
  base::SecondsHistogram loop_lag;

  ShardNumbers();
  void add(const ShardNumbers& part);
};

/// An operation that an engine has ended.
struct BackendCall {
  std::string_view client;
  contract::Engine engine;
  std::string_view operation;  ///< of the route
  BackendOutcome outcome;
  std::int64_t rows_returned, rows_written;
  bool truncated;
  base::Clock::duration duration;
  bool by_operator = false;  ///< cancelled, by an operator
};

/// Counters of one shard. Written by that shard alone, without atomics; a scrape copies numbers() on the
/// shard. Every label is from a closed set. Labels are told apart by their text, never by its address, so a
/// reload may move or drop the names.
class ShardMetrics {
 public:
  ShardMetrics() = default;
  /// Clients beyond the first `most_clients` of the process are counted as `other`. `labels` outlives this.
  ShardMetrics(ClientLabels& labels, std::size_t most_clients)
      : labels_(&labels), most_clients_(most_clients) {}
  /// A reload changed the limit; clients that have series keep them.
  void limit_clients(std::size_t most) { most_clients_ = most; }

  void request_started(int route, http::Method method) { ++in_flight(route, method); }
  void request_ended(int route, http::Method method) { --in_flight(route, method); }
  void request_finished(int route, http::Method method, std::uint16_t status, std::string_view client,
                        std::uint64_t request_bytes, std::uint64_t response_bytes,
                        base::Clock::duration duration, std::string_view request_id = {});
  void error(std::string_view code, int route);
  void rejected(std::string_view reason) { numbers_.rejected.add(reason); }
  void stream_aborted(std::string_view reason) { numbers_.aborted.add(reason); }
  void auth_attempt(std::string_view outcome, std::string_view reason) { numbers_.auth.add(outcome, reason); }
  /// A wrong credential was refused by the throttle.
  void auth_throttled() { ++numbers_.auth_throttled; }
  void client_resolved(std::string_view outcome) { numbers_.resolutions.add(outcome); }
  /// A direct URI was refused: word of a closed set.
  void direct_rejected(std::string_view reason) { numbers_.direct_rejected.add(reason); }
  void operation(const BackendCall& call);
  void postgres_path(int route, bool exclusive);
  void stage(Stage stage, std::size_t engine, base::Clock::duration duration) {
    numbers_.stages[static_cast<std::size_t>(stage)][engine].observe(
        std::chrono::duration<double>(duration).count());
  }
  void loop_lag(base::Clock::duration lag) {
    numbers_.loop_lag.observe(std::chrono::duration<double>(lag).count());
  }
  /// True for one request in eight: its stages are measured.
  bool stages_wanted() { return (++requests_seen_ & 7) == 0; }

  [[nodiscard]] const ShardNumbers& numbers() const { return numbers_; }

 private:
  RouteSeries& route(int index);
  std::int64_t& in_flight(int index, http::Method method) {
    return route(index).in_flight[static_cast<std::size_t>(method)];
  }
  ClientSeries& client(std::string_view name);
  std::size_t find_client(std::string_view name);

  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  ShardNumbers numbers_;
  std::unordered_map<std::string, std::size_t, Hash, std::equal_to<>> client_index_;
  std::size_t last_client_ = 0;  // most requests repeat the one before
  ClientLabels* labels_ = nullptr;
  std::size_t most_clients_ = 1000;
  std::uint64_t requests_seen_ = 0;
};

}  // namespace athena::telemetry

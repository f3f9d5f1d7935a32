#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

#include "base/histogram.h"
#include "services/records/record.h"
#include "services/telemetry/text_writer.h"

namespace athena::records {

/// Why a record was not written.
enum class Dropped : std::uint8_t { queue, rate, content, shutdown };
inline constexpr std::array<std::string_view, 4> kDroppedNames{"queue", "rate", "content", "shutdown"};

/// The tables retention deletes from, and whose days decide.
enum class Age : std::uint8_t { request, operation, auth, event, expires };
struct AgedTable {
  std::string_view name;
  Age age;
  bool in_auth_home = false;
};
inline constexpr std::array<AgedTable, 10> kAgedTables{{{"gateway_request_log", Age::request},
                                                        {"gateway_operation_log", Age::operation},
                                                        {"api_key_auth_log", Age::auth, true},
                                                        {"gateway_admission_events", Age::event},
                                                        {"pipeline_step_log", Age::event},
                                                        {"client_alert_queries", Age::event},
                                                        {"query_history", Age::event},
                                                        {"ui_request_log", Age::event},
                                                        {"gateway_deferred_requests", Age::expires},
                                                        {"gateway_idempotency_keys", Age::expires}}};

/// What the pipeline of records counts, of the whole process. Any thread.
struct Counters {
  std::array<std::atomic<std::uint64_t>, kKinds> written{};
  std::array<std::array<std::atomic<std::uint64_t>, kDroppedNames.size()>, kKinds> dropped{};
  std::array<std::atomic<std::uint64_t>, kKinds> depth{};  ///< records that wait
  std::atomic<std::uint64_t> flush_failures{0}, purged{0};
  std::array<std::atomic<std::uint64_t>, kAgedTables.size()> deleted{};
  base::SharedHistogram<base::kSecondsBounds> flush_seconds;

  void drop(Kind kind, Dropped why, std::uint64_t count = 1) {
    dropped[static_cast<std::size_t>(kind)][static_cast<std::size_t>(why)].fetch_add(
        count, std::memory_order_relaxed);
  }
  void write(Kind kind, std::uint64_t count) {
    written[static_cast<std::size_t>(kind)].fetch_add(count, std::memory_order_relaxed);
  }
};

/// Their metric families. Any thread.
void render(const Counters& counters, telemetry::TextWriter& out);

}  // namespace athena::records

#include "services/records/counters.h"

namespace athena::records {

void render(const Counters& counters, telemetry::TextWriter& out) {
  using Metric = telemetry::TextWriter::Kind;
  const auto load = [](const auto& counter) { return counter.load(std::memory_order_relaxed); };
  out.family("telemetry_queue_depth", "Records that wait for the store.", Metric::gauge);
  for (std::size_t kind = 0; kind < kQueuedKinds; ++kind)
    out.sample({{"kind", kKindNames[kind]}}, static_cast<double>(load(counters.depth[kind])));
  out.family("telemetry_written_total", "Rows written to the store.", Metric::counter);
  for (std::size_t kind = 0; kind < kKinds; ++kind)
    out.sample({{"kind", kKindNames[kind]}}, load(counters.written[kind]));
  out.family("telemetry_dropped_total", "Records that were not logged.", Metric::counter);
  for (std::size_t kind = 0; kind < kKinds; ++kind) {
    for (std::size_t why = 0; why < kDroppedNames.size(); ++why) {
      out.sample({{"kind", kKindNames[kind]}, {"reason", kDroppedNames[why]}},
                 load(counters.dropped[kind][why]));
    }
  }
  out.family("telemetry_flush_seconds", "Transactions that write records.", Metric::histogram);
  out.histogram({}, counters.flush_seconds.copy());
  out.family("telemetry_flush_failures_total", "Those that failed.", Metric::counter);
  out.sample({}, load(counters.flush_failures));
  out.family("retention_deleted_total", "Rows deleted because of their age or number.", Metric::counter);
  for (std::size_t table = 0; table < kAgedTables.size(); ++table)
    out.sample({{"table", kAgedTables[table].name}}, load(counters.deleted[table]));
  out.family("realtime_registry_purged_total", "Connections forgotten because they were idle.",
             Metric::counter);
  out.sample({}, load(counters.purged));
}

}  // namespace athena::records

#pragma once

#include <atomic>
#include <cstdint>

#include "contract/client_definition.h"
#include "contract/settings.h"
#include "engines/sqlite/health.h"
#include "engines/sqlite/reader_pool.h"
#include "engines/sqlite/task.h"
#include "engines/sqlite/writer.h"

namespace athena::sqlite {

/// A database file with all who work on it; one per client, shared by the shards.
class File {
 public:
  File(const contract::SqliteConnection& options_in, contract::SettingsView settings)
      : options(options_in),
        health(settings),
        writer(options, settings, health, waiting),
        readers(options, health, writer, waiting) {}

  /// A `:memory:` database is one connection, that of the writer thread.
  [[nodiscard]] bool in_memory() const { return options.path == ":memory:"; }
  /// Queues work that only reads.
  contract::Result<void> submit_read(TaskPtr task) {
    return in_memory() ? writer.submit(std::move(task)) : readers.submit(std::move(task));
  }

  const contract::SqliteConnection options;
  WaitingCount waiting;
  Health health;
  Writer writer;
  ReaderPool readers;
  std::atomic<std::uint64_t> inline_reads{0};
  std::atomic<std::uint64_t> queued_operations{0};
  std::atomic<std::uint64_t> schema_loads{0};
};

}  // namespace athena::sqlite

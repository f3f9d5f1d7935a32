#include "engines/sqlite/library.h"

#include <sqlite3.h>

#include <mutex>

namespace athena::sqlite {

void configure_library() {
  static std::once_flag once;
  std::call_once(once, [] {
    // The counters behind sqlite3_memory_used are one lock for all threads at every allocation, and nobody
    // reads them.
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    sqlite3_initialize();
  });
}

}  // namespace athena::sqlite

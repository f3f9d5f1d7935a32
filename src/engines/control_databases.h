#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_set>
#include <vector>

namespace athena::engines {

/// Whether a client's database holds the gateway's own tables.
enum class HoldsControlTables : std::uint8_t {
  no,
  yes,
  unknown,  ///< only a connection can tell, and there was none yet
};

/// The databases that hold the gateway's own tables: the homes of its store. Filled at the start, before the
/// first client; one for the process. Any thread.
class ControlDatabases {
 public:
  static ControlDatabases& process();

  /// A SQLite home. It is recognised by device and inode, so under any of its names.
  void add_file(std::string path);
  [[nodiscard]] bool is_file(const std::string& path) const;

  /// A PostgreSQL home: `host:port/database`. postgres::add_control_database() makes it.
  void add_server(std::string place);
  [[nodiscard]] bool is_server(const std::string& place) const;
  /// There is one, so servers are worth being asked who they are.
  [[nodiscard]] bool asks_servers() const { return asks_servers_.load(std::memory_order_relaxed); }

  /// Who the server and database of a home are: never 0.
  void add_identity(std::uint64_t identity);
  [[nodiscard]] bool is_identity(std::uint64_t identity) const;

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> files_;
  std::unordered_set<std::string> servers_;
  std::atomic<bool> asks_servers_{false};
  std::array<std::atomic<std::uint64_t>, 8> identities_{};
};

/// One number for PostgreSQL's system identifier and the oid of a database, as texts; never 0.
std::uint64_t database_identity(const std::string& system_identifier, const std::string& database_oid);

}  // namespace athena::engines

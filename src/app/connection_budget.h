#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "app/config.h"

namespace athena::app {

/// What the pools of all clients may open on one PostgreSQL server, against what it takes.
struct ServerBudget {
  std::string server;                ///< `host:port`, or the socket's folder and port
  std::vector<std::string> clients;  ///< names, in the order of the configuration
  std::int64_t ceiling = 0;          ///< sum of their pool.max_connections, of one instance
  std::int64_t instances = 1;
  std::optional<std::int64_t> max_connections;  ///< as the server says; none = not asked, or no answer
  std::int64_t reserved = 0;                    ///< its superuser_reserved_connections
  std::string error;                            ///< why there is no answer; no secret, no driver text
  [[nodiscard]] std::int64_t usable() const { return max_connections.value_or(0) - reserved; }
  /// There is room for every connection, or nobody knows.
  [[nodiscard]] bool ok() const { return !max_connections || ceiling * instances <= usable(); }
};

/// One entry per server (host and port) of the active PostgreSQL clients; pools of direct URIs don't count.
/// With a timeout each server is asked, all at once, on threads of their own; returns after at most that
/// time. Blocks: never from a shard.
std::vector<ServerBudget> connection_budget(const Config& config, std::int64_t instances,
                                            std::optional<std::chrono::milliseconds> ask_within);

/// The line for the log when the sum is above what the server takes: both numbers and the keys to change;
/// empty when there is nothing to say.
std::string budget_warning(const ServerBudget& budget);

}  // namespace athena::app

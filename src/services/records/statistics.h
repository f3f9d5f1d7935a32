#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "services/control/session.h"

namespace athena::records {

/// Statistics of requests that came to no registered client, and of direct URIs.
inline constexpr std::string_view kUnknownClient = "unknown";
inline constexpr std::string_view kDirectClient = "direct";
/// Operations on further tables of a client, and those without a table.
inline constexpr std::string_view kOtherTables = "_other";
inline constexpr std::string_view kNoTable = "_none";

/// What one client gains by a batch. `base`: what is counted but is no row of a log.
struct ClientDelta {
  struct Counts {
    std::int64_t requests = 0, successful = 0, failed = 0, cached = 0, operations = 0;
  };
  std::string client;
  Counts total, base;
  std::int64_t last_request_ms = 0, last_operation_ms = 0;  ///< 0 = none
};

struct TableDelta {
  std::string client, table, operation;
  std::int64_t total = 0, errors = 0, base_total = 0, base_errors = 0;
  std::int64_t last_ms = 0;
};

/// Which tables of which clients have statistics of their own: the first 2000 of each client.
class KnownTables {
 public:
  static constexpr std::size_t kMost = 2000;
  /// The name that a table's operations count under. `client_key` in lower case.
  std::string_view admit(const std::string& client_key, std::string_view table);
  void add(const std::string& client_key, std::string_view table);

 private:
  std::unordered_map<std::string, std::unordered_set<std::string>> tables_;
};

/// Deltas of one batch, merged per key; the maps give the order in which rows are written, the same in every
/// instance.
class Statistics {
 public:
  struct Request {
    std::string_view client;
    bool failed = false, cached = false;
    std::int64_t time_ms = 0;
  };
  struct Operation {
    std::string_view client, table, operation;
    bool failed = false;
    std::int64_t time_ms = 0;
  };
  explicit Statistics(KnownTables& tables) : tables_(&tables) {}
  /// `logged`: it has a row in its log.
  void add(const Request& request, bool logged);
  void add(const Operation& operation, bool logged);
  /// A row that add() was told to be logged is not.
  void not_logged(const Request& request);
  void not_logged(const Operation& operation);

  [[nodiscard]] const std::map<std::string, ClientDelta>& clients() const { return clients_; }
  [[nodiscard]] std::size_t keys() const { return clients_.size() + operations_.size(); }
  /// Adds the deltas to the store, in the transaction that is open.
  control::StoreResult<void> write(control::Session& session, std::int64_t now_ms) const;

 private:
  ClientDelta& client(std::string_view name);
  TableDelta& table(const Operation& operation);

  KnownTables* tables_;
  std::map<std::string, ClientDelta> clients_;
  std::map<std::string, TableDelta> operations_;
};

/// `($1,$2),($3,$4)` for `rows` rows of `columns` values.
std::string placeholders(std::size_t rows, std::size_t columns);

}  // namespace athena::records

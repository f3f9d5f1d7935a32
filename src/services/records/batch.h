#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "services/control/session.h"
#include "services/records/counters.h"
#include "services/records/record.h"
#include "services/records/settings.h"
#include "services/records/statistics.h"

namespace athena::records {

/// What the writer knows beside the records.
struct BatchContext {
  const Settings& settings;
  std::string_view instance_id;
  std::string_view fingerprint_key;  ///< of athena_settings; empty = not known, no fingerprints
  KnownTables& tables;
  Counters& counters;
  /// The hour in which the first use of a key was last logged, by public id.
  std::unordered_map<std::string, std::int64_t>& first_uses;
};

/// The 16 hex characters that stand for a presented key; empty without a key.
std::string fingerprint(std::string_view key, std::string_view presented);
inline constexpr std::string_view kFingerprintVersion = "v1";

/// Rows of one log.
struct LogRows {
  std::string_view table;
  Kind kind;
  const std::vector<std::string_view>* columns;
  std::vector<control::Row> rows;
};

/// A row of gateway_connection_registry_realtime as it is merged.
struct RegistryDelta {
  std::string client, address, url;
  std::string public_id, key_id;
  bool authenticated = false, authorized = false;
  std::string method, path, user_agent, request_id;
  std::int64_t status = 0, hits = 0, first_ms = 0, last_ms = 0;
};

/// Everything one transaction writes, made from records. `rows` is the number of log rows the rate still
/// allows; what is above is counted but not logged, failures last.
class Batch {
 public:
  static constexpr std::size_t kMostRegistryKeys = 20000;
  enum Log : std::uint8_t { requests, operations, slow, auth };

  Batch(const BatchContext& context, const std::vector<Chunk>& chunks, std::int64_t allowed_rows);

  [[nodiscard]] bool empty() const;
  [[nodiscard]] const std::vector<LogRows>& logs() const { return logs_; }
  [[nodiscard]] const Statistics& statistics() const { return statistics_; }
  [[nodiscard]] const std::map<std::string, RegistryDelta>& registry() const { return registry_; }
  /// Public ids of keys, and clients in lower case, with when they were last used.
  [[nodiscard]] const std::map<std::string, std::int64_t>& keys_used() const { return keys_used_; }
  [[nodiscard]] const std::map<std::string, std::int64_t>& clients_seen() const { return clients_seen_; }
  /// Log rows, of all logs.
  [[nodiscard]] std::int64_t row_count() const;
  /// Takes a row out that the store refuses, and counts it.
  void drop_row(std::size_t log, std::size_t row);
  /// Forgets the uses of keys and clients that `told` has from less than a minute before.
  void forget_told(const std::map<std::string, std::int64_t>& told_keys,
                   const std::map<std::string, std::int64_t>& told_clients);

 private:
  void add(const RequestHead& head, const std::array<std::string_view, RequestHead::kTexts>& texts);
  void add(const OperationHead& head, const std::array<std::string_view, OperationHead::kTexts>& texts);
  void add(const AuthHead& head, const std::array<std::string_view, AuthHead::kTexts>& texts);
  void add_slow(const OperationHead& head, const std::array<std::string_view, OperationHead::kTexts>& texts);
  void add_connection(const RequestHead& head, const std::array<std::string_view, RequestHead::kTexts>& texts,
                      std::string_view user_agent);
  bool admit(Kind kind, bool failed);

  const BatchContext& context_;
  std::int64_t allowed_, spare_for_failures_ = 0;
  std::vector<LogRows> logs_;
  std::vector<Statistics::Request> request_stats_;      // of each row of the request log
  std::vector<Statistics::Operation> operation_stats_;  // the same; views into the rows
  Statistics statistics_;
  std::map<std::string, RegistryDelta> registry_;
  std::map<std::string, std::int64_t> keys_used_, clients_seen_;
};

}  // namespace athena::records

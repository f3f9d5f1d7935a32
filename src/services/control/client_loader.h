#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "services/control/clients.h"
#include "services/control/session.h"

namespace athena::control {

/// The catalogue as the store has it. Immutable.
struct ClientCatalogue {
  std::int64_t version = 0;
  std::vector<ClientRow> live;    ///< not deleted, by row id
  std::set<std::string> deleted;  ///< in lower case: names whose rows are all deleted
};

/// Keeps the clients that requests are routed to as the store has them. Thread-safe.
class ClientLoader {
 public:
  using Publish = std::function<void(std::shared_ptr<const ClientCatalogue>)>;

  /// `publish` puts a catalogue into force on every shard before it returns.
  explicit ClientLoader(Publish publish) : publish_(std::move(publish)) {}

  /// Reads what changed since the last time, all of it the first time, and publishes it: what the store held
  /// when this was called is in force when it returns. A failure leaves what is in force.
  StoreResult<void> refresh(Session& session);
  /// -1 = the store was not read yet.
  [[nodiscard]] std::int64_t version() const;

 private:
  StoreResult<void> load(Session& session, std::int64_t version);

  const Publish publish_;
  mutable std::mutex mutex_;
  std::map<std::int64_t, ClientRow> rows_;  // live ones by row id
  std::set<std::string> deleted_names_;     // of rows that were deleted, whether or not others live
  std::int64_t version_ = -1;
};

}  // namespace athena::control

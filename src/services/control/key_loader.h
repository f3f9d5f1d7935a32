#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>

#include "services/auth/key_state.h"
#include "services/control/session.h"

namespace athena::control {

/// Keeps the keys that requests are checked against as the store has them. Thread-safe.
class KeyLoader {
 public:
  using Publish = std::function<void(std::shared_ptr<const auth::KeyState>)>;

  /// `publish` puts a state into force on every shard before it returns. `listeners_default`: what holds
  /// while no operator has decided.
  KeyLoader(bool listeners_default, Publish publish)
      : listeners_default_(listeners_default), publish_(std::move(publish)) {}

  /// Reads what changed since the last time, all of it the first time, and publishes it: what the store held
  /// when this was called is in force when it returns. A failure leaves what is in force.
  StoreResult<void> refresh(Session& session);
  /// The fingerprint secret comes from the main home, which need not be that of the keys.
  void set_fingerprint_secret(std::string secret);

  [[nodiscard]] std::int64_t version() const;

 private:
  StoreResult<std::shared_ptr<auth::KeyState>> load(Session& session, std::int64_t version);

  const bool listeners_default_;
  const Publish publish_;
  mutable std::mutex mutex_;
  std::shared_ptr<const auth::KeyState> state_;  // null until the store was read
  std::int64_t version_ = -1;
  std::string fingerprint_secret_;
};

}  // namespace athena::control

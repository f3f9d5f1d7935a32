#pragma once

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <memory>

#include "api/settings.h"
#include "base/shard.h"
#include "contract/settings.h"
#include "services/auth/gatekeeper.h"
#include "services/auth/key_state.h"
#include "services/catalog/registry.h"

namespace athena::api {

/// What the configuration decides, as one piece: a reload makes a new one and every shard goes over to it.
/// Immutable.
struct Snapshot {
  contract::GatewaySettings settings;
  ApiSettings api;
  auth::Gatekeeper gatekeeper;
  catalog::Registry registry;
};

/// A snapshot as one shard sees it, with its backends. A request keeps the view it began with; the view of an
/// earlier configuration ends with the last of its requests. Made, used and destroyed on its shard.
class View : public boost::intrusive_ref_counter<View, boost::thread_unsafe_counter> {
 public:
  View(base::Shard& shard, std::shared_ptr<const Snapshot> snapshot, catalog::RetiredBackends& retired,
       const View* previous)
      : snapshot_(std::move(snapshot)),
        backends_(shard, snapshot_->registry, retired, previous == nullptr ? nullptr : &previous->backends_) {
  }
  View(const View&) = delete;
  View& operator=(const View&) = delete;

  [[nodiscard]] const Snapshot& snapshot() const { return *snapshot_; }
  [[nodiscard]] catalog::ShardBackends& backends() const { return backends_; }

 private:
  std::shared_ptr<const Snapshot> snapshot_;
  mutable catalog::ShardBackends backends_;
};

using ViewPointer = boost::intrusive_ptr<const View>;

/// The keys in force as one shard sees them: a request keeps those it began with, so it never sees half of a
/// change. Made, used and destroyed on its shard.
class KeyView : public boost::intrusive_ref_counter<KeyView, boost::thread_unsafe_counter> {
 public:
  explicit KeyView(std::shared_ptr<const auth::KeyState> state) : state_(std::move(state)) {}
  [[nodiscard]] const auth::KeyState& state() const { return *state_; }

 private:
  std::shared_ptr<const auth::KeyState> state_;
};

using KeyViewPointer = boost::intrusive_ptr<const KeyView>;

}  // namespace athena::api

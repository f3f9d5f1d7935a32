#pragma once

#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/deadline.h"
#include "engines/backend.h"

namespace athena::api {

struct Call;

/// A request whose handler waits, for the list of what runs and for the operator who ends it. Lives in the
/// coroutine of the request, linked in the list of its shard.
struct RunningRequest
    : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
  enum class Stage : std::uint8_t { auth, plan, engine, encode };

  explicit RunningRequest(Call& its_call) : call(its_call) {}

  /// An operation begins: it ends early when `its_cancellation` asks, which is asked by cancel().
  void handed_over(engines::Cancellation& its_cancellation, base::Clock::time_point its_deadline) {
    stage = Stage::engine;
    cancellation = &its_cancellation;
    deadline = its_deadline;
    if (cancelled) its_cancellation.request_by_operator();
  }
  /// The operation is through; what it was handed over with may end.
  void answered() {
    stage = Stage::encode;
    cancellation = nullptr;
  }
  /// An operator ends it: now where it waits for its database, else when it comes there.
  void cancel() {
    cancelled = true;
    if (cancellation != nullptr) cancellation->request_by_operator();
  }

  Call& call;
  Stage stage = Stage::auth;
  bool cancelled = false;
  engines::Cancellation* cancellation = nullptr;
  std::optional<base::Clock::time_point> deadline;
};

using RunningRequests = boost::intrusive::list<RunningRequest, boost::intrusive::constant_time_size<false>>;

}  // namespace athena::api

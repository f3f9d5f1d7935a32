#pragma once

#include <cstdint>

#include "base/coroutine.h"
#include "engines/backend.h"
#include "engines/postgres/connection.h"

namespace athena::postgres {

class Pool;

/// Whether the caller of a request that is not sent yet has gone, and what to answer then.
inline bool caller_has_left(const engines::ExecutionContext& context) {
  return context.cancellation != nullptr && context.cancellation->requested();
}
inline contract::Error caller_left_error() {
  return contract::Error(contract::ErrorCode::client_closed_request);
}

/// One operation of a caller on its way: waiting for a pipelined connection, or on a leased one; its
/// deadline; its caller leaving. What becomes of its rows is for those that derive from it. Lives in the
/// coroutine that runs it.
class TimedRun : public Operation, public query::RowSource, public engines::Runner {
 public:
  /// On whichever pipelined connection has the shortest queue. Check Pool::refusal() before.
  base::Task<> run_pipelined();
  /// On a leased connection.
  base::Task<> run_exclusive(Connection& connection);

  enum class End : std::uint8_t {
    normal,        ///< see `outcome`
    pool_timeout,  ///< it waited for a connection, and none became free in time
    deadline,      ///< its time is over: pipelined, the reply is dropped; exclusive, see also `outcome`
    caller_left,
    too_much,  ///< it was cancelled because overflowed()
  };
  End end = End::normal;

  void resume() override;
  void on_finished() override;
  [[nodiscard]] int backend_pid() const override;

 protected:
  /// `may_leave`: a read, which is cancelled when its caller leaves; what may write runs to its end whoever
  /// is still there to hear of it, unless an operator cancels it.
  TimedRun(Pool& pool, const engines::ExecutionContext& context, base::Deadline deadline, bool may_leave);
  ~TimedRun() override;

  /// More rows than can be kept: it is cancelled. Looked at when the timer fires; check_now() makes it.
  [[nodiscard]] virtual bool overflowed() const { return false; }
  void check_now();
  /// The rest of its rows is of no interest.
  [[nodiscard]] bool cancelled() const { return cancelled_; }

 private:
  void on_timer();
  void watch_caller();
  void leave(End how);
  void cancel(End why);
  void finish();

  Pool& pool_;
  engines::Cancellation* const cancellation_;
  engines::Trace* const trace_;
  const base::Deadline deadline_;
  const bool may_leave_;
  bool exclusive_ = false;
  bool cancelled_ = false;
  base::Timer timer_;
  base::Completion<int> done_;
};

}  // namespace athena::postgres

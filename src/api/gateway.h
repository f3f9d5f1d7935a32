#pragma once

#include <memory>
#include <string_view>

#include "api/context.h"
#include "api/route.h"
#include "http/exchange.h"
#include "http/router.h"
#include "services/telemetry/loop_lag.h"

namespace athena::api {

/// The gateway behind the HTTP server of one shard: finds the route, applies the Origin and Host rules, runs
/// the handler, counts.
class Gateway final : public http::Application {
 public:
  /// `process` outlives the gateway. Constructed and destroyed on the shard.
  Gateway(const ProcessContext& process, base::Shard& shard, std::shared_ptr<const Snapshot> snapshot,
          std::shared_ptr<const auth::KeyState> keys);

  /// A change of configuration has two steps, each on the shard, so that the backends of a new client are
  /// there on every shard before the first request comes to one of them: this makes the view of `snapshot`…
  const View& prepare(std::shared_ptr<const Snapshot> snapshot);
  /// … and requests that begin from now on see it; those that run keep theirs.
  void change();
  /// Requests that begin from now on are checked against `keys`. On the shard.
  void change_keys(std::shared_ptr<const auth::KeyState> keys) {
    context_.keys = new KeyView(std::move(keys));
  }

  bool handle_now(http::Exchange& exchange) override;
  base::Task<void> handle(http::Exchange& exchange) override;
  void fail(http::Exchange& exchange, const contract::Error& error) override;
  void finished(http::Exchange& exchange, std::uint64_t request_bytes, std::uint64_t response_bytes) override;
  void rejected(std::string_view reason) override;
  void stream_aborted(std::string_view reason) override { context_.metrics.stream_aborted(reason); }

  [[nodiscard]] ShardContext& context() { return context_; }

 private:
  /// handle_now() but for Server-Timing.
  bool answer_now(http::Exchange& exchange);
  void log_access(http::Exchange& exchange, std::uint64_t request_bytes, std::uint64_t response_bytes,
                  base::Clock::duration duration);
  void log_server_error(http::Exchange& exchange);

  ShardContext context_;
  ViewPointer next_;
  telemetry::LoopLag loop_lag_;
  // at most 20 lines a second about replies with a status of 500 and above
  base::Clock::time_point log_second_{};
  int logged_ = 0;
  int suppressed_ = 0;
};

}  // namespace athena::api

#pragma once

#include <cstdint>
#include <functional>
#include <memory_resource>
#include <string_view>

#include "base/coroutine.h"
#include "base/deadline.h"
#include "base/shard.h"
#include "contract/error.h"
#include "http/message.h"

namespace athena::http {

enum class Flow : std::uint8_t {
  more,   ///< go on
  pause,  ///< more than the write window is unsent: wait for on_drained before producing more
  gone,   ///< the caller has left; nothing more will be sent
};

/// One request and its reply on a connection. Lives from the end of the request head until the reply is
/// handed to the socket; used on the connection's shard only.
class Exchange {
 public:
  virtual ~Exchange() = default;

  [[nodiscard]] virtual const Request& request() const = 0;
  [[nodiscard]] virtual Response& response() = 0;
  /// Memory that is freed as a whole after the exchange.
  [[nodiscard]] virtual std::pmr::memory_resource& memory() = 0;
  /// The caller's X-Request-Id when it is 1–128 visible ASCII characters, else a new UUID v7.
  [[nodiscard]] virtual std::string_view request_id() const = 0;
  [[nodiscard]] virtual base::Shard& shard() = 0;
  /// When the request head was complete.
  [[nodiscard]] virtual base::Clock::time_point received_at() const = 0;

  /// True when the whole body has arrived; then body() may be used without waiting.
  [[nodiscard]] virtual bool body_complete() const = 0;
  /// The body; valid once it is complete, until the exchange ends.
  [[nodiscard]] virtual std::string_view body() const = 0;
  /// Waits for the body (answering `Expect: 100-continue` first). Fails with payload_too_large,
  /// malformed_request, unsupported_media_type, or client_closed_request; after a failure the connection
  /// closes behind the reply.
  virtual base::Task<contract::Result<void>> read_body() = 0;

  /// False for HTTP/1.0 and for HEAD: then the reply must be complete before the handler ends.
  [[nodiscard]] virtual bool can_stream() const = 0;
  /// True after the first flush(): status and headers can no longer change.
  [[nodiscard]] virtual bool streaming() const = 0;
  /// Sends what response().body holds as a chunk (the head before the first one) and empties it. Of HEAD it
  /// only empties it: nothing is sent before the end, and the head is that of a chunked reply then.
  virtual Flow flush() = 0;
  /// Calls `callback` once, later, when less than half of the write window is unsent, or when the caller has
  /// left. One callback at a time.
  virtual void on_drained(std::function<void()> callback) = 0;
  /// Ends a begun stream without its final chunk and closes the connection. `reason` is a label of
  /// http_stream_aborts_total: database, deadline, client_gone, drain or cancelled.
  virtual void abort_stream(std::string_view reason) = 0;

  /// The peer closed or reset the connection while the handler runs.
  [[nodiscard]] virtual bool client_gone() const = 0;
  /// Calls `callback` at most once when that happens; an empty function takes it back.
  virtual void on_client_gone(std::function<void()> callback) = 0;
  /// The connection closes after this reply.
  virtual void close_after_reply() = 0;

  /// Slots for the application: index of the matched route (−1 = none) and label of the client, for metrics.
  int route = -1;
  std::string_view client_label = "unknown";
  std::string_view error_code;     ///< code of the failure sent, static text; empty on success
  bool counted_in_flight = false;  ///< set by the application when it counted the start of the request
  void* notes = nullptr;           ///< the application's own, in memory()
};

/// What stands behind the HTTP server of one shard.
class Application {
 public:
  virtual ~Application() = default;

  /// Called at the end of each request head. Returns true when the reply is complete without waiting; false
  /// to have handle() started.
  virtual bool handle_now(Exchange& exchange) = 0;
  /// Produces the reply. Exceptions become one 500 internal_error (or end a begun stream without its final
  /// chunk).
  virtual base::Task<void> handle(Exchange& exchange) = 0;
  /// Puts the failure reply for `error` into response(): status, body, Retry-After. Also used by the
  /// connection for failures before a handler ran.
  virtual void fail(Exchange& exchange, const contract::Error& error) = 0;
  /// After the last byte of the reply went to the socket buffer; for metrics and the one warn line per 5xx.
  virtual void finished(Exchange& exchange, std::uint64_t request_bytes, std::uint64_t response_bytes) = 0;
  /// A connection or request was refused below the routes: limit, shed, drain, framing, head, body, timeout.
  virtual void rejected(std::string_view reason) = 0;
  /// The server broke a begun stream by itself: client_gone, drain or cancelled. What the handler aborts is
  /// for the handler to count.
  virtual void stream_aborted(std::string_view) {}
};

}  // namespace athena::http

#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/deadline.h"
#include "engines/postgres/mailbox.h"
#include "engines/postgres/target.h"

struct ssl_st;  // OpenSSL's SSL

namespace athena::postgres {

/// The keywords of a connection text (URI or key=value), those that were given only; nullopt = malformed.
/// Takes nothing from the environment or files. Runs on any thread.
std::optional<std::vector<std::pair<std::string, std::string>>> parse_conninfo(const std::string& text);

/// Asks the server to stop what a backend runs. Copies may outlive the session; `send` blocks: worker threads
/// only.
class CancelHandle {
 public:
  CancelHandle() = default;
  /// False when the request could not be delivered. Unencrypted, as libpq does it.
  bool send() const;
  [[nodiscard]] explicit operator bool() const { return handle_ != nullptr; }

 private:
  friend class Session;
  std::shared_ptr<void> handle_;
};

/// A connected and authenticated session. libpq made it and keeps its memory; the bytes go over `socket` or
/// `ssl`, without libpq.
class Session {
 public:
  explicit Session(void* connection);  ///< a PGconn that is ready; taken over
  /// A plain socket on which the start-up is over, without libpq: tests speak the server's part on the other
  /// end. Taken over.
  static std::unique_ptr<Session> over_socket(int socket);
  ~Session();  ///< says goodbye and closes, without waiting
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  [[nodiscard]] int socket() const { return socket_; }
  [[nodiscard]] ssl_st* ssl() const { return ssl_; }  ///< null = plain
  [[nodiscard]] int backend_pid() const { return backend_pid_; }
  [[nodiscard]] int server_version() const { return server_version_; }
  [[nodiscard]] const CancelHandle& cancel_handle() const { return cancel_; }
  /// The server refused start-up options: a pooler, so session settings can't be relied upon.
  bool options_refused = false;

 private:
  Session() = default;
  void* connection_ = nullptr;
  int socket_ = -1;
  int backend_pid_ = 0;
  int server_version_ = 0;
  ssl_st* ssl_ = nullptr;
  CancelHandle cancel_;
};

/// Why there is no session. `reason` ∈ refused, timeout, dns, tls, authentication, protocol; `sql_state` when
/// the server said so.
struct ConnectFailure {
  std::string_view reason;
  std::string sql_state;
};

/// Runs `work` on one of the threads for blocking calls to databases: at most 8 of each kind. Those that go
/// where a caller sends them are kinds of their own, as such a host may keep them waiting on purpose. False
/// when too many jobs wait already.
enum class BlockingWork : std::uint8_t { connect, cancel, callers_connect, callers_cancel };
bool run_blocking(BlockingWork kind, std::function<void()> work);

/// Connects on worker threads. One per client; thread-safe.
class Connector : public std::enable_shared_from_this<Connector> {
 public:
  struct Parameters {
    Target target;
    std::string client_name;
    std::string options;            ///< of every connection
    std::string pipelined_options;  ///< in addition on pipelined ones
    std::chrono::milliseconds timeout{5000};
    BlockingWork work = BlockingWork::connect;
  };
  explicit Connector(Parameters parameters) : parameters_(std::move(parameters)) {}

  struct Outcome {
    std::unique_ptr<Session> session;  ///< null = failed
    ConnectFailure failure;
    std::chrono::microseconds took{};
  };
  /// Starts a connect on a worker; `done` runs on the mailbox's shard unless that is closed before: then the
  /// session is closed and dropped. Never from inside. Takes at most Parameters::timeout, beyond that only
  /// what a name lookup takes.
  void start(std::shared_ptr<Mailbox> mailbox, bool pipelined, std::function<void(Outcome)> done);
  /// Who the database is that the last connection led to (engines::database_identity), 0 when it does not
  /// say; nothing before the first connection, and while nobody wants to know. Any thread.
  [[nodiscard]] std::optional<std::uint64_t> identity() const {
    if (!identified_.load(std::memory_order_acquire)) return std::nullopt;
    return identity_.load(std::memory_order_relaxed);
  }
  /// Attempts under way end soon, with `timeout`.
  void abandon() { abandoned_ = true; }

 private:
  Outcome connect(bool pipelined);
  Outcome connect_host(const Target::Host& host, bool pipelined, base::Deadline deadline);

  const Parameters parameters_;
  std::atomic<bool> options_refused_{false};
  std::atomic<bool> abandoned_{false};
  std::atomic<bool> identified_{false};
  std::atomic<std::uint64_t> identity_{0};
  std::mutex mutex_;
  std::unordered_map<std::string, bool>
      takes_tls_;  // answers to SSLRequest by host and port, for prefer and allow
};

}  // namespace athena::postgres

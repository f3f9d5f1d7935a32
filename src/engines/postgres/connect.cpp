// The one file that knows libpq.
#include "engines/postgres/connect.h"

#include <libpq-fe.h>
#include <netdb.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <cerrno>
#include <vector>

#include "engines/control_databases.h"
#include "engines/postgres/control_database.h"
#include "engines/postgres/keywords.h"

namespace athena::postgres {
namespace {

using Keyword = std::pair<std::string, std::string>;
using base::Clock;
using base::Deadline;

struct ConnectionCloser {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};
using ConnectionPtr = std::unique_ptr<PGconn, ConnectionCloser>;

struct ResultCloser {
  void operator()(PGresult* result) const { PQclear(result); }
};
using ResultPtr = std::unique_ptr<PGresult, ResultCloser>;

struct Socket {
  int fd = -1;
  ~Socket() {
    if (fd >= 0) ::close(fd);
  }
};

/// Waits in slices, so that an abandoned attempt ends soon. False at the deadline or when abandoned.
bool wait_for(int fd, short events, Deadline deadline, const std::atomic<bool>& abandoned) {
  while (!abandoned.load(std::memory_order_relaxed)) {
    const auto left = deadline.remaining().count();
    if (left == 0) return false;
    pollfd entry{fd, events, 0};
    const int ready = ::poll(&entry, 1, static_cast<int>(std::min<std::int64_t>(left, 100)));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
  return false;
}

struct Address {
  std::string text;  ///< numeric
  sockaddr_storage storage{};
  socklen_t length = 0;
};

/// Blocking; empty = the name does not resolve.
std::vector<Address> resolve(const Target::Host& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_family = AF_UNSPEC;
  const std::string& name = host.hostaddr.empty() ? host.host : host.hostaddr;
  if (!host.hostaddr.empty()) hints.ai_flags = AI_NUMERICHOST;
  addrinfo* list = nullptr;
  std::vector<Address> found;
  if (::getaddrinfo(name.c_str(), host.port.c_str(), &hints, &list) != 0) return found;
  for (const addrinfo* entry = list; entry != nullptr && found.size() < 8; entry = entry->ai_next) {
    Address address;
    std::memcpy(&address.storage, entry->ai_addr, entry->ai_addrlen);
    address.length = entry->ai_addrlen;
    std::array<char, NI_MAXHOST> text{};
    if (::getnameinfo(entry->ai_addr, entry->ai_addrlen, text.data(), text.size(), nullptr, 0,
                      NI_NUMERICHOST) != 0)
      continue;
    address.text = text.data();
    found.push_back(std::move(address));
  }
  ::freeaddrinfo(list);
  return found;
}

enum class TlsAnswer : std::uint8_t { yes, no, refused, timeout, protocol };

/// SSLRequest: does the server take TLS? libpq's own `prefer` would also fall back after a failed handshake.
TlsAnswer ask_for_tls(const Address& address, Deadline deadline, const std::atomic<bool>& abandoned) {
  Socket socket{::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (socket.fd < 0) return TlsAnswer::refused;
  if (::connect(socket.fd, reinterpret_cast<const sockaddr*>(&address.storage), address.length) != 0) {
    if (errno != EINPROGRESS) return TlsAnswer::refused;
    if (!wait_for(socket.fd, POLLOUT, deadline, abandoned)) return TlsAnswer::timeout;
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(socket.fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0)
      return TlsAnswer::refused;
  }
  static constexpr unsigned char kRequest[] = {0, 0, 0, 8, 0x04, 0xD2, 0x16, 0x2F};
  if (::send(socket.fd, kRequest, sizeof kRequest, MSG_NOSIGNAL) != sizeof kRequest)
    return TlsAnswer::protocol;
  if (!wait_for(socket.fd, POLLIN, deadline, abandoned)) return TlsAnswer::timeout;
  char answer = 0;
  if (::recv(socket.fd, &answer, 1, 0) != 1) return TlsAnswer::protocol;
  return answer == 'S' ? TlsAnswer::yes : answer == 'N' ? TlsAnswer::no : TlsAnswer::protocol;
}

/// libpq has no call for the SQLSTATE of a failed connect; under PQERRORS_SQLSTATE the message ends with it,
/// whatever the language: "…FATAL:  28P01".
std::string sql_state_of(std::string_view message) {
  while (!message.empty() && (message.back() == '\n' || message.back() == ' ')) message.remove_suffix(1);
  if (message.size() < 8 || message.substr(message.size() - 8, 3) != ":  ") return {};
  const std::string_view state = message.substr(message.size() - 5);
  for (const char c : state) {
    if (!std::isdigit(static_cast<unsigned char>(c)) && !(c >= 'A' && c <= 'Z')) return {};
  }
  return std::string(state);
}

ConnectFailure describe_failure(PGconn* connection, ConnStatusType stage, bool timed_out) {
  if (timed_out) return {"timeout", {}};
  std::string state = sql_state_of(PQerrorMessage(connection));
  if (!state.empty()) {
    if (state.starts_with("28")) return {"authentication", std::move(state)};
    if (state.starts_with("57") || state.starts_with("53")) return {"refused", std::move(state)};
    return {"protocol", std::move(state)};
  }
  if (PQconnectionNeedsPassword(connection) != 0) return {"authentication", {}};
  switch (stage) {
    case CONNECTION_NEEDED:
    case CONNECTION_STARTED:
      return {"refused", {}};
    case CONNECTION_MADE:
      return {"protocol", {}};
    case CONNECTION_SSL_STARTUP:
      return {"tls", {}};
    case CONNECTION_AWAITING_RESPONSE:
      return {PQsslInUse(connection) != 0 || PQconnectionUsedPassword(connection) != 0 ? "authentication"
                                                                                       : "protocol",
              {}};
    default:
      return {"protocol", {}};
  }
}

struct Attempted {
  ConnectionPtr connection;
  ConnectFailure failure;
};

Attempted connect_with(const Keywords& keywords, Deadline deadline, const std::atomic<bool>& abandoned) {
  const auto arrays = keywords.arrays();
  ConnectionPtr connection(PQconnectStartParams(arrays.names.data(), arrays.values.data(), 0));
  if (connection == nullptr) return {nullptr, {"protocol", {}}};
  PQsetErrorVerbosity(connection.get(), PQERRORS_SQLSTATE);
  PQsetNoticeReceiver(connection.get(), [](void*, const PGresult*) {}, nullptr);
  ConnStatusType stage = CONNECTION_STARTED;
  if (PQstatus(connection.get()) == CONNECTION_BAD) {
    // Nothing was tried over the network yet: a file that can't be read, or a socket that refuses at once.
    return {nullptr, describe_failure(connection.get(), stage, false)};
  }
  PostgresPollingStatusType wanted = PGRES_POLLING_WRITING;
  while (wanted != PGRES_POLLING_OK) {
    const short events = wanted == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    if (!wait_for(PQsocket(connection.get()), events, deadline, abandoned)) return {nullptr, {"timeout", {}}};
    wanted = PQconnectPoll(connection.get());
    if (wanted == PGRES_POLLING_FAILED) return {nullptr, describe_failure(connection.get(), stage, false)};
    stage = PQstatus(connection.get());
  }
  return {std::move(connection), {}};
}

/// Asks a fresh connection which database it leads to; 0 when the server does not tell. False when the
/// connection can't be used any more.
bool identify(PGconn* connection, Deadline deadline, const std::atomic<bool>& abandoned,
              std::atomic<std::uint64_t>& identity) {
  if (PQsendQuery(connection, kIdentitySql) != 1) return false;
  std::uint64_t found = 0;
  for (;;) {
    while (PQisBusy(connection) != 0) {
      if (!wait_for(PQsocket(connection), POLLIN, deadline, abandoned) || PQconsumeInput(connection) != 1)
        return false;
    }
    const ResultPtr result(PQgetResult(connection));
    if (result == nullptr) break;
    if (PQresultStatus(result.get()) == PGRES_TUPLES_OK && PQntuples(result.get()) == 1) {
      found = engines::database_identity(PQgetvalue(result.get(), 0, 0), PQgetvalue(result.get(), 0, 1));
    }
  }
  identity.store(found, std::memory_order_relaxed);
  return PQstatus(connection) == CONNECTION_OK;
}

}  // namespace

std::optional<std::vector<Keyword>> parse_conninfo(const std::string& text) {
  char* error = nullptr;
  PQconninfoOption* const options = PQconninfoParse(text.c_str(), &error);
  PQfreemem(error);
  if (options == nullptr) return std::nullopt;
  std::vector<Keyword> found;
  for (const PQconninfoOption* option = options; option->keyword != nullptr; ++option) {
    if (option->val != nullptr) found.emplace_back(option->keyword, option->val);
  }
  PQconninfoFree(options);
  return found;
}

bool CancelHandle::send() const {
  std::array<char, 256> error{};
  return handle_ != nullptr &&
         PQcancel(static_cast<PGcancel*>(handle_.get()), error.data(), error.size()) == 1;
}

Session::Session(void* connection) : connection_(connection) {
  auto* pg = static_cast<PGconn*>(connection);
  PQsetnonblocking(pg, 1);
  socket_ = PQsocket(pg);
  backend_pid_ = PQbackendPID(pg);
  server_version_ = PQserverVersion(pg);
  ssl_ = static_cast<SSL*>(PQsslStruct(pg, "OpenSSL"));
  if (ssl_ != nullptr)
    SSL_set_mode(ssl_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  cancel_.handle_ = std::shared_ptr<void>(PQgetCancel(pg),
                                          [](void* handle) { PQfreeCancel(static_cast<PGcancel*>(handle)); });
}

std::unique_ptr<Session> Session::over_socket(int socket) {
  std::unique_ptr<Session> session(new Session);
  session->socket_ = socket;
  return session;
}

Session::~Session() {
  if (connection_ != nullptr) {
    PQfinish(static_cast<PGconn*>(connection_));
  } else {
    ::close(socket_);
  }
}

void Connector::start(std::shared_ptr<Mailbox> mailbox, bool pipelined, std::function<void(Outcome)> done) {
  const auto deliver = [mailbox, done = std::move(done)](std::shared_ptr<Outcome> outcome) {
    mailbox->post([done, outcome = std::move(outcome)] { done(std::move(*outcome)); });
  };
  const bool accepted = run_blocking(parameters_.work, [self = shared_from_this(), pipelined, deliver] {
    const auto began = Clock::now();
    auto outcome = std::make_shared<Outcome>(self->connect(pipelined));
    outcome->took = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - began);
    deliver(std::move(outcome));
  });
  if (!accepted) deliver(std::make_shared<Outcome>(Outcome{nullptr, {"timeout", {}}, {}}));
}

Connector::Outcome Connector::connect(bool pipelined) {
  const auto deadline = Deadline::in(parameters_.timeout);
  Outcome outcome;
  outcome.failure = {"timeout", {}};
  for (const auto& host : parameters_.target.hosts) {
    if (abandoned_ || deadline.expired()) break;
    outcome = connect_host(host, pipelined, deadline);
    if (outcome.session != nullptr) break;
  }
  return outcome;
}

Connector::Outcome Connector::connect_host(const Target::Host& host, bool pipelined, Deadline deadline) {
  const Target& target = parameters_.target;
  const bool unix_socket = host.is_unix_socket();
  std::vector<Address> addresses(1);
  if (!unix_socket) {
    addresses = resolve(host);
    if (addresses.empty()) return {nullptr, {"dns", {}}, {}};
  }
  const std::string key = host.host + ' ' + host.hostaddr + ' ' + host.port;
  Outcome outcome;
  outcome.failure = {"timeout", {}};
  for (const auto& address : addresses) {
    auto mode = unix_socket ? Target::SslMode::disable : target.sslmode;
    const bool asks = mode == Target::SslMode::prefer || mode == Target::SslMode::allow;
    if (asks) {
      bool known = false, tls = false;
      {
        const std::lock_guard lock(mutex_);
        const auto found = takes_tls_.find(key);
        known = found != takes_tls_.end();
        tls = known && found->second;
      }
      if (!known) {
        const auto answer = ask_for_tls(address, deadline, abandoned_);
        if (answer != TlsAnswer::yes && answer != TlsAnswer::no) {
          outcome.failure = {answer == TlsAnswer::timeout   ? "timeout"
                             : answer == TlsAnswer::refused ? "refused"
                                                            : "protocol",
                             {}};
          continue;
        }
        tls = answer == TlsAnswer::yes;
        const std::lock_guard lock(mutex_);
        takes_tls_[key] = tls;
      }
      mode = tls ? Target::SslMode::require : Target::SslMode::disable;
    }

    bool with_options = !options_refused_;
    for (;;) {
      Keywords keywords(target, host, mode);
      if (!unix_socket) keywords.set("hostaddr", address.text);
      keywords.set("client_encoding", "UTF8");
      keywords.set_default("application_name", "athena/" + parameters_.client_name);
      if (with_options) {
        StartupOptions options;
        options.append_raw(target.user_options);  // first: Athena's own, behind them, win
        options.append_raw(parameters_.options);
        if (pipelined) options.append_raw(parameters_.pipelined_options);
        keywords.set("options", options.text());
      }
      auto attempted = connect_with(keywords, deadline, abandoned_);
      if (attempted.connection != nullptr) {
        if (engines::ControlDatabases::process().asks_servers()) {
          if (!identify(attempted.connection.get(), deadline, abandoned_, identity_)) {
            outcome.failure = {"timeout", {}};
            break;
          }
          identified_.store(true, std::memory_order_release);
        }
        outcome.session = std::make_unique<Session>(attempted.connection.release());
        outcome.session->options_refused = !with_options;
        return outcome;
      }
      if (with_options && attempted.failure.sql_state == "08P01") {
        options_refused_ = true;
        with_options = false;
        continue;
      }
      outcome.failure = std::move(attempted.failure);
      break;
    }
    if (asks) {
      const std::lock_guard lock(mutex_);
      takes_tls_.erase(key);  // ask again next time
    }
    if (!outcome.failure.sql_state.empty())
      break;  // the server answered: its other addresses would say the same
  }
  return outcome;
}

}  // namespace athena::postgres

#include "services/control/postgres_link.h"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <future>

#include "engines/postgres/connect.h"
#include "engines/postgres/keywords.h"
#include "engines/target_policy.h"
#include "services/control/postgres_errors.h"
#include "services/control/postgres_values.h"

namespace athena::control {
namespace {

using base::Deadline;
using postgres::Target;
using Kind = StoreError::Kind;

constexpr std::size_t kCopyChunk = 1 << 16;
constexpr std::size_t kMostAddresses = 8;

bool wait_for(int socket, short events, Deadline deadline) {
  for (;;) {
    const auto left = deadline.remaining().count();
    pollfd entry{socket, events, 0};
    const int ready = ::poll(&entry, 1, static_cast<int>(std::min<std::int64_t>(left, 60'000)));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return true;  // libpq will say what is wrong with the socket
    if (deadline.expired()) return false;
  }
}

/// A look-up has no deadline of its own: it stays on its worker thread when the caller's time is over.
std::vector<std::string> addresses_of(const std::string& name, Deadline deadline) {
  const auto promise = std::make_shared<std::promise<std::vector<std::string>>>();
  auto found = promise->get_future();
  const bool accepted = postgres::run_blocking(postgres::BlockingWork::connect, [promise, name] {
    std::vector<std::string> texts;
    for (const auto& address : engines::system_resolver()->resolve(name)) texts.push_back(address.text());
    if (texts.size() > kMostAddresses) texts.resize(kMostAddresses);
    promise->set_value(std::move(texts));
  });
  if (!accepted || found.wait_for(deadline.remaining()) != std::future_status::ready) return {};
  return found.get();
}

struct Attempt {
  const Target& target;
  const Target::Host& host;
  const std::string& address;
};

StoreError no_connection(std::string message) {
  return {Kind::unreachable, std::move(message), "08001"};
}

StoreResult<std::unique_ptr<PostgresLink>> connect_once(const Attempt& attempt, Deadline deadline) {
  const bool unix_socket = attempt.host.is_unix_socket();
  postgres::Keywords keywords(attempt.target, attempt.host,
                              unix_socket ? Target::SslMode::disable : attempt.target.sslmode);
  if (!attempt.address.empty()) keywords.set("hostaddr", attempt.address);
  keywords.set("client_encoding", "UTF8");
  keywords.set("application_name", "athena-control");
  if (!attempt.target.user_options.empty()) keywords.set("options", attempt.target.user_options);
  const auto arrays = keywords.arrays();
  auto* const connection = PQconnectStartParams(arrays.names.data(), arrays.values.data(), 0);
  if (connection == nullptr) return no_connection("out of memory");
  auto link = std::make_unique<PostgresLink>(connection);
  PQsetNoticeReceiver(connection, [](void*, const PGresult*) {}, nullptr);
  auto wanted = PQstatus(connection) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
  while (wanted != PGRES_POLLING_OK) {
    if (wanted == PGRES_POLLING_FAILED) return no_connection(first_line(PQerrorMessage(connection)));
    if (!wait_for(PQsocket(connection), wanted == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline))
      return no_connection("PostgreSQL did not answer in time");
    wanted = PQconnectPoll(connection);
  }
  PQsetnonblocking(connection, 1);
  return link;
}

StoreResult<void> prepare_session(PostgresLink& link, const contract::PostgresConnection& connection,
                                  Deadline deadline) {
  // Not as start-up options: poolers refuse those.
  std::string sql =
      "SELECT set_config('TimeZone', 'UTC', false), set_config('DateStyle', 'ISO', false), "
      "set_config('standard_conforming_strings', 'on', false), set_config('bytea_output', 'hex', false), "
      "set_config('extra_float_digits', '1', false), "
      // What holds up or ends a statement here is its deadline; and whoever has waited for a lock must see
      // what its holder wrote.
      "set_config('statement_timeout', '0', false), set_config('lock_timeout', '0', false), "
      "set_config('default_transaction_isolation', 'read committed', false)";
  Values parameters;
  if (!connection.search_path.empty()) {
    sql += ", set_config('search_path', $1, false)";
    parameters.emplace_back(connection.search_path);
  }
  auto set = link.run(sql, parameters, deadline);
  if (!set) return set.error();
  return {};
}

}  // namespace

void PostgresLink::Clear::operator()(pg_result* result) const {
  PQclear(result);
}

StoreResult<std::unique_ptr<PostgresLink>> PostgresLink::connect(
    const contract::PostgresConnection& connection, Deadline deadline) {
  const auto target = postgres::parse_target(connection);
  if (!target) return StoreError{Kind::failed, "the URI of the store is malformed", "08001"};
  StoreError failure = no_connection("the deadline has passed");
  for (const auto& host : target->hosts) {
    std::vector<std::string> addresses(1);
    if (!host.is_unix_socket() && host.hostaddr.empty()) addresses = addresses_of(host.host, deadline);
    if (addresses.empty()) failure = no_connection("the name of the host does not resolve");
    for (const auto& address : addresses) {
      if (deadline.expired()) return failure;
      auto link = connect_once({*target, host, address}, deadline);
      if (!link) {
        failure = link.error();
        continue;
      }
      if (auto prepared = prepare_session(**link, connection, deadline); !prepared) return prepared.error();
      return link;
    }
  }
  return failure;
}

PostgresLink::PostgresLink(pg_conn* connection) : connection_(connection) {}

PostgresLink::~PostgresLink() {
  PQfinish(connection_);
}

bool PostgresLink::wait(short events, Deadline deadline) {
  return wait_for(PQsocket(connection_), events, deadline);
}

StoreError PostgresLink::connection_lost() {
  lost_ = true;
  return {Kind::unreachable, first_line(PQerrorMessage(connection_)), "08006"};
}

StoreError PostgresLink::out_of_time() {
  lost_ = true;
  // The server would go on until it has something to send. PQcancel connects, and blocks.
  const std::shared_ptr<PGcancel> handle(PQgetCancel(connection_), &PQfreeCancel);
  if (handle != nullptr) {
    postgres::run_blocking(postgres::BlockingWork::cancel, [handle] {
      std::array<char, 256> error{};
      PQcancel(handle.get(), error.data(), error.size());
    });
  }
  return {Kind::unreachable, "the statement took longer than its deadline", "57014"};
}

StoreResult<void> PostgresLink::flush(Deadline deadline) {
  for (;;) {
    const int left = PQflush(connection_);
    if (left == 0) return {};
    if (left < 0) return connection_lost();
    if (!wait(POLLIN | POLLOUT, deadline)) return out_of_time();
    // A server that is busy sending reads nothing before we do.
    if (PQconsumeInput(connection_) != 1) return connection_lost();
  }
}

StoreResult<PostgresLink::Result> PostgresLink::next(Deadline deadline) {
  while (PQisBusy(connection_) == 1) {
    if (!wait(POLLIN, deadline)) return out_of_time();
    if (PQconsumeInput(connection_) != 1) return connection_lost();
  }
  return Result(PQgetResult(connection_));
}

StoreResult<PostgresLink::Result> PostgresLink::finish(Deadline deadline) {
  Result last;
  for (;;) {
    auto result = next(deadline);
    if (!result) return result;
    if (*result == nullptr) break;
    const auto status = PQresultStatus(result->get());
    const bool failed = last != nullptr && PQresultStatus(last.get()) == PGRES_FATAL_ERROR;
    if (!failed) last = std::move(*result);
    if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH) break;
  }
  if (PQstatus(connection_) == CONNECTION_BAD) lost_ = true;
  if (last == nullptr) return connection_lost();
  const auto status = PQresultStatus(last.get());
  if (status == PGRES_EMPTY_QUERY) return StoreError{Kind::failed, "an empty statement", "42601"};
  if (status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE) return error_of(last.get());
  return last;
}

StoreResult<PostgresLink::Result> PostgresLink::run(std::string_view sql, const Values& parameters,
                                                    Deadline deadline) {
  const std::string text(sql);
  const auto count = parameters.size();
  std::vector<std::string> texts(count);
  std::vector<const char*> values(count);
  std::vector<int> lengths(count), formats(count);
  for (std::size_t i = 0; i < count; ++i) {
    if (is_null(parameters[i])) continue;
    if (const auto* blob = std::get_if<Bytes>(&parameters[i])) {
      values[i] = blob->bytes.c_str();
      lengths[i] = static_cast<int>(blob->bytes.size());
      formats[i] = 1;
    } else {
      texts[i] = text_of_value(parameters[i]);
      if (texts[i].find('\0') != std::string::npos)
        return StoreError{Kind::failed, "a text with a NUL character", "22021"};
      values[i] = texts[i].c_str();
    }
  }
  if (PQsendQueryParams(connection_, text.c_str(), static_cast<int>(count), nullptr, values.data(),
                        lengths.data(), formats.data(), 0) != 1)
    return connection_lost();
  if (auto sent = flush(deadline); !sent) return sent.error();
  return finish(deadline);
}

StoreResult<void> PostgresLink::copy_in(std::string_view sql, const std::vector<Row>& rows,
                                        Deadline deadline) {
  auto opened = run(sql, {}, deadline);
  if (!opened) return opened.error();
  if (PQresultStatus(opened->get()) != PGRES_COPY_IN) return connection_lost();
  std::string chunk;
  const auto send = [&]() -> StoreResult<void> {
    for (;;) {
      const int queued = PQputCopyData(connection_, chunk.data(), static_cast<int>(chunk.size()));
      if (queued < 0) return connection_lost();
      if (auto sent = flush(deadline); !sent) return sent;
      if (queued == 1) break;
    }
    chunk.clear();
    return {};
  };
  for (std::size_t i = 0; i < rows.size(); ++i) {
    append_copy_row(chunk, rows[i]);
    if (chunk.size() < kCopyChunk && i + 1 < rows.size()) continue;
    if (auto sent = send(); !sent) return sent;
  }
  for (;;) {
    const int queued = PQputCopyEnd(connection_, nullptr);
    if (queued < 0) return connection_lost();
    if (auto sent = flush(deadline); !sent) return sent;
    if (queued == 1) break;
  }
  auto done = finish(deadline);
  if (!done) return done.error();
  return {};
}

StoreResult<std::vector<std::string>> PostgresLink::notifications(Deadline until) {
  std::vector<std::string> payloads;
  for (;;) {
    if (PQconsumeInput(connection_) != 1) return connection_lost();
    while (auto* const notification = PQnotifies(connection_)) {
      payloads.emplace_back(notification->extra);
      PQfreemem(notification);
    }
    if (!payloads.empty() || !wait(POLLIN, until)) return payloads;
  }
}

bool PostgresLink::closed_by_server() {
  if (lost_ || PQstatus(connection_) != CONNECTION_OK) return true;
  pollfd entry{PQsocket(connection_), POLLIN, 0};
  // What can be read is a notification, or the server's last words and then the end.
  while (::poll(&entry, 1, 0) > 0) {
    if (PQconsumeInput(connection_) != 1) return true;
  }
  return false;
}

}  // namespace athena::control

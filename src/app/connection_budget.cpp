#include "app/connection_budget.h"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "base/deadline.h"
#include "engines/postgres/keywords.h"
#include "engines/postgres/target.h"

namespace athena::app {
namespace {

using base::Deadline;
using postgres::Target;
using ConnectionPtr = std::unique_ptr<PGconn, decltype(&PQfinish)>;
using ResultPtr = std::unique_ptr<PGresult, decltype(&PQclear)>;

struct Server {
  ServerBudget budget;
  Target target;  // of its first client
  Target::Host host;
};

std::string name_of(const Target::Host& host) {
  const auto& name = !host.host.empty()       ? host.host
                     : !host.hostaddr.empty() ? host.hostaddr
                                              : std::string("local socket");
  return name + ":" + (host.port.empty() ? "5432" : host.port);
}

std::vector<Server> servers_of(const Config& config, std::int64_t instances) {
  std::vector<Server> servers;
  for (const auto& client : config.clients) {
    const auto* connection = std::get_if<contract::PostgresConnection>(&client.connection);
    if (connection == nullptr || client.lifecycle != contract::Lifecycle::active) continue;
    const auto target = postgres::parse_target(*connection);
    if (!target) continue;
    for (const auto& host : target->hosts) {
      const auto name = name_of(host);
      auto found = std::find_if(servers.begin(), servers.end(),
                                [&](const Server& server) { return server.budget.server == name; });
      if (found == servers.end()) {
        Server server{{}, *target, host};
        server.budget.server = name;
        server.budget.instances = std::max<std::int64_t>(1, instances);
        found = servers.insert(servers.end(), std::move(server));
      }
      auto& clients = found->budget.clients;
      if (std::find(clients.begin(), clients.end(), client.client_name) != clients.end()) continue;
      clients.push_back(client.client_name);
      found->budget.ceiling += connection->pool.max_connections;
    }
  }
  return servers;
}

bool wait_for(PGconn* connection, short events, Deadline deadline) {
  pollfd entry{PQsocket(connection), events, 0};
  if (entry.fd < 0) return false;
  return !deadline.expired() && poll(&entry, 1, static_cast<int>(deadline.remaining().count())) > 0;
}

ConnectionPtr start_connect(const Server& server) {
  postgres::Keywords keywords(server.target, server.host, server.target.sslmode);
  keywords.set("application_name", "athena/diag");
  const auto arrays = keywords.arrays();
  return {PQconnectStartParams(arrays.names.data(), arrays.values.data(), 0), &PQfinish};
}

/// Empty when the connection is there.
std::string connect(PGconn* connection, Deadline deadline) {
  if (connection == nullptr || PQstatus(connection) == CONNECTION_BAD) return "no connection";
  PQsetNoticeReceiver(connection, [](void*, const PGresult*) {}, nullptr);
  auto wanted = PGRES_POLLING_WRITING;
  while (wanted != PGRES_POLLING_OK) {
    if (!wait_for(connection, wanted == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline)) return "timeout";
    wanted = PQconnectPoll(connection);
    if (wanted == PGRES_POLLING_FAILED)
      return PQconnectionNeedsPassword(connection) != 0 || PQconnectionUsedPassword(connection) != 0
                 ? "authentication failed"
                 : "no connection";
  }
  return {};
}

void ask(Server& server, Deadline deadline) {
  auto& budget = server.budget;
  const auto connection = start_connect(server);
  budget.error = connect(connection.get(), deadline);
  if (!budget.error.empty()) return;
  budget.error = "no answer";
  constexpr const char* kQuery =
      "/* athena:catalogue */ SELECT current_setting('max_connections'), "
      "current_setting('superuser_reserved_connections')";
  if (PQsendQuery(connection.get(), kQuery) != 1) return;
  while (PQisBusy(connection.get()) == 1) {
    if (!wait_for(connection.get(), POLLIN, deadline)) return void(budget.error = "timeout");
    if (PQconsumeInput(connection.get()) != 1) return;
  }
  const ResultPtr result(PQgetResult(connection.get()), &PQclear);
  if (result == nullptr || PQresultStatus(result.get()) != PGRES_TUPLES_OK || PQntuples(result.get()) != 1)
    return;
  const auto number = [&](int column) {
    const std::string_view text = PQgetvalue(result.get(), 0, column);
    std::int64_t value = -1;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
  };
  if (number(0) < 0 || number(1) < 0) return;  // a pooler that answers for itself
  budget.max_connections = number(0);
  budget.reserved = number(1);
  budget.error.clear();
}

/// Shared with threads that may outlive the call: a name lookup has no deadline of its own.
struct Answers {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<ServerBudget> budgets;
  std::size_t missing = 0;
};

}  // namespace

std::vector<ServerBudget> connection_budget(const Config& config, std::int64_t instances,
                                            std::optional<std::chrono::milliseconds> ask_within) {
  constexpr std::size_t kMaxAsked = 64;  // threads
  auto servers = servers_of(config, instances);
  auto answers = std::make_shared<Answers>();
  for (const auto& server : servers) answers->budgets.push_back(server.budget);
  if (!ask_within) return answers->budgets;
  const auto deadline = Deadline::in(*ask_within);
  std::unique_lock lock(answers->mutex);
  for (std::size_t i = 0; i < servers.size(); ++i) {
    if (i >= kMaxAsked) {
      answers->budgets[i].error = "not asked: too many servers";
      continue;
    }
    answers->budgets[i].error = "timeout";  // unless it answers
    ++answers->missing;
    std::thread([answers, i, deadline, server = std::move(servers[i])]() mutable {
      ask(server, deadline);
      const std::lock_guard done(answers->mutex);
      answers->budgets[i] = std::move(server.budget);
      --answers->missing;
      answers->changed.notify_one();
    }).detach();
  }
  answers->changed.wait_until(lock, deadline.at(), [&] { return answers->missing == 0; });
  return answers->budgets;
}

std::string budget_warning(const ServerBudget& budget) {
  if (budget.ok()) return {};
  std::string clients;
  for (const auto& client : budget.clients) clients += (clients.empty() ? "" : ", ") + client;
  return "the clients on " + budget.server + " (" + clients + ") may open " +
         std::to_string(budget.ceiling * budget.instances) + " connections (" +
         std::to_string(budget.instances) + (budget.instances == 1 ? " instance" : " instances") +
         "), the server takes " + std::to_string(budget.usable()) +
         "; lower pool.max_connections, or raise max_connections there";
}

}  // namespace athena::app

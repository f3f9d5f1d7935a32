#include "engines/postgres/control_database.h"

#include <string>
#include <vector>

#include "base/ascii.h"
#include "engines/control_databases.h"

namespace athena::postgres {
namespace {

/// This machine is one host, whatever it is called.
std::string host_of(const Target::Host& host) {
  if (host.is_unix_socket()) return "localhost";
  const auto name = base::lower_case(host.hostaddr.empty() ? host.host : host.hostaddr);
  return name == "127.0.0.1" || name == "::1" || name == "localhost." ? "localhost" : name;
}

std::vector<std::string> places(const Target& target) {
  std::vector<std::string> result;
  for (const auto& host : target.hosts) {
    result.push_back(host_of(host) + ':' + (host.port.empty() ? "5432" : host.port) + '/' +
                     (target.database.empty() ? target.user : target.database));
  }
  return result;
}

}  // namespace

void add_control_database(const contract::PostgresConnection& connection) {
  const auto target = parse_target(connection);
  if (!target) return;
  for (auto& place : places(*target)) engines::ControlDatabases::process().add_server(std::move(place));
}

bool names_control_database(const Target& target) {
  const auto& databases = engines::ControlDatabases::process();
  if (!databases.asks_servers()) return false;
  for (const auto& place : places(target)) {
    if (databases.is_server(place)) return true;
  }
  return false;
}

}  // namespace athena::postgres

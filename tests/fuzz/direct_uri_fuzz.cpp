// link: athena_engines_postgres
// URIs that callers send: read or refused; a refusal repeats no part of the text, and what was read reaches
// libpq as it was meant, with the pinned address and nothing else.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "engines/postgres/direct_uri.h"
#include "engines/postgres/target.h"
#include "engines/target_policy.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

constexpr std::string_view kSchemes[] = {"", "postgres://", "postgresql://", "jdbc:postgresql://"};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace athena;
  if (size == 0 || size > 5000) return 0;
  const std::string rest(reinterpret_cast<const char*>(data + 1), size - 1);
  const std::string text = std::string(kSchemes[data[0] % 4]) + rest;
  static_cast<void>(engines::check_target_text(rest, {}));
  const auto uri = postgres::parse_direct_uri("x-pg-uri", text);
  if (!uri) {
    const auto code = uri.error().code();
    require(code == contract::ErrorCode::invalid_value || code == contract::ErrorCode::invalid_payload ||
            code == contract::ErrorCode::target_not_allowed);
    require(uri.error().text().size() < 160);
    return 0;
  }
  require(!uri->host.empty() && !uri->user.empty() && uri->port != 0 && !uri->database.empty());
  for (const auto* member : {&uri->host, &uri->user, &uri->password, &uri->database, &uri->application_name})
    require(member->find('\0') == std::string::npos);
  if (!engines::check_target_text(uri->host, {{}, true})) return 0;
  contract::PostgresConnection connection;
  connection.uri = postgres::pinned_connection_text(*uri, "db.example", "8.8.8.8");
  const auto target = postgres::parse_target(connection);
  require(target.has_value());
  require(target->hosts.size() == 1 && target->hosts[0].host == "db.example" &&
          target->hosts[0].hostaddr == "8.8.8.8" && target->hosts[0].port == std::to_string(uri->port));
  require(target->user == uri->user && target->password == uri->password &&
          target->database == uri->database);
  require(target->user_options.empty());
  for (const auto& [name, value] : target->parameters)
    require(name == "application_name" || name == "channel_binding");
  return 0;
}

// link: athena_engines_postgres
// Connection texts: read or refused, and a refusal never repeats a part of the text (it may hold a password).
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "engines/postgres/target.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace athena;
  if (size > 4096) return 0;
  contract::PostgresConnection connection;
  connection.uri.assign(reinterpret_cast<const char*>(data), size);
  const auto target = postgres::parse_target(connection);
  if (!target) {
    require(target.error().code() == contract::ErrorCode::invalid_payload);
    require(target.error().text().size() < 160);
    return 0;
  }
  require(!target->hosts.empty() && target->hosts.size() <= 16);
  for (const auto& host : target->hosts) {
    const int port = std::stoi(host.port);
    require(port >= 1 && port <= 65535);
    require(host.host.find('\0') == std::string::npos);
  }
  for (const auto& [name, value] : target->parameters) {
    require(name != "service" && name != "passfile" && name != "host" && name != "options");
  }
  postgres::StartupOptions options;
  options.set("search_path", connection.uri);
  // Nothing unescaped splits it: each blank has its backslash.
  const std::string_view text = options.text();
  std::size_t blanks = 0;
  for (std::size_t i = 3; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == ' ' || (text[i] >= '\t' && text[i] <= '\r')) {
      ++blanks;
    }
  }
  require(blanks == 0);
  return 0;
}

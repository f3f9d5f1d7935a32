#include "engines/postgres/target.h"

#include <algorithm>
#include <array>

#include "engines/postgres/connect.h"

namespace athena::postgres {
namespace {

// What a URI may set beyond host, user and the like. Nothing that reads further files of the account
// (service, passfile) or changes what Athena relies on (client_encoding, replication, gssencmode).
constexpr std::array<std::string_view, 18> kPassedOn = {"application_name",
                                                        "channel_binding",
                                                        "keepalives",
                                                        "keepalives_idle",
                                                        "keepalives_interval",
                                                        "keepalives_count",
                                                        "krbsrvname",
                                                        "sslcert",
                                                        "sslcompression",
                                                        "sslcrl",
                                                        "sslkey",
                                                        "sslpassword",
                                                        "sslrootcert",
                                                        "sslsni",
                                                        "ssl_max_protocol_version",
                                                        "ssl_min_protocol_version",
                                                        "target_session_attrs",
                                                        "tcp_user_timeout"};

std::vector<std::string> split(std::string_view list) {
  std::vector<std::string> parts;
  for (;;) {
    const auto comma = list.find(',');
    parts.emplace_back(list.substr(0, comma));
    if (comma == std::string_view::npos) return parts;
    list.remove_prefix(comma + 1);
  }
}

bool parse_mode(std::string_view text, Target::SslMode& mode) {
  using Mode = Target::SslMode;
  static constexpr std::pair<std::string_view, Mode> kModes[] = {
      {"disable", Mode::disable}, {"allow", Mode::allow},         {"prefer", Mode::prefer},
      {"require", Mode::require}, {"verify-ca", Mode::verify_ca}, {"verify-full", Mode::verify_full}};
  for (const auto& [name, value] : kModes) {
    if (name == text) return mode = value, true;
  }
  return false;
}

contract::Error malformed(std::string text) {
  return {contract::ErrorCode::invalid_payload, std::move(text)};
}

}  // namespace

contract::Result<Target> parse_target(const contract::PostgresConnection& connection) {
  std::string_view text = connection.uri;
  if (text.starts_with("jdbc:")) text.remove_prefix(5);
  if (text.find('\0') != std::string_view::npos) return malformed("The PostgreSQL URI holds a NUL byte.");
  const auto keywords = parse_conninfo(std::string(text));
  if (!keywords) return malformed("The PostgreSQL URI is malformed.");

  Target target;
  std::vector<std::string> hosts(1), addresses, ports;
  std::string mode = connection.sslmode;
  const auto file = [&target](std::string_view name, const std::string& path) {
    if (!path.empty()) target.parameters.emplace_back(name, path);
  };
  file("sslrootcert", connection.sslrootcert);
  file("sslcert", connection.sslcert);
  file("sslkey", connection.sslkey);
  for (const auto& [name, value] : *keywords) {
    if (name == "host") {
      hosts = split(value);
    } else if (name == "hostaddr") {
      addresses = split(value);
    } else if (name == "port") {
      ports = split(value);
    } else if (name == "user") {
      target.user = value;
    } else if (name == "password") {
      target.password = value;
    } else if (name == "dbname") {
      target.database = value;
    } else if (name == "options") {
      target.user_options = value;
    } else if (name == "sslmode") {
      mode = value;
    } else if (std::ranges::find(kPassedOn, name) != kPassedOn.end()) {
      std::erase_if(target.parameters,
                    [&keyword = name](const auto& given) { return given.first == keyword; });
      target.parameters.emplace_back(name, value);
    } else if (name != "connect_timeout" && name != "client_encoding" &&
               name != "fallback_application_name") {
      return malformed("The PostgreSQL URI sets \"" + name + "\", which is not supported.");
    }
  }
  if (!parse_mode(mode, target.sslmode))
    return malformed("sslmode is none of disable, allow, prefer, require, verify-ca, verify-full.");
  const std::size_t count = std::max(hosts.size(), addresses.size());
  if ((hosts.size() != count && hosts.size() != 1) || (!addresses.empty() && addresses.size() != count) ||
      (ports.size() > 1 && ports.size() != count) || count > 16) {
    return malformed("The PostgreSQL URI names different numbers of hosts, addresses and ports.");
  }
  for (std::size_t index = 0; index < count; ++index) {
    Target::Host host;
    host.host = index < hosts.size() ? hosts[index] : std::string();
    if (!addresses.empty()) host.hostaddr = addresses[index];
    host.port = ports.empty() ? std::string() : ports.size() == 1 ? ports[0] : ports[index];
    if (host.port.empty()) host.port = "5432";
    const bool digits =
        host.port.size() <= 5 && std::ranges::all_of(host.port, [](char c) { return c >= '0' && c <= '9'; });
    if (!digits || std::stoi(host.port) < 1 || std::stoi(host.port) > 65535) {
      return malformed("The PostgreSQL URI names a port that is none.");
    }
    target.hosts.push_back(std::move(host));
  }
  return target;
}

StartupOptions& StartupOptions::set(std::string_view name, std::string_view value) {
  if (!text_.empty()) text_ += ' ';
  text_.append("-c ").append(name).append("=");
  for (const char c : value) {
    if (c == '\\' || c == ' ' || (c >= '\t' && c <= '\r')) text_ += '\\';
    text_ += c;
  }
  return *this;
}

StartupOptions& StartupOptions::append_raw(std::string_view options) {
  if (options.empty()) return *this;
  if (!text_.empty()) text_ += ' ';
  text_.append(options);
  return *this;
}

}  // namespace athena::postgres

#include "engines/postgres/direct_uri.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace athena::postgres {
namespace {

using contract::Error;
using contract::ErrorCode;

constexpr std::size_t kLongestUri = 4096;
constexpr int kLongestConnectTimeout = 3600;

// Parameters that libpq or JDBC drivers know: these may be named in an error. Any other text behind `?` may
// be a part of a password that was not escaped.
constexpr std::array<std::string_view, 48> kKnown = {"user",
                                                     "password",
                                                     "sslmode",
                                                     "application_name",
                                                     "connect_timeout",
                                                     "channel_binding",  // allowed
                                                     "host",
                                                     "hostaddr",
                                                     "port",
                                                     "dbname",
                                                     "service",
                                                     "servicefile",
                                                     "options",
                                                     "passfile",
                                                     "sslcert",
                                                     "sslkey",
                                                     "sslpassword",
                                                     "sslrootcert",
                                                     "sslcrl",
                                                     "sslcrldir",
                                                     "sslcompression",
                                                     "sslsni",
                                                     "sslnegotiation",
                                                     "gssencmode",
                                                     "gsslib",
                                                     "gssdelegation",
                                                     "krbsrvname",
                                                     "requirepeer",
                                                     "require_auth",
                                                     "target_session_attrs",
                                                     "load_balance_hosts",
                                                     "replication",
                                                     "client_encoding",
                                                     "fallback_application_name",
                                                     "keepalives",
                                                     "keepalives_idle",
                                                     "keepalives_interval",
                                                     "keepalives_count",
                                                     "tcp_user_timeout",
                                                     "ssl",
                                                     "ssl_min_protocol_version",
                                                     "ssl_max_protocol_version",
                                                     "sslfactory",
                                                     "socketFactory",
                                                     "socketFactoryArg",
                                                     "currentSchema",
                                                     "loggerFile",
                                                     "passwordfile"};

class Parser {
 public:
  Parser(std::string_view header, std::string_view text) : header_(header), rest_(text) {}

  contract::Result<DirectUri> parse() {
    if (auto read = read_all(); !read) return read.error();
    if (uri_.host.empty()) return lacks("host");
    if (uri_.user.empty()) return lacks("user");
    if (uri_.database.empty()) uri_.database = uri_.user;
    return std::move(uri_);
  }

 private:
  contract::Result<void> read_all() {
    const auto visible = [](char c) { return c > ' ' && c <= '~'; };
    if (rest_.size() > kLongestUri) return malformed("is longer than 4096 bytes");
    if (!std::ranges::all_of(rest_, visible))
      return malformed("holds a character that must be percent-encoded");
    if (!take("jdbc:postgresql://") && !take("postgresql://") && !take("postgres://"))
      return malformed("must have the scheme postgres, postgresql or jdbc:postgresql");
    if (rest_.find('#') != std::string_view::npos) return malformed("holds a # that must be percent-encoded");
    const auto query = rest_.find('?');
    const auto path_end = query == std::string_view::npos ? rest_.size() : query;
    const auto slash = std::min(rest_.find('/'), path_end);
    const auto authority = rest_.substr(0, slash);
    if (auto read = read_authority(authority); !read) return read;
    if (slash < path_end) {
      const auto path = rest_.substr(slash + 1, path_end - slash - 1);
      if (path.find_first_of("/@:") != std::string_view::npos)
        return malformed("names a database with a character that must be percent-encoded");
      if (!decode(path, uri_.database)) return malformed("has a broken percent escape");
    }
    if (query == std::string_view::npos) return {};
    return read_parameters(rest_.substr(query + 1));
  }

  contract::Result<void> read_authority(std::string_view authority) {
    auto host = authority;
    if (const auto at = authority.find('@'); at != std::string_view::npos) {
      const auto login = authority.substr(0, at);
      host = authority.substr(at + 1);
      const auto colon = login.find(':');
      if (host.find('@') != std::string_view::npos ||
          (colon != std::string_view::npos && login.find(':', colon + 1) != std::string_view::npos)) {
        return malformed("has a user or password with a character that must be percent-encoded");
      }
      if (!decode(login.substr(0, colon), uri_.user)) return malformed("has a broken percent escape");
      if (colon != std::string_view::npos) {
        if (!decode(login.substr(colon + 1), uri_.password)) return malformed("has a broken percent escape");
        has_password_ = true;
      }
    }
    if (host.find(',') != std::string_view::npos) return malformed("names more than one host");
    std::string_view port;
    if (host.starts_with('[')) {
      const auto end = host.find(']');
      if (end == std::string_view::npos) return malformed("has a [ without ]");
      const auto behind = host.substr(end + 1);
      if (!behind.empty() && !behind.starts_with(':')) return malformed("has text behind the ] of its host");
      if (!behind.empty()) port = behind.substr(1);
      host = host.substr(0, end + 1);  // with its brackets: only an IPv6 address may stand in them
      uri_.host = host;
    } else {
      const auto colon = host.find(':');
      if (colon != std::string_view::npos) port = host.substr(colon + 1);
      if (!decode(host.substr(0, colon), uri_.host)) return malformed("has a broken percent escape");
    }
    if (uri_.host.starts_with('/') || uri_.host.starts_with('@')) {
      return Error(ErrorCode::target_not_allowed,
                   "The host of " + std::string(header_) + " is not allowed: a socket path.")
          .with("rule", "socket_path");
    }
    const bool has_colon = authority.ends_with(':');
    if (port.empty()) return has_colon ? malformed("has a : without a port") : contract::Result<void>();
    const auto* const end = port.data() + port.size();
    const auto parsed = std::from_chars(port.data(), end, uri_.port);
    if (parsed.ec != std::errc() || parsed.ptr != end || uri_.port == 0)
      return malformed("names a port that is none of 1 to 65535");
    return {};
  }

  contract::Result<void> read_parameters(std::string_view query) {
    while (!query.empty()) {
      const auto end = std::min(query.find('&'), query.size());
      const auto pair = query.substr(0, end);
      query.remove_prefix(std::min(end + 1, query.size()));
      if (pair.empty()) continue;
      const auto equals = pair.find('=');
      const auto name = pair.substr(0, equals);
      if (equals == std::string_view::npos) return wrong_parameter(name, "has no value");
      std::string value;
      if (!decode(pair.substr(equals + 1), value))
        return wrong_parameter(name, "has a broken percent escape");
      if (auto set = set_parameter(name, std::move(value)); !set) return set;
    }
    return {};
  }

  contract::Result<void> set_parameter(std::string_view name, std::string value) {
    const auto once = [&](std::string& member, bool given) -> contract::Result<void> {
      if (given) return wrong_parameter(name, "is given twice");
      member = std::move(value);
      return {};
    };
    if (name == "user") return once(uri_.user, !uri_.user.empty());
    if (name == "password") {
      auto set = once(uri_.password, has_password_);
      has_password_ = true;
      return set;
    }
    if (name == "application_name") return once(uri_.application_name, !uri_.application_name.empty());
    if (name == "sslmode") {
      if (!is_one_of(value, {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}))
        return wrong_parameter(name, "is none of disable, allow, prefer, require, verify-ca, verify-full");
      return once(uri_.sslmode, !uri_.sslmode.empty());
    }
    if (name == "channel_binding") {
      if (!is_one_of(value, {"disable", "prefer", "require"}))
        return wrong_parameter(name, "is none of disable, prefer, require");
      return once(uri_.channel_binding, !uri_.channel_binding.empty());
    }
    if (name == "connect_timeout") {
      if (uri_.connect_timeout_seconds != 0) return wrong_parameter(name, "is given twice");
      const auto* const end = value.data() + value.size();
      const auto parsed = std::from_chars(value.data(), end, uri_.connect_timeout_seconds);
      if (parsed.ec != std::errc() || parsed.ptr != end || uri_.connect_timeout_seconds < 1 ||
          uri_.connect_timeout_seconds > kLongestConnectTimeout) {
        return wrong_parameter(name, "is no whole number from 1 to 3600");
      }
      return {};
    }
    return wrong_parameter(name, "is not allowed");
  }

  bool take(std::string_view prefix) {
    if (!rest_.starts_with(prefix)) return false;
    rest_.remove_prefix(prefix.size());
    return true;
  }

  static bool is_one_of(std::string_view value, std::initializer_list<std::string_view> list) {
    return std::ranges::find(list, value) != list.end();
  }

  static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  }

  static bool decode(std::string_view text, std::string& out) {
    out.clear();
    for (std::size_t at = 0; at < text.size(); ++at) {
      if (text[at] != '%') {
        out += text[at];
        continue;
      }
      if (at + 2 >= text.size()) return false;
      const int high = hex_digit(text[at + 1]), low = hex_digit(text[at + 2]);
      if (high < 0 || low < 0 || high + low == 0) return false;
      out += static_cast<char>(high * 16 + low);
      at += 2;
    }
    return true;
  }

  [[nodiscard]] Error malformed(std::string_view what) const {
    return Error(ErrorCode::invalid_value,
                 "The URI in " + std::string(header_) + " " + std::string(what) + ".")
        .with("member", header_);
  }
  [[nodiscard]] Error lacks(std::string_view what) const {
    return Error(ErrorCode::invalid_payload,
                 "The URI in " + std::string(header_) + " names no " + std::string(what) + ".")
        .with("member", header_);
  }
  [[nodiscard]] Error wrong_parameter(std::string_view name, std::string_view what) const {
    const bool known = std::ranges::find(kKnown, name) != kKnown.end();
    const auto which = known ? "The parameter " + std::string(name) : std::string("A parameter");
    auto error = Error(ErrorCode::invalid_value,
                       which + " of the URI in " + std::string(header_) + " " + std::string(what) + ".")
                     .with("member", header_);
    if (known) error.with("parameter", name);
    return error;
  }

  std::string_view header_, rest_;
  DirectUri uri_;
  bool has_password_ = false;
};

void append_keyword(std::string& text, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  if (!text.empty()) text += ' ';
  text.append(name).append("='");
  for (const char c : value) {
    if (c == '\'' || c == '\\') text += '\\';
    text += c;
  }
  text += '\'';
}

}  // namespace

contract::Result<DirectUri> parse_direct_uri(std::string_view header, std::string_view text) {
  return Parser(header, text).parse();
}

std::string pinned_connection_text(const DirectUri& uri, std::string_view host, std::string_view address) {
  std::string text;
  append_keyword(text, "host", host);
  append_keyword(text, "hostaddr", address);
  append_keyword(text, "port", std::to_string(uri.port));
  append_keyword(text, "user", uri.user);
  append_keyword(text, "password", uri.password);
  append_keyword(text, "dbname", uri.database);
  append_keyword(text, "sslmode", uri.sslmode.empty() ? std::string_view("prefer") : uri.sslmode);
  append_keyword(text, "application_name", uri.application_name);
  append_keyword(text, "channel_binding", uri.channel_binding);
  if (uri.connect_timeout_seconds != 0)
    append_keyword(text, "connect_timeout", std::to_string(uri.connect_timeout_seconds));
  return text;
}

}  // namespace athena::postgres

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "contract/client_definition.h"
#include "contract/error.h"

namespace athena::postgres {

/// Where and as whom to connect: a definition taken apart once. Holds secrets; never logged, never in an
/// error.
struct Target {
  struct Host {
    std::string host;      ///< name, address or socket folder; empty = the default socket folder
    std::string hostaddr;  ///< address given beside the name; empty = resolve `host`
    std::string port;
    [[nodiscard]] bool is_unix_socket() const {
      return hostaddr.empty() && (host.empty() || host[0] == '/' || host[0] == '@');
    }
  };
  std::vector<Host> hosts;  ///< at least one, tried in order
  enum class SslMode : std::uint8_t { disable, allow, prefer, require, verify_ca, verify_full };
  SslMode sslmode = SslMode::prefer;
  std::string user, password, database;
  std::string user_options;  ///< `options` of the URI; Athena's own win over them
  /// Further libpq keywords of the URI that are passed on as they are (keepalives, sslcert, channel_binding
  /// …).
  std::vector<std::pair<std::string, std::string>> parameters;
};

/// Takes postgres://, postgresql://, jdbc:postgresql:// and key=value texts. What the URI does not name comes
/// from the definition, never from the environment. Errors: invalid_payload without any part of the text (it
/// holds a password).
contract::Result<Target> parse_target(const contract::PostgresConnection& connection);

/// `-c name=value …` of a start-up packet.
class StartupOptions {
 public:
  /// `value` may hold anything: blanks and backslashes are escaped as the server's option parser wants it.
  StartupOptions& set(std::string_view name, std::string_view value);
  /// Ready-made options.
  StartupOptions& append_raw(std::string_view options);
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace athena::postgres
